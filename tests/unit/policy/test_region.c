#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "region.h"

static void
test_pieces_are_zeroed_aligned_and_apart(void **state)
{
	struct region *r = region_new();
	char *last = NULL;

	(void)state;
	assert_non_null(r);
	for (size_t size = 0; size < 3000; size += 7) {
		char *piece = region_alloc(r, size, 1);

		assert_non_null(piece);
		assert_int_equal((uintptr_t)piece % sizeof(void *), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(piece[i], 0);
		memset(piece, 0x55, size);
		assert_ptr_not_equal(piece, last);
		last = piece;
	}
	assert_int_equal(region_failed(r), 0);
	region_free(r);
}

static void
test_a_large_piece_gets_its_own_block(void **state)
{
	struct region *r = region_new();
	char *piece;

	(void)state;
	piece = region_alloc(r, 5000, 1000);
	assert_non_null(piece);
	piece[4999999] = 1;
	region_free(r);
}

static void
test_overflow_fails_and_stays_failed(void **state)
{
	struct region *r = region_new();

	(void)state;
	assert_null(region_alloc(r, SIZE_MAX / 2, 3));
	assert_int_equal(region_failed(r), -ENOMEM);
	assert_null(region_alloc(r, 1, 1));
	assert_null(region_format(r, "%d", 1));
	region_free(r);
}

static void
test_texts(void **state)
{
	struct region *r = region_new();

	(void)state;
	assert_string_equal(region_copy(r, "abcdef", 3), "abc");
	assert_string_equal(region_copy(r, NULL, 0), "");
	assert_string_equal(region_format(r, "%s[%d]", "allow", 2), "allow[2]");
	region_free(r);
	region_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces_are_zeroed_aligned_and_apart),
		cmocka_unit_test(test_a_large_piece_gets_its_own_block),
		cmocka_unit_test(test_overflow_fails_and_stays_failed),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
