#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roster.h"

static void
test_sorted_found_and_suggested(void **state)
{
	struct roster_entry entries[] = {
		{"search", {"a", 1, 1}, 0},
		{NULL, {"a", 2, 1}, 1},
		{"build", {"a", 3, 1}, 2},
		{"search", {"b", 4, 2}, 3},
	};
	struct roster r = {"policy", entries, 4};
	struct report *report = report_new();
	char *text;

	(void)state;
	roster_close(&r, report);
	assert_int_equal(r.count, 3);
	assert_int_equal(roster_find(&r, "build")->index, 2);
	assert_non_null(roster_find(&r, "search"));
	assert_null(roster_find(&r, "other"));
	assert_ptr_equal(roster_expect(&r, "build",
				 (struct report_mark){"c", 1, 1}, report),
		roster_find(&r, "build"));
	assert_null(roster_expect(
		&r, "biuld", (struct report_mark){"c", 5, 6}, report));
	text = report_text(report);
	assert_string_equal(text,
		"b:4:2: policy \"search\" is already defined at a:1\n"
		"c:5:6: there is no policy \"biuld\" (did you mean "
		"\"build\"?)\n");
	free(text);
	report_free(report);
}

static void
test_empty(void **state)
{
	struct roster r = {"policy", NULL, 0};
	struct report *report = report_new();

	(void)state;
	roster_close(&r, report);
	assert_null(roster_find(&r, "x"));
	assert_int_equal(report_count(report), 0);
	report_free(report);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sorted_found_and_suggested),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
