#include "setup_run.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_MAX = 1024 * 1024 };

static const double DEADLINE = 30;

struct setup_run {
	struct ev_loop *loop;
	struct setup_run_events events;
	int output; /* a memfd, or -1 */
	int pidfd;
	ev_io end;
	ev_timer deadline;
};

static void
kill_it(struct setup_run *c)
{
	syscall(SYS_pidfd_send_signal, c->pidfd, SIGKILL, NULL, 0);
}

static void
stop(struct setup_run *c)
{
	ev_io_stop(c->loop, &c->end);
	ev_timer_stop(c->loop, &c->deadline);
	close(c->pidfd);
	c->pidfd = -1;
}

static void
on_end(struct ev_loop *loop, ev_io *w, int revents)
{
	struct setup_run *c = w->data;
	siginfo_t info = {0};

	(void)loop, (void)revents;
	if (waitid(P_PIDFD, (id_t)c->pidfd, &info, WEXITED | WNOHANG) == 0 &&
		info.si_pid == 0)
		return;
	stop(c);
	c->events.done(c->events.arg,
		info.si_code == CLD_EXITED ? info.si_status : -info.si_status);
}

static void
on_deadline(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop, (void)revents;
	kill_it(w->data);
}

/* output: where what it prints goes; -1: to our standard error. */
static int
start(const char *const *argv, int output, pid_t *ret)
{
	/* What a root shell needs and nothing of our environment, in which
	 * there may be credentials. */
	char *const environment[] = {
		(char[]){"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setflags(
		&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(
		&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(
		&actions, output >= 0 ? output : STDERR_FILENO, STDOUT_FILENO);
	r = posix_spawn(ret, argv[0], &actions, &attributes,
		(char *const *)(uintptr_t)argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return -r;
}

int
setup_run_start(struct ev_loop *loop, const char *const *argv,
	const struct setup_run_events *events, struct setup_run **ret)
{
	struct setup_run *c = calloc(1, sizeof(*c));
	pid_t pid = -1;
	int r;

	if (c == NULL)
		return -ENOMEM;
	c->loop = loop;
	c->events = *events;
	c->output = c->pidfd = -1;
	if (events->capture)
		c->output = memfd_create("sbx-net-setup", MFD_CLOEXEC);
	r = events->capture && c->output < 0 ? -errno
					     : start(argv, c->output, &pid);
	if (r == 0) {
		c->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		r = c->pidfd < 0 ? -errno : 0;
	}
	if (r < 0) {
		setup_run_free(c);
		return r;
	}
	ev_io_init(&c->end, on_end, c->pidfd, EV_READ);
	ev_timer_init(&c->deadline, on_deadline, DEADLINE, 0);
	c->end.data = c->deadline.data = c;
	ev_io_start(loop, &c->end);
	ev_timer_start(loop, &c->deadline);
	*ret = c;
	return 0;
}

char *
setup_run_text(struct setup_run *c)
{
	struct stat st;
	char *text;
	ssize_t n;

	if (c->output < 0 || fstat(c->output, &st) < 0 ||
		st.st_size > OUTPUT_MAX)
		return NULL;
	text = malloc((size_t)st.st_size + 1);
	if (text == NULL)
		return NULL;
	n = pread(c->output, text, (size_t)st.st_size, 0);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

void
setup_run_free(struct setup_run *c)
{
	if (c == NULL)
		return;
	if (c->pidfd >= 0) {
		kill_it(c);
		waitid(P_PIDFD, (id_t)c->pidfd, NULL, WEXITED);
		stop(c);
	}
	if (c->output >= 0)
		close(c->output);
	free(c);
}
