/*
 * The leaves of one sandbox, at most 256, found by key type and full name,
 * compared byte for byte.  The least recently used goes first.
 *
 * One sorted array: a search is eight comparisons whatever names an attacker
 * chooses, and there is no hash to collide.
 */
#ifndef SBX_LEAF_CACHE_H
#define SBX_LEAF_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "ca.h"
#include "leaf_name.h"

enum {
	LEAF_CACHE_MAX = 256,
};

struct leaf_key {
	enum ca_key_type type;
	struct leaf_name name;
};

struct leaf_cache_entry; /* owned by the cache */

struct leaf_cache {
	struct leaf_cache_entry **entries; /* grows with what it holds */
	size_t count, room;
	uint64_t uses; /* counts look-ups that found something */
};

/* Borrowed, or NULL. */
struct ca_leaf *leaf_cache_find(
	struct leaf_cache *cache, const struct leaf_key *key);

/*
 * Takes a reference; replaces the leaf of that key, if there is one.  Returns
 * 0 or -ENOMEM.
 */
int leaf_cache_put(struct leaf_cache *cache, const struct leaf_key *key,
	struct ca_leaf *leaf);

/* Empties it; it can be used again. */
void leaf_cache_clear(struct leaf_cache *cache);

#endif
