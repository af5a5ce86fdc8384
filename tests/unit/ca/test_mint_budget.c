#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mint_budget.h"

static unsigned
take_all(struct mint_budget *b, time_t now)
{
	unsigned taken = 0;

	while (mint_budget_take(b, now))
		taken++;
	return taken;
}

/* Each row goes on where the one before it ended. */
static const struct {
	time_t now;
	unsigned expect;
	const char *why;
} steps[] = {
	{1000, 100, "full at first: twice the rate"},
	{1000, 0, "nothing left in that second"},
	{1001, 50, "one second gives the rate"},
	{1003, 100, "two seconds give twice the rate"},
	{9999, 100, "an idle hour gives no more than the burst"},
	{5000, 0, "a clock set back gives nothing"},
	{5001, 50, "and time goes on from there"},
};

static void
test_follows_the_clock(void **state)
{
	struct mint_budget b;

	(void)state;
	mint_budget_init(&b, 50);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		unsigned taken = take_all(&b, steps[i].now);

		if (taken != steps[i].expect)
			fail_msg("%s: %u", steps[i].why, taken);
	}
}

static void
test_nothing_a_second_is_nothing(void **state)
{
	struct mint_budget b;

	(void)state;
	mint_budget_init(&b, 0);
	assert_int_equal(take_all(&b, 1000), 0);
	assert_int_equal(take_all(&b, 2000), 0);
}

static void
test_part_of_the_budget_stays(void **state)
{
	struct mint_budget b;

	(void)state;
	mint_budget_init(&b, 5);
	for (int i = 0; i < 4; i++)
		assert_true(mint_budget_take(&b, 1));
	assert_int_equal(take_all(&b, 1), 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_follows_the_clock),
		cmocka_unit_test(test_nothing_a_second_is_nothing),
		cmocka_unit_test(test_part_of_the_budget_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
