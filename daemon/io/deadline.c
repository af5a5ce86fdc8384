#include "deadline.h"

#include "monotonic.h"

static void
arm(struct deadline *d, double seconds)
{
	ev_timer_stop(d->loop, &d->timer);
	ev_timer_set(&d->timer, seconds > 0 ? seconds : 0, 0);
	ev_timer_start(d->loop, &d->timer);
}

static void
on_timer(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct deadline *d = w->data;
	double now = monotonic_now();

	(void)loop, (void)revents;
	if (d->at <= 0)
		return;
	if (d->at > now) {
		arm(d, d->at - now);
		return;
	}
	d->at = 0;
	d->passed(d->arg);
}

void
deadline_init(struct deadline *d, struct ev_loop *loop,
	void (*passed)(void *arg), void *arg)
{
	*d = (struct deadline){.loop = loop, .passed = passed, .arg = arg};
	ev_init(&d->timer, on_timer);
	d->timer.data = d;
}

void
deadline_set(struct deadline *d, double seconds)
{
	double now = monotonic_now();

	if (seconds <= 0) {
		d->at = 0; /* an armed timer finds nothing to do */
		return;
	}
	d->at = now + seconds;
	if (!ev_is_active(&d->timer) ||
		ev_timer_remaining(d->loop, &d->timer) > seconds)
		arm(d, seconds);
}

void
deadline_done(struct deadline *d)
{
	d->at = 0;
	ev_timer_stop(d->loop, &d->timer);
}
