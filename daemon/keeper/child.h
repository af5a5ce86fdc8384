/*
 * One worker process, or the gate, as the keeper sees it: its link, its life
 * and its deaths. Starts it again when it dies; what it has to be told then is
 * its owner's.
 */
#ifndef SBX_CHILD_H
#define SBX_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct child;
struct ev_loop;
struct link_message;
struct launch;

struct child_events { /* none of them frees a child */
	/* A fresh process with an open link: tell it everything. */
	void (*started)(void *arg, struct child *child);
	void (*message)(
		void *arg, struct child *child, const struct link_message *m);
	/* It is dead; how says why.  It will be started again by itself,
	 * unless it had been told to stop. */
	void (*died)(void *arg, struct child *child, const char *how);
};

enum child_state {
	CHILD_DOWN,     /* no process: not yet, not for now, or not any more */
	CHILD_STARTING, /* a process that has not said READY */
	CHILD_READY,
	CHILD_DYING, /* killed, or its link is broken */
};

/*
 * launch and events are borrowed for the child's life.  Nothing runs before
 * child_start().  NULL: out of memory.
 */
struct child *child_new(struct ev_loop *loop, uint32_t index,
	const struct launch *launch, const struct child_events *events,
	void *arg);

/* Kills it if it lives, and forgets it.  Accepts NULL. */
void child_free(struct child *c);

int child_start(struct child *c); /* 0 or -errno */

/* Sends; what cannot be sent kills the process, which then starts anew. */
void child_send(struct child *c, const struct link_message *m);

/* Asks it to end, and lets it stay dead. */
void child_stop(struct child *c);

void child_kill(struct child *c, const char *why);

const char *child_name(const struct child *c); /* what it is: "worker" */
uint32_t child_index(const struct child *c);
enum child_state child_state(const struct child *c);
const char *child_state_name(enum child_state state);
pid_t child_pid(const struct child *c); /* 0: none */
unsigned child_restarts(const struct child *c);
bool child_has_link(const struct child *c);

#endif
