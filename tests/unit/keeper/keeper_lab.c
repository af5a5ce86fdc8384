#include "keeper_lab.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "keeper.h"

enum {
	DEADLINE = 30, /* seconds of silence until a test gives up */
	PATH = 256,
	FILE_MAX = 1 << 20,
};

static int pipe_fds[2] = {-1, -1};
static int real_stderr = -1;

/* ---- a namespace ------------------------------------------------------ */

void
lab_run(const char *command)
{
	/* NOLINTNEXTLINE(cert-env33-c): fixed commands of a test */
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

static void
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fail_msg("%s: %s", path, strerror(errno));
	close(fd);
}

void
lab_enter_namespace(void)
{
	char map[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (uid == 0) {
		assert_int_equal(unshare(CLONE_NEWNET), 0);
	} else {
		assert_int_equal(unshare(CLONE_NEWUSER | CLONE_NEWNET), 0);
		write_file("/proc/self/setgroups", "deny");
		snprintf(map, sizeof(map), "0 %u 1", uid);
		write_file("/proc/self/uid_map", map);
		snprintf(map, sizeof(map), "0 %u 1", gid);
		write_file("/proc/self/gid_map", map);
	}
	lab_run("ip link set lo up");
	/* cmocka's words are not what the doubles say. */
	stderr = fdopen(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10), "w");
	assert_non_null(stderr);
}

/* ---- what is said ----------------------------------------------------- */

static void
open_pipe(void)
{
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK);
	fcntl(pipe_fds[1], F_SETPIPE_SZ, 1024 * 1024);
	real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	dup2(pipe_fds[1], STDERR_FILENO);
}

static void
close_pipe(void)
{
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

/* Whether anything was said. */
static bool
listen_in(struct lab *l)
{
	char chunk[16384];
	bool heard = false;
	ssize_t n;

	while ((n = read(pipe_fds[0], chunk, sizeof(chunk))) > 0) {
		l->said = realloc(l->said, l->said_len + (size_t)n + 1);
		assert_non_null(l->said);
		memcpy(l->said + l->said_len, chunk, (size_t)n);
		l->said_len += (size_t)n;
		l->said[l->said_len] = '\0';
		heard = true;
	}
	return heard;
}

static void
give_up(struct lab *l, const char *waiting_for)
{
	dup2(real_stderr, STDERR_FILENO);
	fail_msg("%d s of silence, waiting for %s; said was:\n%s", DEADLINE,
		waiting_for, l->said);
}

static void
on_tick(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop, (void)w, (void)revents;
}

void
lab_turn(struct lab *l, const char *waiting_for)
{
	static double since;
	static const char *what;
	ev_timer tick;

	if (what != waiting_for)
		since = ev_time();
	what = waiting_for;
	if (ev_time() - since > DEADLINE)
		give_up(l, waiting_for);
	/* What the doubles say comes through a pipe that is read here. */
	ev_timer_init(&tick, on_tick, 0.01, 0);
	ev_timer_start(l->loop, &tick);
	ev_run(l->loop, EVRUN_ONCE);
	ev_timer_stop(l->loop, &tick);
	/* A thousand changes may take their time, as long as they go on. */
	if (listen_in(l))
		since = ev_time();
}

int
lab_count_said(const struct lab *l, size_t mark, const char *text)
{
	int count = 0;

	for (const char *at = strstr(l->said + mark, text); at != NULL;
		at = strstr(at + 1, text))
		count++;
	return count;
}

void
lab_wait_said(struct lab *l, size_t mark, const char *text, int count)
{
	while (lab_count_said(l, mark, text) < count)
		lab_turn(l, text);
}

void
lab_expect_order(const struct lab *l, size_t mark, const char *const *texts)
{
	const char *at = l->said + mark;

	for (; *texts != NULL; texts++) {
		at = strstr(at, *texts);
		if (at == NULL) {
			fail_msg("not said, or not in its place: \"%s\" "
				 "in:\n%s",
				*texts, l->said + mark);
			return;
		}
		at += strlen(*texts);
	}
}

/* ---- the keeper ------------------------------------------------------- */

static void
on_ready(void *arg)
{
	((struct lab *)arg)->ready = true;
}

static void
on_failed(void *arg, const char *why)
{
	((struct lab *)arg)->failed = strdup(why);
}

static void
on_stopped(void *arg)
{
	((struct lab *)arg)->stopped = true;
}

static const struct keeper_events events = {
	.ready = on_ready,
	.failed = on_failed,
	.stopped = on_stopped,
};

void
lab_done(void *arg, int status, const char *text, const json_t *receipt)
{
	struct lab *l = arg;

	json_decref(l->receipt);
	l->receipt = json_deep_copy(receipt);
	l->done++;
	l->status = status;
	free(l->text);
	l->text = strdup(text);
}

void
lab_wait_done(struct lab *l, int count)
{
	while (l->done < count)
		lab_turn(l, "a change to be done");
}

void
lab_open(struct lab *l)
{
	char path[PATH];

	*l = (struct lab){.loop = ev_loop_new(EVFLAG_AUTO)};
	l->said = strdup("");
	snprintf(l->dir, sizeof(l->dir), "/tmp/sbx-keeper-XXXXXX");
	assert_non_null(mkdtemp(l->dir));
	chmod(l->dir, 0755);
	snprintf(l->config, sizeof(l->config), "%s/sbx-netd.yaml", l->dir);
	snprintf(l->runtime, sizeof(l->runtime), "%s/run", l->dir);
	snprintf(path, sizeof(path), "%s/sandboxes.d", l->dir);
	mkdir(path, 0755);
	open_pipe();
}

void
lab_write(struct lab *l, const char *name, const char *text)
{
	char path[PATH], fresh[PATH];

	snprintf(path, sizeof(path), "%s/%s", l->dir, name);
	snprintf(fresh, sizeof(fresh), "%s/.fresh", l->dir);
	write_file(fresh, text);
	assert_int_equal(rename(fresh, path), 0);
}

char *
lab_read(struct lab *l, const char *name)
{
	char path[PATH], *text = calloc(1, FILE_MAX);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", l->dir, name);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_true(fread(text, 1, FILE_MAX - 1, file) < FILE_MAX);
	fclose(file);
	return text;
}

void
lab_begin(struct lab *l)
{
	struct keeper_options options = {
		.config = l->config,
		.runtime_dir = l->runtime,
		.worker = getenv("WORKER_DOUBLE"),
	};
	char *text;
	int r;

	assert_non_null(options.worker);
	r = keeper_new(l->loop, &options, &events, l, &l->keeper, &text);
	if (r < 0)
		l->failed = text;
}

void
lab_wait_ready(struct lab *l)
{
	while (!l->ready && l->failed == NULL)
		lab_turn(l, "the keeper to be ready");
	if (l->failed != NULL) {
		dup2(real_stderr, STDERR_FILENO);
		fail_msg("it did not start: %s\n%s", l->failed, l->said);
	}
}

void
lab_start(struct lab *l)
{
	lab_begin(l);
	lab_wait_ready(l);
}

void
lab_start_badly(struct lab *l)
{
	lab_begin(l);
	while (!l->ready && l->failed == NULL)
		lab_turn(l, "the keeper to fail");
	assert_false(l->ready);
}

void
lab_close(struct lab *l)
{
	char command[PATH];

	if (l->keeper != NULL && l->failed == NULL) {
		keeper_stop(l->keeper);
		while (!l->stopped)
			lab_turn(l, "the keeper to stop");
	}
	keeper_free(l->keeper);
	ev_loop_destroy(l->loop);
	close_pipe();
	snprintf(command, sizeof(command), "rm -r %s", l->dir);
	lab_run(command);
	free(l->said);
	free(l->failed);
	json_decref(l->receipt);
	free(l->text);
}
