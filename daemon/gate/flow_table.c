/*
 * flow_table.c - sets of four places
 *
 * A flow may lie in four places, by a hash that strangers cannot foresee; the
 * one that was silent for longest makes room.  Openings (20 KiB each) are
 * counted apart, and listed, so that whose name does not come are found.
 */
#include "flow_table.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "packet.h"
#include "quic_opening.h"
#include "siphash.h"

enum { WAYS = 4, SETS = FLOW_TABLE_SIZE / WAYS };

struct flow_table {
	struct flow_entry entries[FLOW_TABLE_SIZE];
	struct flow_entry *open[FLOW_OPENINGS]; /* NULL: free */
	struct flow_key given_up;
	bool gave_up;
};

static_assert(sizeof(struct flow_key) == 48, "no padding");

struct flow_table *
flow_table_new(void)
{
	return calloc(1, sizeof(struct flow_table));
}

void
flow_table_forget(struct flow_table *t)
{
	for (size_t i = 0; i < FLOW_OPENINGS; i++)
		if (t->open[i] != NULL)
			quic_opening_free(t->open[i]->opening);
	memset(t, 0, sizeof(*t));
}

void
flow_table_free(struct flow_table *t)
{
	if (t != NULL)
		flow_table_forget(t);
	free(t);
}

void
flow_key_of(const struct packet *p, uint32_t ifindex, bool passes,
	struct flow_key *ret)
{
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->source, p->source, sizeof(ret->source));
	memcpy(ret->destination, p->destination, sizeof(ret->destination));
	ret->ifindex = ifindex;
	ret->family = (uint8_t)p->family;
	ret->protocol = p->protocol;
	ret->later = p->is_later_fragment;
	ret->verdict = passes;
	if (p->has_ports) {
		ret->source_port = p->source_port;
		ret->destination_port = p->destination_port;
	}
	if (p->has_icmp)
		ret->icmp_type = p->icmp_type;
}

static struct flow_entry *
find(struct flow_entry *set, const struct flow_key *key)
{
	for (int i = 0; i < WAYS; i++)
		if (set[i].seen > 0 &&
			memcmp(&set[i].key, key, sizeof(*key)) == 0)
			return &set[i];
	return NULL;
}

static struct flow_entry *
most_silent(struct flow_entry *set)
{
	struct flow_entry *e = &set[0];

	for (int i = 1; i < WAYS; i++)
		if (set[i].seen < e->seen)
			e = &set[i];
	return e;
}

void
flow_key_packet(const struct flow_key *key, struct packet *ret)
{
	*ret = (struct packet){
		.family = key->family,
		.protocol = key->protocol,
		.has_ports =
			key->source_port != 0 || key->destination_port != 0,
		.source_port = key->source_port,
		.destination_port = key->destination_port,
	};
	memcpy(ret->source, key->source, sizeof(ret->source));
	memcpy(ret->destination, key->destination, sizeof(ret->destination));
}

struct flow_entry *
flow_table_see(struct flow_table *t, const struct flow_key *key, double now)
{
	uint64_t hash = siphash(siphash_process_key(), key, sizeof(*key));
	struct flow_entry *set = &t->entries[hash % SETS * WAYS];
	struct flow_entry *e = find(set, key);
	bool known = e != NULL && now - e->seen <= FLOW_SILENCE;

	if (e == NULL)
		e = most_silent(set);
	if (!known) {
		if (e->opening != NULL) {
			t->given_up = e->key;
			t->gave_up = true;
		}
		flow_table_close(t, e);
		*e = (struct flow_entry){.key = *key};
	}
	e->seen = now;
	e->packets++;
	return e;
}

bool
flow_table_gave_up(struct flow_table *t, struct flow_key *ret)
{
	if (!t->gave_up)
		return false;
	*ret = t->given_up;
	t->gave_up = false;
	return true;
}

struct quic_opening *
flow_table_open(struct flow_table *t, struct flow_entry *e)
{
	size_t i = 0;

	while (i < FLOW_OPENINGS && t->open[i] != NULL)
		i++;
	if (i == FLOW_OPENINGS)
		return NULL;
	e->opening = quic_opening_new();
	if (e->opening != NULL)
		t->open[i] = e;
	return e->opening;
}

void
flow_table_close(struct flow_table *t, struct flow_entry *e)
{
	if (e->opening == NULL)
		return;
	for (size_t i = 0; i < FLOW_OPENINGS; i++)
		if (t->open[i] == e)
			t->open[i] = NULL;
	quic_opening_free(e->opening);
	e->opening = NULL;
}

struct flow_entry *
flow_table_stale(struct flow_table *t, double now, double seconds)
{
	for (size_t i = 0; i < FLOW_OPENINGS; i++)
		if (t->open[i] != NULL && now - t->open[i]->seen > seconds)
			return t->open[i];
	return NULL;
}
