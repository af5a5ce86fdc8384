/*
 * The idle connections of one sandbox, to be used again by requests with the
 * same key (name, port, security, credentials).  Newest first; bounded in
 * number and age; one that says anything while idle is closed.
 */
#ifndef SBX_POOL_H
#define SBX_POOL_H

#include <stdbool.h>

#include "origin.h"

struct pool;

struct pool *pool_new(const struct upstream *u); /* NULL: out of memory */
void pool_free(struct pool *p);                  /* accepts NULL */

/*
 * An idle connection for that key, or NULL.  fresh: only one that was used a
 * moment ago, for a request that could not be sent a second time if the origin
 * has just closed it.
 */
struct origin *pool_take(
	struct pool *p, const struct origin_key *key, bool fresh);

/* Keeps o if it can be used again, closes it otherwise. */
void pool_give(struct pool *p, struct origin *o);

/* Closes those that carry this credential. */
void pool_revoke(struct pool *p, const char *credential);

struct resume *pool_resume(struct pool *p);

#endif
