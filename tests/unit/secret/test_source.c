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

#include "source_ear.h"

static struct source_ear ear;

static int
set_up(void **state)
{
	(void)state;
	unsetenv("SBX_TEST_A");
	unsetenv("SBX_TEST_B");
	unsetenv("CREDENTIALS_DIRECTORY");
	source_ear_open(&ear);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	source_ear_close(&ear);
	return 0;
}

static const struct secret_source_spec env_spec =
	SOURCE_SPEC(SECRET_SOURCE_ENV, "SBX_TEST_A", "SBX_TEST_B");

static void
test_first_usable_variable_wins(void **state)
{
	static const struct {
		const char *a, *b;
		const char *value;
		const char *why;
	} rows[] = {
		{"one", "two", "one", "env SBX_TEST_A"},
		{NULL, "two", "two", "env SBX_TEST_B"},
		{"", "two", "two", "env SBX_TEST_B"},
		{"s3cret\033", "two", "two", "env SBX_TEST_B"},
		{NULL, NULL, "",
			"env SBX_TEST_A is not set; env SBX_TEST_B is not set"},
		{"", "s3cret\033", "",
			"env SBX_TEST_A is empty; env SBX_TEST_B has a "
			"control character inside"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsetenv("SBX_TEST_A");
		unsetenv("SBX_TEST_B");
		if (rows[i].a != NULL)
			setenv("SBX_TEST_A", rows[i].a, 1);
		if (rows[i].b != NULL)
			setenv("SBX_TEST_B", rows[i].b, 1);
		if (ear.source == NULL)
			source_ear_listen(&ear, &env_spec, 1);
		else
			secret_source_refresh(ear.source);
		assert_string_equal(ear.value, rows[i].value);
		assert_string_equal(ear.why, rows[i].why);
	}
}

static void
test_the_same_is_reported_once(void **state)
{
	(void)state;
	setenv("SBX_TEST_A", "one", 1);
	source_ear_listen(&ear, &env_spec, 1);
	assert_int_equal(ear.reports, 1);
	secret_source_refresh(ear.source);
	assert_int_equal(ear.reports, 1);
	setenv("SBX_TEST_A", "two", 1);
	secret_source_refresh(ear.source);
	assert_int_equal(ear.reports, 2);
	assert_string_equal(ear.value, "two");
}

static void
test_credential_of_the_unit(void **state)
{
	const struct secret_source_spec spec =
		SOURCE_SPEC(SECRET_SOURCE_SYSTEMD, "token");
	char expect[256];

	(void)state;
	source_ear_listen(&ear, &spec, 1);
	assert_string_equal(
		ear.why, "systemd token: CREDENTIALS_DIRECTORY is not set");
	setenv("CREDENTIALS_DIRECTORY", ear.folder, 1);
	secret_source_refresh(ear.source);
	snprintf(expect, sizeof(expect),
		"systemd %s/token: No such file or directory", ear.folder);
	assert_string_equal(ear.why, expect);
	/* As it looks where an ACL lets the service in. */
	source_ear_write(&ear, "token", "one\n", 0440);
	secret_source_refresh(ear.source);
	assert_string_equal(ear.value, "one");
	assert_string_equal(ear.why, "systemd token");
}

static void
test_order_of_sources(void **state)
{
	const char *path = source_ear_path(&ear, "token");
	const struct secret_source_spec specs[] = {
		SOURCE_SPEC(SECRET_SOURCE_FILE, path),
		SOURCE_SPEC(SECRET_SOURCE_ENV, "SBX_TEST_A"),
	};
	char expect[256];

	(void)state;
	source_ear_listen(&ear, specs, 2);
	assert_int_equal(ear.reports, 1);
	snprintf(expect, sizeof(expect),
		"file %s: No such file or directory; env SBX_TEST_A is not set",
		path);
	assert_string_equal(ear.why, expect);
	setenv("SBX_TEST_A", "from env", 1);
	secret_source_refresh(ear.source);
	assert_string_equal(ear.value, "from env");
	source_ear_write(&ear, "token", "from file", 0600);
	source_ear_wait(&ear, "from file");
	assert_int_equal(unlink(source_ear_path(&ear, "token")), 0);
	source_ear_wait(&ear, "from env");
}

/* A file that may come back: its last good value, for as long as it says. */
static void
test_a_source_that_fails_for_a_while(void **state)
{
	const char *path = source_ear_write(&ear, "token", "one", 0600);
	struct secret_source_spec spec = SOURCE_SPEC(SECRET_SOURCE_FILE, path);
	char expect[256];

	(void)state;
	spec.failure_ttl_seconds = 3600;
	source_ear_listen(&ear, &spec, 1);
	assert_int_equal(unlink(path), 0);
	secret_source_refresh(ear.source);
	assert_string_equal(ear.value, "one");
	snprintf(expect, sizeof(expect), "file %s, which fails now", path);
	assert_string_equal(ear.why, expect);
	source_ear_write(&ear, "token", "two", 0600);
	source_ear_wait(&ear, "two");
	secret_source_free(ear.source);
	ear.source = NULL;
	spec.failure_ttl_seconds = 1;
	source_ear_listen(&ear, &spec, 1);
	assert_int_equal(unlink(path), 0);
	source_ear_wait(&ear, "");
	assert_non_null(strstr(ear.why, "No such file or directory"));
}

/* It does not stay until a command has ended that was never asked before. */
static void
test_a_value_goes_before_the_next_source_is_waited_for(void **state)
{
	const char *path = source_ear_write(&ear, "token", "one", 0600);
	const char *fifo = source_ear_path(&ear, "fifo");
	const struct secret_source_spec specs[] = {
		SOURCE_SPEC(SECRET_SOURCE_FILE, path),
		SOURCE_SPEC(SECRET_SOURCE_COMMAND, "/bin/cat", fifo),
	};
	int fd;

	(void)state;
	assert_int_equal(mkfifo(fifo, 0600), 0);
	source_ear_listen(&ear, specs, 2);
	assert_string_equal(ear.value, "one");
	assert_int_equal(unlink(path), 0);
	source_ear_wait(&ear, "");
	assert_true(secret_source_is_asking(ear.source));
	fd = open(fifo, O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(fd, "two", 3), 3);
	close(fd);
	source_ear_wait(&ear, "two");
	assert_false(secret_source_is_asking(ear.source));
}

static void
ignore(void *arg, const char *name, struct secret *value, const char *why)
{
	(void)arg, (void)name, (void)value, (void)why;
	fail_msg("reported");
}

static const struct secret_events no_events = {.changed = ignore};

static void
test_specs_without_sense(void **state)
{
	const struct {
		struct secret_source_spec spec;
		const char *expect;
	} rows[] = {
		{SOURCE_SPEC(5, "x"), "no such kind of source"},
		{SOURCE_SPEC(-1, "x"), "no such kind of source"},
		{{.kind = SECRET_SOURCE_ENV}, "env: 1 to 16 words, not 0"},
		{SOURCE_SPEC(SECRET_SOURCE_ENV, ""),
			"env: expected the name of a variable"},
		{SOURCE_SPEC(SECRET_SOURCE_ENV, "A=b"),
			"env: expected the name of a variable"},
		{SOURCE_SPEC(SECRET_SOURCE_FILE, "a", "b"),
			"file: 1 to 1 words, not 2"},
		{SOURCE_SPEC(SECRET_SOURCE_FILE, "etc/token"),
			"file: expected an absolute path"},
		{SOURCE_SPEC(SECRET_SOURCE_COMMAND, "pass"),
			"command: expected an absolute path"},
		{SOURCE_SPEC(SECRET_SOURCE_VAULT, "https://v"),
			"vault: 11 to 11 words, not 1"},
		{SOURCE_SPEC(SECRET_SOURCE_SYSTEMD, "../token"),
			"systemd: expected a name without a slash"},
		{SOURCE_SPEC(SECRET_SOURCE_SYSTEMD, ".."),
			"systemd: expected a name without a slash"},
	};
	struct secret_source *source = NULL;
	char err[128];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
			secret_source_new(ear.loop, "token", &rows[i].spec, 1,
				&no_events, NULL, &source, err, sizeof(err)),
			-EINVAL);
		assert_string_equal(err, rows[i].expect);
		assert_null(source);
	}
	assert_int_equal(secret_source_new(ear.loop, "token", NULL, 0,
				 &no_events, NULL, &source, err, sizeof(err)),
		-EINVAL);
	assert_string_equal(err, "1 to 16 sources, not 0");
	secret_source_free(NULL);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_first_usable_variable_wins),
		TEST(test_the_same_is_reported_once),
		TEST(test_credential_of_the_unit),
		TEST(test_order_of_sources),
		TEST(test_a_source_that_fails_for_a_while),
		TEST(test_a_value_goes_before_the_next_source_is_waited_for),
		TEST(test_specs_without_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
