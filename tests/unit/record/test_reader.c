#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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

#include "array.h"
#include "logline.h"
#include "reader.h"

#define TS "{\"ts\":\"2025-11-21T03:25:01Z\","
#define RECORD(id) TS "\"id\":\"" id "\",\"event\":\"decision\"}"

enum { DEADLINE_MS = 10000 };

struct scratch { /* a folder with a log in it */
	char folder[64];
	char log[96], old[96];
};

static int
scratch_new(void **state)
{
	const char *base = getenv("TMPDIR");
	struct scratch *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	snprintf(s->folder, sizeof(s->folder), "%s/sbx-reader-XXXXXX",
		base != NULL && strlen(base) < 40 ? base : P_tmpdir);
	assert_non_null(mkdtemp(s->folder));
	snprintf(s->log, sizeof(s->log), "%s/log", s->folder);
	snprintf(s->old, sizeof(s->old), "%s/log.1", s->folder);
	*state = s;
	return 0;
}

static int
scratch_free(void **state)
{
	struct scratch *s = *state;

	unlink(s->log);
	unlink(s->old);
	assert_int_equal(rmdir(s->folder), 0);
	free(s);
	return 0;
}

static void
append(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

static void
append_text(const char *path, const char *text)
{
	append(path, text, strlen(text));
}

static struct reader *
open_reader(const char *path, bool follow)
{
	struct reader *r;
	char error[256];

	if (reader_open(path, follow, &r, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	return r;
}

static void
expect(struct reader *r, uint64_t id)
{
	const struct logline *l;

	assert_int_equal(reader_next(r, &l), 1);
	assert_int_equal(logline_id(l), id);
}

static void
expect_end(struct reader *r)
{
	const struct logline *l;

	assert_int_equal(reader_next(r, &l), 0);
}

/* The bell rings, and then the record is there. */
static void
expect_soon(struct reader *r, uint64_t id)
{
	struct pollfd bell = {reader_fd(r), POLLIN, 0};
	const struct logline *l;
	int n;

	while ((n = reader_next(r, &l)) == 0) {
		if (poll(&bell, 1, DEADLINE_MS) != 1)
			fail_msg("no bell before record %d", (int)id);
	}
	assert_int_equal(n, 1);
	assert_int_equal(logline_id(l), id);
}

static void
test_broken_lines_are_skipped_and_counted(void **state)
{
	static const struct {
		const char *line;
		size_t len;
		uint64_t id;     /* of the record in it; 0: none */
		uint64_t broken; /* how many it counts */
		const char *why;
	} cases[] = {
#define LINE(s) s "\n", sizeof(s)
		{LINE(RECORD("1")), 1, 0, "a record"},
		{LINE(""), 0, 0, "an empty line is no harm"},
		{LINE("x"), 0, 1, "no JSON"},
		{LINE("{}"), 0, 1, "no record"},
		{LINE("[1]"), 0, 1, "no object"},
		{LINE(RECORD("1") "x"), 0, 1, "more behind it"},
		{LINE(TS "\"id\":\"1\",\"event\":\"other\"}"), 0, 1, "event"},
		{LINE(TS "\"id\":1,\"event\":\"decision\"}"), 0, 1, "id"},
		{LINE("{\"ts\":\"now\",\"id\":\"1\",\"event\":\"decision\"}"),
			0, 1, "time"},
		{LINE(TS "\"id\":\"1\",\"id\":\"2\",\"event\":\"decision\"}"),
			0, 1, "the same key twice"},
		{LINE(TS "\"id\":\"1\",\"event\":\"decision\",\"a\":\"\xFF\"}"),
			0, 1, "no UTF-8"},
		{LINE(TS "\"id\":\"1\",\"event\":\"decision\",\"a\":\"\0\"}"),
			0, 1, "a NUL"},
		{LINE(TS "\"id\":\"1\",\"host\":\"a" RECORD("2")), 2, 0,
			"behind half a record"},
		{LINE(TS "\"id\":\"1\",\"host\":\"a" TS "\"id\":\"1\",\"labels"
			 "\":{\"ts\":\"x\"},\"event\":\"decision\"}"),
			1, 0, "behind half a record, labels look like one"},
		{LINE(RECORD("1") RECORD("2")), 2, 0, "glued: the later one"},
		{LINE(RECORD("1") "{\"ts\":\"{\"ts\":\"{\"ts\":\"{\"ts\":\""),
			0, 1, "tries have an end"},
	};
	struct scratch *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct logline *l;
		struct reader *r;
		int n;

		unlink(s->log);
		append(s->log, cases[i].line, cases[i].len);
		append_text(s->log, RECORD("99") "\n");
		r = open_reader(s->log, false);
		n = reader_next(r, &l);
		if (n != 1 ||
			logline_id(l) != (cases[i].id > 0 ? cases[i].id : 0x99))
			fail_msg("%s", cases[i].why);
		if (cases[i].id > 0)
			expect(r, 0x99);
		expect_end(r);
		if (reader_broken(r) != cases[i].broken)
			fail_msg("%s: %d broken", cases[i].why,
				(int)reader_broken(r));
		reader_free(r);
	}
}

static void
test_a_line_without_end_at_the_end(void **state)
{
	struct scratch *s = *state;
	struct reader *r;

	append_text(s->log, RECORD("1") "\n" RECORD("2"));
	r = open_reader(s->log, false);
	expect(r, 1);
	expect(r, 2);
	expect_end(r);
	assert_int_equal(reader_broken(r), 0);
	reader_free(r);

	r = open_reader(s->log, true);
	expect(r, 1);
	expect_end(r); /* it may be half of one */
	append_text(s->log, "\n");
	expect_soon(r, 2);
	assert_int_equal(reader_broken(r), 0);
	reader_free(r);
}

static void
test_overlong_lines(void **state)
{
	static const size_t most = READER_LINE_MAX;
	const size_t lens[] = {most - 1, most, most + 1, 3 * most};
	struct scratch *s = *state;
	char *line = malloc(4 * most);
	struct reader *r;

	assert_non_null(line);
	memset(line, 'x', 4 * most);
	append_text(s->log, RECORD("1") "\n");
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		append(s->log, line, lens[i]);
		append_text(s->log, "\n" RECORD("2") "\n");
	}
	append(s->log, line, 2 * most);
	free(line);
	r = open_reader(s->log, false);
	expect(r, 1);
	for (size_t i = 0; i < ARRAY_LEN(lens); i++)
		expect(r, 2);
	expect_end(r);
	assert_int_equal(reader_broken(r), ARRAY_LEN(lens) + 1);
	reader_free(r);
}

static void
test_tail(void **state)
{
	static const struct {
		size_t lines;
		int want;
		uint64_t first; /* 0: none */
	} cases[] = {
		{0, 1, 0},
		{1, 1, 3000},
		{2, 1, 2999},
		{1500, 1, 1501},
		{2999, 1, 2},
		{3000, 0, 1},
		{3001, 0, 1},
		{SIZE_MAX, 0, 1},
	};
	struct scratch *s = *state;
	struct reader *r;
	char line[128];
	FILE *file;

	file = fopen(s->log, "w");
	assert_non_null(file);
	for (int i = 1; i <= 3000; i++) {
		snprintf(line, sizeof(line),
			TS "\"id\":\"%x\",\"event\":\"decision\"}\n", i);
		fputs(line, file);
	}
	fclose(file);
	r = open_reader(s->log, false);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(reader_tail(r, cases[i].lines), cases[i].want);
		for (uint64_t id = cases[i].first; id > 0 && id <= 3000; id++)
			expect(r, id);
		expect_end(r);
	}
	reader_free(r);
}

static void
test_a_pipe_has_no_tail(void **state)
{
	int pipes[2];
	struct reader *r;
	char path[64];

	(void)state;
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_true(write(pipes[1], RECORD("1") "\n", sizeof(RECORD("1"))) > 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", pipes[0]);
	r = open_reader(path, false);
	close(pipes[1]);
	assert_int_equal(reader_tail(r, 1), -ESPIPE);
	expect(r, 1);
	expect_end(r);
	reader_free(r);
	close(pipes[0]);
}

static void
test_follows_appends(void **state)
{
	struct scratch *s = *state;
	struct reader *r;

	append_text(s->log, RECORD("1") "\n");
	r = open_reader(s->log, true);
	expect(r, 1);
	expect_end(r);
	append_text(s->log, RECORD("2") "\n" RECORD("3") "\n");
	expect_soon(r, 2);
	expect(r, 3);
	expect_end(r);
	reader_free(r);
}

static void
test_follows_over_rotation(void **state)
{
	struct scratch *s = *state;
	struct reader *r;

	append_text(s->log, RECORD("1") "\n");
	r = open_reader(s->log, true);
	expect(r, 1);
	expect_end(r);
	/* Moved away; a writer that does not know yet goes on with the old. */
	append_text(s->log, RECORD("2") "\n");
	assert_int_equal(rename(s->log, s->old), 0);
	append_text(s->old, RECORD("3") "\n");
	expect_soon(r, 2);
	expect(r, 3);
	expect_end(r);
	append_text(s->log, RECORD("4") "\n");
	expect_soon(r, 4);
	append_text(s->old, RECORD("5") "\n");
	expect_soon(r, 5);
	append_text(s->log, RECORD("6") "\n");
	expect_soon(r, 6);
	/* And once more. */
	assert_int_equal(rename(s->log, s->old), 0);
	append_text(s->log, RECORD("7") "\n");
	expect_soon(r, 7);
	expect_end(r);
	assert_int_equal(reader_broken(r), 0);
	reader_free(r);
}

static void
test_follows_a_file_that_is_emptied(void **state)
{
	struct scratch *s = *state;
	struct reader *r;

	append_text(s->log, RECORD("1") "\n" RECORD("2") "\nhalf");
	r = open_reader(s->log, true);
	expect(r, 1);
	expect(r, 2);
	expect_end(r);
	assert_int_equal(truncate(s->log, 0), 0);
	append_text(s->log, RECORD("3") "\n");
	expect_soon(r, 3);
	assert_int_equal(reader_broken(r), 0);
	reader_free(r);
}

static void
test_waits_for_a_file_that_is_not_there(void **state)
{
	struct scratch *s = *state;
	struct reader *r;

	r = open_reader(s->log, true);
	assert_true(reader_is_waiting(r));
	assert_int_equal(reader_tail(r, 5), 0);
	expect_end(r);
	append_text(s->log, RECORD("1") "\n");
	expect_soon(r, 1);
	assert_false(reader_is_waiting(r));
	reader_free(r);
}

static void
test_says_why_it_cannot_open(void **state)
{
	struct scratch *s = *state;
	char error[256], path[160];
	struct reader *r = NULL;

	assert_int_equal(
		reader_open(s->log, false, &r, error, sizeof(error)), -ENOENT);
	assert_non_null(strstr(error, s->log));
	assert_non_null(strstr(error, "No such file"));
	snprintf(path, sizeof(path), "%s/none/log", s->folder);
	assert_int_equal(
		reader_open(path, true, &r, error, sizeof(error)), -ENOENT);
	assert_non_null(strstr(error, "none"));
	assert_int_equal(
		reader_open(s->folder, false, &r, error, sizeof(error)), 0);
	{
		const struct logline *l;

		assert_int_equal(reader_next(r, &l), -EISDIR);
	}
	reader_free(r);
	reader_free(NULL);
}

#define IN_SCRATCH(test) \
	cmocka_unit_test_setup_teardown(test, scratch_new, scratch_free)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(test_broken_lines_are_skipped_and_counted),
		IN_SCRATCH(test_a_line_without_end_at_the_end),
		IN_SCRATCH(test_overlong_lines),
		IN_SCRATCH(test_tail),
		cmocka_unit_test(test_a_pipe_has_no_tail),
		IN_SCRATCH(test_follows_appends),
		IN_SCRATCH(test_follows_over_rotation),
		IN_SCRATCH(test_follows_a_file_that_is_emptied),
		IN_SCRATCH(test_waits_for_a_file_that_is_not_there),
		IN_SCRATCH(test_says_why_it_cannot_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
