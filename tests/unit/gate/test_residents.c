/* Who is found where, held against a list that is looked through. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "link_message.h"
#include "resident.h"

enum { NAMES = 40, PLACES = 24, INTERFACES = 4, ROUNDS = 20000, ADDRESSES = 3 };

struct model {
	struct resident *at[NAMES]; /* borrowed; NULL: not there */
};

static struct resident *
make(unsigned name)
{
	char text[16];
	struct link_sandbox from = {.name = text,
		.policy = "agent",
		.labels = "{}",
		.overlay = "",
		.ifindex = (uint32_t)(random() % INTERFACES),
		.address_count = (size_t)(random() % (ADDRESSES + 1))};
	struct resident *ret;
	char why[128];

	snprintf(text, sizeof(text), "s%u", name);
	for (size_t i = 0; i < from.address_count; i++) {
		/* One address has a sandbox once. */
		from.addresses[i].family =
			random() % 2 != 0 ? AF_INET : AF_INET6;
		from.addresses[i].bytes[3] =
			(uint8_t)(random() % (PLACES / ADDRESSES) * ADDRESSES +
				  i);
	}
	assert_int_equal(resident_new(&from, 0, &ret, why, sizeof(why)), 0);
	return ret;
}

static bool
lives_at(const struct resident *r, int family, const uint8_t bytes[static 16])
{
	for (size_t i = 0; r != NULL && i < r->address_count; i++)
		if (r->addresses[i].family == family &&
			memcmp(r->addresses[i].bytes, bytes, 16) == 0)
			return true;
	return false;
}

/* Whether who is one of those that the model has there. */
static void
check_place(const struct residents *all, const struct model *m, int family,
	const uint8_t bytes[static 16])
{
	size_t there[INTERFACES] = {0}, count = 0;

	for (unsigned n = 0; n < NAMES; n++)
		if (lives_at(m->at[n], family, bytes)) {
			there[m->at[n]->ifindex]++;
			count++;
		}
	for (uint32_t i = 0; i < INTERFACES; i++) {
		struct resident *r = residents_identify(all, i, family, bytes);

		assert_int_equal(r != NULL, i != 0 && there[i] > 0);
		if (r != NULL) {
			assert_int_equal(r->ifindex, i);
			assert_true(lives_at(r, family, bytes));
		}
	}
	for (size_t i = 0; i < count; i++)
		assert_true(lives_at(
			residents_with(all, family, bytes, i), family, bytes));
	assert_null(residents_with(all, family, bytes, count));
}

static void
check(const struct residents *all, const struct model *m)
{
	uint8_t bytes[16] = {0};
	size_t count = 0;

	for (unsigned n = 0; n < NAMES; n++)
		count += m->at[n] != NULL;
	assert_int_equal(residents_count(all), count);
	for (unsigned i = 0; i < PLACES; i++) {
		bytes[3] = (uint8_t)i;
		check_place(all, m, AF_INET, bytes);
		check_place(all, m, AF_INET6, bytes);
	}
}

static void
test_who_is_where(void **state)
{
	struct residents *all = residents_new();
	struct model m = {0};

	(void)state;
	srandom(5);
	assert_non_null(all);
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned name = (unsigned)(random() % NAMES);
		struct resident *r = random() % 3 > 0 ? make(name) : NULL, *old;
		char text[16];

		snprintf(text, sizeof(text), "s%u", name);
		if (r != NULL) {
			assert_int_equal(
				residents_reserve(all, 1, r->address_count), 0);
			old = residents_put(all, r);
		} else {
			old = residents_take(all, text);
		}
		assert_ptr_equal(old, m.at[name]);
		resident_unref(old);
		m.at[name] = r;
		if (round % 16 == 0)
			check(all, &m);
	}
	residents_free(all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_is_where),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
