#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "name_table.h"

static void
assert_number(const struct name_table *t, const char *name, uint32_t want)
{
	uint32_t number = UINT32_MAX;

	assert_int_equal(name_table_number(t, name, &number), 0);
	assert_int_equal(number, want);
	assert_string_equal(name_table_name(t, want), name);
}

static void
test_a_name_keeps_its_number(void **state)
{
	struct name_table *t = name_table_new();
	uint32_t number;
	char name[32];

	(void)state;
	for (uint32_t i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "%u.a.test", i * 7919 % 5000);
		assert_int_equal(name_table_give(t, name, 5000, &number), 0);
		assert_int_equal(number, i);
	}
	for (uint32_t i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "%u.a.test", i * 7919 % 5000);
		assert_int_equal(name_table_give(t, name, 1, &number), 0);
		assert_int_equal(number, i);
		assert_number(t, name, i);
	}
	assert_int_equal(name_table_count(t), 5000);
	assert_int_equal(
		name_table_give(t, "one.more.test", 5000, &number), -ENOSPC);
	assert_int_equal(
		name_table_number(t, "one.more.test", &number), -ENOENT);
	assert_null(name_table_name(t, 5000));
	assert_int_equal(name_table_give(t, "one.more.test", 5001, &number), 0);
	assert_int_equal(number, 5000);
	name_table_free(t);
}

/* Not even where a setting says more. */
static void
test_there_is_an_end(void **state)
{
	struct name_table *t = name_table_new();
	uint32_t number;

	(void)state;
	assert_int_equal(name_table_learn(t, "last.test", 65535), 0);
	assert_int_equal(
		name_table_give(t, "more.test", UINT32_MAX, &number), -ENOSPC);
	assert_int_equal(name_table_learn(t, "more.test", 65536), -ERANGE);
	assert_int_equal(name_table_learn(t, "more.test", UINT32_MAX), -ERANGE);
	name_table_free(t);
}

static void
test_what_another_gave(void **state)
{
	struct name_table *t = name_table_new();
	uint32_t number;

	(void)state;
	assert_null(name_table_name(t, 0));
	assert_int_equal(name_table_learn(t, "b.test", 40), 0);
	assert_int_equal(name_table_learn(t, "a.test", 3), 0);
	assert_int_equal(name_table_learn(t, "a.test", 3), 0);
	assert_int_equal(name_table_learn(t, "a.test", 4), -EEXIST);
	assert_int_equal(name_table_learn(t, "c.test", 40), -EEXIST);
	assert_number(t, "a.test", 3);
	assert_number(t, "b.test", 40);
	assert_null(name_table_name(t, 4));
	assert_int_equal(name_table_number(t, "c.test", &number), -ENOENT);
	assert_int_equal(name_table_count(t), 2);
	name_table_free(t);
	name_table_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_name_keeps_its_number),
		cmocka_unit_test(test_there_is_an_end),
		cmocka_unit_test(test_what_another_gave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
