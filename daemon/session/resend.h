/*
 * The beginning of a request body as it was sent to an origin, for the case
 * that the origin has not looked at the request and it is sent again.
 * Bounded: a body that has grown longer cannot be sent again.
 */
#ifndef SBX_RESEND_H
#define SBX_RESEND_H

#include <stdbool.h>

#include "buf.h"

struct resend {
	struct buf sent;
	size_t again; /* how much of it has been sent once more */
	bool too_long;
};

void resend_init(struct resend *r);
void resend_done(struct resend *r); /* may be called twice */

/* From now on what is kept is wiped. */
void resend_hide(struct resend *r);

/* That was sent, for the first time. */
void resend_keep(struct resend *r, struct span data);

/* Whether all that was sent can be sent again; and so it will be. */
bool resend_is_possible(const struct resend *r);
void resend_begin(struct resend *r);

/* What of it is still to be sent, before anything new; empty: nothing. */
struct span resend_rest(const struct resend *r);
void resend_advance(struct resend *r, size_t len);

#endif
