#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "siphash.h"

/* Computed by another implementation, under a key of zeroes. */
static const struct {
	const char *text;
	uint64_t hash;
	const char *reason;
} cases[] = {
	{"a", 0x407448d2b89b1813, "less than a word"},
	{"example", 0xcf5a8cd89871f5e5, "one less than a word"},
	{"12345678", 0x3489982430560a87, "a word"},
	{"0123456789abcdef0", 0xf738bb4f30801228, "two words and a byte"},
	{"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		0x1c308a9f11b6a742, "the longest label"},
};

static void
test_vectors(void **state)
{
	const struct siphash_key zero = {0, 0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (siphash(zero, cases[i].text, strlen(cases[i].text)) !=
			cases[i].hash)
			fail_msg("%s", cases[i].reason);
	}
}

static void
test_the_key_counts(void **state)
{
	const struct siphash_key a = siphash_process_key();
	const struct siphash_key b = siphash_process_key();
	const struct siphash_key other = {a.k0 ^ 1, a.k1};

	(void)state;
	assert_true(a.k0 == b.k0 && a.k1 == b.k1);
	assert_true((a.k0 | a.k1) != 0);
	assert_true(siphash(a, "label", 5) != siphash(other, "label", 5));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_the_key_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
