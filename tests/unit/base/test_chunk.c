#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "chunk.h"

/* Whatever is kept, two who hold memory never hold the same. */
static void
test_no_two_hold_the_same(void **state)
{
	static const size_t sizes[] = {
		2048, 4096, 8192, 16384, 3000, 32768, 65536};
	enum { HELD = 300, ROUNDS = 5 };
	static unsigned char *held[HELD];

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < HELD; i++) {
			size_t size = sizes[i % 7];

			held[i] = chunk_alloc(size);
			assert_non_null(held[i]);
			memset(held[i], i & 0xff, size);
		}
		for (int i = 0; i < HELD; i++) {
			size_t size = sizes[i % 7];

			assert_int_equal(held[i][0], i & 0xff);
			assert_int_equal(held[i][size - 1], i & 0xff);
			chunk_free(held[i], size);
		}
	}
	chunk_free(NULL, 2048);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_two_hold_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
