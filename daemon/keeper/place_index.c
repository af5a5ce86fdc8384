#include "place_index.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "registry.h"

enum { FIRST_BUCKETS = 64 };

struct place_index {
	struct place **buckets;
	size_t size; /* a power of two */
	size_t count;
};

static size_t
address_size(const struct sandbox_address *a)
{
	return a->family == AF_INET ? 4 : 16;
}

static uint32_t
add_bytes(uint32_t h, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 16777619u; /* FNV-1a: the keys are ours */
	return h;
}

static struct place **
bucket(const struct place_index *x, const struct sandbox_spec *spec, size_t i)
{
	const struct sandbox_address *a = &spec->addresses[i];
	uint32_t h = 2166136261u;

	h = add_bytes(h, spec->interface, strlen(spec->interface));
	h = add_bytes(h, a->bytes, address_size(a));
	return &x->buckets[(h ^ h >> 15) & (x->size - 1)];
}

static bool
is_same(const struct place *p, const struct sandbox_spec *spec, size_t i)
{
	const struct sandbox_address *a = &p->spec->addresses[p->i];
	const struct sandbox_address *b = &spec->addresses[i];

	return a->family == b->family &&
	       memcmp(a->bytes, b->bytes, address_size(a)) == 0 &&
	       strcmp(p->spec->interface, spec->interface) == 0;
}

/* Failing to grow costs speed, nothing else. */
static void
grow(struct place_index *x)
{
	struct place_index old = *x;
	struct place **buckets = calloc(2 * old.size, sizeof(struct place *));

	if (buckets == NULL)
		return;
	x->buckets = buckets;
	x->size = 2 * old.size;
	for (size_t i = 0; i < old.size; i++) {
		struct place *p = old.buckets[i], *next, **at;

		for (; p != NULL; p = next) {
			next = p->next;
			at = bucket(x, p->spec, p->i);
			p->next = *at;
			*at = p;
		}
	}
	free(old.buckets);
}

void
place_index_add(struct place_index *x, const struct sandbox_spec *spec,
	struct sandbox *sandbox)
{
	for (size_t i = 0; i < spec->address_count; i++) {
		struct place **at = bucket(x, spec, i);

		spec->places[i] = (struct place){*at, sandbox, spec, i};
		*at = &spec->places[i];
	}
	x->count += spec->address_count;
	if (x->count > x->size)
		grow(x);
}

void
place_index_remove(struct place_index *x, const struct sandbox_spec *spec)
{
	for (size_t i = 0; i < spec->address_count; i++) {
		struct place **at = bucket(x, spec, i);

		while (*at != &spec->places[i])
			at = &(*at)->next;
		*at = spec->places[i].next;
	}
	x->count -= spec->address_count;
}

struct sandbox *
place_index_next(const struct place_index *x, const struct sandbox_spec *spec,
	struct place_walk *at)
{
	for (; at->i < spec->address_count; at->i++) {
		const struct place *p = at->last != NULL
						? at->last->next
						: *bucket(x, spec, at->i);

		for (; p != NULL; p = p->next) {
			if (!is_same(p, spec, at->i))
				continue;
			at->last = p;
			return p->sandbox;
		}
		at->last = NULL;
	}
	return NULL;
}

struct place_index *
place_index_new(void)
{
	struct place_index *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->size = FIRST_BUCKETS;
	x->buckets = calloc(x->size, sizeof(struct place *));
	if (x->buckets == NULL) {
		free(x);
		return NULL;
	}
	return x;
}

void
place_index_free(struct place_index *x)
{
	if (x == NULL)
		return;
	free(x->buckets);
	free(x);
}
