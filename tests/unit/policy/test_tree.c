#include <errno.h>
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

static const struct {
	const char *text;
	const char *report; /* the whole of it */
	const char *reason;
} refused[] = {
	{"a: 1\nb: 2\na: 3\n",
		"t:3:1: duplicate key \"a\", first given in line 1\n",
		"duplicate key"},
	{"a: {x: 1, x: 2}\nb: {y: 1, y: 2}\n",
		"t:1:11: duplicate key \"x\", first given in line 1\n"
		"t:2:11: duplicate key \"y\", first given in line 2\n",
		"all duplicates in one run"},
	{"a: &x 1\n", "t:1:4: anchors (&) are not supported\n", "anchor"},
	{"a: &x [1]\n", "t:1:4: anchors (&) are not supported\n",
		"anchor on a list"},
	{"&x {}\n", "t:1:1: anchors (&) are not supported\n",
		"anchor on a map"},
	{"a: *x\n",
		"t:1:4: aliases (*) are not supported; a text that begins "
		"with * needs quotes\n",
		"alias, or a pattern without quotes"},
	{"a: !!str 1\n", "t:1:4: tags (!) are not supported\n", "tag"},
	{"a: !x [1]\n", "t:1:4: tags (!) are not supported\n", "tag on a list"},
	{"<<: {a: 1}\n", "t:1:1: merge keys (<<) are not supported\n",
		"merge key"},
	{"? [a]\n: 1\n", "t:1:3: a key must be a word, not a list or map\n",
		"complex key"},
	{"a: 1\n---\nb: 1\n", "t:2:1: a file may hold one document only\n",
		"two documents"},
	{"%YAML 1.1\n---\na: 1\n", "t:1:1: directives (%) are not supported\n",
		"directive"},
	{"a: \"x\\0y\"\n", "t:1:4: a text may not hold a NUL character\n",
		"escaped NUL"},
	{"a: [1\n",
		"t:2:1: not YAML: did not find expected ',' or ']' while "
		"parsing a flow sequence\n",
		"unclosed list"},
	{"a:\n\t- 1\n",
		"t:2:1: not YAML: found character that cannot start any token "
		"while scanning for the next token\n",
		"tab"},
	{"a: 1\nb: \xc3\x28\n",
		"t:2:5: not UTF-8 text: invalid trailing UTF-8 octet\n",
		"bad UTF-8"},
	{"\xff\xfe"
	 "a",
		"t:1:1: not UTF-8 text: invalid leading UTF-8 octet\n",
		"UTF-16 is not guessed"},
};

static void
test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct report *report = report_new();
		struct tree *tree = NULL;
		char *text;
		int r;

		r = tree_parse("t", refused[i].text, strlen(refused[i].text),
			&tree, report);
		text = report_text(report);
		if (r != -EINVAL || tree != NULL ||
			strcmp(text, refused[i].report) != 0)
			fail_msg("%s: %d, %s", refused[i].reason, r, text);
		free(text);
		report_free(report);
	}
}

static int
parse(const char *text, size_t len, struct tree **ret)
{
	struct report *report = report_new();
	int r = tree_parse("t", text, len, ret, report);

	assert_true((r == 0) == (report_count(report) == 0));
	report_free(report);
	return r;
}

static void
test_shape_and_places(void **state)
{
	const char *text = "---\n"
			   "first: one\n"
			   "second:\n"
			   "  - \"1\"\n"
			   "  - {k: }\n";
	const struct tree_node *root, *n;
	struct tree *tree;

	(void)state;
	assert_int_equal(parse(text, strlen(text), &tree), 0);
	root = tree_root(tree);
	assert_int_equal(root->kind, TREE_MAP);
	assert_int_equal(root->count, 2);
	n = tree_get(root, "first");
	assert_string_equal(n->text, "one");
	assert_false(n->quoted);
	assert_string_equal(n->key->text, "first");
	assert_string_equal(n->at.file, "t");
	assert_int_equal(n->at.line, 2);
	assert_int_equal(n->at.column, 8);
	n = tree_get(root, "second");
	assert_int_equal(n->kind, TREE_LIST);
	assert_int_equal(n->count, 2);
	assert_null(tree_get(n, "k"));
	n = n->first;
	assert_true(n->quoted);
	assert_string_equal(n->text, "1");
	assert_null(n->key);
	n = n->next;
	assert_int_equal(n->at.column, 5);
	assert_string_equal(tree_get(n, "k")->text, "");
	assert_null(n->next);
	assert_null(tree_get(root, "third"));
	tree_free(tree);
	tree_free(NULL);
}

static void
test_empty_text_is_an_empty_map(void **state)
{
	static const char *const texts[] = {"", "# only a comment\n", "\n\n"};
	struct tree *tree;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(parse(texts[i], strlen(texts[i]), &tree), 0);
		assert_int_equal(tree_root(tree)->kind, TREE_MAP);
		assert_int_equal(tree_root(tree)->count, 0);
		assert_int_equal(tree_root(tree)->at.line, 1);
		tree_free(tree);
	}
}

static void
test_depth_is_bounded(void **state)
{
	struct tree *tree;
	char text[200000];

	(void)state;
	memset(text, '[', TREE_DEPTH_MAX);
	memset(text + TREE_DEPTH_MAX, ']', TREE_DEPTH_MAX);
	assert_int_equal(parse(text, 2 * (size_t)TREE_DEPTH_MAX, &tree), 0);
	tree_free(tree);
	memset(text, '[', TREE_DEPTH_MAX + 1);
	memset(text + TREE_DEPTH_MAX + 1, ']', TREE_DEPTH_MAX + 1);
	assert_int_equal(
		parse(text, 2 * (size_t)TREE_DEPTH_MAX + 2, &tree), -EINVAL);
	memset(text, '[', sizeof(text));
	assert_int_equal(parse(text, sizeof(text), &tree), -EINVAL);
}

static void
test_size_and_entries_are_bounded(void **state)
{
	static const char entry[] = {'-', ' ', '1', '\n'};
	const size_t entries = TREE_NODES_MAX + 2;
	char *text = malloc(TREE_SIZE_MAX + 1);
	struct tree *tree;

	(void)state;
	assert_non_null(text);
	memset(text, '#', TREE_SIZE_MAX + 1);
	assert_int_equal(parse(text, TREE_SIZE_MAX + 1, &tree), -EINVAL);
	for (size_t i = 0; i < entries; i++)
		memcpy(text + 4 * i, entry, sizeof(entry));
	assert_int_equal(parse(text, 4 * entries, &tree), -EINVAL);
	free(text);
}

static void
test_many_keys_are_checked_quickly(void **state)
{
	enum { KEYS = 50000, LINE = 12 };
	char *text = malloc(KEYS * LINE + 1);
	struct tree *tree;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < KEYS; i++) {
		char line[32];

		snprintf(line, sizeof(line), "k%06d: 1 \n", i);
		memcpy(text + (size_t)i * LINE, line, LINE);
	}
	assert_int_equal(parse(text, (size_t)KEYS * LINE, &tree), 0);
	assert_int_equal(tree_root(tree)->count, KEYS);
	tree_free(tree);
	/* The last line again as the first. */
	memcpy(text + (size_t)(KEYS - 1) * LINE, text, LINE);
	assert_int_equal(parse(text, (size_t)KEYS * LINE, &tree), -EINVAL);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_shape_and_places),
		cmocka_unit_test(test_empty_text_is_an_empty_map),
		cmocka_unit_test(test_depth_is_bounded),
		cmocka_unit_test(test_size_and_entries_are_bounded),
		cmocka_unit_test(test_many_keys_are_checked_quickly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
