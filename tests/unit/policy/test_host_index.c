#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host_index.h"
#include "region.h"

/* A fixed sequence: a failure today is a failure tomorrow. */
static uint32_t seed = 20240131;

static unsigned
pick(unsigned below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

/* Few labels, so that names and patterns meet often. */
static void
random_name(char *ret, size_t size)
{
	static const char *const labels[] = {
		"a", "b", "ab", "x-api", "api-x", "com", "org", "aab"};
	unsigned count = 1 + pick(4);
	size_t len = 0;

	for (unsigned i = 0; i < count; i++)
		len += (size_t)snprintf(ret + len, size - len, "%s%s",
			i > 0 ? "." : "", labels[pick(8)]);
}

static void
random_pattern(char *ret, size_t size)
{
	static const char *const fronts[] = {"", "", "", "*.", "**.", ".",
		"*-api.", "api-*.", "a*b.", "a*."};
	char base[64];

	random_name(base, sizeof(base));
	if (pick(40) == 0)
		snprintf(ret, size, "*");
	else
		snprintf(ret, size, "%s%s", fronts[pick(10)], base);
}

enum { PATTERNS = 60, ROUNDS = 60, NAMES = 400 };

/* What the index must say, said in the slowest way. */
static size_t
expected(const struct host_pattern *patterns, const uint32_t *ids,
	const char *host, uint32_t *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < PATTERNS; i++) {
		if (host_pattern_matches(&patterns[i], host) &&
			(n == 0 || ret[n - 1] != ids[i]))
			ret[n++] = ids[i];
	}
	return n;
}

static void
check_name(const struct host_index *x, const struct host_pattern *patterns,
	const uint32_t *ids)
{
	struct host_matches matches;
	uint32_t want[PATTERNS], id;
	char host[64];
	size_t n, i = 0;

	random_name(host, sizeof(host));
	n = expected(patterns, ids, host, want);
	host_index_find(x, host, &matches);
	while (host_matches_next(&matches, &id)) {
		if (i >= n || id != want[i])
			fail_msg("%s: %u at %zu of %zu", host, id, i, n);
		i++;
	}
	if (i != n)
		fail_msg("%s: %zu matches, not %zu", host, i, n);
}

static void
test_agrees_with_trying_each_pattern(void **state)
{
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct host_index *x = host_index_new();
		struct region *region = region_new();
		struct host_pattern patterns[PATTERNS];
		uint32_t ids[PATTERNS], id = 0;

		for (size_t i = 0; i < PATTERNS; i++) {
			char text[128], why[HOST_PATTERN_ERROR];

			random_pattern(text, sizeof(text));
			assert_int_equal(host_pattern_compile(region, text,
						 true, &patterns[i], why),
				0);
			id += pick(2); /* several patterns of one rule */
			ids[i] = id;
			assert_int_equal(
				host_index_add(x, &patterns[i], id), 0);
		}
		for (int i = 0; i < NAMES; i++)
			check_name(x, patterns, ids);
		host_index_free(x);
		region_free(region);
	}
}

static void
test_empty_finds_nothing(void **state)
{
	struct host_index *x = host_index_new();
	struct host_matches matches;
	uint32_t id;

	(void)state;
	host_index_find(x, "example.org", &matches);
	assert_false(host_matches_next(&matches, &id));
	host_index_free(x);
	host_index_free(NULL);
}

/* Names that host_normalise() would never give must still do no harm. */
static void
test_names_of_any_shape(void **state)
{
	static const char *const hosts[] = {
		"", ".", "..", "...org", "a..org", ".org", "org.", "x.org"};
	struct host_index *x = host_index_new();
	struct region *region = region_new();
	char why[HOST_PATTERN_ERROR], lots[4096];
	struct host_matches matches;
	struct host_pattern p;
	uint32_t id;

	(void)state;
	assert_int_equal(
		host_pattern_compile(region, "**.org", true, &p, why), 0);
	assert_int_equal(host_index_add(x, &p, 1), 0);
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		host_index_find(x, hosts[i], &matches);
		while (host_matches_next(&matches, &id))
			assert_int_equal(id, 1);
	}
	for (size_t i = 0; i + 1 < sizeof(lots); i++)
		lots[i] = i % 2 == 0 ? 'a' : '.';
	lots[sizeof(lots) - 1] = '\0';
	host_index_find(x, lots, &matches);
	assert_false(host_matches_next(&matches, &id));
	host_index_free(x);
	region_free(region);
}

/* Every list that a lookup can collect, at once. */
static void
test_the_deepest_name(void **state)
{
	struct host_index *x = host_index_new();
	struct region *region = region_new();
	struct host_pattern patterns[HOST_LABELS_MAX + 4];
	char host[HOST_MAX + 1], text[HOST_MAX + 8], why[HOST_PATTERN_ERROR];
	struct host_matches matches;
	size_t n = 0;
	uint32_t id, count = 0;

	(void)state;
	for (size_t i = 0; i < HOST_MAX; i++)
		host[i] = i % 2 == 0 ? 'a' : '.';
	host[HOST_MAX] = '\0';
	for (size_t skip = 2; skip < HOST_MAX; skip += 2, n++) {
		snprintf(text, sizeof(text), "**.%s", host + skip);
		assert_int_equal(host_pattern_compile(
					 region, text, true, &patterns[n], why),
			0);
	}
	snprintf(text, sizeof(text), "*.%s", host + 2);
	assert_int_equal(
		host_pattern_compile(region, text, true, &patterns[n++], why),
		0);
	snprintf(text, sizeof(text), "a*.%s", host + 2);
	assert_int_equal(
		host_pattern_compile(region, text, true, &patterns[n++], why),
		0);
	assert_int_equal(
		host_pattern_compile(region, host, true, &patterns[n++], why),
		0);
	assert_int_equal(
		host_pattern_compile(region, "*", true, &patterns[n++], why),
		0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(
			host_index_add(x, &patterns[i], (uint32_t)i), 0);
	host_index_find(x, host, &matches);
	while (host_matches_next(&matches, &id))
		assert_int_equal(id, count++);
	assert_int_equal(count, n);
	host_index_free(x);
	region_free(region);
}

/* Labels of every length, those that a node holds itself and longer ones. */
static void
test_labels_of_every_length(void **state)
{
	struct host_index *x = host_index_new();
	struct region *region = region_new();
	struct host_pattern patterns[HOST_LABEL_MAX];
	char host[HOST_MAX + 1], why[HOST_PATTERN_ERROR];
	struct host_matches matches;
	uint32_t id;

	(void)state;
	for (int len = 1; len <= HOST_LABEL_MAX; len++) {
		snprintf(host, sizeof(host), "%.*s%d.test", len - 1 - (len > 9),
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			"a"
			"aaaaaaaaa",
			len);
		assert_int_equal(host_pattern_compile(region, host, true,
					 &patterns[len - 1], why),
			0);
		assert_int_equal(
			host_index_add(x, &patterns[len - 1], (uint32_t)len),
			0);
	}
	for (uint32_t len = 1; len <= HOST_LABEL_MAX; len++) {
		/* A copy: nothing may depend on whose bytes they are. */
		snprintf(host, sizeof(host), "%s", patterns[len - 1].text);
		assert_int_equal(strcspn(host, "."), len);
		host_index_find(x, host, &matches);
		assert_true(host_matches_next(&matches, &id));
		assert_int_equal(id, len);
		assert_false(host_matches_next(&matches, &id));
		host[0] = 'b';
		host_index_find(x, host, &matches);
		assert_false(host_matches_next(&matches, &id));
	}
	host_index_free(x);
	region_free(region);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agrees_with_trying_each_pattern),
		cmocka_unit_test(test_empty_finds_nothing),
		cmocka_unit_test(test_names_of_any_shape),
		cmocka_unit_test(test_the_deepest_name),
		cmocka_unit_test(test_labels_of_every_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
