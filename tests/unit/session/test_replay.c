/*
 * What was sent of a body, sent again: all of it, or nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "replay.h"

enum { BOUND = 16 * 1024 };

static void
keep(struct replay *r, const char *text)
{
	replay_keep(r, (struct span){text, strlen(text)});
}

static void
test_again_in_pieces(void **state)
{
	struct replay r;

	(void)state;
	replay_init(&r);
	assert_int_equal(replay_rest(&r).len, 0);
	keep(&r, "abc");
	keep(&r, "de");
	assert_int_equal(replay_rest(&r).len, 0);
	assert_true(replay_is_possible(&r));
	replay_begin(&r);
	assert_int_equal(replay_rest(&r).len, 5);
	assert_memory_equal(replay_rest(&r).ptr, "abcde", 5);
	replay_advance(&r, 4);
	assert_int_equal(replay_rest(&r).len, 1);
	assert_memory_equal(replay_rest(&r).ptr, "e", 1);
	replay_advance(&r, 1);
	assert_int_equal(replay_rest(&r).len, 0);
	/* What is new then belongs to it, too. */
	keep(&r, "f");
	replay_begin(&r);
	assert_memory_equal(replay_rest(&r).ptr, "abcdef", 6);
	replay_done(&r);
	assert_int_equal(replay_rest(&r).len, 0);
	replay_done(&r);
}

static void
test_too_long(void **state)
{
	static char full[BOUND];
	struct replay r;

	(void)state;
	replay_init(&r);
	replay_keep(&r, (struct span){full, sizeof(full)});
	assert_true(replay_is_possible(&r));
	keep(&r, "x");
	assert_false(replay_is_possible(&r));
	/* Never a part of it, and none that comes later. */
	keep(&r, "y");
	replay_begin(&r);
	assert_int_equal(replay_rest(&r).len, 0);
	assert_false(replay_is_possible(&r));
	replay_done(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_again_in_pieces),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
