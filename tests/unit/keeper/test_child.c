/* The life of one worker process, without a keeper. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <ev.h>

#include "child.h"
#include "identity.h"
#include "launch.h"
#include "link_message.h"

enum {
	DEADLINE = 20, /* seconds until a test gives up */
	DEATHS = 16,
};

struct watcher {
	struct ev_loop *loop;
	struct identity identity;
	struct launch launch;
	struct child *child;
	int started, died;
	double when[DEATHS];
	char how[128];
};

static const char *const argv[] = {"worker", NULL};

static void
on_started(void *arg, struct child *child)
{
	struct watcher *w = arg;

	(void)child;
	w->started++;
}

static void
on_message(void *arg, struct child *child, const struct link_message *m)
{
	(void)arg, (void)child, (void)m;
}

static void
on_died(void *arg, struct child *child, const char *how)
{
	struct watcher *w = arg;

	(void)child;
	assert_in_range(w->died, 0, DEATHS - 1);
	w->when[w->died++] = ev_now(w->loop);
	snprintf(w->how, sizeof(w->how), "%s", how);
}

static const struct child_events events = {on_started, on_message, on_died};

static void
watch_with(struct watcher *w, const char *program, const char *const words[])
{
	*w = (struct watcher){.loop = ev_loop_new(EVFLAG_AUTO)};
	w->identity = (struct identity){.uid = geteuid(), .gid = getegid()};
	w->launch = (struct launch){"worker", launch_open(program), words,
		&w->identity, LAUNCH_NO_CAPABILITY};
	assert_true(w->launch.program >= 0);
	w->child = child_new(w->loop, 0, &w->launch, &events, w);
	assert_non_null(w->child);
	assert_int_equal(child_start(w->child), 0);
}

static void
watch(struct watcher *w, const char *program)
{
	watch_with(w, program, argv);
}

static void
unwatch(struct watcher *w)
{
	child_free(w->child);
	close(w->launch.program);
	ev_loop_destroy(w->loop);
}

static void
on_tick(struct ev_loop *loop, ev_timer *t, int revents)
{
	(void)loop, (void)t, (void)revents;
}

static void
wait_deaths(struct watcher *w, int count)
{
	double until = ev_time() + DEADLINE;
	ev_timer tick;

	ev_timer_init(&tick, on_tick, 0.1, 0.1);
	ev_timer_start(w->loop, &tick);
	while (w->died < count) {
		if (ev_time() > until)
			fail_msg("%d deaths in %d s, not %d", w->died, DEADLINE,
				count);
		ev_run(w->loop, EVRUN_ONCE);
	}
	ev_timer_stop(w->loop, &tick);
}

static void
test_one_that_dies_is_started_at_once_then_later(void **state)
{
	struct watcher w;

	(void)state;
	watch(&w, "/bin/false");
	wait_deaths(&w, 6);
	assert_string_equal(w.how, "exit status 1");
	assert_int_equal(w.started, 6);
	/* Five at once, where four waits would take four; then a second's. */
	assert_true(w.when[4] - w.when[0] < 4);
	assert_true(w.when[5] - w.when[4] > 0.9);
	assert_int_equal(child_restarts(w.child), 5);
	unwatch(&w);
}

static void
test_a_program_that_cannot_run_is_a_death(void **state)
{
	struct watcher w;

	(void)state;
	watch(&w, "/dev/null");
	wait_deaths(&w, 1);
	assert_string_equal(w.how, "exit status 126");
	unwatch(&w);
}

static void
test_a_signal_is_named(void **state)
{
	struct watcher w;

	(void)state;
	watch(&w, getenv("WORKER_DOUBLE"));
	assert_int_equal(kill(child_pid(w.child), SIGABRT), 0);
	wait_deaths(&w, 1);
	assert_string_equal(w.how, "killed by SIGABRT");
	unwatch(&w);
}

static void
test_a_kill_is_explained(void **state)
{
	struct watcher w;

	(void)state;
	watch(&w, getenv("WORKER_DOUBLE"));
	child_kill(w.child, "because");
	assert_int_equal(child_state(w.child), CHILD_DYING);
	assert_false(child_has_link(w.child));
	wait_deaths(&w, 1);
	assert_string_equal(w.how, "because");
	unwatch(&w);
}

/* Its link is gone before it is, as of any that is killed. */
static void
test_a_kill_of_somebody_else_is_not_ours(void **state)
{
	static const char *const mute[] = {"worker", "--mute", NULL};
	struct watcher w;

	(void)state;
	watch_with(&w, getenv("WORKER_DOUBLE"), mute);
	while (child_has_link(w.child))
		ev_run(w.loop, EVRUN_ONCE);
	assert_int_equal(w.died, 0);
	assert_int_equal(kill(child_pid(w.child), SIGKILL), 0);
	wait_deaths(&w, 1);
	assert_string_equal(w.how, "killed by SIGKILL");
	unwatch(&w);
}

static int
open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void
test_what_it_gives_is_not_kept(void **state)
{
	static const char *const gift[] = {"worker", "--gift", NULL};
	int before = open_descriptors();
	struct watcher w;

	(void)state;
	watch_with(&w, getenv("WORKER_DOUBLE"), gift);
	wait_deaths(&w, 1);
	unwatch(&w);
	assert_int_equal(open_descriptors(), before);
	assert_string_equal(w.how, "the peer broke the protocol");
}

static void
test_one_that_is_stopped_stays_dead(void **state)
{
	struct watcher w;

	(void)state;
	watch(&w, getenv("WORKER_DOUBLE"));
	child_stop(w.child);
	wait_deaths(&w, 1);
	assert_string_equal(w.how, "exit status 0");
	ev_run(w.loop, EVRUN_NOWAIT);
	assert_int_equal(child_state(w.child), CHILD_DOWN);
	assert_int_equal(w.started, 1);
	unwatch(&w);
}

static void
test_freed_is_dead(void **state)
{
	struct watcher w;
	pid_t pid;

	(void)state;
	watch(&w, getenv("WORKER_DOUBLE"));
	pid = child_pid(w.child);
	unwatch(&w);
	assert_int_equal(kill(pid, 0), -1);
}

/* A parent of its own, killed: its worker must not outlive it. */
static void
test_a_worker_dies_with_its_parent(void **state)
{
	char byte;
	int fds[2];
	pid_t parent;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	parent = fork();
	if (parent == 0) {
		struct watcher w;

		/* The worker has this pipe's end as its standard error. */
		dup2(fds[1], STDERR_FILENO);
		close(fds[1]);
		watch(&w, getenv("WORKER_DOUBLE"));
		raise(SIGKILL);
	}
	close(fds[1]);
	/* End of file: nobody has the other end any more. */
	alarm(DEADLINE);
	while (read(fds[0], &byte, 1) > 0)
		continue;
	alarm(0);
	close(fds[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_one_that_dies_is_started_at_once_then_later),
		cmocka_unit_test(test_a_program_that_cannot_run_is_a_death),
		cmocka_unit_test(test_a_signal_is_named),
		cmocka_unit_test(test_a_kill_is_explained),
		cmocka_unit_test(test_a_kill_of_somebody_else_is_not_ours),
		cmocka_unit_test(test_what_it_gives_is_not_kept),
		cmocka_unit_test(test_one_that_is_stopped_stays_dead),
		cmocka_unit_test(test_freed_is_dead),
		cmocka_unit_test(test_a_worker_dies_with_its_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
