/*
 * Before a client's TLS is answered: which HTTP does the origin speak?  The
 * same is then spoken on both legs (DESIGN 7).  On record first, like all that
 * leaves the host; the connection goes into the pool, where the first request
 * finds it, if it is still good by then.
 */
#ifndef SBX_SCOUT_H
#define SBX_SCOUT_H

#include <stdbool.h>

struct flow;
struct policy_verdict;
struct scout;

/* For a flow that policy allows.  wake(): run it again.  NULL: out of memory.
 */
struct scout *scout_new(struct flow *f, const struct policy_verdict *verdict,
	void (*wake)(void *arg), void *arg);

/* Whether it waits.  When it does not any more and the origin was not reached,
 * flow->lease tells why. */
bool scout_run(struct scout *s);

/* Accepts NULL. */
void scout_free(struct scout *s);

#endif
