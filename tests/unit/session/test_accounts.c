#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "accounts.h"

static const struct policy_limit limit = {
	"a rule", {[POLICY_REQUESTS] = {2, 60}, [POLICY_DOWN] = {1000, 1}}};

static void
test_fills_evenly_up_to_what_the_rule_names(void **state)
{
	struct accounts *all = accounts_new();
	struct account *a = account_open(all, &limit, 100);
	double wait = 0;

	(void)state;
	assert_true(account_has(a, POLICY_REQUESTS, 100, &wait));
	account_charge(a, POLICY_REQUESTS, 1, 100);
	assert_true(account_has(a, POLICY_REQUESTS, 100, &wait));
	account_charge(a, POLICY_REQUESTS, 1, 100);
	assert_false(account_has(a, POLICY_REQUESTS, 100, &wait));
	assert_int_equal(wait, 30);
	assert_false(account_has(a, POLICY_REQUESTS, 129.9, &wait));
	assert_true(account_has(a, POLICY_REQUESTS, 130, &wait));
	account_charge(a, POLICY_REQUESTS, 1, 130);
	/* Ten hours later there are two, and no more. */
	for (int i = 0; i < 2; i++) {
		assert_true(account_has(a, POLICY_REQUESTS, 36000, &wait));
		account_charge(a, POLICY_REQUESTS, 1, 36000);
	}
	assert_false(account_has(a, POLICY_REQUESTS, 36000, &wait));
	account_close(a);
	accounts_free(all);
}

static void
test_one_budget_says_nothing_about_another(void **state)
{
	struct accounts *all = accounts_new();
	struct account *a = account_open(all, &limit, 0);
	double wait = 0;

	(void)state;
	/* A piece may overdraw it; then it takes as long as it takes. */
	account_charge(a, POLICY_DOWN, 3000, 0);
	assert_false(account_has(a, POLICY_DOWN, 1, &wait));
	assert_true(wait > 1 && wait < 1.1);
	assert_true(account_has(a, POLICY_DOWN, 2.5, &wait));
	assert_true(account_has(a, POLICY_REQUESTS, 0, &wait));
	/* What the rule does not name is not limited. */
	account_charge(a, POLICY_UP, UINT64_MAX, 0);
	assert_true(account_has(a, POLICY_UP, 0, &wait));
	account_close(a);
	accounts_free(all);
}

/* Also when nobody used it for a while; a clock that stands still is none. */
static void
test_the_same_rule_has_the_same_account(void **state)
{
	const struct policy_limit other = {
		"another rule", {[POLICY_REQUESTS] = {1, 60}}};
	struct accounts *all = accounts_new();
	struct account *a = account_open(all, &limit, 5), *b;
	double wait;

	(void)state;
	assert_ptr_equal(account_open(all, &limit, 5), a);
	account_charge(a, POLICY_REQUESTS, 2, 5);
	account_close(a);
	account_close(a);
	b = account_open(all, &other, 5);
	assert_true(account_has(b, POLICY_REQUESTS, 5, &wait));
	a = account_open(all, &limit, 6);
	assert_false(account_has(a, POLICY_REQUESTS, 6, &wait));
	/* Time that went back gives nothing. */
	assert_false(account_has(a, POLICY_REQUESTS, 1, &wait));
	account_close(a);
	account_close(b);
	accounts_free(all);
}

static void
test_idle_accounts_are_bounded(void **state)
{
	enum { MANY = ACCOUNTS_IDLE_MAX + 10 };
	struct accounts *all = accounts_new();
	double wait;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		char key[16];
		struct policy_limit one = {
			key, {[POLICY_REQUESTS] = {1, 86400}}};
		struct account *a;

		snprintf(key, sizeof(key), "%d", i);
		a = account_open(all, &one, 0);
		account_charge(a, POLICY_REQUESTS, 1, 0);
		account_close(a);
	}
	for (int i = 0; i < 2; i++) {
		char key[16];
		struct policy_limit one = {
			key, {[POLICY_REQUESTS] = {1, 86400}}};
		struct account *a;

		snprintf(key, sizeof(key), "%d", i == 0 ? MANY - 1 : 0);
		a = account_open(all, &one, 0);
		/* The newest is still known, the oldest is not. */
		assert_int_equal(
			account_has(a, POLICY_REQUESTS, 0, &wait), i == 1);
		account_close(a);
	}
	accounts_free(all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fills_evenly_up_to_what_the_rule_names),
		cmocka_unit_test(test_one_budget_says_nothing_about_another),
		cmocka_unit_test(test_the_same_rule_has_the_same_account),
		cmocka_unit_test(test_idle_accounts_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
