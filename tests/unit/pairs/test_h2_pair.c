/*
 * The exchanges of test_h1_pair.c between two HTTP/2 conns, and through a
 * bridge from either version to either, with buffers so small that frames are
 * cut everywhere and each side waits for the other all the time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "array.h"
#include "codec_pair.h"

static const struct bounds all_bounds[] = {
	{16384, 16384, 16384},
	{1024, 1024, 1024},
	{7, 256, 5},
	{1024, 256, 13},
	{11, 1024, 1024},
};

static void
test_exchanges_on_one_connection(void **state)
{
	(void)state;
	for (size_t b = 0; b < ARRAY_LEN(all_bounds); b++) {
		struct pair *p = pair_new(HTTP_2, all_bounds[b]);

		for (size_t i = 0; i < plan_count; i++) {
			pair_run(p, &plans[i]);
			if (!pair_is_idle(p))
				fail_msg("%s, bounds %zu: not idle",
					plans[i].reason, b);
		}
		pair_free(p);
	}
}

static const struct bounds bridged_bounds[] = {
	{16384, 16384, 16384},
	{1024, 1024, 1024},
	{61, 256, 53},
};

static void
test_bridged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bridged_bounds) * 4; i++) {
		enum http_version near = i % 2 ? HTTP_2 : HTTP_1;
		enum http_version far = i / 2 % 2 ? HTTP_2 : HTTP_1;
		struct pair *p =
			pair_new_bridged(near, far, bridged_bounds[i / 4]);

		for (size_t n = 0; n < plan_count; n++) {
			pair_run(p, &plans[n]);
			if (!pair_is_idle(p))
				fail_msg("%s, %zu: not idle", plans[n].reason,
					i);
		}
		pair_free(p);
	}
}

/* More than any window holds, so that windows must open again. */
static void
test_more_than_the_windows(void **state)
{
	static const struct plan large = {"POST",
		{HTTP_LENGTH, 3 * 1024 * 1024, true},
		{HTTP_CHUNKED, 3 * 1024 * 1024, true}, 200, 0, true, false,
		"more than the windows"};
	struct pair *p = pair_new(HTTP_2, all_bounds[0]);

	(void)state;
	pair_run(p, &large);
	assert_true(pair_is_idle(p));
	pair_free(p);

	p = pair_new_bridged(HTTP_2, HTTP_2, all_bounds[0]);
	pair_run(p, &large);
	assert_true(pair_is_idle(p));
	pair_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exchanges_on_one_connection),
		cmocka_unit_test(test_bridged),
		cmocka_unit_test(test_more_than_the_windows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
