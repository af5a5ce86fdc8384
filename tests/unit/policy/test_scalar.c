#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scalar.h"

static const struct {
	const char *word;
	const char *meaning; /* NULL: a text */
	const char *reason;
} cases[] = {
	{"agent", NULL, "a word"},
	{"no", "a boolean", "the country of Norway"},
	{"Yes", "a boolean", "any case"},
	{"on", "a boolean", "1.1"},
	{"OFF", "a boolean", "1.1"},
	{"y", "a boolean", "1.1, one letter"},
	{"true", "a boolean", "both versions"},
	{"~", "nothing", "null"},
	{"", "nothing", "null"},
	{"Null", "nothing", "null"},
	{"0777", "a number", "octal"},
	{"0o17", "a number", "octal of 1.2"},
	{"0x1F", "a number", "hexadecimal"},
	{"0x", NULL, "no digit behind the prefix"},
	{"0b101", "a number", "binary"},
	{"0b102", NULL, "no binary digit"},
	{"1_000", "a number", "underscores"},
	{"1:30", "a number", "base 60"},
	{"190:20:30.15", "a number", "base 60 with a fraction"},
	{"-5", "a number", "sign"},
	{"+1.5", "a number", "float"},
	{"1.", "a number", "float"},
	{".5", "a number", "float"},
	{"1e3", "a number", "exponent"},
	{"1e", NULL, "no exponent digit"},
	{".inf", "a number", "infinity"},
	{"-.INF", "a number", "infinity"},
	{".nan", "a number", "not a number"},
	{"2024-01-31", "a date", "date"},
	{"2024-1-3T10:00:00Z", "a date", "date and time"},
	{"2024-01-31-x", NULL, "more behind a date"},
	{"2024-01", NULL, "half a date"},
	{"10.77.1.2", NULL, "an address is no float"},
	{"192.0.2.0/24", NULL, "a network"},
	{"fd77:1::2", NULL, "an IPv6 address"},
	{"80-443", NULL, "a port range"},
	{"5m", NULL, "a time"},
	{".example.org", NULL, "a host pattern"},
	{".", NULL, "a dot"},
	{"-", NULL, "a sign"},
	{"_1", NULL, "underscore first"},
	{"yes please", NULL, "more words"},
};

static void
test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got = scalar_surprise(cases[i].word);
		const char *want = cases[i].meaning;

		if ((got == NULL) != (want == NULL) ||
			(got != NULL && strcmp(got, want) != 0))
			fail_msg("\"%s\" (%s): %s, not %s", cases[i].word,
				cases[i].reason, got != NULL ? got : "text",
				want != NULL ? want : "text");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
