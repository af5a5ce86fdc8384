/*
 * test_yaml_text.c - whatever is put as YAML is read back, and is one line
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report.h"
#include "tree.h"
#include "yaml_text.h"

enum { ROUNDS = 20000, LONGEST = 12, TEXT = 512 };

static const struct {
	const char *text, *yaml, *why;
} cases[] = {
	{"GET", "GET", "plain"},
	{"/a/b.c_d-e", "/a/b.c_d-e", "plain"},
	{"no", "\"no\"", "a boolean to some"},
	{"1e3", "\"1e3\"", "a number to some"},
	{"", "\"\"", "nothing"},
	{"-", "\"-\"", "a list"},
	{"a: b", "\"a: b\"", "a map"},
	{"a\"}\n- {host: evil", "\"a\\\"}\\x0A- {host: evil\"", "breaks out"},
	{"a\\", "\"a\\\\\"", "a backslash"},
	{"\302\205x\342\200\250y", "\"\\x85x\\u2028y\"", "ends of lines"},
	{"\342\200\256x", "\"\\u202Ex\"", "turns the line around"},
	{"\303\244", "\"\303\244\"", "a letter"},
	{"\360\237\230\200", "\"\360\237\230\200\"", "beyond the BMP"},
	{"\377\300\200\355\240\200",
		"\"\357\277\275\357\277\275\357\277\275\357\277\275\357\277\275"
		"\357\277\275\"",
		"no UTF-8, byte for byte"},
};

static const char *
put(const char *text)
{
	static char yaml[TEXT];
	FILE *out = fmemopen(yaml, sizeof(yaml), "w");

	yaml_put_text(out, text);
	assert_int_equal(fclose(out), 0);
	return yaml;
}

static void
test_puts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (strcmp(put(cases[i].text), cases[i].yaml) != 0)
			fail_msg("%s: %s", cases[i].why, put(cases[i].text));
	}
}

static uint32_t seed = 7;

static unsigned
pick(unsigned below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

/* Code points at random, those more often that YAML thinks about. */
static void
make(char ret[TEXT])
{
	static const uint32_t odd[] = {'"', '\\', '\n', '\r', '\t', ':', '#',
		'{', '}', '[', ']', ',', '-', ' ', '\'', '&', '*', '!', '|',
		'>', '%', '@', '`', '?', 0x7f, 0x85, 0xa0, 0x2028, 0x2029,
		0xfeff, 0xfffe, 0xffff, 0x1f600, 0x10ffff, 0xe0001, 1, 0x1b};
	size_t len = 0;

	for (unsigned n = pick(LONGEST); n > 0; n--) {
		uint32_t c = pick(3) == 0 ? pick(0xd7ff) + 1
					  : odd[pick(sizeof(odd) / 4)];

		if (c >= 0x10000)
			ret[len++] = (char)(0xf0 | c >> 18);
		if (c >= 0x800)
			ret[len++] =
				(char)(c >= 0x10000 ? 0x80 | (c >> 12 & 0x3f)
						    : 0xe0 | c >> 12);
		if (c >= 0x80)
			ret[len++] = (char)(c >= 0x800 ? 0x80 | (c >> 6 & 0x3f)
						       : 0xc0 | c >> 6);
		ret[len++] = (char)(c >= 0x80 ? 0x80 | (c & 0x3f) : c);
	}
	ret[len] = '\0';
}

static void
check_round(const char *text)
{
	struct report *report = report_new();
	char document[2 * TEXT];
	struct tree *tree = NULL;
	const struct tree_node *node;

	snprintf(document, sizeof(document), "list: [%s, x]\n", put(text));
	assert_null(strchr(put(text), '\n'));
	if (tree_parse("t", document, strlen(document), &tree, report) < 0)
		fail_msg("%s: %s", document, report_text(report));
	node = tree_get(tree_root(tree), "list");
	assert_int_equal(node->count, 2);
	if (strcmp(node->first->text, text) != 0)
		fail_msg("%s gives %s", document, node->first->text);
	tree_free(tree);
	report_free(report);
}

static void
test_reads_back(void **state)
{
	char text[TEXT];

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		make(text);
		check_round(text);
	}
}

static void
test_comments_end_nowhere(void **state)
{
	char text[TEXT], comment[4 * TEXT];
	FILE *out;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		make(text);
		out = fmemopen(comment, sizeof(comment), "w");
		yaml_put_comment(out, text);
		assert_int_equal(fclose(out), 0);
		for (const char *s = comment; *s != '\0'; s++)
			assert_true(*s >= ' ' && *s < 0x7f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_puts),
		cmocka_unit_test(test_reads_back),
		cmocka_unit_test(test_comments_end_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
