#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "document_set.h"
#include "policy.h"

enum { TEXT = 1024 };

#define V "version: 1\n"

static void
add(struct document_set *s, const char *name, const char *text)
{
	assert_int_equal(document_set_add(s, name, text, strlen(text)), 0);
}

static void
test_together_they_are_one_policy(void **state)
{
	struct document_set *s = document_set_new();
	struct policy *policy = NULL;
	char why[TEXT];

	(void)state;
	add(s, "a.yaml",
		V "workers: 2\npolicies: {a: {allow: [{host: a.test}]}}\n");
	add(s, "b.yaml", V "policies: {b: {allow: [{host: b.test}]}}\n");
	assert_int_equal(document_set_count(s), 2);
	assert_int_equal(document_set_compile(s, &policy, why, TEXT), 0);
	document_set_free(s);
	assert_non_null(policy_find(policy, "a"));
	assert_non_null(policy_find(policy, "b"));
	policy_unref(policy);
}

static void
test_none_is_a_policy_that_allows_nothing(void **state)
{
	struct document_set *s = document_set_new();
	struct policy *policy = NULL;
	char why[TEXT];

	(void)state;
	assert_int_equal(document_set_count(s), 0);
	assert_int_equal(document_set_compile(s, &policy, why, TEXT), 0);
	assert_null(policy_find(policy, "a"));
	policy_unref(policy);
	document_set_free(s);
}

/* Not the first alone, and not before the last was there. */
static void
test_what_is_wrong_with_each_is_said_together(void **state)
{
	struct document_set *s = document_set_new();
	struct policy *policy = NULL;
	char why[TEXT];

	(void)state;
	add(s, "a.yaml", V "policies: {a: [\n");
	add(s, "b.yaml", V "policies: {b: {allow: [{host: b.test}]}}\n");
	add(s, "c.yaml", V "policies: {c: ]\n");
	assert_int_equal(document_set_count(s), 3);
	assert_int_equal(document_set_compile(s, &policy, why, TEXT), -EINVAL);
	assert_null(policy);
	assert_non_null(strstr(why, "a.yaml:3:1: "));
	assert_non_null(strstr(why, "c.yaml:2:15: "));
	document_set_free(s);
}

static void
test_so_is_what_is_wrong_with_all(void **state)
{
	struct document_set *s = document_set_new();
	struct policy *policy = NULL;
	char why[TEXT];

	(void)state;
	add(s, "a.yaml", V "policies: {a: {allow: [{host: a.test}]}}\n");
	add(s, "b.yaml", V "policies: {a: {allow: [{host: b.test}]}}\n");
	assert_int_equal(document_set_compile(s, &policy, why, TEXT), -EINVAL);
	assert_null(policy);
	assert_non_null(strstr(why, "b.yaml:2:12: "));
	assert_non_null(strstr(why, "a.yaml:2"));
	document_set_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_together_they_are_one_policy),
		cmocka_unit_test(test_none_is_a_policy_that_allows_nothing),
		cmocka_unit_test(test_what_is_wrong_with_each_is_said_together),
		cmocka_unit_test(test_so_is_what_is_wrong_with_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
