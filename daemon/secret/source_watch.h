/*
 * Tells when a file may have changed: written, replaced, removed, made, or
 * given to somebody else.  May tell more often than needed, never less.
 */
#ifndef SBX_SOURCE_WATCH_H
#define SBX_SOURCE_WATCH_H

#include <ev.h>

typedef void source_watch_changed(void *arg);

struct source_watch {
	struct ev_loop *loop;
	struct ev_stat stat;
	struct ev_timer settle;
	source_watch_changed *changed;
	void *arg;
};

/* path is borrowed.  The struct must not move until source_watch_stop(). */
void source_watch_start(struct source_watch *w, struct ev_loop *loop,
	const char *path, source_watch_changed *changed, void *arg);

/* May be all zeros, and stopped already. */
void source_watch_stop(struct source_watch *w);

#endif
