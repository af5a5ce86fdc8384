/*
 * The connections of one sandbox to origins.  A request takes a lease of one
 * (lease.h); those that nobody leases are kept for the next, newest first,
 * bounded in number and age.
 */
#ifndef SBX_POOL_H
#define SBX_POOL_H

#include <stdint.h>

#include "protocols.h"

struct pool;
struct resolver_share;
struct upstream;

/* share: as of a dialler; borrowed.  NULL: out of memory. */
struct pool *pool_new(const struct upstream *u, struct resolver_share *share);

/* Every lease has ended.  Accepts NULL. */
void pool_free(struct pool *p);

/* No request from now on goes over a connection that carries this credential.
 */
void pool_revoke(struct pool *p, const char *credential);

/* What the origin there speaks, as far as is known. */
enum spoken pool_spoken(struct pool *p, const char *host, uint16_t port);

#endif
