/*
 * source_turn.c - a row in which to wait
 *
 * Theory of operation
 *
 *	NONE	nothing is wanted
 *	WAITS	in the row, because all turns are taken
 *	HAS	a turn is taken: it has begun, or it has been called and begins
 *		when the loop turns
 *
 * Whoever ends a turn calls the next.  That one begins from the loop and not
 * from there: it may fail at once and call the next itself, and of ten thousand
 * none may stand on the stack of another.
 */
#include "source_turn.h"

#include <stddef.h>

static struct {
	struct source_turn *first, *last; /* of those that wait */
	unsigned taken;
} row;

static void
leave(struct source_turn *t)
{
	*(t->previous != NULL ? &t->previous->next : &row.first) = t->next;
	*(t->next != NULL ? &t->next->previous : &row.last) = t->previous;
	t->previous = t->next = NULL;
}

static void
on_called(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct source_turn *t = timer->data;

	(void)loop, (void)revents;
	t->begin(t->arg);
}

static void
call_next(void)
{
	struct source_turn *t = row.first;

	if (t == NULL)
		return;
	leave(t);
	t->state = SOURCE_TURN_HAS;
	row.taken++;
	ev_timer_start(t->loop, &t->called);
}

bool
source_turn_take(struct source_turn *t, struct ev_loop *loop,
	void (*begin)(void *arg), void *arg)
{
	*t = (struct source_turn){.loop = loop, .begin = begin, .arg = arg};
	ev_timer_init(&t->called, on_called, 0, 0);
	t->called.data = t;
	if (row.taken < SOURCE_TURNS) {
		t->state = SOURCE_TURN_HAS;
		row.taken++;
		return true;
	}
	t->state = SOURCE_TURN_WAITS;
	t->previous = row.last;
	*(row.last != NULL ? &row.last->next : &row.first) = t;
	row.last = t;
	return false;
}

void
source_turn_end(struct source_turn *t)
{
	int state = t->state;

	t->state = SOURCE_TURN_NONE;
	if (state == SOURCE_TURN_WAITS)
		leave(t);
	if (state != SOURCE_TURN_HAS)
		return;
	ev_timer_stop(t->loop, &t->called);
	row.taken--;
	call_next();
}
