/*
 * What is done once per turn of the loop, after all events were served and
 * before it sleeps: what was decided goes on record, then what was written
 * goes out, then what was closed is freed.
 *
 * Batching lives here: a hundred requests in one turn cost one write to the
 * log, and a head and its body one write to a socket.
 */
#ifndef SBX_TURN_H
#define SBX_TURN_H

#include <stdbool.h>
#include <sys/queue.h>

struct ev_loop;
struct turn;

/* Something to be done at the end of this turn; embed it.  Done once each
 * time it was asked for. */
struct turn_task {
	void (*run)(struct turn_task *task);
	TAILQ_ENTRY(turn_task) link;
	bool queued;
};

/* In this order. */
enum turn_phase {
	TURN_AGAIN,  /* work that gave way to others, in the next turn */
	TURN_RUN,    /* what was woken in this turn */
	TURN_RECORD, /* the decision log */
	TURN_FLUSH,  /* streams with something to write */
	TURN_REAP,   /* objects that were closed */
	TURN_PHASES
};

/* NULL: out of memory. */
struct turn *turn_new(struct ev_loop *loop);

/* Runs what is left to reap, then frees it.  Accepts NULL. */
void turn_free(struct turn *t);

/* Frees what was closed, now: before what it still points to goes. */
void turn_reap(struct turn *t);

/* No effect when it is already queued. */
void turn_queue(struct turn *t, enum turn_phase phase, struct turn_task *task);

/* Takes it out again, before its owner goes; no effect when not queued. */
void turn_cancel(struct turn *t, enum turn_phase phase, struct turn_task *task);

#endif
