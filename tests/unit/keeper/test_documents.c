#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "documents.h"
#include "policy.h"
#include "report.h"

enum { PATH = 256 };

static char dir[] = "/tmp/sbx-documents-XXXXXX";

static const char *
in_dir(const char *name)
{
	static char path[PATH];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
put(const char *name, const char *text, mode_t mode)
{
	const char *path = in_dir(name);
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
}

static void
expect_error(const char *words)
{
	struct documents *d;
	char *report = NULL;

	assert_int_equal(documents_load(in_dir("main.yaml"), "/nonexistent",
				 NULL, &d, &report),
		-EINVAL);
	assert_non_null(report);
	if (strstr(report, words) == NULL)
		fail_msg("%s", report);
	free(report);
}

static int
make_dir(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	put("main.yaml", "version: 1\n", 0644);
	return mkdir(in_dir("policies.d"), 0755) +
	       mkdir(in_dir("sandboxes.d"), 0755);
}

static int
remove_dir(void **state)
{
	char command[PATH];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	/* NOLINTNEXTLINE(cert-env33-c): our own folder */
	return system(command);
}

static void
test_files_are_read_in_lexical_order(void **state)
{
	struct documents *d;
	char *report;

	(void)state;
	put("policies.d/b.yaml", "version: 1\npolicies: {b: {}}\n", 0644);
	put("policies.d/a.yaml", "version: 1\npolicies: {a: {}}\n", 0644);
	put("policies.d/.hidden.yaml", "nonsense: [", 0644);
	put("policies.d/c.yaml~", "nonsense: [", 0644);
	put("sandboxes.d/0.yaml",
		"version: 1\nsandboxes: {x: {interface: i, address: 10.0.0.2, "
		"policy: a}}\n",
		0644);
	assert_int_equal(documents_load(in_dir("main.yaml"), "/nonexistent",
				 NULL, &d, &report),
		0);
	assert_int_equal(d->count, 4);
	assert_string_equal(strrchr(d->files[0].name, '/'), "/main.yaml");
	assert_string_equal(strrchr(d->files[1].name, '/'), "/a.yaml");
	assert_string_equal(strrchr(d->files[2].name, '/'), "/b.yaml");
	assert_string_equal(strrchr(d->files[3].name, '/'), "/0.yaml");
	/* Workers need not know which sandboxes files declare. */
	assert_true(d->files[1].for_workers);
	assert_false(d->files[3].for_workers);
	assert_int_not_equal(d->trust_len, 0);
	documents_free(d);
}

static void
test_files_that_anybody_may_write_are_refused(void **state)
{
	(void)state;
	put("policies.d/a.yaml", "version: 1\n", 0646);
	expect_error("a.yaml: writable by everybody: refused");
	put("policies.d/a.yaml", "version: 1\n", 0644);
}

static void
test_what_is_no_file_is_refused(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(in_dir("policies.d/fifo.yaml"), 0644), 0);
	expect_error("fifo.yaml: not a regular file");
	assert_int_equal(unlink(in_dir("policies.d/fifo.yaml")), 0);
}

static void
test_all_errors_come_in_one_run(void **state)
{
	struct documents *d;
	char *report = NULL;

	(void)state;
	put("main.yaml", "version: 1\nworkers: many\n", 0644);
	put("policies.d/b.yaml", "version: 1\npolicies: {b: {wrong: 1}}\n",
		0644);
	assert_int_equal(documents_load(in_dir("main.yaml"), "/nonexistent",
				 NULL, &d, &report),
		-EINVAL);
	assert_non_null(report);
	assert_non_null(strstr(report, "main.yaml:2:10:"));
	assert_non_null(strstr(report, "b.yaml:2:16:"));
	free(report);
	put("main.yaml", "version: 1\n", 0644);
	put("policies.d/b.yaml", "version: 1\n", 0644);
}

static void
test_one_sandbox_more(void **state)
{
	static const struct {
		const char *entry;
		int status;
	} cases[] = {
		{"{interface: i, address: 10.0.0.3, policy: a}", 0},
		{"interface: i\naddress:\n  - 10.0.0.3\npolicy: a\n", 0},
		{"{interface: i, address: 10.0.0.3, policy: none}", -ENOENT},
		{"{interface: i, address: 10.0.0.3}", -EINVAL},
		{"{}\npolicies: {z: {}}", -EINVAL},
		{"---\n{}", -EINVAL},
		{"", -EINVAL},
		{"}", -EINVAL},
	};
	struct documents *d;
	struct policy *p;
	char *report;

	(void)state;
	put("policies.d/a.yaml", "version: 1\npolicies: {a: {}}\n", 0644);
	assert_int_equal(documents_load(in_dir("main.yaml"), "/nonexistent",
				 NULL, &d, &report),
		0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct policy_sandbox *all;
		int r;

		report = NULL;
		r = documents_compile_sandbox(
			d, "one", cases[i].entry, &p, &report);
		if (r != cases[i].status)
			fail_msg("%s: %d %s", cases[i].entry, r, report);
		if (r == 0) {
			assert_int_equal(policy_sandboxes(p, &all), 2);
			policy_unref(p);
		}
		free(report);
	}
	documents_free(d);
}

static struct documents *
load(const struct document_list *entries)
{
	struct documents *d;
	char *report = NULL;

	if (documents_load(in_dir("main.yaml"), "/nonexistent", entries, &d,
		    &report) < 0)
		fail_msg("%s", report);
	return d;
}

static struct documents *
change(struct documents *d, enum policy_entry_kind kind, const char *name,
	const char *text)
{
	struct documents_change wanted = {kind, name, text, false};
	struct documents *next;
	char *report = NULL;

	if (documents_change(d, &wanted, &next, &report) < 0)
		fail_msg("%s", report);
	documents_free(d);
	return next;
}

/* A generation after another shares what did not change, and each goes by
 * itself. */
static void
test_entries_come_change_and_go(void **state)
{
	struct documents *d, *again;
	struct document_list entries;

	(void)state;
	put("policies.d/a.yaml", "version: 1\npolicies: {a: {}}\n", 0644);
	d = load(NULL);
	d = change(d, POLICY_ENTRY_POLICY, "z", "{allow: [{host: a.test}]}");
	d = change(d, POLICY_ENTRY_POLICY, "b", "");
	d = change(d, POLICY_ENTRY_CREDENTIAL, "z",
		"{source: {env: X}, inject: [{host: a.test, header: X-A}]}");
	entries = documents_entries(d);
	assert_int_equal(entries.count, 3);
	assert_string_equal(entries.items[0].name, "socket:credentials/z");
	assert_string_equal(entries.items[1].name, "socket:policies/b");
	assert_string_equal(entries.items[1].text,
		"version: 1\npolicies:\n  b:\n    default: deny\n");
	assert_true(entries.items[1].for_workers);
	assert_string_equal(entries.items[2].name, "socket:policies/z");
	assert_non_null(strstr(entries.items[2].text, "host: [a.test]"));
	assert_non_null(policy_find(d->policy, "a"));
	assert_non_null(policy_find(d->policy, "z"));
	assert_int_equal(strlen(d->trust), d->trust_len);

	/* The files may have changed: a reload takes the entries along. */
	put("policies.d/a.yaml", "version: 1\npolicies: {a: {}, c: {}}\n",
		0644);
	again = load(&entries);
	documents_free(d);
	assert_non_null(policy_find(again->policy, "c"));
	assert_non_null(policy_find(again->policy, "z"));
	again = change(again, POLICY_ENTRY_POLICY, "z", "{default: allow}");
	again = change(again, POLICY_ENTRY_POLICY, "b", NULL);
	entries = documents_entries(again);
	assert_int_equal(entries.count, 2);
	assert_non_null(strstr(entries.items[1].text, "default: allow"));
	documents_free(again);
}

static void
test_bad_changes(void **state)
{
	static const struct {
		struct documents_change change;
		const char *report;
	} cases[] = {
		{{POLICY_ENTRY_POLICY, "b", "{allows: []}", false},
			"policy b:1:2: unknown key"},
		{{POLICY_ENTRY_POLICY, "b", "credentials: [none]", false},
			"policy b:1:15: there is no credential \"none\""},
		{{POLICY_ENTRY_POLICY, "a", "", false}, "already defined at "},
	};
	struct documents *d, *next;
	char *report;

	(void)state;
	put("policies.d/a.yaml", "version: 1\npolicies: {a: {}}\n", 0644);
	d = load(NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		report = NULL;
		assert_int_equal(
			documents_change(d, &cases[i].change, &next, &report),
			-EINVAL);
		if (strstr(report, cases[i].report) == NULL)
			fail_msg("%s", report);
		free(report);
	}
	documents_free(d);
}

/* Who has many has files. */
static void
test_entries_are_bounded(void **state)
{
	struct document_list all = {0};
	struct documents_change one = {
		POLICY_ENTRY_POLICY, "p0", "default: allow", false};
	struct report *errors = report_new();
	struct documents *d, *next;
	char name[16], text[96], *report = NULL;

	(void)state;
	for (int i = 0; i < DOCUMENT_ENTRIES_MAX; i++) {
		struct document e;

		snprintf(name, sizeof(name), "p%d", i);
		snprintf(text, sizeof(text),
			"version: 1\npolicies:\n  %s:\n    default: deny\n",
			name);
		assert_int_equal(document_init_entry(&e, POLICY_ENTRY_POLICY,
					 name, text, errors),
			0);
		assert_int_equal(document_list_add(&all, &e), 0);
	}
	d = load(&all);
	document_list_done(&all);
	assert_int_equal(documents_change(d, &one, &next, &report), 0);
	documents_free(next);
	one.name = "more";
	assert_int_equal(documents_change(d, &one, &next, &report), -ENOSPC);
	documents_free(d);
	report_free(errors);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_are_read_in_lexical_order),
		cmocka_unit_test(test_files_that_anybody_may_write_are_refused),
		cmocka_unit_test(test_what_is_no_file_is_refused),
		cmocka_unit_test(test_all_errors_come_in_one_run),
		cmocka_unit_test(test_one_sandbox_more),
		cmocka_unit_test(test_entries_come_change_and_go),
		cmocka_unit_test(test_bad_changes),
		cmocka_unit_test(test_entries_are_bounded),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
