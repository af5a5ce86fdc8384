#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wildcard.h"

static const struct {
	const char *pattern, *text;
	bool form, matches;
	const char *reason;
} cases[] = {
	{"", "", false, true, "nothing is nothing"},
	{"", "a", false, false, "nothing is not something"},
	{"*", "", false, true, "a star may be nothing"},
	{"*", "a/b?c", false, true, "any bytes"},
	{"**", "", false, true, "two stars are one"},
	{"a", "a", false, true, "itself"},
	{"a", "A", false, false, "case counts"},
	{"a", "ab", false, false, "the whole value"},
	{"ab", "a", false, false, "the whole pattern"},
	{"a*", "a", false, true, "nothing behind"},
	{"*a", "ba", false, true, "at the end"},
	{"*a", "ab", false, false, "not at the end"},
	{"a*b*c", "a-b-b-c", false, true, "the star takes more"},
	{"a*b*c", "a-c-b", false, false, "out of order"},
	{"*ab", "aab", false, true, "back to the star"},
	{"a?c", "abc", false, false, "? is no wildcard"},
	{"[a]", "a", false, false, "brackets are no set"},
	{"\\*", "*", false, false, "no escape"},
	{"%61", "%61", false, true, "a field's value is not decoded"},
	{"a b", "a+b", false, false, "nor is a plus"},
	{"a", "%61", true, true, "a form's value is"},
	{"%61", "%2561", true, true, "once"},
	{"a b", "a+b", true, true, "plus is a blank"},
	{"a+b", "a%2Bb", true, true, "a plus is escaped"},
	{"a+b", "a+b", true, false, "and only so"},
	{"*\xc3\xa9", "x%c3%A9", true, true, "bytes, whoever wrote them"},
	{"*1", "%31%31", true, true, "back to the star, over escapes"},
};

static void
test_matches(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *text = cases[i].text;
		struct wildcard_text t = {
			text, text + strlen(text), cases[i].form};

		if (wildcard_matches(cases[i].pattern, t) != cases[i].matches)
			fail_msg("%s against %s: %s", cases[i].pattern, text,
				cases[i].reason);
	}
}

/* A NUL is a byte of the value, and no end of the pattern. */
static void
test_stops_with_the_pattern(void **state)
{
	static const char text[] = "a\0a";
	struct wildcard_text t = {text, text + sizeof(text), false};

	(void)state;
	assert_false(wildcard_matches("a", t));
	assert_true(wildcard_matches("a*", t));
}

/* What a sandbox can make a rule cost is one pass for each byte of pattern. */
static void
test_no_pattern_is_slow(void **state)
{
	static char text[64 * 1024];
	struct wildcard_text t = {text, text + sizeof(text), true};

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_false(wildcard_matches("*a*a*a*a*a*a*a*a*a*a*a*a*a*b", t));
	assert_false(wildcard_matches("*aaaaaaaaaaaaaaaaaaaaaaaaaaab", t));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_stops_with_the_pattern),
		cmocka_unit_test(test_no_pattern_is_slow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
