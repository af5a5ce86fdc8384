#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiled.h"
#include "policy_entry.h"
#include "tree.h"

static const char document[] =
	"version: 1\n"
	"credentials:\n"
	"  key:\n"
	"    source: [{env: A}, {command: [/b], input: \"x\\n  y: z\\n\"}]\n"
	"    required: true\n"
	"    inject:\n"
	"      - {host: a.test, header: X-A, mode: if-placeholder,\n"
	"         placeholder: \"ab#c:\"}\n"
	"policies:\n"
	"  agent:\n"
	"    allow:\n"
	"      - {host: [a.test, \"**.b.test\"], path: [\"/a/*\"],\n"
	"         query: {q: [\"x: y\", \"#\"]}, limit: {requests: 5/s}}\n"
	"      - {address: 192.0.2.0/24, port: 22}\n"
	"    deny: [{host: c.test, audit: true}]\n"
	"    credentials: [key]\n"
	"  \"null\": {default: allow}\n";

static const struct {
	enum policy_entry_kind kind;
	const char *name;
} entries[] = {
	{POLICY_ENTRY_CREDENTIAL, "key"},
	{POLICY_ENTRY_POLICY, "agent"},
	{POLICY_ENTRY_POLICY, "null"},
};

enum { ENTRIES = sizeof(entries) / sizeof(entries[0]) };

/* All of them, each a tree of its own, say what the one document says. */
static void
assert_same(const struct policy *whole, const struct tree *const *trees,
	struct report *report)
{
	struct policy *parts = NULL;
	char *a = policy_print(whole), *b, *why = report_text(report);

	if (policy_compile(trees, ENTRIES, NULL, &parts, report) < 0)
		fail_msg("%s", report_text(report));
	assert_string_equal(why, "");
	b = policy_print(parts);
	assert_string_equal(a, b);
	policy_unref(parts);
	free(a);
	free(b);
	free(why);
}

static void
test_entries_are_what_they_were_in_the_document(void **state)
{
	struct policy *whole = compiled(document);
	struct report *report = report_new();
	struct tree *alone[ENTRIES], *given[ENTRIES];
	char *text, *entry;

	(void)state;
	for (size_t i = 0; i < ENTRIES; i++) {
		text = policy_entry_print(
			whole, entries[i].kind, entries[i].name);
		assert_int_equal(
			tree_parse("p", text, strlen(text), &alone[i], report),
			0);
		entry = policy_entry_text(text, "# head\n");
		assert_int_equal(strncmp(entry, "# head\n", 7), 0);
		assert_int_equal(
			policy_entry_parse(entries[i].kind, entries[i].name,
				entry, &given[i], report),
			0);
		free(text);
		free(entry);
	}
	assert_same(whole, (const struct tree *const *)alone, report);
	assert_same(whole, (const struct tree *const *)given, report);
	for (size_t i = 0; i < ENTRIES; i++) {
		tree_free(alone[i]);
		tree_free(given[i]);
	}
	report_free(report);
	policy_unref(whole);
}

/* Whoever shows an entry counts on it. */
static void
test_the_lines_before_an_entry(void **state)
{
	struct policy *p = compiled(document);
	char *text = policy_entry_print(p, POLICY_ENTRY_POLICY, "null");

	(void)state;
	assert_string_equal(text,
		"version: 1\npolicies:\n  \"null\":\n    default: allow\n");
	free(text);
	assert_null(policy_entry_print(p, POLICY_ENTRY_POLICY, "key"));
	assert_null(policy_entry_print(p, POLICY_ENTRY_CREDENTIAL, "agent"));
	policy_unref(p);
}

static void
test_where_an_entry_stands(void **state)
{
	struct policy *p = compiled(document);
	struct report_mark at;

	(void)state;
	assert_true(policy_entry_find(p, POLICY_ENTRY_POLICY, "agent", &at));
	assert_string_equal(at.file, "p.yaml");
	assert_int_equal(at.line, 10);
	assert_true(policy_entry_find(p, POLICY_ENTRY_CREDENTIAL, "key", &at));
	assert_int_equal(at.line, 3);
	assert_false(policy_entry_find(p, POLICY_ENTRY_POLICY, "key", &at));
	policy_unref(p);
}

static const struct {
	enum policy_entry_kind kind;
	const char *name, *text, *report, *why;
} bad[] = {
	{POLICY_ENTRY_POLICY, "a", "allow: [{hots: x}]\nmore: 1\n",
		"policy a:1:10: unknown key \"hots\"", "places of the text"},
	{POLICY_ENTRY_POLICY, "a", "allow: []\nmore: 1\n",
		"policy a:2:1: unknown key \"more\"", "… of its second line"},
	{POLICY_ENTRY_POLICY, "a", "[]", "policy a:1:1: ", "no map"},
	{POLICY_ENTRY_POLICY, "a", "text", "policy a:1:1: ", "no map either"},
	{POLICY_ENTRY_POLICY, "A", "", "policy A:1:1: the name of a policy ",
		"no name"},
	{POLICY_ENTRY_POLICY, "", "", "policy :1:1: the name of a policy ",
		"nothing for a name"},
	{POLICY_ENTRY_POLICY, "a", "}\npolicies: {}", "policy a:1:1: not YAML",
		"a way out of the entry"},
	{POLICY_ENTRY_POLICY, "a", "version: 1\npolicies: {b: {}}\n",
		"policy a:1:1: unknown key \"version\"", "a whole document"},
	{POLICY_ENTRY_CREDENTIAL, "k", "source: {env: X}\n",
		"credential k:1:1: ", "no binding"},
};

static void
test_what_is_wrong_is_said_with_the_places_of_the_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct report *report = report_new();
		struct policy *p = NULL;
		struct tree *t = NULL;
		char *text;
		int r;

		r = policy_entry_parse(
			bad[i].kind, bad[i].name, bad[i].text, &t, report);
		if (r == 0)
			r = policy_compile((const struct tree *const *)&t, 1,
				NULL, &p, report);
		text = report_text(report);
		if (r != -EINVAL || strstr(text, bad[i].report) == NULL)
			fail_msg("%s: %d %s", bad[i].why, r, text);
		free(text);
		tree_free(t);
		report_free(report);
	}
}

/* YAML would read the name as something else; as a name of ours it is one. */
static void
test_a_name_needs_no_quotes(void **state)
{
	struct report *report = report_new();
	struct policy *p;
	struct tree *t;

	(void)state;
	assert_int_equal(
		policy_entry_parse(POLICY_ENTRY_POLICY, "null", "", &t, report),
		0);
	assert_int_equal(policy_compile((const struct tree *const *)&t, 1, NULL,
				 &p, report),
		0);
	assert_non_null(policy_find(p, "null"));
	policy_unref(p);
	tree_free(t);
	report_free(report);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_entries_are_what_they_were_in_the_document),
		cmocka_unit_test(test_the_lines_before_an_entry),
		cmocka_unit_test(test_where_an_entry_stands),
		cmocka_unit_test(
			test_what_is_wrong_is_said_with_the_places_of_the_text),
		cmocka_unit_test(test_a_name_needs_no_quotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
