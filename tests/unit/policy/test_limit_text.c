#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "limit_text.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	enum policy_budget budget;
	struct policy_amount amount;
	const char *text, *words, *why;
} cases[] = {
	{POLICY_REQUESTS, {60, 60}, "60/m", "60 requests a minute", "many"},
	{POLICY_REQUESTS, {1, 1}, "1/s", "1 request a second", "one"},
	{POLICY_REQUESTS, {1000, 3600}, "1000/h", "1000 requests an hour",
		"requests have no unit"},
	{POLICY_UP, {1500, 86400}, "1500B/d", "1500 B a day to the origin",
		"no whole kB"},
	{POLICY_UP, {2000, 1}, "2kB/s", "2 kB a second to the origin",
		"whole kB"},
	{POLICY_DOWN, {10000000, 3600}, "10MB/h",
		"10 MB an hour from the origin", "MB"},
	{POLICY_DOWN, {UINT64_C(3000000000000), 60}, "3TB/m",
		"3 TB a minute from the origin", "the largest unit"},
	{POLICY_DOWN, {UINT64_C(1) << 53, 60}, "9007199254740992B/m",
		"9007199254740992 B a minute from the origin",
		"the largest amount"},
};

static void
test_one_amount(void **state)
{
	char amount[LIMIT_AMOUNT], words[LIMIT_WORDS];

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct policy_limit limit = {0};

		limit.amounts[cases[i].budget] = cases[i].amount;
		assert_string_equal(
			limit_amount(cases[i].budget, &cases[i].amount, amount),
			cases[i].text);
		assert_string_equal(limit_words(&limit, words), cases[i].words);
	}
}

static void
test_all_amounts(void **state)
{
	const struct policy_amount most = {UINT64_C(1) << 53, 60};
	const struct policy_limit limit = {.amounts = {most, most, most}};
	char words[LIMIT_WORDS];

	(void)state;
	assert_string_equal(limit_words(&limit, words),
		"9007199254740992 requests a minute, "
		"9007199254740992 B a minute to the origin, "
		"9007199254740992 B a minute from the origin");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_amount),
		cmocka_unit_test(test_all_amounts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
