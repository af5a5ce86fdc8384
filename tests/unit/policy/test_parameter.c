#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parameter.h"

static const struct {
	const char *query;
	bool ambiguous;
	const char *reason;
} judged[] = {
	{"", false, "empty"},
	{"a=1&b=2", false, "plain"},
	{"a", false, "no value"},
	{"&&a==&", false, "empty pairs"},
	{"a=/?:@!$'()*,", false, "all that needs no escape"},
	{"a=%20%26%3D%3B%23+", false, "escapes"},
	{"a=%2561", false, "decoded once: a percent sign"},
	{"a=%0D%0A", false, "a line end is a byte like any other"},
	{"a=caf%C3%A9", false, "UTF-8"},
	{"a=%", true, "cut escape"},
	{"a=%4", true, "cut escape"},
	{"a=%4&b=1", true, "cut by the next pair"},
	{"a=%zz", true, "no hex"},
	{"a=%u0061", true, "somebody's own escape"},
	{"a=1;b=2", true, "a semicolon separates for some"},
	{"a=%00", true, "NUL ends a text for some"},
	{"a=%ff", true, "no UTF-8"},
	{"a=%c0%a1", true, "overlong"},
	{"a=%C3", true, "half a character"},
	{"a=%C3&b=%A9", true, "halves in two pairs"},
	{"%C3=%A9", true, "halves in name and value"},
};

static void
test_what_is_ambiguous(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(judged) / sizeof(judged[0]); i++) {
		if (parameter_ambiguous(judged[i].query) != judged[i].ambiguous)
			fail_msg("%s: %s", judged[i].query, judged[i].reason);
	}
}

static const struct {
	const char *query;
	const char *pairs; /* as received: name>value, one after the other */
	const char *reason;
} split[] = {
	{"", "", "none"},
	{"&&&", "", "nothing between them"},
	{"a", "a>|", "no equals sign"},
	{"a=", "a>|", "an empty value"},
	{"=b", ">b|", "an empty name"},
	{"a=b=c", "a>b=c|", "the first equals sign"},
	{"a=1&b=2&a=3", "a>1|b>2|a>3|", "in order, each time"},
	{"&a=1&&b=2&", "a>1|b>2|", "empty ones left out"},
	{"a%26b=1%26c", "a%26b>1%26c|", "an escaped & ends nothing"},
	{"a%3Db=1", "a%3Db>1|", "an escaped = ends nothing"},
};

static void
add(char *to, struct wildcard_text t, const char *end)
{
	strncat(to, t.at, (size_t)(t.end - t.at));
	strcat(to, end);
}

static void
test_splits(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(split) / sizeof(split[0]); i++) {
		const char *rest = split[i].query;
		struct parameter pair;
		char got[64] = "";

		while (parameter_next(&rest, &pair)) {
			add(got, pair.name, ">");
			add(got, pair.value, "|");
		}
		if (strcmp(got, split[i].pairs) != 0)
			fail_msg("%s: %s", split[i].reason, got);
	}
}

static const struct {
	const char *name, *wanted;
	enum parameter_name is;
	const char *reason;
} names[] = {
	{"page", "page", PARAMETER_SAME, "the same"},
	{"p%61ge", "page", PARAMETER_SAME, "decoded"},
	{"a+b", "a b", PARAMETER_SAME, "plus is a blank"},
	{"f[x]", "f[x]", PARAMETER_SAME, "an index that is wanted"},
	{"%66%5Bx%5D", "f[x]", PARAMETER_SAME, "the same, escaped"},
	{"pag", "page", PARAMETER_OTHER, "shorter"},
	{"", "page", PARAMETER_OTHER, "empty"},
	{"pages", "page", PARAMETER_OTHER, "longer"},
	{"page%2561", "page", PARAMETER_OTHER, "longer by what is an escape"},
	{"f[y]", "f[x]", PARAMETER_OTHER, "another index"},
	{"Page", "page", PARAMETER_ALIKE, "some fold case"},
	{"+page", "page", PARAMETER_ALIKE, "some cut blanks off"},
	{"%20page", "page", PARAMETER_ALIKE, "however written"},
	{"page[]", "page", PARAMETER_ALIKE, "some take an index off"},
	{"page%5b0%5D", "page", PARAMETER_ALIKE, "however written"},
	{"page[", "page", PARAMETER_ALIKE, "closed or not"},
	{"f[x][]", "f[x]", PARAMETER_ALIKE, "one more index"},
	{"a.b", "a_b", PARAMETER_ALIKE, "some write _ for a dot"},
	{"a+b", "a_b", PARAMETER_ALIKE, "and for a blank"},
	{"a[b", "a_b", PARAMETER_ALIKE, "and for a bracket"},
	{"a_b", "a.b", PARAMETER_ALIKE, "the other way round"},
	{"a-b", "a_b", PARAMETER_OTHER, "nobody does for a hyphen"},
};

static void
test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *name = names[i].name;
		struct wildcard_text t = {name, name + strlen(name), true};

		if (parameter_compare(t, names[i].wanted) != names[i].is)
			fail_msg("%s for %s: %s", name, names[i].wanted,
				names[i].reason);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_ambiguous),
		cmocka_unit_test(test_splits),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
