/* What is known of origins' protocols: how long, how much, and the newest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "array.h"
#include "protocols.h"

enum { BOUND = 256 };

static int
set_up(void **state)
{
	*state = protocols_new();
	assert_non_null(*state);
	return 0;
}

static int
tear_down(void **state)
{
	protocols_free(*state);
	return 0;
}

static void
test_each_origin_has_its_own(void **state)
{
	static const struct {
		const char *host;
		uint16_t port;
		enum spoken want;
		const char *reason;
	} cases[] = {
		{"a.test", 443, SPOKEN_2, "as it was put"},
		{"b.test", 443, SPOKEN_1, "another name"},
		{"a.test", 8443, SPOKEN_ONLY_2, "another port"},
		{"b.test", 8443, SPOKEN_UNKNOWN, "never put: both known apart"},
		{"a.tes", 443, SPOKEN_UNKNOWN, "half a name"},
		{"", 443, SPOKEN_UNKNOWN, "no name"},
	};
	struct protocols *p = *state;

	protocols_put(p, "a.test", 443, SPOKEN_2, 0);
	protocols_put(p, "b.test", 443, SPOKEN_1, 0);
	protocols_put(p, "a.test", 8443, SPOKEN_ONLY_2, 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (protocols_get(p, cases[i].host, cases[i].port, 1) !=
			cases[i].want)
			fail_msg("%s", cases[i].reason);
	}
}

/* An origin may be given HTTP/2, or lose it. */
static void
test_age(void **state)
{
	struct protocols *p = *state;

	protocols_put(p, "a.test", 443, SPOKEN_1, 1000);
	assert_int_equal(protocols_get(p, "a.test", 443, 1599), SPOKEN_1);
	assert_int_equal(protocols_get(p, "a.test", 443, 1600), SPOKEN_UNKNOWN);
	/* Asking has not kept it, nor brought it back. */
	assert_int_equal(protocols_get(p, "a.test", 443, 1000), SPOKEN_UNKNOWN);
	/* Seen again, it is as new. */
	protocols_put(p, "a.test", 443, SPOKEN_1, 1000);
	protocols_put(p, "a.test", 443, SPOKEN_1, 1500);
	assert_int_equal(protocols_get(p, "a.test", 443, 2099), SPOKEN_1);
	assert_int_equal(protocols_get(p, "a.test", 443, 2100), SPOKEN_UNKNOWN);
}

static void
test_the_last_word_holds(void **state)
{
	static const enum spoken words[] = {SPOKEN_1, SPOKEN_ONLY_2, SPOKEN_2,
		SPOKEN_1, SPOKEN_UNKNOWN, SPOKEN_2};
	struct protocols *p = *state;

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		protocols_put(p, "a.test", 443, words[i], (double)i);
		assert_int_equal(
			protocols_get(p, "a.test", 443, (double)i), words[i]);
	}
}

static void
put_number(struct protocols *p, int i, double now)
{
	char host[32];

	snprintf(host, sizeof(host), "%d.test", i);
	protocols_put(p, host, 443, SPOKEN_2, now);
}

static enum spoken
get_number(struct protocols *p, int i, double now)
{
	char host[32];

	snprintf(host, sizeof(host), "%d.test", i);
	return protocols_get(p, host, 443, now);
}

/* A sandbox that asks for ever more names; the oldest are forgotten. */
static void
test_bounded(void **state)
{
	struct protocols *p = *state;

	for (int i = 0; i < BOUND; i++)
		put_number(p, i, 0);
	assert_int_equal(get_number(p, 0, 0), SPOKEN_2);
	/* To put one again takes no other's place, and makes it the newest. */
	put_number(p, 0, 0);
	assert_int_equal(get_number(p, 1, 0), SPOKEN_2);
	for (int i = BOUND; i < BOUND + 10; i++)
		put_number(p, i, 0);
	for (int i = 1; i <= 10; i++)
		assert_int_equal(get_number(p, i, 0), SPOKEN_UNKNOWN);
	assert_int_equal(get_number(p, 0, 0), SPOKEN_2);
	for (int i = 11; i < BOUND + 10; i++)
		assert_int_equal(get_number(p, i, 0), SPOKEN_2);
}

/* What was too old makes room. */
static void
test_the_old_are_counted_off(void **state)
{
	struct protocols *p = *state;

	for (int i = 0; i < BOUND; i++)
		put_number(p, i, i < BOUND / 2 ? 0 : 600);
	for (int i = 0; i < BOUND / 2; i++)
		assert_int_equal(get_number(p, i, 601), SPOKEN_UNKNOWN);
	for (int i = 0; i < BOUND / 2; i++)
		put_number(p, i, 601);
	for (int i = 0; i < BOUND; i++)
		assert_int_equal(get_number(p, i, 602), SPOKEN_2);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_each_origin_has_its_own),
		TEST(test_age),
		TEST(test_the_last_word_holds),
		TEST(test_bounded),
		TEST(test_the_old_are_counted_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
