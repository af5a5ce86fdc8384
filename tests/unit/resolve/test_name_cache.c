#include <arpa/nameser.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "name_cache.h"
#include "resolver.h"

static void
put(struct name_cache *c, const char *name, uint64_t now, unsigned ttl)
{
	struct resolver_answer answer = {
		.family = AF_INET,
		.type = ns_t_a,
		.count = 1,
		.ttl = ttl,
		.addresses = {{192, 0, 2, (uint8_t)name[0]}},
	};

	name_cache_put(c, name, now, &answer);
}

static bool
has(struct name_cache *c, const char *name, uint64_t now)
{
	struct resolver_answer answer;

	if (!name_cache_find(c, name, ns_t_a, now, &answer))
		return false;
	assert_int_equal(answer.status, 0);
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.addresses[0][3], name[0]);
	return true;
}

static void
test_expires_by_the_millisecond(void **state)
{
	struct name_cache *c = name_cache_new(4);
	struct resolver_answer answer;

	(void)state;
	put(c, "a", 1000, 10);
	assert_true(name_cache_find(c, "a", ns_t_a, 1000, &answer));
	assert_int_equal(answer.ttl, 10);
	assert_true(name_cache_find(c, "a", ns_t_a, 10999, &answer));
	assert_int_equal(answer.ttl, 1);
	assert_false(name_cache_find(c, "a", ns_t_a, 11000, &answer));
	name_cache_free(c);
	name_cache_free(NULL);
}

static void
test_least_recently_used_goes(void **state)
{
	struct name_cache *c = name_cache_new(3);

	(void)state;
	put(c, "a", 0, 10);
	put(c, "b", 0, 10);
	put(c, "c", 0, 10);
	assert_true(has(c, "a", 0));
	put(c, "d", 0, 10);
	assert_true(has(c, "a", 0));
	assert_false(has(c, "b", 0));
	assert_true(has(c, "c", 0));
	assert_true(has(c, "d", 0));
	put(c, "a", 0, 20); /* takes its own place, nobody else's */
	assert_true(has(c, "c", 0));
	assert_true(has(c, "d", 0));
	assert_true(has(c, "a", 15000));
	assert_false(has(c, "c", 15000));
	name_cache_free(c);
}

static void
test_families_are_apart_and_failures_kept(void **state)
{
	struct resolver_answer none = {.status = -ENODATA,
		.family = AF_INET6,
		.type = ns_t_aaaa,
		.ttl = 5,
		.text = "no data"};
	struct name_cache *c = name_cache_new(4);
	struct resolver_answer answer;

	(void)state;
	put(c, "a", 0, 10);
	name_cache_put(c, "a", 0, &none);
	assert_true(has(c, "a", 0));
	assert_true(name_cache_find(c, "a", ns_t_aaaa, 0, &answer));
	assert_int_equal(answer.status, -ENODATA);
	assert_int_equal(answer.count, 0);
	assert_string_equal(answer.text, "no data");
	name_cache_clear(c);
	assert_false(has(c, "a", 0));
	assert_false(name_cache_find(c, "a", ns_t_aaaa, 0, &answer));
	put(c, "a", 0, 10);
	assert_true(has(c, "a", 0));
	name_cache_free(c);
}

static void
test_records_are_copied(void **state)
{
	uint8_t bytes[] = {0, 3, 2, 'h', 'i', 0, 1, 0};
	struct resolver_answer answer = {.family = AF_UNSPEC,
		.type = ns_t_txt,
		.count = 2,
		.ttl = 10,
		.records = bytes,
		.records_len = sizeof(bytes)};
	struct name_cache *c = name_cache_new(4);

	(void)state;
	name_cache_put(c, "a", 0, &answer);
	memset(bytes, 0xff, sizeof(bytes));
	put(c, "a", 0, 10);
	assert_true(name_cache_find(c, "a", ns_t_txt, 0, &answer));
	assert_int_equal(answer.family, AF_UNSPEC);
	assert_int_equal(answer.count, 2);
	assert_int_equal(answer.records_len, sizeof(bytes));
	assert_memory_equal(answer.records, "\0\3\2hi\0\1", sizeof(bytes));
	assert_false(name_cache_find(c, "a", ns_t_mx, 0, &answer));
	name_cache_free(c);
}

static void
test_many_names(void **state)
{
	enum { CAPACITY = 4096 };
	struct name_cache *c = name_cache_new(CAPACITY);
	char name[16];

	(void)state;
	for (int i = 0; i < 2 * CAPACITY; i++) {
		snprintf(name, sizeof(name), "%d", i);
		put(c, name, 0, 10);
	}
	for (int i = 0; i < 2 * CAPACITY; i++) {
		snprintf(name, sizeof(name), "%d", i);
		assert_int_equal(has(c, name, 0), i >= CAPACITY);
	}
	name_cache_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expires_by_the_millisecond),
		cmocka_unit_test(test_least_recently_used_goes),
		cmocka_unit_test(test_families_are_apart_and_failures_kept),
		cmocka_unit_test(test_records_are_copied),
		cmocka_unit_test(test_many_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
