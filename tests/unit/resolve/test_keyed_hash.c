#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "array.h"
#include "keyed_hash.h"

/* The vectors of the paper and of the reference implementation: the key is
 * 00 01 … 0f, the input 00 01 … */
static const struct {
	size_t len;
	uint64_t expected;
	const char *why;
} vectors[] = {
	{0, 0x726fdb47dd0e0e31, "nothing"},
	{1, 0x74f839c593dc67fd, "one byte"},
	{7, 0xab0200f58b01d137, "one byte less than a word"},
	{8, 0x93f5f5799a932462, "a word"},
	{15, 0xa129ca6149be45e5, "the example of the paper"},
};

static void
test_published_vectors(void **state)
{
	struct keyed_hash h = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};
	uint8_t input[16];

	(void)state;
	for (size_t i = 0; i < sizeof(input); i++)
		input[i] = (uint8_t)i;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		if (keyed_hash_of(&h, input, vectors[i].len) !=
			vectors[i].expected)
			fail_msg("%s", vectors[i].why);
	}
}

static void
test_two_keys_differ(void **state)
{
	struct keyed_hash a, b;

	(void)state;
	assert_int_equal(keyed_hash_init(&a), 0);
	assert_int_equal(keyed_hash_init(&b), 0);
	assert_true(keyed_hash_of(&a, "x", 1) != keyed_hash_of(&b, "x", 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_vectors),
		cmocka_unit_test(test_two_keys_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
