#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report.h"

static void
test_sorted_by_place_files_as_first_named(void **state)
{
	struct report *r = report_new();
	char *text;

	(void)state;
	report_add(r, (struct report_mark){"z.yaml", 9, 1}, "third");
	report_add(r, (struct report_mark){"a.yaml", 1, 1}, "other file");
	report_add(r, (struct report_mark){"z.yaml", 2, 10}, "%s", "second");
	report_add(r, (struct report_mark){"z.yaml", 2, 9}, "first");
	report_add(r, (struct report_mark){"z.yaml", 9, 1}, "fourth");
	report_add(r, (struct report_mark){"z.yaml", 0, 0}, "whole");
	assert_int_equal(report_count(r), 6);
	text = report_text(r);
	assert_string_equal(text, "z.yaml: whole\n"
				  "z.yaml:2:9: first\n"
				  "z.yaml:2:10: second\n"
				  "z.yaml:9:1: third\n"
				  "z.yaml:9:1: fourth\n"
				  "a.yaml:1:1: other file\n");
	free(text);
	report_free(r);
}

static void
test_empty_is_an_empty_text(void **state)
{
	struct report *r = report_new();
	char *text = report_text(r);

	(void)state;
	assert_string_equal(text, "");
	assert_int_equal(report_count(r), 0);
	free(text);
	report_free(r);
	report_free(NULL);
}

static void
test_bounded_but_counted(void **state)
{
	struct report *r = report_new();
	char *text;

	(void)state;
	for (unsigned i = 1; i <= 10000; i++)
		report_add(r, (struct report_mark){"f", i, 1}, "x");
	assert_int_equal(report_count(r), 10000);
	text = report_text(r);
	assert_true(strlen(text) < 10000);
	assert_non_null(strstr(text, "and 9500 more errors\n"));
	free(text);
	report_free(r);
}

static void
test_quote(void **state)
{
	static const struct {
		const char *text, *quoted, *reason;
	} cases[] = {
		{"abc", "\"abc\"", "plain"},
		{"", "\"\"", "empty"},
		{"a\x1b[31m\n", "\"a\\x1b[31m\\x0a\"", "terminal control"},
		{"\xc3\xa9", "\"\xc3\xa9\"", "UTF-8 stays"},
	};
	char quote[REPORT_QUOTE], lots[1000];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (strcmp(report_quote(cases[i].text, quote),
			    cases[i].quoted) != 0)
			fail_msg("%s: %s", cases[i].reason, quote);
	}
	memset(lots, 'x', sizeof(lots));
	lots[999] = '\0';
	report_quote(lots, quote);
	assert_true(strlen(quote) < REPORT_QUOTE);
	assert_non_null(strstr(quote, "x...\""));
	/* Two-byte letters from either phase: no half of one remains. */
	for (size_t i = 0; i + 1 < 999; i += 2)
		memcpy(lots + i, "\xc3\xa9", 2);
	lots[998] = '\0';
	report_quote(lots, quote);
	assert_non_null(strstr(quote, "\xa9...\""));
	report_quote(lots + 2, quote);
	assert_non_null(strstr(quote, "\xa9...\""));
	lots[1] = 'x';
	report_quote(lots + 1, quote);
	assert_non_null(strstr(quote, "\xa9...\""));
	memset(lots, '\x01', sizeof(lots) - 1);
	report_quote(lots, quote);
	assert_true(strlen(quote) < REPORT_QUOTE);
}

static void
test_what_has_a_line_is_known(void **state)
{
	struct report *r = report_new();

	(void)state;
	report_add(r, (struct report_mark){"a.yaml", 3, 7}, "wrong");
	assert_true(report_has(r, (struct report_mark){"a.yaml", 3, 7}));
	assert_false(report_has(r, (struct report_mark){"b.yaml", 3, 7}));
	assert_false(report_has(r, (struct report_mark){"a.yaml", 4, 7}));
	assert_false(report_has(r, (struct report_mark){"a.yaml", 3, 8}));
	report_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_has_a_line_is_known),
		cmocka_unit_test(test_sorted_by_place_files_as_first_named),
		cmocka_unit_test(test_empty_is_an_empty_text),
		cmocka_unit_test(test_bounded_but_counted),
		cmocka_unit_test(test_quote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
