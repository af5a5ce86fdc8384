/*
 * residents.c - who sends from there?
 *
 * Two sorted arrays, of the residents by name and of their addresses, where a
 * change moves what stands behind it: some 10 us among 10,000.  Addresses come
 * before interfaces in the order, so that those who share an address stand side
 * by side.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "resident.h"

struct place {
	struct resident_address address;
	uint32_t ifindex;
	struct resident *who;
};

struct residents {
	struct resident **items;
	size_t count, size;
	struct place *places;
	size_t place_count, place_size;
};

struct residents *
residents_new(void)
{
	return calloc(1, sizeof(struct residents));
}

void
residents_free(struct residents *all)
{
	if (all == NULL)
		return;
	for (size_t i = 0; i < all->count; i++)
		resident_unref(all->items[i]);
	free(all->items);
	free(all->places);
	free(all);
}

/* Doubled, so that what comes one by one is not moved each time. */
static int
grow(void **array, size_t *size, size_t wanted, size_t item)
{
	size_t more = wanted > 2 * *size ? wanted : 2 * *size;
	void *p;

	if (wanted <= *size)
		return 0;
	p = reallocarray(*array, more, item);
	if (p == NULL)
		return -ENOMEM;
	*array = p;
	*size = more;
	return 0;
}

int
residents_reserve(struct residents *all, size_t count, size_t addresses)
{
	void *items = all->items, *places = all->places;
	int r = grow(&items, &all->size, all->count + count,
		sizeof(struct resident *));

	all->items = items;
	if (r == 0)
		r = grow(&places, &all->place_size,
			all->place_count + addresses, sizeof(*all->places));
	all->places = places;
	return r;
}

/* ---- by name ------------------------------------------------------------ */

/* Where it is, or would be. */
static size_t
find(const struct residents *all, const char *name, bool *ret_there)
{
	size_t low = 0, high = all->count;

	*ret_there = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(all->items[middle]->name, name);

		*ret_there |= order == 0;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* ---- by place ----------------------------------------------------------- */

static int
compare_address(const struct place *a, const struct place *b)
{
	if (a->address.family != b->address.family)
		return a->address.family < b->address.family ? -1 : 1;
	return memcmp(
		a->address.bytes, b->address.bytes, sizeof(a->address.bytes));
}

static int
compare(const struct place *a, const struct place *b)
{
	int order = compare_address(a, b);

	if (order != 0 || a->ifindex == b->ifindex)
		return order;
	return a->ifindex < b->ifindex ? -1 : 1;
}

/* The first that does not come before key. */
static size_t
find_place(const struct residents *all, const struct place *key)
{
	size_t low = 0, high = all->place_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&all->places[middle], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct place
place_of(struct resident *r, size_t i)
{
	return (struct place){r->addresses[i], r->ifindex, r};
}

static void
add_places(struct residents *all, struct resident *r)
{
	assert(all->place_count + r->address_count <= all->place_size);
	for (size_t i = 0; i < r->address_count; i++) {
		const struct place p = place_of(r, i);
		struct place *at = all->places + find_place(all, &p);

		memmove(at + 1, at,
			(size_t)(all->places + all->place_count - at) *
				sizeof(*at));
		*at = p;
		all->place_count++;
	}
}

/* Of several in one place (there is no such interface now) its own. */
static void
remove_places(struct residents *all, struct resident *r)
{
	for (size_t i = 0; i < r->address_count; i++) {
		const struct place p = place_of(r, i);
		struct place *at = all->places + find_place(all, &p);

		while (at->who != r)
			at++;
		all->place_count--;
		memmove(at, at + 1,
			(size_t)(all->places + all->place_count - at) *
				sizeof(*at));
	}
}

/* ---- changes ------------------------------------------------------------ */

struct resident *
residents_put(struct residents *all, struct resident *r)
{
	struct resident *old = NULL;
	bool there;
	size_t i = find(all, r->name, &there);

	if (there) {
		old = all->items[i];
		remove_places(all, old);
	} else {
		assert(all->count < all->size);
		memmove(all->items + i + 1, all->items + i,
			(all->count - i) * sizeof(struct resident *));
		all->count++;
	}
	all->items[i] = r;
	add_places(all, r);
	return old;
}

struct resident *
residents_take(struct residents *all, const char *name)
{
	struct resident *old;
	bool there;
	size_t i = find(all, name, &there);

	if (!there)
		return NULL;
	old = all->items[i];
	remove_places(all, old);
	all->count--;
	memmove(all->items + i, all->items + i + 1,
		(all->count - i) * sizeof(struct resident *));
	return old;
}

/* ---- questions ---------------------------------------------------------- */

size_t
residents_count(const struct residents *all)
{
	return all->count;
}

struct resident *
residents_at(const struct residents *all, size_t i)
{
	return all->items[i];
}

static struct place
wanted(int family, const uint8_t address[static 16])
{
	struct place p = {.address = {.family = family}};

	memcpy(p.address.bytes, address, sizeof(p.address.bytes));
	return p;
}

struct resident *
residents_identify(const struct residents *all, uint32_t ifindex, int family,
	const uint8_t address[static 16])
{
	struct place key = wanted(family, address);
	size_t i;

	key.ifindex = ifindex;
	/* An interface that is not there has the index 0, as nobody's. */
	if (ifindex == 0)
		return NULL;
	i = find_place(all, &key);
	if (i == all->place_count || compare(&all->places[i], &key) != 0)
		return NULL;
	return all->places[i].who;
}

struct resident *
residents_with(const struct residents *all, int family,
	const uint8_t address[static 16], size_t i)
{
	/* Of the interface 0, the first of its address. */
	const struct place key = wanted(family, address);
	size_t first = find_place(all, &key);

	if (i >= all->place_count - first ||
		compare_address(&all->places[first + i], &key) != 0)
		return NULL;
	return all->places[first + i].who;
}
