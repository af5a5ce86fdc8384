/*
 * sandboxes.c - all sandboxes of this process, by name and by where they are
 *
 * Two chained hash tables over the same sandboxes.  The keys come from the
 * operator, not from a sandbox: a packet's address only looks up.  The links
 * are in each sandbox's seat, which it has from its beginning, so that putting
 * it here cannot fail.
 */
#include "sandbox.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIRST_BUCKETS = 64,
	PLACE = 4 + 4 + 16, /* bytes of a place key */
};

struct place { /* one address of one sandbox on its interface */
	struct place *next;
	struct sandbox *sandbox;
	uint8_t key[PLACE];
};

struct seat {
	struct seat *next;
	struct sandbox *sandbox;
	struct place places[];
};

struct sandboxes {
	struct seat **names;
	struct place **places;
	size_t buckets; /* of each; a power of two */
	size_t count;   /* of sandboxes and of places, added */
};

static uint32_t
hash_bytes(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 16777619u;
	return h ^ h >> 15;
}

static void
make_key(uint8_t key[PLACE], uint32_t ifindex, int family, const uint8_t *bytes)
{
	memset(key, 0, PLACE);
	memcpy(key, &ifindex, 4);
	memcpy(key + 4, &family, 4);
	memcpy(key + 8, bytes, family == AF_INET ? 4 : 16);
}

static struct seat **
name_slot(const struct sandboxes *r, const char *name)
{
	uint32_t h = hash_bytes(name, strlen(name));
	struct seat **slot = &r->names[h & (r->buckets - 1)];

	while (*slot != NULL && strcmp((*slot)->sandbox->name, name) != 0)
		slot = &(*slot)->next;
	return slot;
}

static struct place **
place_bucket(const struct sandboxes *r, const uint8_t key[PLACE])
{
	return &r->places[hash_bytes(key, PLACE) & (r->buckets - 1)];
}

struct sandboxes *
sandboxes_new(void)
{
	struct sandboxes *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->buckets = FIRST_BUCKETS;
	r->names = calloc(r->buckets, sizeof(struct seat *));
	r->places = calloc(r->buckets, sizeof(struct place *));
	if (r->names == NULL || r->places == NULL) {
		sandboxes_free(r);
		return NULL;
	}
	return r;
}

static void
unlink_places(struct sandboxes *r, struct seat *m)
{
	for (size_t i = 0; i < m->sandbox->address_count; i++) {
		struct place **at = place_bucket(r, m->places[i].key);

		while (*at != NULL && *at != &m->places[i])
			at = &(*at)->next;
		if (*at != NULL)
			*at = m->places[i].next;
	}
}

static void
drop(struct sandboxes *r, struct seat **slot)
{
	struct seat *m = *slot;
	struct sandbox *s;

	*slot = m->next;
	unlink_places(r, m);
	r->count -= 1 + m->sandbox->address_count;
	s = m->sandbox;
	m->sandbox = NULL;
	sandbox_unref(s); /* and with it, perhaps, the seat */
}

void
sandboxes_free(struct sandboxes *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0;
		r->names != NULL && r->places != NULL && i < r->buckets; i++) {
		while (r->names[i] != NULL)
			drop(r, &r->names[i]);
	}
	free(r->names);
	free(r->places);
	free(r);
}

static void
link_seat(struct sandboxes *r, struct seat *m)
{
	struct seat **slot = name_slot(r, m->sandbox->name);

	m->next = *slot;
	*slot = m;
	for (size_t i = 0; i < m->sandbox->address_count; i++) {
		struct place *p = &m->places[i];
		struct place **at = place_bucket(r, p->key);

		p->next = *at;
		*at = p;
	}
}

/* Failing to grow costs speed, nothing else. */
static void
grow(struct sandboxes *r)
{
	struct sandboxes old = *r;
	size_t buckets = 2 * old.buckets;
	struct seat **names = calloc(buckets, sizeof(struct seat *));
	struct place **places = calloc(buckets, sizeof(struct place *));

	if (names == NULL || places == NULL) {
		free(names);
		free(places);
		return;
	}
	r->names = names;
	r->places = places;
	r->buckets = buckets;
	for (size_t i = 0; i < old.buckets; i++) {
		struct seat *m = old.names[i], *next;

		for (; m != NULL; m = next) {
			next = m->next;
			link_seat(r, m);
		}
	}
	free(old.names);
	free(old.places);
}

struct seat *
seat_new(size_t address_count)
{
	return calloc(
		1, sizeof(struct seat) + address_count * sizeof(struct place));
}

void
sandboxes_put(struct sandboxes *r, struct sandbox *s)
{
	struct seat *m = s->seat;

	assert(m->sandbox == NULL);
	if (r->count > r->buckets)
		grow(r);
	sandboxes_remove(r, s->name);
	m->sandbox = s;
	for (size_t i = 0; i < s->address_count; i++) {
		m->places[i].sandbox = s;
		make_key(m->places[i].key, s->ifindex, s->addresses[i].family,
			s->addresses[i].bytes);
	}
	link_seat(r, m);
	r->count += 1 + s->address_count;
}

void
sandboxes_remove(struct sandboxes *r, const char *name)
{
	struct seat **slot = name_slot(r, name);

	if (*slot != NULL)
		drop(r, slot);
}

struct sandbox *
sandboxes_find(const struct sandboxes *r, const char *name)
{
	struct seat *m = *name_slot(r, name);

	return m != NULL ? m->sandbox : NULL;
}

struct sandbox *
sandboxes_identify(const struct sandboxes *r, uint32_t ifindex,
	const struct sockaddr *source)
{
	const struct sockaddr_in6 *in6 = (const void *)source;
	const struct sockaddr_in *in = (const void *)source;
	uint8_t key[PLACE];
	struct place *p;

	if (ifindex == 0)
		return NULL; /* not known is nobody, not anybody */
	make_key(key, ifindex, source->sa_family,
		source->sa_family == AF_INET
			? (const uint8_t *)&in->sin_addr
			: (const uint8_t *)&in6->sin6_addr);
	for (p = *place_bucket(r, key); p != NULL; p = p->next) {
		if (memcmp(p->key, key, PLACE) == 0)
			return p->sandbox;
	}
	return NULL;
}

struct sandbox *
sandboxes_next(const struct sandboxes *r, const struct sandbox *after)
{
	size_t i = 0;

	if (after != NULL) {
		struct seat *m = *name_slot(r, after->name);

		assert(m != NULL);
		if (m->next != NULL)
			return m->next->sandbox;
		i = (hash_bytes(after->name, strlen(after->name)) &
			    (r->buckets - 1)) +
		    1;
	}
	for (; i < r->buckets; i++) {
		if (r->names[i] != NULL)
			return r->names[i]->sandbox;
	}
	return NULL;
}
