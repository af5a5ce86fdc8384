#include "loop_until.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ev.h>

/* Far longer than anything here takes: only a hang is cut short by it. */
static const double patience_seconds = 20;
/* What the kernel does a moment later at a socket that the loop does not watch
 * is no event. */
static const double look_seconds = 0.01;

static void
on_timer(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop, (void)revents;
	*(bool *)w->data = true;
}

static void
on_look(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop, (void)w, (void)revents;
}

struct condition {
	loop_condition *holds;
	void *arg;
};

/* Last of all before the loop sleeps: the end of a turn may have been it. */
static void
on_prepare(struct ev_loop *loop, struct ev_prepare *w, int revents)
{
	const struct condition *c = w->data;

	(void)revents;
	if (c->holds(c->arg))
		ev_break(loop, EVBREAK_ONE);
}

void
loop_until(struct ev_loop *loop, loop_condition *holds, void *arg,
	const char *what)
{
	struct condition condition = {holds, arg};
	struct ev_prepare prepare;
	struct ev_timer timer, look;
	bool late = false;

	ev_timer_init(&look, on_look, look_seconds, look_seconds);
	ev_timer_init(&timer, on_timer, patience_seconds, 0);
	timer.data = &late;
	ev_now_update(loop);
	ev_timer_start(loop, &timer);
	ev_timer_start(loop, &look);
	ev_prepare_init(&prepare, on_prepare);
	ev_set_priority(&prepare, EV_MINPRI);
	prepare.data = &condition;
	ev_prepare_start(loop, &prepare);
	while (!holds(arg) && !late)
		ev_run(loop, EVRUN_ONCE);
	ev_prepare_stop(loop, &prepare);
	ev_timer_stop(loop, &timer);
	ev_timer_stop(loop, &look);
	if (late)
		fail_msg("waited in vain for: %s", what);
}

static bool
is_set(void *arg)
{
	return *(const bool *)arg;
}

void
loop_until_set(struct ev_loop *loop, const bool *flag, const char *what)
{
	loop_until(loop, is_set, (void *)(uintptr_t)flag, what);
}

static void
on_readable(struct ev_loop *loop, struct ev_io *w, int revents)
{
	(void)loop, (void)revents;
	*(bool *)w->data = true;
}

void
loop_until_readable(struct ev_loop *loop, int fd, const char *what)
{
	bool readable = false;
	struct ev_io io;

	ev_io_init(&io, on_readable, fd, EV_READ);
	io.data = &readable;
	ev_io_start(loop, &io);
	loop_until_set(loop, &readable, what);
	ev_io_stop(loop, &io);
}

void
loop_once(struct ev_loop *loop)
{
	ev_run(loop, EVRUN_NOWAIT);
}

int
open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n - 3; /* ".", ".." and dir itself */
}
