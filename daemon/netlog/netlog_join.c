/*
 * netlog_join.c - a ring of decisions, and an index by id
 *
 * The index is one chain of slots for each hash; a new slot is put at the head
 * of its chain, so that the newest of equal ids is found first.  id 0 stands
 * for "none" (the daemon's own events) and is not in the index.
 */
#include "netlog_join.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct slot {
	struct netlog_pair pair;
	struct slot *next; /* in its chain */
};

struct netlog_join {
	struct slot *ring;
	struct slot **chains;
	size_t room; /* slots, and chains */
	size_t first, count;
};

struct netlog_join *
netlog_join_new(size_t room)
{
	struct netlog_join *j = calloc(1, sizeof(*j));

	assert(room > 0);
	if (j == NULL)
		return NULL;
	j->room = room;
	j->ring = calloc(room, sizeof(*j->ring));
	j->chains = calloc(room, sizeof(struct slot *));
	if (j->ring != NULL && j->chains != NULL)
		return j;
	netlog_join_free(j);
	return NULL;
}

void
netlog_join_free(struct netlog_join *j)
{
	if (j == NULL)
		return;
	if (j->ring != NULL && j->chains != NULL)
		netlog_join_clear(j);
	free(j->ring);
	free(j->chains);
	free(j);
}

static struct slot **
chain_of(const struct netlog_join *j, uint64_t id)
{
	/* Ids may be a counter or anything; multiply to spread them. */
	return &j->chains[(id * UINT64_C(0x9E3779B97F4A7C15) >> 32) % j->room];
}

static void
drop_oldest(struct netlog_join *j)
{
	struct slot *slot = &j->ring[j->first], **link;

	for (link = chain_of(j, slot->pair.id); *link != NULL;
		link = &(*link)->next) {
		if (*link != slot)
			continue;
		*link = slot->next;
		break;
	}
	free(slot->pair.decision);
	free(slot->pair.outcome);
	*slot = (struct slot){0};
	j->first = (j->first + 1) % j->room;
	j->count--;
}

void
netlog_join_clear(struct netlog_join *j)
{
	while (j->count > 0)
		drop_oldest(j);
}

size_t
netlog_join_count(const struct netlog_join *j)
{
	return j->count;
}

struct netlog_pair *
netlog_join_at(const struct netlog_join *j, size_t i)
{
	assert(i < j->count);
	return &j->ring[(j->first + i) % j->room].pair;
}

bool
netlog_join_is_full(const struct netlog_join *j)
{
	return j->count == j->room;
}

struct netlog_pair *
netlog_join_decision(struct netlog_join *j, uint64_t id, struct span line)
{
	char *copy = strndup(line.ptr, line.len);
	struct slot *slot, **chain;

	if (copy == NULL)
		return NULL;
	if (netlog_join_is_full(j))
		drop_oldest(j);
	slot = &j->ring[(j->first + j->count) % j->room];
	j->count++;
	slot->pair = (struct netlog_pair){.id = id, .decision = copy};
	slot->next = NULL;
	if (id == 0)
		return &slot->pair;
	chain = chain_of(j, id);
	slot->next = *chain;
	*chain = slot;
	return &slot->pair;
}

struct netlog_pair *
netlog_join_outcome(struct netlog_join *j, uint64_t id, struct span line)
{
	struct slot *slot = id != 0 ? *chain_of(j, id) : NULL;

	while (slot != NULL && slot->pair.id != id)
		slot = slot->next;
	if (slot == NULL || slot->pair.outcome != NULL)
		return NULL;
	slot->pair.outcome = strndup(line.ptr, line.len);
	return slot->pair.outcome != NULL ? &slot->pair : NULL;
}
