#include "leaf_cache.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "leaf.h"

struct leaf_cache_entry {
	struct leaf_key key;
	struct ca_leaf *leaf;
	uint64_t used; /* larger: more recently */
};

static int
compare(const struct leaf_key *a, const struct leaf_key *b)
{
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	return leaf_name_compare(&a->name, &b->name);
}

/* Where key is, or where it would have to go. */
static size_t
position(const struct leaf_cache *cache, const struct leaf_key *key,
	bool *ret_found)
{
	size_t low = 0, high = cache->count;

	*ret_found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare(key, &cache->entries[middle]->key);

		if (order == 0) {
			*ret_found = true;
			return middle;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static void
free_entry(struct leaf_cache_entry *entry)
{
	ca_leaf_unref(entry->leaf);
	free(entry);
}

/* Minting costs a hundred times what this search does. */
static void
evict_oldest(struct leaf_cache *cache)
{
	size_t oldest = 0;

	for (size_t i = 1; i < cache->count; i++) {
		if (cache->entries[i]->used < cache->entries[oldest]->used)
			oldest = i;
	}
	free_entry(cache->entries[oldest]);
	cache->count--;
	for (size_t i = oldest; i < cache->count; i++)
		cache->entries[i] = cache->entries[i + 1];
}

struct ca_leaf *
leaf_cache_find(struct leaf_cache *cache, const struct leaf_key *key)
{
	bool found;
	size_t at = position(cache, key, &found);

	if (!found)
		return NULL;
	cache->entries[at]->used = ++cache->uses;
	return cache->entries[at]->leaf;
}

static int
make_room(struct leaf_cache *cache)
{
	size_t room = cache->room > 0 ? 2 * cache->room : 8;
	struct leaf_cache_entry **more;

	if (cache->count == LEAF_CACHE_MAX)
		evict_oldest(cache);
	if (cache->count < cache->room)
		return 0;
	more = reallocarray(
		cache->entries, room, sizeof(struct leaf_cache_entry *));
	if (more == NULL)
		return -ENOMEM;
	cache->entries = more;
	cache->room = room;
	return 0;
}

static int
insert(struct leaf_cache *cache, const struct leaf_key *key,
	struct ca_leaf *leaf)
{
	struct leaf_cache_entry *entry;
	bool found;
	size_t at;

	if (make_room(cache) < 0)
		return -ENOMEM;
	entry = malloc(sizeof(*entry));
	if (entry == NULL)
		return -ENOMEM;
	*entry = (struct leaf_cache_entry){
		.key = *key, .leaf = leaf_ref(leaf), .used = ++cache->uses};
	at = position(cache, key, &found);
	for (size_t i = cache->count; i > at; i--)
		cache->entries[i] = cache->entries[i - 1];
	cache->entries[at] = entry;
	cache->count++;
	return 0;
}

int
leaf_cache_put(struct leaf_cache *cache, const struct leaf_key *key,
	struct ca_leaf *leaf)
{
	bool found;
	size_t at = position(cache, key, &found);

	if (!found)
		return insert(cache, key, leaf);
	leaf_ref(leaf);
	ca_leaf_unref(cache->entries[at]->leaf);
	cache->entries[at]->leaf = leaf;
	cache->entries[at]->used = ++cache->uses;
	return 0;
}

void
leaf_cache_clear(struct leaf_cache *cache)
{
	while (cache->count > 0)
		free_entry(cache->entries[--cache->count]);
	free(cache->entries);
	cache->entries = NULL;
	cache->room = 0;
}
