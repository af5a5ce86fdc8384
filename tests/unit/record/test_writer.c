#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "writer.h"

enum { TEXT_MAX = 4096 };

static int
scratch_file(void)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_APPEND), 0);
	return fd;
}

static void
assert_holds(int fd, const char *want)
{
	char text[TEXT_MAX];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	assert_string_equal(text, want);
}

static void
add(struct writer *w, const char *line)
{
	assert_int_equal(writer_add(w, line, strlen(line)), 0);
}

static void
test_a_batch_is_written_by_flush_only(void **state)
{
	int fd = scratch_file();
	struct writer *w = writer_new(dup(fd));

	(void)state;
	assert_non_null(w);
	assert_int_equal(writer_flush(w), 0);
	add(w, "one\n");
	add(w, "two\n");
	assert_holds(fd, "");
	assert_int_equal(writer_flush(w), 0);
	assert_holds(fd, "one\ntwo\n");
	assert_int_equal(writer_flush(w), 0);
	add(w, "three\n");
	writer_free(w);
	assert_holds(fd, "one\ntwo\nthree\n");
	writer_free(NULL);
	close(fd);
}

static void
test_a_full_batch_is_refused_whole(void **state)
{
	static char half[WRITER_BATCH_MAX / 2];
	int fd = scratch_file();
	struct writer *w = writer_new(dup(fd));
	struct stat st;

	(void)state;
	assert_non_null(w);
	memset(half, 'x', sizeof(half));
	assert_int_equal(writer_add(w, half, sizeof(half)), 0);
	assert_int_equal(writer_add(w, half, sizeof(half)), 0);
	assert_int_equal(writer_add(w, "\n", 1), -ENOBUFS);
	assert_int_equal(writer_flush(w), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, WRITER_BATCH_MAX);
	assert_int_equal(writer_add(w, "\n", 1), 0);
	writer_free(w);
	close(fd);
}

static void
test_a_full_disk_is_told_and_the_batch_dropped(void **state)
{
	int fd = scratch_file();
	struct writer *w = writer_new(open("/dev/full", O_WRONLY | O_CLOEXEC));

	(void)state;
	assert_non_null(w);
	add(w, "lost\n");
	assert_int_equal(writer_flush(w), -ENOSPC);
	assert_int_equal(writer_flush(w), 0);
	writer_reopen(w, dup(fd));
	add(w, "kept\n");
	assert_int_equal(writer_flush(w), 0);
	assert_holds(fd, "kept\n");
	writer_free(w);
	close(fd);
}

/* RLIMIT_FSIZE cuts a write short exactly where we like, as a disk does. */
static void
limit_size(rlim_t size)
{
	struct rlimit limit = {size, RLIM_INFINITY};

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
test_half_a_line_is_ended_before_the_next(void **state)
{
	static const struct {
		rlim_t limit;
		int want;
		const char *after; /* the failed flush, and then the next */
		const char *why;
	} cases[] = {
		{2, -EFBIG, "on\nthree\n", "nothing whole went"},
		{4, -EIO, "one\nthree\n", "cut between two lines"},
		{6, -EFBIG, "one\ntw\nthree\n", "cut inside a line"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = scratch_file();
		struct writer *w = writer_new(dup(fd));

		assert_non_null(w);
		add(w, "one\n");
		add(w, "two\n");
		limit_size(cases[i].limit);
		if (writer_flush(w) != cases[i].want)
			fail_msg("%s", cases[i].why);
		limit_size(RLIM_INFINITY);
		add(w, "three\n");
		assert_int_equal(writer_flush(w), 0);
		assert_holds(fd, cases[i].after);
		writer_free(w);
		close(fd);
	}
}

static void
test_the_newline_goes_at_once_when_it_can(void **state)
{
	int pipes[2];
	static char block[65536 + 1];
	struct writer *w;
	ssize_t n;

	(void)state;
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_int_equal(fcntl(pipes[1], F_SETPIPE_SZ, 65536), 65536);
	w = writer_new(pipes[1]);
	assert_non_null(w);
	memset(block, 'x', sizeof(block));
	assert_int_equal(writer_add(w, block, sizeof(block)), 0);
	/* 65536 of them fit; the newline does not: nobody waits for a reader */
	assert_int_equal(writer_flush(w), -EAGAIN);
	add(w, "more\n");
	assert_int_equal(writer_flush(w), -EAGAIN);
	n = read(pipes[0], block, sizeof(block));
	assert_int_equal(n, 65536);
	add(w, "next\n");
	assert_int_equal(writer_flush(w), 0);
	n = read(pipes[0], block, sizeof(block));
	assert_int_equal(n, 6);
	assert_memory_equal(block, "\nnext\n", 6);
	writer_free(w);
	close(pipes[0]);
}

static void
test_a_reader_that_left_is_an_error(void **state)
{
	int pipes[2];
	struct writer *w;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	w = writer_new(pipes[1]);
	assert_non_null(w);
	close(pipes[0]);
	add(w, "lost\n");
	assert_int_equal(writer_flush(w), -EPIPE);
	writer_free(w);
}

static void
test_reopen_moves_the_batch_and_closes_the_old(void **state)
{
	int a = scratch_file(), b = scratch_file(), taken = dup(a);
	struct writer *w = writer_new(taken);

	(void)state;
	assert_non_null(w);
	add(w, "one\n");
	assert_int_equal(writer_flush(w), 0);
	add(w, "two\n");
	writer_reopen(w, dup(b));
	assert_int_equal(fcntl(taken, F_GETFD), -1);
	assert_int_equal(writer_flush(w), 0);
	assert_holds(a, "one\n");
	assert_holds(b, "two\n");
	writer_free(w);
	close(a);
	close(b);
}

/* One of the processes that append: batches of lines that name it. */
static void
append_batches(const char *path, char name)
{
	enum { BATCHES = 200, LINES = 20, LINE = 400 };
	struct writer *w =
		writer_new(open(path, O_WRONLY | O_APPEND | O_CLOEXEC));
	char line[LINE];

	memset(line, name, sizeof(line));
	line[LINE - 1] = '\n';
	for (int i = 0; i < BATCHES; i++) {
		for (int k = 0; k < LINES; k++) {
			if (writer_add(w, line, sizeof(line)) != 0)
				_exit(2);
		}
		if (writer_flush(w) != 0)
			_exit(3);
	}
	_exit(0);
}

static void
test_lines_of_several_processes_never_mix(void **state)
{
	enum { PROCESSES = 3, LINES = 3 * 200 * 20, LINE = 400 };
	int fd = scratch_file(), status, lines = 0;
	char path[32], line[LINE + 1];
	pid_t pids[PROCESSES];
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (int i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0)
			append_batches(path, (char)('a' + i));
	}
	for (int i = 0; i < PROCESSES; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	file = fdopen(fd, "r");
	assert_non_null(file);
	for (; fgets(line, sizeof(line), file) != NULL; lines++) {
		assert_int_equal(strlen(line), LINE);
		for (int i = 0; i < LINE - 1; i++)
			assert_int_equal(line[i], line[0]);
	}
	assert_int_equal(lines, LINES);
	fclose(file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_batch_is_written_by_flush_only),
		cmocka_unit_test(test_a_full_batch_is_refused_whole),
		cmocka_unit_test(
			test_a_full_disk_is_told_and_the_batch_dropped),
		cmocka_unit_test(test_half_a_line_is_ended_before_the_next),
		cmocka_unit_test(test_the_newline_goes_at_once_when_it_can),
		cmocka_unit_test(test_a_reader_that_left_is_an_error),
		cmocka_unit_test(
			test_reopen_moves_the_batch_and_closes_the_old),
		cmocka_unit_test(test_lines_of_several_processes_never_mix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
