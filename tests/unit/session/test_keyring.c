#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "keyring.h"
#include "secret.h"

static struct secret *
value(const char *text)
{
	struct secret *s = secret_new(text, strlen(text));

	assert_non_null(s);
	return s;
}

static void
assert_holds(const struct keyring *k, const char *name, const char *want)
{
	const struct secret *s = keyring_get(k, name);

	if (want == NULL) {
		assert_null(s);
		return;
	}
	if (s == NULL)
		fail_msg("%s has no value", name);
	assert_true(span_equals(secret_bytes(s), span_of(want)));
}

static void
test_values_by_name(void **state)
{
	struct keyring *k = keyring_new();

	(void)state;
	assert_non_null(k);
	assert_holds(k, "a", NULL);
	assert_int_equal(keyring_reserve(k, "a"), 0);
	assert_holds(k, "a", NULL); /* a place, and nothing in it */
	assert_int_equal(keyring_set(k, "a", value("1")), 0);
	assert_int_equal(keyring_reserve(k, "a"), 0);
	assert_int_equal(keyring_set(k, "ab", value("2")), 0);
	assert_holds(k, "a", "1");
	assert_holds(k, "ab", "2");
	assert_holds(k, "A", NULL);
	assert_holds(k, "abc", NULL);
	assert_holds(k, "", NULL);
	keyring_free(k);
	keyring_free(NULL);
}

static void
test_a_value_is_replaced_and_taken_away(void **state)
{
	struct keyring *k = keyring_new();

	(void)state;
	assert_int_equal(keyring_set(k, "a", value("old")), 0);
	assert_int_equal(keyring_set(k, "b", value("other")), 0);
	assert_int_equal(keyring_set(k, "a", value("new")), 0);
	assert_holds(k, "a", "new");
	assert_int_equal(keyring_set(k, "a", NULL), 0);
	assert_holds(k, "a", NULL);
	assert_holds(k, "b", "other");
	/* A name that never had one may lose it. */
	assert_int_equal(keyring_set(k, "c", NULL), 0);
	assert_holds(k, "c", NULL);
	assert_int_equal(keyring_set(k, "a", value("again")), 0);
	assert_holds(k, "a", "again");
	keyring_free(k);
}

/* The keyring's is one reference of several. */
static void
test_a_value_outlives_the_keyring_for_whom_has_a_reference(void **state)
{
	struct keyring *k = keyring_new();
	struct secret *s = value("kept");

	(void)state;
	assert_int_equal(keyring_set(k, "a", secret_ref(s)), 0);
	assert_int_equal(keyring_set(k, "a", value("new")), 0);
	keyring_free(k);
	assert_true(span_equals(secret_bytes(s), span_of("kept")));
	secret_unref(s);
}

static void
test_many(void **state)
{
	struct keyring *k = keyring_new();
	char name[32];

	(void)state;
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "key-%d", i);
		assert_int_equal(keyring_set(k, name, value(name)), 0);
	}
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "key-%d", i);
		assert_holds(k, name, name);
	}
	keyring_free(k);
}

static void
test_a_sandboxs_own(void **state)
{
	struct keyring *k = keyring_new();
	char name[200];

	(void)state;
	assert_int_equal(keyring_set(k, "a", value("shared")), 0);
	assert_int_equal(keyring_set(k, "a/box", value("own")), 0);
	assert_true(span_equals(
		secret_bytes(keyring_value(k, "a", NULL)), span_of("shared")));
	assert_true(span_equals(
		secret_bytes(keyring_value(k, "a", "box")), span_of("own")));
	assert_null(keyring_value(k, "a", "other"));
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_null(keyring_value(k, "a", name));
	keyring_free(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_by_name),
		cmocka_unit_test(test_a_value_is_replaced_and_taken_away),
		cmocka_unit_test(
			test_a_value_outlives_the_keyring_for_whom_has_a_reference),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_a_sandboxs_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
