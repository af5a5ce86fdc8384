/*
 * Addresses behind interfaces, against a slow and obvious list of the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "place_index.h"
#include "registry.h"

enum { SANDBOXES = 300, ADDRESSES = 3, ROUNDS = 4000 };

struct entry {
	struct sandbox sandbox;
	struct sandbox_spec spec;
	struct sandbox_address addresses[ADDRESSES];
	struct place places[ADDRESSES];
	char interface[16];
	bool there;
};

static uint32_t seed = 7;

static uint32_t
draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

/* Few interfaces and few addresses, so that they clash. */
static void
make(struct entry *e)
{
	*e = (struct entry){.there = false};
	snprintf(e->interface, sizeof(e->interface), "v%u", draw(8));
	e->spec.interface = e->interface;
	e->spec.addresses = e->addresses;
	e->spec.places = e->places;
	e->spec.address_count = 1 + draw(ADDRESSES);
	for (size_t i = 0; i < e->spec.address_count; i++) {
		e->addresses[i].family = draw(2) ? AF_INET : AF_INET6;
		e->addresses[i].bytes[3] = (uint8_t)draw(40);
		/* Not a part of an IPv4 address. */
		e->addresses[i].bytes[9] = e->addresses[i].family == AF_INET
						   ? (uint8_t)draw(9)
						   : 0;
	}
}

static bool
same(const struct entry *a, size_t i, const struct entry *b, size_t j)
{
	return strcmp(a->interface, b->interface) == 0 &&
	       a->addresses[i].family == b->addresses[j].family &&
	       memcmp(a->addresses[i].bytes, b->addresses[j].bytes,
		       a->addresses[i].family == AF_INET ? 4 : 16) == 0;
}

/* How often each claims an address of e, by the list. */
static void
count_slowly(const struct entry *all, const struct entry *e,
	unsigned counts[SANDBOXES])
{
	memset(counts, 0, SANDBOXES * sizeof(counts[0]));
	for (size_t i = 0; i < e->spec.address_count; i++)
		for (size_t n = 0; n < SANDBOXES; n++)
			for (size_t j = 0;
				all[n].there && j < all[n].spec.address_count;
				j++)
				counts[n] += same(e, i, &all[n], j);
}

static void
expect_same(const struct place_index *x, const struct entry *all,
	const struct entry *e)
{
	unsigned counts[SANDBOXES];
	struct place_walk at = {0};
	const struct sandbox *s;

	count_slowly(all, e, counts);
	while ((s = place_index_next(x, &e->spec, &at)) != NULL)
		counts[(const struct entry *)s - all]--;
	for (size_t n = 0; n < SANDBOXES; n++)
		assert_int_equal(counts[n], 0);
}

static void
test_it_finds_what_a_list_finds(void **state)
{
	struct entry *all = calloc(SANDBOXES, sizeof(*all));
	struct place_index *x = place_index_new();

	(void)state;
	assert_non_null(all);
	assert_non_null(x);
	for (int round = 0; round < ROUNDS; round++) {
		struct entry *e = &all[draw(SANDBOXES)], other;

		if (e->there) {
			place_index_remove(x, &e->spec);
			e->there = false;
		} else {
			make(e);
			place_index_add(x, &e->spec, &e->sandbox);
			e->there = true;
		}
		make(&other);
		expect_same(x, all, &other);
	}
	place_index_free(x);
	free(all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_finds_what_a_list_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
