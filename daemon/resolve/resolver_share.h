/*
 * How many questions one who asks has on the wire: each from when it is sent
 * until it is answered or given up, though nobody waits for it any more.  What
 * one has in vain takes nothing from the others.
 */
#ifndef SBX_RESOLVER_SHARE_H
#define SBX_RESOLVER_SHARE_H

#include <stdbool.h>

struct resolver_share;

struct resolver_share *resolver_share_new(void); /* NULL: out of memory */

/* What is on the wire keeps it.  Accepts NULL. */
void resolver_share_free(struct resolver_share *s);

/* One question more; false: that would be too many.  NULL has no limit. */
bool resolver_share_take(struct resolver_share *s);

/* That question is over.  Accepts NULL. */
void resolver_share_give(struct resolver_share *s);

#endif
