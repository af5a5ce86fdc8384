/*
 * source_watch.c - has this file changed?
 *
 * Theory of operation
 *
 * ev_stat has one inotify descriptor a loop, follows a path through removal and
 * replacement, and falls back to looking every few seconds where there is
 * nothing to watch.  But it compares times in whole seconds: a file written
 * twice within one, at the same length, looks unchanged.  So whenever we have
 * looked, a timer tells of a change once more as soon as that second is over.
 */
#include "source_watch.h"

static const ev_tstamp SETTLE = 1.02; /* seconds; any time over one */

static void
settle_later(struct source_watch *w)
{
	/* From this moment, not from when the loop last woke. */
	ev_now_update(w->loop);
	ev_timer_stop(w->loop, &w->settle);
	ev_timer_set(&w->settle, SETTLE, 0);
	ev_timer_start(w->loop, &w->settle);
}

static void
on_stat(struct ev_loop *loop, struct ev_stat *stat, int revents)
{
	struct source_watch *w = stat->data;

	(void)loop, (void)revents;
	settle_later(w);
	w->changed(w->arg);
}

static void
on_settle(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct source_watch *w = timer->data;

	(void)loop, (void)revents;
	w->changed(w->arg);
}

void
source_watch_start(struct source_watch *w, struct ev_loop *loop,
	const char *path, source_watch_changed *changed, void *arg)
{
	w->loop = loop;
	w->changed = changed;
	w->arg = arg;
	ev_stat_init(&w->stat, on_stat, path, 0);
	w->stat.data = w;
	ev_stat_start(loop, &w->stat);
	ev_timer_init(&w->settle, on_settle, SETTLE, 0);
	w->settle.data = w;
	settle_later(w);
}

void
source_watch_stop(struct source_watch *w)
{
	if (w->loop == NULL)
		return;
	ev_stat_stop(w->loop, &w->stat);
	ev_timer_stop(w->loop, &w->settle);
	w->loop = NULL;
}
