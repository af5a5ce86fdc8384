#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "region.h"
#include "report.h"
#include "schema.h"
#include "tree.h"

struct inner {
	unsigned size;
};

struct outer {
	const char *name;
	struct schema_strings words;
	bool flag;
	unsigned number;
	unsigned seconds, ms;
	int choice;
	struct inner inner;
};

static const struct schema_field inner_fields[] = {
	{.key = "size",
		.required = true,
		.offset = offsetof(struct inner, size),
		.read = schema_unsigned},
	{.key = NULL},
};
static const struct schema_table inner_table = {"the inner part", inner_fields};
static const char *const choices[] = {"on", "off", "auto", NULL};

#define FIELD(name) .key = #name, .offset = offsetof(struct outer, name)

static const struct schema_field fields[] = {
	{FIELD(name), .read = schema_string, .min = 2, .max = 8},
	{FIELD(words), .read = schema_strings, .min = 1, .max = 3},
	{FIELD(flag), .read = schema_bool},
	{FIELD(number), .read = schema_unsigned, .min = 1, .max = 64},
	{FIELD(seconds), .read = schema_seconds, .min = 1, .max = 86400},
	{FIELD(ms), .read = schema_milliseconds},
	{FIELD(choice), .read = schema_choice, .words = choices},
	{FIELD(inner), .read = schema_nested, .table = &inner_table},
	{.key = NULL},
};
static const struct schema_table table = {"a thing", fields};

static bool
fill(const char *text, struct region *region, struct outer *ret, char **report)
{
	struct schema s = {.report = report_new(), .region = region};
	struct tree *tree;
	bool good;

	assert_int_equal(
		tree_parse("f", text, strlen(text), &tree, s.report), 0);
	good = schema_fill(&s, tree_root(tree), &table, ret);
	*report = report_text(s.report);
	report_free(s.report);
	tree_free(tree);
	return good;
}

static void
test_every_kind_is_read(void **state)
{
	struct region *region = region_new();
	struct outer o = {0};
	char *report;

	(void)state;
	assert_true(fill("name: \"no\"\n"
			 "words: [a, b]\n"
			 "flag: true\n"
			 "number: 64\n"
			 "seconds: 5m\n"
			 "ms: 250ms\n"
			 "choice: off\n"
			 "inner: {size: 0}\n",
		region, &o, &report));
	assert_string_equal(report, "");
	/* The tree is gone: what was read lives in the region. */
	assert_string_equal(o.name, "no");
	assert_int_equal(o.words.count, 2);
	assert_string_equal(o.words.items[1], "b");
	assert_true(o.flag);
	assert_int_equal(o.number, 64);
	assert_int_equal(o.seconds, 300);
	assert_int_equal(o.ms, 250);
	assert_int_equal(o.choice, 1);
	free(report);
	region_free(region);
}

static void
test_absent_keys_keep_the_default(void **state)
{
	struct region *region = region_new();
	struct outer o = {.name = "default", .number = 7, .flag = true};
	char *report;

	(void)state;
	assert_true(fill("words: one\n", region, &o, &report));
	assert_string_equal(o.name, "default");
	assert_int_equal(o.number, 7);
	assert_true(o.flag);
	assert_int_equal(o.words.count, 1);
	assert_string_equal(o.words.items[0], "one");
	free(report);
	region_free(region);
}

static const struct {
	const char *text, *report, *reason;
} refused[] = {
	{"nmae: x\n",
		"f:1:1: unknown key \"nmae\" in a thing (did you mean "
		"\"name\"?)\n",
		"unknown key with a neighbour"},
	{"colour: x\n", "f:1:1: unknown key \"colour\" in a thing\n",
		"unknown key"},
	{"inner: {}\n", "f:1:8: the inner part needs the key \"size\"\n",
		"missing key"},
	{"inner: {sise: 1}\n",
		"f:1:8: the inner part needs the key \"size\"\n"
		"f:1:9: unknown key \"sise\" in the inner part (did you mean "
		"\"size\"?)\n",
		"both at once"},
	{"inner: 5\n",
		"f:1:8: \"inner\" expects a map (the inner part), not \"5\"\n",
		"a word for a map"},
	{"[1]\n", "f:1:1: a thing must be a map, not a list\n", "not a map"},
	{"name: no\n",
		"f:1:7: \"name\" expects a text, but without quotes YAML reads "
		"a boolean here: write \"no\"\n",
		"a boolean of YAML 1.1"},
	{"name: 0777\n",
		"f:1:7: \"name\" expects a text, but without quotes YAML reads "
		"a number here: write \"0777\"\n",
		"octal"},
	{"name: 1:30\n",
		"f:1:7: \"name\" expects a text, but without quotes YAML reads "
		"a number here: write \"1:30\"\n",
		"base 60"},
	{"name: ~\n",
		"f:1:7: \"name\" expects a text, but without quotes YAML reads "
		"nothing here: write \"~\"\n",
		"null"},
	{"name:\n", "f:1:6: \"name\" expects a text, not nothing\n",
		"no value"},
	{"name: [x]\n", "f:1:7: \"name\" expects a text, not a list\n",
		"a list for a text"},
	{"name: x\n",
		"f:1:7: \"name\" expects a text of 2 to 8 bytes, not \"x\"\n",
		"too short"},
	{"words: []\n",
		"f:1:8: \"words\" expects at least one entry, not an empty "
		"list\n",
		"too few"},
	{"words: [a, b, c, d]\n",
		"f:1:8: \"words\" takes at most 3 entries, not 4\n",
		"too many"},
	{"words: [a, 1, {}]\n",
		"f:1:12: \"words\" expects a text, but without quotes YAML "
		"reads a number here: write \"1\"\n"
		"f:1:15: \"words\" expects a text, not a map\n",
		"every bad entry is named"},
	{"flag: yes\n",
		"f:1:7: \"flag\" expects true or false (without quotes), not "
		"\"yes\"\n",
		"yes is not true"},
	{"flag: \"true\"\n",
		"f:1:7: \"flag\" expects true or false (without quotes), not "
		"\"true\"\n",
		"a text is not a boolean"},
	{"number: 0\n",
		"f:1:9: \"number\" expects a decimal number from 1 to 64 "
		"(without quotes), not \"0\"\n",
		"below"},
	{"number: 065\n",
		"f:1:9: \"number\" expects a decimal number from 1 to 64 "
		"(without quotes), not \"065\"\n",
		"octal for a number"},
	{"number: 99999999999999999999\n",
		"f:1:9: \"number\" expects a decimal number from 1 to 64 "
		"(without quotes), not \"99999999999999999999\"\n",
		"overflow"},
	{"seconds: 90\n",
		"f:1:10: \"seconds\" expects a time from 1s to 86400s with its "
		"unit (s, m, h or d), not \"90\"\n",
		"no unit"},
	{"seconds: 500ms\n",
		"f:1:10: \"seconds\" expects a time from 1s to 86400s with its "
		"unit (s, m, h or d), not \"500ms\"\n",
		"too fine"},
	{"seconds: 2d\n",
		"f:1:10: \"seconds\" expects a time from 1s to 86400s with its "
		"unit (s, m, h or d), not \"2d\"\n",
		"too long"},
	{"ms: 4294967295d\n",
		"f:1:5: \"ms\" expects a time from 0ms to 4294967295ms with "
		"its "
		"unit (ms, s, m, h or d), not \"4294967295d\"\n",
		"overflow of the product"},
	{"choice: onn\n",
		"f:1:9: \"choice\" expects one of on, off, auto, not \"onn\"\n",
		"not a choice"},
};

static void
test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct region *region = region_new();
		struct outer o = {0};
		char *report;

		if (fill(refused[i].text, region, &o, &report) ||
			strcmp(report, refused[i].report) != 0)
			fail_msg("%s: %s", refused[i].reason, report);
		free(report);
		region_free(region);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind_is_read),
		cmocka_unit_test(test_absent_keys_keep_the_default),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
