/*
 * source_command.c - a program that prints a credential
 *
 * Theory of operation
 *
 * The program runs with our rights, so nobody else may be able to change it
 * (source_program.h); in a process group of its own, with nothing of ours but
 * its three standard descriptors: /dev/null or a pipe that holds all of its
 * input already, and two pipes.  It is over when
 * the program itself has ended (pidfd), when its time is up, or when it has
 * printed too much.  In each case the group is killed first and the program
 * reaped after: until then its number, and so the group's, cannot be anybody
 * else's.
 * What is still in the pipe counts, but its end is not waited for: a child that
 * left the group may hold it open for ever.
 *
 * Standard error goes into our log, cut to a line; not at all if the value is
 * in it, or could be: a beginning of it where the line is cut, anything where
 * there was output but no value, and of a format with several fields any of the
 * others.
 */
#include "source_command.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <ev.h>

#include "array.h"
#include "log.h"
#include "secret.h"
#include "secret_format.h"
#include "source_program.h"

enum {
	OUT_MAX = SECRET_MAX + 1, /* and a newline */
	ERR_MAX = 400,            /* what of it goes into the log */
	READS_MAX = 32,           /* a callback; a pipe is empty long before */
	REAP_MS = 1000, /* after SIGKILL; longer only in a broken kernel */
	REASON = 128,
	ENV_MAX = 8,
	FIRST_OTHER_FD = 3,
};

struct output {
	struct ev_io io; /* fd -1: closed */
	char *data;
	size_t size, len;
	bool overflow; /* there was more than size */
};

struct source_command {
	struct ev_loop *loop;
	const struct source_command_order *order;
	pid_t pid; /* 0: not started, or reaped */
	struct ev_io exit;
	struct ev_timer timeout;
	struct output out, err;
	char out_data[OUT_MAX];
	char err_data[ERR_MAX];
};

extern char **environ;

static void
close_io(struct ev_loop *loop, struct ev_io *io)
{
	ev_io_stop(loop, io);
	if (io->fd >= 0)
		close(io->fd);
	ev_io_set(io, -1, EV_READ);
}

/* Asks how the program ended; false if somebody else reaped it. */
static bool
ask_status(const struct source_command *c, int options, siginfo_t *ret)
{
	*ret = (siginfo_t){.si_pid = 0};
	return waitid(P_PIDFD, (id_t)c->exit.fd, ret,
		       WEXITED | WNOHANG | options) == 0;
}

/*
 * Kills what is left of the group and reaps the program.  True if it had ended
 * with status 0 before that; else fault says how it ended.
 */
static bool
end_group(struct source_command *c, char fault[REASON])
{
	struct pollfd ended = {.fd = c->exit.fd, .events = POLLIN};
	siginfo_t info;

	/* Reaped already: the number of the group is free for others. */
	if (ask_status(c, WNOWAIT, &info))
		kill(-c->pid, SIGKILL);
	poll(&ended, 1, REAP_MS);
	c->pid = 0;
	if (!ask_status(c, 0, &info) || info.si_pid == 0)
		snprintf(fault, REASON, "its exit status is gone");
	else if (info.si_code == CLD_EXITED && info.si_status == 0)
		return true;
	else if (info.si_code == CLD_EXITED)
		snprintf(fault, REASON, "exit status %d", info.si_status);
	else
		snprintf(fault, REASON, "killed by signal %d", info.si_status);
	return false;
}

void
source_command_cancel(struct source_command *c)
{
	char ignored[REASON];

	if (c == NULL)
		return;
	if (c->pid != 0)
		end_group(c, ignored);
	ev_timer_stop(c->loop, &c->timeout);
	close_io(c->loop, &c->exit);
	close_io(c->loop, &c->out.io);
	close_io(c->loop, &c->err.io);
	explicit_bzero(c, sizeof(*c));
	free(c);
}

static void
trim(struct output *o)
{
	while (o->len > 0 && o->data[o->len - 1] == '\n')
		o->len--;
}

/* Nothing that a terminal would obey. */
static void
make_printable(struct output *o)
{
	for (size_t i = 0; i < o->len; i++)
		if (o->data[i] < ' ' || o->data[i] > '~')
			o->data[i] = ' ';
}

/* Whether err holds the value, or a beginning of it where err was cut. */
static bool
tells(const struct output *err, const struct secret *value)
{
	struct span span = secret_bytes(value);
	size_t n = span.len < err->len ? span.len : err->len;

	if (memmem(err->data, err->len, span.ptr, span.len) != NULL)
		return true;
	if (err->len < err->size)
		return false;
	while (n > 0 && memcmp(err->data + err->len - n, span.ptr, n) != 0)
		n--;
	return n > 0;
}

static void
log_stderr(struct source_command *c, const struct secret *value)
{
	bool is_raw = c->order->format.kind == SECRET_FORMAT_RAW;
	struct output *err = &c->err;
	const char *instead = "";

	if (err->len == 0)
		return;
	if ((value == NULL || !is_raw) && c->out.len > 0) {
		err->len = 0;
		instead = "(wrote to standard error what may be secret)";
	} else if (value != NULL && tells(err, value)) {
		err->len = 0;
		instead = "(wrote its value to standard error)";
	}
	make_printable(err);
	log_notice("credential %s: %s: %.*s%s", c->order->name,
		c->order->argv[0], (int)err->len, err->data, instead);
}

/* Moves what our own program says of its failure to where faults are. */
static void
take_reason(struct source_command *c, char reason[REASON])
{
	make_printable(&c->err);
	snprintf(reason, REASON, "%.*s", (int)c->err.len, c->err.data);
	c->err.len = 0;
}

/* fault: why there is no value, or NULL. */
static void
finish(struct source_command *c, const char *fault)
{
	const struct source_command_order *order = c->order;
	struct secret *value = NULL;
	char reason[REASON] = "";
	int64_t expires = 0;

	trim(&c->err);
	if (fault != NULL && order->is_ours && c->err.len > 0)
		take_reason(c, reason);
	else if (fault != NULL)
		snprintf(reason, sizeof(reason), "%s", fault);
	else
		value = secret_format_read(&order->format,
			(struct span){c->out.data, c->out.len}, time(NULL),
			&expires, reason, sizeof(reason));
	log_stderr(c, value);
	source_command_cancel(c);
	order->done(order->arg, value, expires, reason);
	secret_unref(value);
}

static ssize_t
read_some(struct output *o)
{
	char rest[256];
	ssize_t n;

	if (o->len < o->size) {
		n = read(o->io.fd, o->data + o->len, o->size - o->len);
		if (n > 0)
			o->len += (size_t)n;
		return n;
	}
	n = read(o->io.fd, rest, sizeof(rest));
	if (n > 0)
		o->overflow = true;
	explicit_bzero(rest, sizeof(rest));
	return n;
}

static void
drain(struct ev_loop *loop, struct output *o)
{
	for (int i = 0; i < READS_MAX && o->io.fd >= 0; i++) {
		ssize_t n = read_some(o);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			close_io(loop, &o->io);
	}
}

static const char too_much[] = "printed more than 64 KiB";

static void
on_output(struct ev_loop *loop, struct ev_io *io, int revents)
{
	struct source_command *c = io->data;

	(void)revents;
	drain(loop, io == &c->out.io ? &c->out : &c->err);
	if (c->out.overflow)
		finish(c, too_much);
}

static void
on_exit_status(struct ev_loop *loop, struct ev_io *io, int revents)
{
	struct source_command *c = io->data;
	char fault[REASON];
	bool ok;

	(void)revents;
	ok = end_group(c, fault);
	drain(loop, &c->out);
	drain(loop, &c->err);
	finish(c, c->out.overflow ? too_much : ok ? NULL : fault);
}

static void
on_timeout(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct source_command *c = timer->data;
	char fault[REASON];

	(void)revents;
	drain(loop, &c->out);
	snprintf(fault, sizeof(fault), "did not end within %u seconds",
		c->order->timeout_seconds);
	finish(c, fault);
}

/* What ordinary programs need to find their way; none of our own secrets. */
static void
fill_environment(char *env[ENV_MAX])
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:"
			     "/usr/bin:/sbin:/bin";
	static const char *const passed[] = {
		"HOME=", "USER=", "LOGNAME=", "LANG="};
	size_t n = 0;

	static_assert(ARRAY_LEN(passed) + 2 <= ENV_MAX, "room for all");
	env[n++] = path;
	for (size_t i = 0; i < ARRAY_LEN(passed); i++) {
		size_t len = strlen(passed[i]);
		char **e = environ;

		while (*e != NULL && strncmp(*e, passed[i], len) != 0)
			e++;
		if (*e != NULL)
			env[n++] = *e;
	}
	env[n] = NULL;
}

struct ends {   /* the program's */
	int in; /* -1: /dev/null */
	int out, err;
};

static int
spawn(char *const *argv, const struct ends *ends, pid_t *ret)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	char *env[ENV_MAX];
	sigset_t signals;
	int r;

	fill_environment(env);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	sigemptyset(&signals);
	posix_spawnattr_setsigmask(&attr, &signals);
	sigfillset(&signals);
	sigdelset(&signals, SIGKILL);
	sigdelset(&signals, SIGSTOP);
	posix_spawnattr_setsigdefault(&attr, &signals);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP |
						POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF);
	r = ends->in >= 0 ? posix_spawn_file_actions_adddup2(
				    &files, ends->in, STDIN_FILENO)
			  : posix_spawn_file_actions_addopen(&files,
				    STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	r |= posix_spawn_file_actions_adddup2(&files, ends->out, STDOUT_FILENO);
	r |= posix_spawn_file_actions_adddup2(&files, ends->err, STDERR_FILENO);
	r |= posix_spawn_file_actions_addclosefrom_np(&files, FIRST_OTHER_FD);
	r |= posix_spawn_file_actions_addchdir_np(&files, "/");
	r = r != 0 ? ENOMEM
		   : posix_spawn(ret, argv[0], &files, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return -r;
}

/* One end for us, in o and not blocking; the other in *ret, to be closed. */
static int
open_pipe(struct output *o, int *ret)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	ev_io_set(&o->io, fds[0], EV_READ);
	*ret = fds[1];
	return fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

/* The end to read from, with all of text in it, in *ret. */
static int
open_input(const char *text, int *ret)
{
	size_t len = strlen(text);
	int fds[2];
	ssize_t n;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	assert(len <= SOURCE_INPUT_MAX);
	n = write(fds[1], text, len);
	close(fds[1]);
	*ret = fds[0];
	return n == (ssize_t)len ? 0 : -EIO;
}

static int
start(struct source_command *c)
{
	struct ends ends = {-1, -1, -1};
	int r = 0;

	if (c->order->input != NULL)
		r = open_input(c->order->input, &ends.in);
	if (r == 0)
		r = open_pipe(&c->out, &ends.out);
	if (r == 0)
		r = open_pipe(&c->err, &ends.err);
	if (r == 0)
		r = spawn(c->order->argv, &ends, &c->pid);
	if (r < 0)
		c->pid = 0;
	if (ends.in >= 0)
		close(ends.in);
	if (ends.out >= 0)
		close(ends.out);
	if (ends.err >= 0)
		close(ends.err);
	return r;
}

static struct source_command *
new_command(struct ev_loop *loop, const struct source_command_order *order)
{
	struct source_command *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->loop = loop;
	c->order = order;
	c->out.data = c->out_data;
	c->out.size = sizeof(c->out_data);
	c->err.data = c->err_data;
	c->err.size = sizeof(c->err_data);
	ev_io_init(&c->exit, on_exit_status, -1, EV_READ);
	ev_io_init(&c->out.io, on_output, -1, EV_READ);
	ev_io_init(&c->err.io, on_output, -1, EV_READ);
	ev_timer_init(&c->timeout, on_timeout, order->timeout_seconds, 0);
	c->exit.data = c->out.io.data = c->err.io.data = c;
	c->timeout.data = c;
	return c;
}

static int
run(struct source_command *c)
{
	int r = start(c), fd;

	if (r < 0)
		return r;
	fd = pidfd_open(c->pid, 0);
	if (fd >= 0) {
		ev_io_set(&c->exit, fd, EV_READ);
		return 0;
	}
	r = -errno;
	if (r != -ESRCH) {
		kill(-c->pid, SIGKILL);
		waitpid(c->pid, NULL, 0);
	}
	c->pid = 0;
	return r;
}

int
source_command_start(struct ev_loop *loop,
	const struct source_command_order *order, struct source_command **ret,
	char *reterr, size_t reterr_size)
{
	struct source_command *c;
	int r = order->is_ours ? 0
			       : source_program_check(
					 order->argv[0], reterr, reterr_size);

	if (r < 0)
		return r;
	c = new_command(loop, order);
	r = c != NULL ? run(c) : -ENOMEM;
	if (r < 0) {
		snprintf(reterr, reterr_size, "%s", strerror(-r));
		source_command_cancel(c);
		return r;
	}
	ev_io_start(loop, &c->exit);
	ev_io_start(loop, &c->out.io);
	ev_io_start(loop, &c->err.io);
	/* The time counts from now, not from when the loop last woke. */
	ev_now_update(loop);
	ev_timer_start(loop, &c->timeout);
	*ret = c;
	return 0;
}
