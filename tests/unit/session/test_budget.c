#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "array.h"
#include "budget.h"

/* How many it gives at that moment, of so many that are asked for. */
static int
take(struct budget *b, double now, int asked)
{
	int got = 0;

	while (asked-- > 0)
		got += budget_take(b, now);
	return got;
}

static void
test_a_second_after_another(void **state)
{
	/* 10 a second, 20 at once. */
	static const struct {
		double now;
		int asked, want;
		const char *reason;
	} cases[] = {
		{1000, 20, 20, "it starts full"},
		{1000, 5, 0, "and then it is empty"},
		{1000.05, 1, 0, "half a token is none"},
		{1000.11, 1, 1, "two halves are one"},
		{1001, 50, 9, "nothing that was saved is lost"},
		{1002, 50, 10, "the rate"},
		{1000, 5, 0, "a clock that went back gives nothing"},
		{1002, 5, 0, "and nothing when it is there again"},
		{1002.5, 50, 5, "then the rate"},
		{9000, 50, 20, "no more than a burst is saved up"},
		{9000.2, 50, 2, "the rate again"},
	};
	struct budget b;

	(void)state;
	budget_init(&b, 10, 20, 1000);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int got = take(&b, cases[i].now, cases[i].asked);

		if (got != cases[i].want)
			fail_msg("%s: %d", cases[i].reason, got);
	}
}

/* However it is asked, over a long time it gives its rate and one burst. */
static void
test_the_rate_holds_over_time(void **state)
{
	struct budget b;
	int got = 0;

	(void)state;
	budget_init(&b, 3, 6, 0);
	for (int ms = 0; ms <= 100000; ms += 7)
		got += take(&b, ms / 1000.0, 2);
	assert_in_range(got, 300 + 6 - 1, 300 + 6);
}

static void
test_a_rate_of_nothing(void **state)
{
	struct budget b;

	(void)state;
	budget_init(&b, 0, 0, 0);
	assert_int_equal(take(&b, 1e9, 10), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_second_after_another),
		cmocka_unit_test(test_the_rate_holds_over_time),
		cmocka_unit_test(test_a_rate_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
