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

	assert_int_equal(documents_load(in_dir("main.yaml"), "/nonexistent", &d,
				 &report),
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
	assert_int_equal(documents_load(in_dir("main.yaml"), "/nonexistent", &d,
				 &report),
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
	assert_int_equal(documents_load(in_dir("main.yaml"), "/nonexistent", &d,
				 &report),
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
	assert_int_equal(documents_load(in_dir("main.yaml"), "/nonexistent", &d,
				 &report),
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_are_read_in_lexical_order),
		cmocka_unit_test(test_files_that_anybody_may_write_are_refused),
		cmocka_unit_test(test_what_is_no_file_is_refused),
		cmocka_unit_test(test_all_errors_come_in_one_run),
		cmocka_unit_test(test_one_sandbox_more),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
