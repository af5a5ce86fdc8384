/*
 * test_memory.c - every allocation fails once
 *
 * The link line puts the functions below in front of the allocator for the
 * code under test (not for libyaml and libc).  The n-th call fails, for n from
 * one up, until there are no more calls: each time the answer must be -ENOMEM,
 * with nothing leaked (the sanitizer looks) and nothing half made given out.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy.h"
#include "policy_entry.h"
#include "report.h"
#include "tree.h"

static long calls_left = -1; /* negative: never fail */

static bool
fails(void)
{
	return calls_left >= 0 && calls_left-- == 0;
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_reallocarray(void *p, size_t count, size_t size);
void *__wrap_reallocarray(void *p, size_t count, size_t size);

void *
__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *
__wrap_reallocarray(void *p, size_t count, size_t size)
{
	return fails() ? NULL : __real_reallocarray(p, count, size);
}

static char text[1 << 20];

/* Many hosts, so that every table has to grow. */
static size_t
document(void)
{
	FILE *out = fmemopen(text, sizeof(text), "w");
	long len;

	fputs("version: 1\n"
	      "credentials:\n"
	      "  c: {source: {env: X}, inject: [{host: h1.a.test, "
	      "header: X-A}]}\n"
	      "policies:\n  p:\n    credentials: [c]\n    allow:\n",
		out);
	for (int i = 0; i < 200; i++)
		fprintf(out,
			"      - {host: [\"**.h%d.a.test\", h%d.a.test], "
			"port: [443, %d], path: /x, "
			"query: {a: [b, c]}, header: {X-B: d}, "
			"limit: {requests: 1/s}}\n",
			i, i, i + 1000);
	fputs("sandboxes:\n"
	      "  s: {interface: i, address: 10.0.0.1, policy: p, "
	      "labels: {a: b}}\n",
		out);
	len = ftell(out);
	assert_true(len > 0 && (size_t)len < sizeof(text));
	fclose(out);
	return (size_t)len;
}

static int
run(size_t len, struct report *report, struct policy **ret)
{
	struct tree *tree = NULL;
	int r;

	r = tree_parse("p.yaml", text, len, &tree, report);
	if (r == 0)
		r = policy_compile((const struct tree *const *)&tree, 1, NULL,
			ret, report);
	tree_free(tree);
	return r;
}

static void
test_threat_51_every_allocation_fails_once(void **state)
{
	struct report *report = report_new();
	struct policy *policy = NULL;
	size_t len = document();
	long n = 0;
	int r;

	(void)state;
	do {
		calls_left = n++;
		r = run(len, report, &policy);
		if (r < 0) {
			assert_int_equal(r, -ENOMEM);
			assert_null(policy);
		}
	} while (r < 0);
	/* The last round had calls to spare: so all others were tried. */
	assert_true(calls_left >= 0);
	calls_left = -1;
	assert_in_range(n, 20, 1000);
	assert_int_equal(report_count(report), 0);
	assert_non_null(policy_find(policy, "p"));
	policy_unref(policy);
	report_free(report);
}

static void
test_threat_51_an_entry_has_no_memory(void **state)
{
	struct report *report = report_new();
	struct tree *tree = NULL;
	long n = 0;
	int r;

	(void)state;
	do {
		calls_left = n++;
		r = policy_entry_parse(POLICY_ENTRY_POLICY, "p",
			"allow: [{host: a.test}]", &tree, report);
		if (r < 0) {
			assert_int_equal(r, -ENOMEM);
			assert_null(tree);
		}
	} while (r < 0);
	assert_true(calls_left >= 0);
	calls_left = -1;
	assert_in_range(n, 3, 1000);
	assert_int_equal(report_count(report), 0);
	tree_free(tree);
	report_free(report);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threat_51_every_allocation_fails_once),
		cmocka_unit_test(test_threat_51_an_entry_has_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
