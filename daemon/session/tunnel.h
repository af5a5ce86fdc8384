/*
 * A flow that is carried unopened: bytes both ways, between the sandbox and an
 * origin dialled by name (passthrough, raw) or by address.
 */
#ifndef SBX_TUNNEL_H
#define SBX_TUNNEL_H

#include <stdbool.h>

struct flow;
struct policy_verdict;
struct tunnel;

/*
 * Records the decision, then dials, then relays.  What the client's stream
 * holds already goes first.  wake() as in exchange.h.  NULL: out of memory.
 */
struct tunnel *tunnel_new(struct flow *f, const struct policy_verdict *verdict,
	void (*wake)(void *arg), void *arg);

/* false: it has ended; free it and close the flow. */
bool tunnel_run(struct tunnel *t);

/* Policy has changed: whether it is no longer allowed.  Free it then: its
 * outcome says so, and it is in the receipt. */
bool tunnel_recheck(struct tunnel *t);

/* It ends because the sandbox goes. */
void tunnel_revoke(struct tunnel *t);

/* Puts the outcome on record.  Accepts NULL. */
void tunnel_free(struct tunnel *t);

#endif
