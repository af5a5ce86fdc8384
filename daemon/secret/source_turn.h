/*
 * Whose turn it is: so many processes that ask a Vault run at once, however
 * many sandboxes have a value of their own there.  First come, first served.
 * One row for the whole process; not for several threads.
 */
#ifndef SBX_SOURCE_TURN_H
#define SBX_SOURCE_TURN_H

#include <stdbool.h>

#include <ev.h>

enum { SOURCE_TURNS = 16 };

struct source_turn { /* all zeros: out of the row.  Must not move in it */
	enum { SOURCE_TURN_NONE, SOURCE_TURN_WAITS, SOURCE_TURN_HAS } state;
	struct source_turn *previous, *next;
	struct ev_loop *loop;
	struct ev_timer called; /* it has its turn and has not begun */
	void (*begin)(void *arg);
	void *arg;
};

/* True: it is its turn now.  False: the loop calls begin(arg) when it is. */
bool source_turn_take(struct source_turn *t, struct ev_loop *loop,
	void (*begin)(void *arg), void *arg);

/* Its turn is over, or it waits no more.  May be out of the row already. */
void source_turn_end(struct source_turn *t);

#endif
