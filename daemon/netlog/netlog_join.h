/*
 * Decisions in the order they were made, each with the outcome that came
 * later under the same id.  Holds a bounded number: one more pushes the oldest
 * out.  Knows lines as text, and ids; nothing else of them.
 */
#ifndef SBX_NETLOG_JOIN_H
#define SBX_NETLOG_JOIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "span.h"

struct netlog_join;

struct netlog_pair {
	uint64_t id;
	char *decision, *outcome; /* lines; outcome NULL until it is there */
	int64_t due;              /* the owner's own */
	bool shown;               /* the owner's own */
};

/* room >= 1.  NULL: out of memory. */
struct netlog_join *netlog_join_new(size_t room);
void netlog_join_free(struct netlog_join *j); /* accepts NULL */

/* Forgets all. */
void netlog_join_clear(struct netlog_join *j);

/* How many are held, and the i-th, oldest first. */
size_t netlog_join_count(const struct netlog_join *j);
struct netlog_pair *netlog_join_at(const struct netlog_join *j, size_t i);
bool netlog_join_is_full(const struct netlog_join *j);

/*
 * A decision, copied.  Drops the oldest if it is full.  The new pair, or NULL:
 * out of memory.
 */
struct netlog_pair *netlog_join_decision(
	struct netlog_join *j, uint64_t id, struct span line);

/*
 * An outcome, copied, to the newest decision of that id: the pair; or NULL,
 * when there is none or it has its outcome (or no memory is left).
 */
struct netlog_pair *netlog_join_outcome(
	struct netlog_join *j, uint64_t id, struct span line);

#endif
