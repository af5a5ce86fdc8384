/*
 * The beginning of a request body as it was sent to an origin, for the case
 * that the origin has not looked at the request and it is sent again.
 * Bounded: a body that has grown longer cannot be sent again.
 */
#ifndef SBX_REPLAY_H
#define SBX_REPLAY_H

#include <stdbool.h>

#include "buf.h"

struct replay {
	struct buf sent;
	size_t again; /* how much of it has been sent once more */
	bool too_long;
};

void replay_init(struct replay *r);
void replay_done(struct replay *r); /* may be called twice */

/* That was sent, for the first time. */
void replay_keep(struct replay *r, struct span data);

/* Whether all that was sent can be sent again; and so it will be. */
bool replay_is_possible(const struct replay *r);
void replay_begin(struct replay *r);

/* What of it is still to be sent, before anything new; empty: nothing. */
struct span replay_rest(const struct replay *r);
void replay_advance(struct replay *r, size_t len);

#endif
