#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "spelling.h"

static const char *const known[] = {
	"host", "port", "method", "path", "credentials", "network"};

static const struct {
	const char *word, *hint, *reason;
} cases[] = {
	{"hots", " (did you mean \"host\"?)", "neighbours swapped"},
	{"Host", " (did you mean \"host\"?)", "case"},
	{"hst", " (did you mean \"host\"?)", "one left out"},
	{"methods", " (did you mean \"method\"?)", "one too many"},
	{"netwrok", " (did you mean \"network\"?)", "swapped in a long word"},
	{"credentails", " (did you mean \"credentials\"?)", "long word"},
	{"pat", " (did you mean \"path\"?)", "the nearest of several"},
	{"x", "", "nothing is near a single letter"},
	{"sandboxes", "", "another word"},
	{"", "", "nothing"},
};

static void
test_table(void **state)
{
	char hint[SPELLING_HINT];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct spelling s;

		spelling_init(&s, cases[i].word);
		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			spelling_try(&s, known[k]);
		if (strcmp(spelling_hint(&s, hint), cases[i].hint) != 0)
			fail_msg("\"%s\" (%s): \"%s\"", cases[i].word,
				cases[i].reason, hint);
	}
}

static void
test_long_words_are_left_alone(void **state)
{
	char hint[SPELLING_HINT], word[200];
	struct spelling s;

	(void)state;
	memset(word, 'a', sizeof(word));
	word[199] = '\0';
	spelling_init(&s, word);
	spelling_try(&s, "aaaa");
	assert_string_equal(spelling_hint(&s, hint), "");
	spelling_init(&s, "aaaa");
	spelling_try(&s, word);
	assert_string_equal(spelling_hint(&s, hint), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_long_words_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
