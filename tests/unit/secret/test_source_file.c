#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "secret.h"
#include "source_ear.h"
#include "source_file.h"

static struct source_ear ear;

static int
set_up(void **state)
{
	(void)state;
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

static void
assert_read(const char *path, bool owner_only, const char *fault)
{
	const struct source_file file = {
		.path = path, .owner_only = owner_only};
	char reason[128] = "";
	int64_t expires;
	struct secret *value =
		source_file_read(&file, &expires, reason, sizeof(reason));

	assert_string_equal(reason, fault);
	assert_int_equal(value == NULL, fault[0] != '\0');
	secret_unref(value);
}

static void
test_only_closed_files_are_read(void **state)
{
	static const char open_file[] =
		"is open to group or others (chmod 600)";
	static const struct {
		int mode;
		bool owner_only;
		const char *fault;
	} rows[] = {
		{0600, true, ""},
		{0400, true, ""},
		{0700, true, ""},
		{0640, true, open_file},
		{0620, true, open_file},
		{0610, true, open_file},
		{0604, true, open_file},
		{0602, true, open_file},
		{0601, true, open_file},
		{0440, false, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *path = source_ear_write(
			&ear, "token", "s3cret\n", rows[i].mode);

		assert_read(path, rows[i].owner_only, rows[i].fault);
	}
}

static void
test_only_regular_files_are_read(void **state)
{
	const char *path = source_ear_path(&ear, "odd");
	const char *target = source_ear_write(&ear, "token", "s3cret", 0600);

	(void)state;
	assert_read(path, true, "No such file or directory");
	assert_int_equal(symlink(target, path), 0);
	assert_read(path, true, "is a symbolic link");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_read(path, true, "is not a regular file");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_read(path, true, "is not a regular file");
}

/* Only root can give a file away; for anybody else root's file is the test. */
static void
test_only_own_files_are_read(void **state)
{
	const char *path = source_ear_write(&ear, "token", "s3cret", 0600);

	(void)state;
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 12345, 0), 0);
		assert_read(path, true, "belongs to somebody else");
	} else {
		assert_read("/etc/passwd", true,
			"is open to group or others (chmod 600)");
	}
}

static void
test_length_is_bounded(void **state)
{
	char *text = malloc(SECRET_MAX + 3);
	const char *path;

	(void)state;
	memset(text, 'a', SECRET_MAX + 2);
	text[SECRET_MAX + 2] = '\0';
	path = source_ear_write(&ear, "token", text, 0600);
	assert_read(path, true, "is longer than 64 KiB");
	text[SECRET_MAX] = '\n';
	text[SECRET_MAX + 1] = '\0';
	path = source_ear_write(&ear, "token", text, 0600);
	assert_read(path, true, "");
	free(text);
}

static void
listen_to(const char *path)
{
	const struct secret_source_spec spec =
		SOURCE_SPEC(SECRET_SOURCE_FILE, path);

	source_ear_listen(&ear, &spec, 1);
}

static void
test_first_value_comes_before_the_return(void **state)
{
	const char *path = source_ear_write(&ear, "token", "one\n", 0600);
	char expect[256];

	(void)state;
	listen_to(path);
	assert_int_equal(ear.reports, 1);
	assert_string_equal(ear.value, "one");
	snprintf(expect, sizeof(expect), "file %s", path);
	assert_string_equal(ear.why, expect);
}

/* A document with an end of its own, and nobody who writes a new one. */
static void
test_a_value_that_ends(void **state)
{
	struct secret_source_spec spec;
	const char *path;
	char text[256];

	(void)state;
	snprintf(text, sizeof(text), "password=one\npassword_expiry_utc=%ld\n",
		(long)time(NULL) + 2);
	path = source_ear_write(&ear, "token", text, 0600);
	spec = (struct secret_source_spec)SOURCE_SPEC(SECRET_SOURCE_FILE, path);
	spec.format = (struct secret_format){SECRET_FORMAT_GIT, "password"};
	source_ear_listen(&ear, &spec, 1);
	assert_string_equal(ear.value, "one");
	source_ear_wait(&ear, "");
	assert_non_null(strstr(ear.why, "token: has expired"));
}

static void
test_replaced_by_rename(void **state)
{
	(void)state;
	listen_to(source_ear_write(&ear, "token", "one", 0600));
	for (int i = 0; i < 3; i++) {
		char text[2] = {(char)('a' + i), '\0'};
		const char *from = source_ear_write(&ear, "new", text, 0600);

		assert_int_equal(
			rename(from, source_ear_path(&ear, "token")), 0);
		source_ear_wait(&ear, text);
	}
}

/* Same inode, same length, same second: all that stat() shows is the same. */
static void
test_written_over_in_place(void **state)
{
	(void)state;
	listen_to(source_ear_write(&ear, "token", "one", 0600));
	source_ear_write(&ear, "token", "two", 0600);
	source_ear_wait(&ear, "two");
	source_ear_write(&ear, "token", "six", 0600);
	source_ear_wait(&ear, "six");
}

static void
test_made_removed_made_again(void **state)
{
	const char *path = source_ear_path(&ear, "token");

	(void)state;
	listen_to(path);
	assert_int_equal(ear.reports, 1);
	assert_string_equal(ear.value, "");
	source_ear_write(&ear, "token", "one", 0600);
	source_ear_wait(&ear, "one");
	assert_int_equal(unlink(path), 0);
	source_ear_wait(&ear, "");
	source_ear_write(&ear, "token", "two", 0600);
	source_ear_wait(&ear, "two");
}

static void
test_opened_to_others_and_closed_again(void **state)
{
	const char *path = source_ear_write(&ear, "token", "one", 0600);

	(void)state;
	listen_to(path);
	assert_int_equal(chmod(path, 0644), 0);
	source_ear_wait(&ear, "");
	assert_non_null(strstr(ear.why, "is open to group or others"));
	assert_int_equal(chmod(path, 0600), 0);
	source_ear_wait(&ear, "one");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_only_closed_files_are_read),
		TEST(test_only_regular_files_are_read),
		TEST(test_only_own_files_are_read),
		TEST(test_length_is_bounded),
		TEST(test_first_value_comes_before_the_return),
		TEST(test_a_value_that_ends),
		TEST(test_replaced_by_rename),
		TEST(test_written_over_in_place),
		TEST(test_made_removed_made_again),
		TEST(test_opened_to_others_and_closed_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
