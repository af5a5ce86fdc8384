#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
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

static void
write_proc(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* Namespaces where we may make a file system; also for whom is not root. */
static void
own_namespaces(void)
{
	unsigned int uid = getuid(), gid = getgid();
	char map[32];

	if (unshare(CLONE_NEWNS) == 0)
		return;
	assert_int_equal(unshare(CLONE_NEWUSER | CLONE_NEWNS), 0);
	write_proc("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	write_proc("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "0 %u 1", gid);
	write_proc("/proc/self/gid_map", map);
}

/*
 * A folder on a file system of that many bytes, which nobody else can see: it
 * is never attached anywhere, and belongs to namespaces of our own.
 */
static int
tiny_disk(const char *size)
{
	int fs, mnt;

	own_namespaces();
	fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	assert_true(fs >= 0);
	assert_int_equal(fsconfig(fs, FSCONFIG_SET_STRING, "size", size, 0), 0);
	assert_int_equal(fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0), 0);
	mnt = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	assert_true(mnt >= 0);
	close(fs);
	return mnt;
}

/* One line of 1000 bytes, of the same letter. */
static void
add_letters(struct writer *w, char letter, int lines)
{
	char line[1000];

	memset(line, letter, sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (int i = 0; i < lines; i++)
		assert_int_equal(writer_add(w, line, sizeof(line)), 0);
}

static void
test_a_disk_that_fills_up_and_has_room_again(void **state)
{
	static const char ballast[8192];
	int disk = tiny_disk("16k"), fd, log;
	char text[TEXT_MAX * 8];
	struct writer *w;
	ssize_t n;

	(void)state;
	fd = openat(disk, "ballast", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, ballast, sizeof(ballast)), sizeof(ballast));
	close(fd);
	log = openat(
		disk, "log", O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	assert_true(log >= 0);
	w = writer_new(dup(log));
	assert_non_null(w);
	add_letters(w, 'a', 6);
	assert_int_equal(writer_flush(w), 0);
	add_letters(w, 'b', 6); /* 2192 bytes of these find room */
	assert_int_equal(writer_flush(w), -ENOSPC);
	add_letters(w, 'c', 1);
	assert_int_equal(writer_flush(w), -ENOSPC);
	assert_int_equal(unlinkat(disk, "ballast", 0), 0);
	add_letters(w, 'd', 2);
	assert_int_equal(writer_flush(w), 0);
	add_letters(w, 'e', 1);
	assert_int_equal(writer_flush(w), 0);
	n = pread(log, text, sizeof(text) - 1, 0);
	assert_int_equal(n, 8192 + 1 + 3000);
	text[n] = '\0';
	/* Six, two and a part of one, its end, two, one. */
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(strcspn(text + 1000 * i, "\n"), 999);
	assert_int_equal(strspn(text + 8000, "b"), 192);
	assert_int_equal(text[8192], '\n');
	assert_int_equal(strspn(text + 8193, "d"), 999);
	assert_int_equal(strspn(text + 9193, "d"), 999);
	assert_int_equal(strspn(text + 10193, "e"), 999);
	writer_free(w);
	close(log);
	close(disk);
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
		/* Last: it moves this process into other namespaces. */
		cmocka_unit_test(test_a_disk_that_fills_up_and_has_room_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
