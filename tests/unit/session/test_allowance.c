/* Which limits count what is allowed, and which of them is said to be spent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "accounts.h"
#include "allowance.h"
#include "sandbox.h"

static const struct policy_limit
	of_rule = {"- host: [a.test]\n",
		{[POLICY_REQUESTS] = {3, 86400}, [POLICY_UP] = {100, 86400}}},
	of_sandbox = {NULL,
		{[POLICY_REQUESTS] = {2, 86400}, [POLICY_DOWN] = {50, 86400}}};

static void
open_sandbox(struct sandbox *s, const char *source)
{
	*s = (struct sandbox){.accounts = accounts_new()};
	assert_non_null(s->accounts);
	assert_int_equal(
		own_limit_init(&s->limit, "build-1", source, &of_sandbox), 0);
}

static void
close_sandbox(struct sandbox *s)
{
	accounts_free(s->accounts);
	own_limit_done(&s->limit);
}

static void
test_each_counts(void **state)
{
	static const struct {
		const struct policy_limit *rule; /* of what is done first */
		const char *source;              /* NULL: no own limit */
		unsigned requests, up, down;
		bool requests_left, up_left, down_left;
		const char *why;
	} cases[] = {
		{NULL, NULL, 9, 999, 999, true, true, true, "no limit"},
		{&of_rule, NULL, 3, 0, 999, false, true, true, "the rule's"},
		{&of_rule, NULL, 2, 100, 0, true, false, true, "its bytes"},
		{NULL, "b.yaml:3", 1, 999, 49, true, true, true, "not yet"},
		{NULL, "b.yaml:3", 2, 0, 0, false, true, true,
			"the sandbox's, without a rule"},
		{&of_rule, "b.yaml:3", 2, 0, 0, false, true, true,
			"the sandbox's, before the rule's"},
		{&of_rule, "b.yaml:3", 0, 100, 0, true, false, true,
			"the rule's, before the sandbox's"},
		{&of_rule, "b.yaml:3", 0, 0, 50, true, true, false,
			"its bytes"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct allowance a = {0}, other = {0};
		struct sandbox s;

		open_sandbox(&s, cases[i].source);
		assert_int_equal(allowance_open(&a, &s, cases[i].rule), 0);
		allowance_charge(&a, POLICY_REQUESTS, cases[i].requests);
		allowance_charge(&a, POLICY_UP, cases[i].up);
		allowance_charge(&a, POLICY_DOWN, cases[i].down);
		if (allowance_has(&a, POLICY_REQUESTS) !=
				cases[i].requests_left ||
			allowance_has(&a, POLICY_UP) != cases[i].up_left ||
			allowance_has(&a, POLICY_DOWN) != cases[i].down_left)
			fail_msg("%s", cases[i].why);
		assert_int_equal(allowance_has_all(&a),
			cases[i].requests_left && cases[i].up_left &&
				cases[i].down_left);
		/* Who comes by another rule uses the same of the sandbox. */
		assert_int_equal(allowance_open(&other, &s, NULL), 0);
		assert_int_equal(allowance_has(&other, POLICY_REQUESTS),
			cases[i].source == NULL || cases[i].requests < 2);
		allowance_close(&other);
		allowance_close(&a);
		close_sandbox(&s);
	}
}

static void
test_it_says_which(void **state)
{
	const struct policy_verdict verdict = {
		.allowed = true, .rule = "p.allow[0]", .source = "p.yaml:7"};
	struct policy_verdict by;
	struct allowance a = {0};
	struct sandbox s;

	(void)state;
	open_sandbox(&s, "b.yaml:3");
	assert_int_equal(allowance_open(&a, &s, &of_rule), 0);
	allowance_charge(&a, POLICY_UP, 100);
	assert_false(allowance_has(&a, POLICY_UP));
	by = allowance_verdict(&a, &verdict);
	assert_string_equal(by.rule, "p.allow[0]");
	assert_string_equal(by.source, "p.yaml:7");
	assert_non_null(strstr(a.why, "the rule that allows this limits bytes "
				      "to the origin"));
	allowance_charge(&a, POLICY_DOWN, 50);
	assert_false(allowance_has(&a, POLICY_DOWN));
	by = allowance_verdict(&a, &verdict);
	assert_string_equal(by.rule, "build-1.limit");
	assert_string_equal(by.source, "b.yaml:3");
	assert_true(by.allowed);
	assert_non_null(strstr(a.why, "the sandbox has a limit of bytes from "
				      "the origin"));
	assert_non_null(strstr(a.why, "(b.yaml:3)"));
	assert_in_range(a.retry_after, 1700, 1729); /* one of fifty a day */
	/* It was taken away since. */
	own_limit_done(&s.limit);
	by = allowance_verdict(&a, &verdict);
	assert_string_equal(by.rule, "p.allow[0]");
	allowance_close(&a);
	close_sandbox(&s);
}

static void
test_the_same_limit_is_the_same_account(void **state)
{
	struct policy_limit more = of_sandbox;
	struct allowance a = {0};
	struct sandbox s;

	(void)state;
	open_sandbox(&s, "b.yaml:3");
	assert_int_equal(allowance_open(&a, &s, NULL), 0);
	allowance_charge(&a, POLICY_REQUESTS, 2);
	allowance_close(&a);
	/* Another place, the same words. */
	own_limit_done(&s.limit);
	assert_int_equal(
		own_limit_init(&s.limit, "build-1", "c.yaml:9", &of_sandbox),
		0);
	assert_int_equal(allowance_open(&a, &s, NULL), 0);
	assert_false(allowance_has(&a, POLICY_REQUESTS));
	allowance_close(&a);
	/* Other words. */
	own_limit_done(&s.limit);
	more.amounts[POLICY_REQUESTS].amount = 3;
	assert_int_equal(
		own_limit_init(&s.limit, "build-1", "c.yaml:9", &more), 0);
	assert_int_equal(allowance_open(&a, &s, NULL), 0);
	assert_true(allowance_has(&a, POLICY_REQUESTS));
	allowance_close(&a);
	close_sandbox(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_counts),
		cmocka_unit_test(test_it_says_which),
		cmocka_unit_test(test_the_same_limit_is_the_same_account),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
