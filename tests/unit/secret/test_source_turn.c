/* Who begins when, of many that want to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "source_turn.h"

enum { CROWD = 3 * SOURCE_TURNS, MANY = 10000 };

struct one {
	struct source_turn turn;
	int begun; /* which of all it was; 0: not yet */
	bool ends_at_once;
};

static struct ev_loop *loop;
static int begun, depth;

static void
on_begin(void *arg)
{
	struct one *one = arg;

	assert_int_equal(depth, 0);
	depth++;
	one->begun = ++begun;
	if (one->ends_at_once)
		source_turn_end(&one->turn);
	depth--;
}

static int
set_up(void **state)
{
	(void)state;
	loop = ev_loop_new(EVFLAG_AUTO);
	begun = 0;
	return loop != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	ev_loop_destroy(loop);
	return 0;
}

static void
come(struct one *crowd, int count)
{
	for (int i = 0; i < count; i++)
		if (source_turn_take(&crowd[i].turn, loop, on_begin, &crowd[i]))
			crowd[i].begun = ++begun;
	assert_int_equal(begun, SOURCE_TURNS);
}

static void
turn_loop(void)
{
	ev_run(loop, EVRUN_NOWAIT);
}

static void
test_first_come_first_served(void **state)
{
	static struct one crowd[CROWD];

	(void)state;
	come(crowd, CROWD);
	turn_loop();
	assert_int_equal(begun, SOURCE_TURNS);
	for (int i = 0; i < CROWD; i++) {
		assert_int_equal(crowd[i].begun, i + 1);
		source_turn_end(&crowd[i].turn);
		source_turn_end(&crowd[i].turn); /* once more is nothing */
		assert_int_equal(depth, 0);
		turn_loop();
		assert_int_equal(begun, i + 1 + SOURCE_TURNS < CROWD
						? i + 1 + SOURCE_TURNS
						: CROWD);
	}
}

/* Of those that wait, the first, one inside and the last; and one that has been
 * called and has not begun. */
static void
test_who_waits_no_more(void **state)
{
	static struct one crowd[CROWD];
	const int gone[] = {SOURCE_TURNS, SOURCE_TURNS + 5, CROWD - 1};

	(void)state;
	come(crowd, CROWD);
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		source_turn_end(&crowd[gone[i]].turn);
	source_turn_end(&crowd[0].turn);
	source_turn_end(&crowd[SOURCE_TURNS + 1].turn); /* was called */
	turn_loop();
	assert_int_equal(crowd[SOURCE_TURNS + 1].begun, 0);
	assert_int_equal(crowd[SOURCE_TURNS + 2].begun, SOURCE_TURNS + 1);
	for (int i = 0; i < CROWD; i++) {
		source_turn_end(&crowd[i].turn);
		turn_loop();
	}
	assert_int_equal(begun, CROWD - 4);
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		assert_int_equal(crowd[gone[i]].begun, 0);
	/* Nobody holds a turn any more. */
	begun = 0;
	come(crowd, CROWD);
	for (int i = CROWD - 1; i >= 0; i--)
		source_turn_end(&crowd[i].turn);
}

/* on_begin() looks that none stands on the stack of another. */
static void
test_all_end_at_once(void **state)
{
	struct one *crowd = calloc(MANY, sizeof(*crowd));

	(void)state;
	assert_non_null(crowd);
	for (int i = 0; i < MANY; i++)
		crowd[i].ends_at_once = true;
	come(crowd, MANY);
	for (int i = 0; i < SOURCE_TURNS; i++)
		source_turn_end(&crowd[i].turn);
	for (int i = 0; i < MANY && begun < MANY; i++)
		turn_loop();
	assert_int_equal(begun, MANY);
	/* Those that are called together may begin in any order. */
	for (int i = 0; i < MANY; i++)
		assert_true(crowd[i].begun >= i + 1 - SOURCE_TURNS &&
			    crowd[i].begun <= i + 1 + SOURCE_TURNS);
	free(crowd);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_first_come_first_served),
		TEST(test_who_waits_no_more),
		TEST(test_all_end_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
