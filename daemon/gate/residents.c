/*
 * residents.c - who sends from there?
 *
 * An array of the residents, and a sorted one of their addresses, which is made
 * when the last of them is there.  Addresses come before interfaces in the
 * order, so that those who share an address stand side by side.
 */
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
	size_t place_count;
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

static size_t
find(const struct residents *all, const char *name)
{
	size_t i = 0;

	while (i < all->count && strcmp(all->items[i]->name, name) != 0)
		i++;
	return i;
}

static int
reserve(struct residents *all, size_t size)
{
	struct resident **items =
		reallocarray(all->items, size, sizeof(struct resident *));

	if (items == NULL)
		return -ENOMEM;
	all->items = items;
	all->size = size;
	return 0;
}

int
residents_put(struct residents *all, struct resident *r)
{
	size_t i = find(all, r->name);

	if (i < all->count) {
		resident_unref(all->items[i]);
		all->items[i] = r;
		return 0;
	}
	if (all->count == all->size && reserve(all, 2 * all->size + 16) < 0) {
		resident_unref(r);
		return -ENOMEM;
	}
	all->items[all->count++] = r;
	return 0;
}

void
residents_remove(struct residents *all, const char *name)
{
	size_t i = find(all, name);

	if (i == all->count)
		return;
	resident_unref(all->items[i]);
	all->items[i] = all->items[--all->count];
}

struct residents *
residents_copy(const struct residents *all)
{
	struct residents *copy = residents_new();

	if (copy == NULL || reserve(copy, all->count + 16) < 0) {
		free(copy);
		return NULL;
	}
	for (; copy->count < all->count; copy->count++)
		copy->items[copy->count] =
			resident_ref(all->items[copy->count]);
	return copy;
}

static int
compare_address(const struct place *a, const struct place *b)
{
	if (a->address.family != b->address.family)
		return a->address.family < b->address.family ? -1 : 1;
	return memcmp(
		a->address.bytes, b->address.bytes, sizeof(a->address.bytes));
}

static int
compare(const void *left, const void *right)
{
	const struct place *a = left, *b = right;
	int order = compare_address(a, b);

	if (order != 0 || a->ifindex == b->ifindex)
		return order;
	return a->ifindex < b->ifindex ? -1 : 1;
}

int
residents_settle(struct residents *all)
{
	size_t count = 0, n = 0;

	for (size_t i = 0; i < all->count; i++)
		count += all->items[i]->address_count;
	free(all->places);
	all->place_count = 0;
	all->places = calloc(count + 1, sizeof(*all->places));
	if (all->places == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < all->count; i++) {
		struct resident *r = all->items[i];

		for (size_t k = 0; k < r->address_count; k++)
			all->places[n++] =
				(struct place){r->addresses[k], r->ifindex, r};
	}
	qsort(all->places, n, sizeof(*all->places), compare);
	all->place_count = n;
	return 0;
}

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
	const struct place *found;

	key.ifindex = ifindex;
	/* An interface that is not there has the index 0, as nobody's. */
	if (all->place_count == 0 || ifindex == 0)
		return NULL;
	found = bsearch(&key, all->places, all->place_count,
		sizeof(*all->places), compare);
	return found != NULL ? found->who : NULL;
}

struct resident *
residents_with(const struct residents *all, int family,
	const uint8_t address[static 16], size_t i)
{
	const struct place key = wanted(family, address);
	size_t low = 0, high = all->place_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_address(&all->places[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (i >= all->place_count - low ||
		compare_address(&all->places[low + i], &key) != 0)
		return NULL;
	return all->places[low + i].who;
}
