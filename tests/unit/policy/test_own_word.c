#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "own_word.h"

static const char *
find_label(void *arg, const char *key)
{
	return strcmp(key, "team") == 0 ? arg : NULL;
}

static const struct {
	const char *word, *team; /* a label, and no other */
	const char *filled;      /* NULL: it cannot be */
	int error;
	const char *why;
} rows[] = {
	{"plain", NULL, "plain", 0, "nothing to fill in"},
	{"/k/${sandbox}/x", NULL, "/k/box-1/x", 0, "its name"},
	{"${sandbox}${label.team}", "red", "box-1red", 0, "two of them"},
	{"a$b{c}", NULL, "a$b{c}", 0, "what is no mark"},
	{"/k/${label.team}", NULL, NULL, -ENOENT, "no such label"},
	{"/k/${label.other}", "red", NULL, -ENOENT, "another one"},
	{"/k/${label.team}", "a/b", NULL, -EINVAL, "another folder"},
	{"/k/${label.team}", "..", NULL, -EINVAL, "the one above"},
	{"/k/.${label.team}/x", ".", NULL, -EINVAL, "the one above, half"},
	{"/k/${label.team}", "", NULL, -EINVAL, "the folder itself"},
	{"/k/${label.team}", "-x", NULL, -EINVAL, "an option"},
	{"/k/${label.team}", "a b", NULL, -EINVAL, "a blank"},
	{"/k/${label.team}", "a\nb", NULL, -EINVAL, "a newline"},
	{"/k/${label.team}", "\xc3\xbc", NULL, -EINVAL, "no ASCII"},
	{"/k/${label.team}", "${sandbox}", NULL, -EINVAL, "not twice"},
	{"/k/${label.team}", "A.b_c-9", "/k/A.b_c-9", 0, "all that may be"},
	{"/k/${label.team}/", "0123456789012345678901234567890123456789", NULL,
		-EINVAL, "too long for the room"},
};

static void
test_filled_in(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct own_word_facts facts = {
			"box-1", find_label, (void *)rows[i].team};
		char text[32] = "", err[256];
		int r = own_word_fill(rows[i].word, &facts, text, sizeof(text),
			err, sizeof(err));

		if (r != rows[i].error ||
			(r == 0 && strcmp(text, rows[i].filled) != 0))
			fail_msg("%s: %d %s", rows[i].why, r, text);
	}
}

static void
test_what_may_stand_there(void **state)
{
	static const struct {
		const char *word;
		bool good;
	} words[] = {
		{"plain", true},
		{"${sandbox}", true},
		{"${label.a.b/c-d}", true},
		{"${sandboxes}", false},
		{"${label.}", false},
		{"${label}", false},
		{"${}", false},
		{"${sandbox", false},
		{"${sandbox}${value}", false},
		{"${label.${sandbox}}", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if ((own_word_error(words[i].word) == NULL) != words[i].good)
			fail_msg("%s", words[i].word);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filled_in),
		cmocka_unit_test(test_what_may_stand_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
