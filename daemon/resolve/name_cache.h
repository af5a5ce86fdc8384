/*
 * Answers by name and type, until they expire; when it is full the least
 * recently used goes.  Pure: the time is a parameter, in milliseconds of any
 * clock that never goes back.
 */
#ifndef SBX_NAME_CACHE_H
#define SBX_NAME_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct name_cache;
struct resolver_answer;

/* capacity: how many answers, at least 1.  NULL: out of memory. */
struct name_cache *name_cache_new(size_t capacity);
void name_cache_free(struct name_cache *c); /* accepts NULL */

/* Forgets everything. */
void name_cache_clear(struct name_cache *c);

/* The answer with the seconds that are left of its TTL (rounded up); its
 * records are the cache's, until it changes. */
bool name_cache_find(struct name_cache *c, const char *name, uint16_t type,
	uint64_t now_ms, struct resolver_answer *ret);

/* Copies the answer, in place of an older one; out of memory: does nothing. */
void name_cache_put(struct name_cache *c, const char *name, uint64_t now_ms,
	const struct resolver_answer *answer);

#endif
