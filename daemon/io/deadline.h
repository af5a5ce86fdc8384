/*
 * A deadline that is moved often and passes rarely: moving it later costs a
 * store, not a timer operation.  The timer is armed once and looks, when it
 * fires, whether the deadline has moved on.  Setting the host's clock moves
 * none.
 */
#ifndef SBX_DEADLINE_H
#define SBX_DEADLINE_H

#include <ev.h>

struct deadline {
	struct ev_loop *loop;
	struct ev_timer timer;
	double at; /* monotonic_now() clock; 0: none */
	void (*passed)(void *arg);
	void *arg;
};

void deadline_init(struct deadline *d, struct ev_loop *loop,
	void (*passed)(void *arg), void *arg);

/* In so many seconds from now; 0: never. */
void deadline_set(struct deadline *d, double seconds);

void deadline_done(struct deadline *d);

#endif
