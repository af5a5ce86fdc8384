/*
 * The workers and the gate together: started, told, waited for and stopped as
 * one.  The gate has the last index, behind the workers'.
 */
#ifndef SBX_CREW_H
#define SBX_CREW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct child;
struct crew;
struct ev_loop;
struct launch;
struct link_message;
struct link_name;

struct crew_events {
	void (*started)(void *arg, uint32_t index);
	void (*died)(void *arg, uint32_t index, const char *how);
	/* One more is ready, or has committed a generation and sent its receipt
	 * (receipt.h), else ""; see crew_committed(). */
	void (*committed)(void *arg, uint64_t generation, const char *receipt);
	void (*refused)(void *arg, uint32_t index, uint64_t generation,
		const char *text);
	/* What a sandbox's number is, or whose a number. */
	void (*name_asked)(
		void *arg, uint32_t index, const struct link_name *ask);
	void (*stopped)(void *arg); /* all of them, after crew_stop() */
};

struct crew_plan {
	uint32_t workers;
	const struct launch *worker;
	const struct launch *gate; /* NULL: there is none */
};

/* events and what is launched are borrowed.  NULL: out of memory. */
struct crew *crew_new(struct ev_loop *loop, const struct crew_plan *plan,
	const struct crew_events *events, void *arg);
void crew_free(struct crew *c); /* accepts NULL; kills who lives */

int crew_start(struct crew *c); /* 0 or -errno */

/* Asks all to end, and kills those that live after some seconds. */
void crew_stop(struct crew *c);

uint32_t crew_count(const struct crew *c); /* with the gate */
uint32_t crew_workers(const struct crew *c);
bool crew_is_gate(const struct crew *c, uint32_t index);
struct child *crew_child(const struct crew *c, uint32_t index);

/* To everyone that has a link. */
void crew_broadcast(struct crew *c, const struct link_message *m);

/* Whether all are ready and have committed that generation or a later one. */
bool crew_committed(const struct crew *c, uint64_t generation);
bool crew_child_committed(
	const struct crew *c, uint32_t index, uint64_t generation);

/* Kills those that have not: they start anew. */
void crew_kill_late(struct crew *c, uint64_t generation);

/* The last status that a process gave of itself, a JSON object; NULL: it has
 * not yet.  It is asked when it is ready, and with LINK_STATUS_ASK. */
const char *crew_status(const struct crew *c, uint32_t index);

#endif
