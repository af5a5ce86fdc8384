/*
 * A kit in parts decides as the same kit in a document, and says of each rule
 * on which line of the kit it stands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "imported.h"
#include "policy.h"
#include "report.h"
#include "tree.h"

enum { PARTS_MAX = 70, TEXT_MAX = 64 * 1024 };

static const struct {
	const char *name;
	bool short_names; /* none is cut to make room for the policy's */
} kits[] = {
	{"v1", true},
	{"v1-names", false},
	{"v1-nothing", true},
	{"v2", true},
	{"v2-deny-all", true},
	{"line-ends", true},
};

static char text[TEXT_MAX];

static struct import *
import_kit(const char *name)
{
	char path[128];
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path),
		"../tests/golden/import/docker-kit/%s.yaml", name);
	file = fopen(path, "r");
	assert_non_null(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	fclose(file);
	return imported(IMPORT_DOCKER_KIT, text);
}

/* The policy p, whose kit it is. */
static struct policy *
compile_parts(const struct import *import, const char *document)
{
	struct report *report = report_new();
	struct tree *trees[PARTS_MAX] = {NULL};
	struct policy *policy = NULL;
	size_t n = 1;
	char *part;

	assert_int_equal(tree_parse("p.yaml", document, strlen(document),
				 &trees[0], report),
		0);
	for (; n < PARTS_MAX; n++) {
		assert_int_equal(import_part(import, "p", n - 1, &part), 0);
		if (part == NULL)
			break;
		if (tree_parse("kit", part, strlen(part), &trees[n], report) <
			0)
			fail_msg("%s%s", report_text(report), part);
		free(part);
	}
	assert_in_range(n, 3, PARTS_MAX - 1);
	if (policy_compile((const struct tree *const *)trees, n, NULL, &policy,
		    report) < 0)
		fail_msg("%s", report_text(report));
	for (size_t i = 0; i < n; i++)
		tree_free(trees[i]);
	report_free(report);
	return policy;
}

/* As it is called here: "p", and "p." before each of its credentials. */
static void
rename_all(const struct import *import, const char *from, char *to)
{
	const char *name = import_policy(import);
	size_t len = strlen(name), n = 0;

	while (*from != '\0') {
		if (strncmp(from, "p.", 2) == 0 &&
			strchr(" [", from[-1]) != NULL)
			from += 2;
		if (strncmp(from, name, len) == 0 && from[len] == ':' &&
			strncmp(from - 3, "\n  ", 3) == 0) {
			to[n++] = 'p';
			from += len;
		}
		to[n++] = *from++;
	}
	to[n] = '\0';
}

static void
test_it_is_the_same_policy(void **state)
{
	static char a[TEXT_MAX], b[TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(kits) / sizeof(kits[0]); i++) {
		struct import *import = import_kit(kits[i].name);
		struct policy *one = import_loaded(import);
		struct policy *two = compile_parts(
			import, "version: 1\npolicies: {p: {kit: ./kit}}\n");
		char *print_one = policy_print(one);
		char *print_two = policy_print(two);

		rename_all(import, print_one, a);
		rename_all(import, print_two, b);
		if (kits[i].short_names && strcmp(a, b) != 0)
			fail_msg("%s:\n%s\n%s", kits[i].name, a, b);
		free(print_one);
		free(print_two);
		policy_unref(one);
		policy_unref(two);
		import_free(import);
	}
}

/* The line on which text has word, which is there once. */
static unsigned
line_of(const char *word)
{
	const char *at = strstr(text, word);
	unsigned line = 1;

	assert_non_null(at);
	for (const char *s = text; s < at; s++)
		line += *s == '\n';
	return line;
}

static void
assert_source(const struct policy_set *set, const char *host, const char *word,
	const char *rule)
{
	struct policy_verdict v = policy_decide_flow(set, host, 443);
	char want[32];

	snprintf(want, sizeof(want), "kit:%u", line_of(word));
	assert_string_equal(v.source, want);
	assert_string_equal(v.rule, rule);
}

static void
test_lines_are_the_kits(void **state)
{
	const struct policy_injection *injections[4];
	struct import *import = import_kit("v2");
	struct policy *p = compile_parts(import,
		"version: 1\npolicies: {p: {kit: k, allow: [{host: own.test}], "
		"deny: [{host: api.example.com, port: 444}]}}\n");
	const struct policy_set *set = policy_find(p, "p");
	char want[32];

	(void)state;
	assert_source(set, "api.example.com", "- api.example.com\n",
		"p.kit.allow[0]");
	assert_source(
		set, "x.example.com", "- \"*.example.com\"", "p.kit.allow[1]");
	assert_source(set, "telemetry.example.com", "- telemetry.example.com",
		"p.kit.deny[0]");
	assert_source(
		set, "a.ads.example", "- \"*.ads.example\"", "p.kit.deny[1]");
	/* Its own stand before, and are called as ever. */
	assert_string_equal(
		policy_decide_flow(set, "own.test", 443).rule, "p.allow[0]");
	assert_string_equal(
		policy_decide_flow(set, "api.example.com", 444).rule,
		"p.deny[0]");
	assert_true(policy_injections(
			    set, "third.example.com", 443, injections, 4) >= 1);
	assert_string_equal(injections[0]->credential, "p.sample-4");
	snprintf(want, sizeof(want), "kit:%u",
		line_of("domain: third.example.com"));
	assert_string_equal(injections[0]->source, want);
	policy_unref(p);
	import_free(import);
}

/* Whoever has not read it must not think that it has no rules. */
static void
test_a_kit_that_was_not_read(void **state)
{
	static const char document[] =
		"version: 1\npolicies: {p: {kit: ./kit}, q: {}}\n";
	struct report *report = report_new();
	struct policy *policy = NULL;
	struct tree *tree;
	char *why;

	(void)state;
	assert_int_equal(tree_parse("p.yaml", document, sizeof(document) - 1,
				 &tree, report),
		0);
	assert_true(policy_compile((const struct tree *const *)&tree, 1, NULL,
			    &policy, report) < 0);
	why = report_text(report);
	assert_string_equal(why,
		"p.yaml:2:21: a kit can be named in files only, and this one "
		"was not read\n");
	free(why);
	tree_free(tree);
	report_free(report);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_is_the_same_policy),
		cmocka_unit_test(test_lines_are_the_kits),
		cmocka_unit_test(test_a_kit_that_was_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
