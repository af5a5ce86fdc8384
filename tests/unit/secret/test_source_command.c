#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "source_ear.h"

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

/* A shell is only what the tests' programs are written in. */
static struct secret_source_spec
script(const char *text)
{
	static const char *words[3] = {"/bin/sh", "-c"};

	words[2] = text;
	return (struct secret_source_spec){.kind = SECRET_SOURCE_COMMAND,
		.words = words,
		.word_count = 3,
		.ttl_seconds = 300,
		.timeout_seconds = 20};
}

static void
listen_to(const char *text)
{
	const struct secret_source_spec spec = script(text);

	source_ear_listen(&ear, &spec, 1);
}

static void
test_what_a_program_says(void **state)
{
	static const struct {
		const char *text;
		const char *value;
		const char *why;
	} rows[] = {
		{"echo one", "one", "command /bin/sh"},
		{"printf 'one\\n\\n'", "",
			"command /bin/sh: has a control character inside"},
		{"true", "", "command /bin/sh: is empty"},
		{"echo s3cret; exit 3", "", "command /bin/sh: exit status 3"},
		{"echo s3cret; kill -9 $$", "",
			"command /bin/sh: killed by signal 9"},
		{"head -c 65537 /dev/zero | tr '\\0' a", "",
			"command /bin/sh: is longer than 64 KiB"},
		{"yes s3cret", "", "command /bin/sh: printed more than 64 KiB"},
		{"head -c 70000 /dev/zero", "",
			"command /bin/sh: printed more than 64 KiB"},
		{"head -c 999999 /dev/zero >&2; echo one", "one",
			"command /bin/sh"},
		{"cat; echo one", "one", "command /bin/sh"},
		{"pwd", "/", "command /bin/sh"},
		{"exec 1>&- 2>&-; exit 0", "", "command /bin/sh: is empty"},
		{"setsid sleep 30 & echo one", "one", "command /bin/sh"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		listen_to(rows[i].text);
		assert_int_equal(ear.reports, 0);
		source_ear_wait(&ear, rows[i].value);
		assert_string_equal(ear.why, rows[i].why);
		secret_source_free(ear.source);
		ear.source = NULL;
		ear.reports = 0;
	}
}

static void
test_program_that_is_not_there(void **state)
{
	const struct secret_source_spec spec =
		SOURCE_SPEC(SECRET_SOURCE_COMMAND, "/nonexistent/program");

	(void)state;
	source_ear_listen(&ear, &spec, 1);
	assert_int_equal(ear.reports, 1);
	assert_string_equal(ear.why,
		"command /nonexistent/program: No such file or directory");
}

static void
test_program_that_others_may_change(void **state)
{
	const char *path =
		source_ear_write(&ear, "tool", "#!/bin/sh\necho value\n", 0700);
	const struct secret_source_spec spec =
		SOURCE_SPEC(SECRET_SOURCE_COMMAND, path);
	char why[256];

	(void)state;
	assert_int_equal(chmod(path, 0777), 0);
	source_ear_listen(&ear, &spec, 1);
	assert_int_equal(ear.reports, 1);
	snprintf(why, sizeof(why),
		"command %s: %s is writable by group or others (chmod go-w)",
		path, path);
	assert_string_equal(ear.why, why);
}

static void
test_program_starts_from_nothing(void **state)
{
	static const struct {
		const char *text;
		const char *value;
		const char *why;
	} rows[] = {
		{"echo ${SBX_CANARY-none}", "none", "our variables"},
		{"echo /proc/self/fd/[3-9]* | wc -w", "1",
			"a descriptor more than the shell's own"},
		{"set -- $(cat /proc/$$/stat); [ $5 = $$ ] && echo own", "own",
			"our process group"},
		{"grep SigBlk /proc/self/status | tr -d '\\t'",
			"SigBlk:0000000000000000", "blocked signals"},
		{"grep -c 'SigIgn.*0000000$' /proc/self/status", "1",
			"ignored signals"},
	};
	sigset_t blocked, before;
	int fd = dup(STDERR_FILENO);

	(void)state;
	setenv("SBX_CANARY", "s3cret", 1);
	assert_int_equal(fcntl(fd, F_SETFD, 0), 0);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].why);
		listen_to(rows[i].text);
		source_ear_wait(&ear, rows[i].value);
		secret_source_free(ear.source);
		ear.source = NULL;
		ear.reports = 0;
	}
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(fd);
}

/* Open for reading: it hangs up when the last who can write has ended. */
static int
open_lifeline(void)
{
	const char *path = source_ear_path(&ear, "lifeline");
	int fd;

	assert_int_equal(mkfifo(path, 0600), 0);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* The programs write a byte first, so that one knows that they hold it. */
static void
wait_for_lifeline(int fd, short event)
{
	struct pollfd polled = {.fd = fd, .events = POLLIN};
	char byte;

	assert_int_equal(poll(&polled, 1, 20000), 1);
	assert_int_not_equal(polled.revents & event, 0);
	if (event == POLLIN)
		assert_int_equal(read(fd, &byte, 1), 1);
}

static void
test_timeout_kills_the_whole_group(void **state)
{
	struct secret_source_spec spec;
	int fd = open_lifeline();
	char text[256];

	(void)state;
	snprintf(text, sizeof(text),
		"exec 9>%s; printf x >&9; sleep 300 & echo s3cret; wait",
		source_ear_path(&ear, "lifeline"));
	spec = script(text);
	spec.timeout_seconds = 1;
	source_ear_listen(&ear, &spec, 1);
	source_ear_wait(&ear, "");
	assert_string_equal(
		ear.why, "command /bin/sh: did not end within 1 seconds");
	wait_for_lifeline(fd, POLLIN);
	wait_for_lifeline(fd, POLLHUP);
	close(fd);
}

static void
test_what_stays_behind_is_killed(void **state)
{
	int fd = open_lifeline();
	char text[256];

	(void)state;
	snprintf(text, sizeof(text),
		"exec 9>%s; printf x >&9; sleep 300 & echo one",
		source_ear_path(&ear, "lifeline"));
	listen_to(text);
	source_ear_wait(&ear, "one");
	wait_for_lifeline(fd, POLLIN);
	wait_for_lifeline(fd, POLLHUP);
	close(fd);
}

static void
test_freed_while_it_runs(void **state)
{
	int fd = open_lifeline();
	char text[256];

	(void)state;
	snprintf(text, sizeof(text),
		"exec 9>%s; printf x >&9; sleep 300 & wait",
		source_ear_path(&ear, "lifeline"));
	listen_to(text);
	wait_for_lifeline(fd, POLLIN);
	secret_source_free(ear.source);
	ear.source = NULL;
	wait_for_lifeline(fd, POLLHUP);
	assert_int_equal(ear.reports, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	close(fd);
}

/* Counts its runs in a file and says the number. */
static void
counting_script(char *ret, size_t size)
{
	const char *path = source_ear_path(&ear, "count");

	snprintf(ret, size, "echo x >> %s; wc -l < %s", path, path);
}

static void
test_cache_runs_out(void **state)
{
	struct secret_source_spec spec;
	char text[256];

	(void)state;
	counting_script(text, sizeof(text));
	spec = script(text);
	spec.ttl_seconds = 1;
	source_ear_listen(&ear, &spec, 1);
	source_ear_wait(&ear, "1");
	source_ear_wait(&ear, "2");
}

static void
test_cache_holds_when_another_source_changes(void **state)
{
	const char *path = source_ear_path(&ear, "token");
	struct secret_source_spec specs[2] = {
		SOURCE_SPEC(SECRET_SOURCE_FILE, path)};
	char text[256];

	(void)state;
	counting_script(text, sizeof(text));
	specs[1] = script(text);
	source_ear_listen(&ear, specs, 2);
	source_ear_wait(&ear, "1");
	source_ear_write(&ear, "token", "from file", 0600);
	source_ear_wait(&ear, "from file");
	assert_int_equal(unlink(path), 0);
	source_ear_wait(&ear, "1");
	secret_source_refresh(ear.source);
	source_ear_wait(&ear, "2");
}

static void
test_refresh_starts_over(void **state)
{
	int fd = open_lifeline();
	char text[256];

	(void)state;
	snprintf(text, sizeof(text),
		"exec 9>%s; [ -e %s/go ] && echo one && exit; printf x >&9; "
		"sleep 300",
		source_ear_path(&ear, "lifeline"), ear.folder);
	listen_to(text);
	wait_for_lifeline(fd, POLLIN);
	source_ear_write(&ear, "go", "", 0600);
	secret_source_refresh(ear.source);
	source_ear_wait(&ear, "one");
	wait_for_lifeline(fd, POLLHUP);
	close(fd);
}

static void
test_old_value_holds_until_the_new_one(void **state)
{
	char text[256];

	(void)state;
	counting_script(text, sizeof(text));
	listen_to(text);
	source_ear_wait(&ear, "1");
	secret_source_refresh(ear.source);
	assert_string_equal(ear.value, "1");
	assert_int_equal(ear.reports, 1);
	source_ear_wait(&ear, "2");
	assert_int_equal(ear.reports, 2);
}

static void
test_next_source_after_a_failure(void **state)
{
	struct secret_source_spec specs[2] = {
		[1] = SOURCE_SPEC(SECRET_SOURCE_ENV, "SBX_TEST_A")};

	(void)state;
	setenv("SBX_TEST_A", "from env", 1);
	specs[0] = script("exit 1");
	source_ear_listen(&ear, specs, 2);
	source_ear_wait(&ear, "from env");
	assert_string_equal(ear.why, "env SBX_TEST_A");
	unsetenv("SBX_TEST_A");
	secret_source_refresh(ear.source);
	source_ear_wait(&ear, "");
	assert_string_equal(ear.why,
		"command /bin/sh: exit status 1; env SBX_TEST_A is not set");
}

static void
test_other_children_are_left_alone(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(7);
	listen_to("echo one");
	source_ear_wait(&ear, "one");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 7);
}

/* The kernel reaps at once, as libev's default loop would a little later. */
static void
test_lost_exit_status_is_a_failure(void **state)
{
	const char *path = source_ear_path(&ear, "go");
	char text[256];
	int fd;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(text, sizeof(text), "read go < %s; echo s3cret", path);
	signal(SIGCHLD, SIG_IGN);
	listen_to(text);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(fd, "go\n", 3), 3);
	source_ear_wait(&ear, "");
	signal(SIGCHLD, SIG_DFL);
	assert_string_equal(
		ear.why, "command /bin/sh: its exit status is gone");
	close(fd);
}

static struct secret_format log_format; /* of log_of()'s script */

/* What the log says while that script runs. */
static void
log_of(const char *text, const char *value, char *ret, size_t size)
{
	const char *path = source_ear_write(&ear, "log", "", 0600);
	int log = open(path, O_RDWR | O_CLOEXEC);
	int before = dup(STDERR_FILENO);
	struct secret_source_spec spec = script(text);
	ssize_t n;

	assert_true(log >= 0 && before >= 0);
	spec.format = log_format;
	dup2(log, STDERR_FILENO);
	source_ear_listen(&ear, &spec, 1);
	source_ear_wait(&ear, value);
	dup2(before, STDERR_FILENO);
	n = pread(log, ret, size - 1, 0);
	assert_true(n >= 0);
	ret[n] = '\0';
	close(before);
	close(log);
	secret_source_free(ear.source);
	ear.source = NULL;
	ear.reports = 0;
}

static void
test_standard_error_goes_into_the_log(void **state)
{
	char log[2048];

	(void)state;
	log_of("printf 'no\\033 entry\\n' >&2; exit 1", "", log, sizeof(log));
	assert_non_null(strstr(log, "credential token: /bin/sh: no  entry\n"));
	log_of("head -c 5000 /dev/zero | tr '\\0' a >&2; echo one", "one", log,
		sizeof(log));
	assert_in_range(strlen(log), 400, 500);
	log_of("echo got the-value >&2; echo the-value", "the-value", log,
		sizeof(log));
	assert_null(strstr(log, "the-value"));
	assert_non_null(strstr(log, "(wrote its value to standard error)"));
	log_of("echo one", "one", log, sizeof(log));
	assert_string_equal(log, "");
	log_format = (struct secret_format){SECRET_FORMAT_GIT, "username"};
	log_of("echo other-field >&2; echo username=one; "
	       "echo password=other-field",
		"one", log, sizeof(log));
	assert_null(strstr(log, "other-field"));
	assert_non_null(strstr(log, "may be secret"));
	log_of("echo no entry >&2", "", log, sizeof(log));
	assert_non_null(strstr(log, "no entry"));
}

/* A value in it that is not known to be one, or not all of it. */
static void
test_what_may_hold_the_value_is_not_logged(void **state)
{
	static const struct {
		const char *text, *value;
	} rows[] = {
		{"echo k3y-material | tee /dev/stderr; exit 1", ""},
		{"printf 'k3y-material\\nx\\n' | tee /dev/stderr", ""},
		{"printf %0396d 0 >&2; echo k3y-material | tee /dev/stderr",
			"k3y-material"},
	};
	char log[2048];

	(void)state;
	log_format = (struct secret_format){SECRET_FORMAT_RAW, NULL};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		log_of(rows[i].text, rows[i].value, log, sizeof(log));
		assert_null(strstr(log, "k3y"));
		assert_non_null(strstr(log, "to standard error"));
	}
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_what_a_program_says),
		TEST(test_program_that_is_not_there),
		TEST(test_program_that_others_may_change),
		TEST(test_program_starts_from_nothing),
		TEST(test_timeout_kills_the_whole_group),
		TEST(test_what_stays_behind_is_killed),
		TEST(test_freed_while_it_runs),
		TEST(test_cache_runs_out),
		TEST(test_cache_holds_when_another_source_changes),
		TEST(test_refresh_starts_over),
		TEST(test_old_value_holds_until_the_new_one),
		TEST(test_next_source_after_a_failure),
		TEST(test_other_children_are_left_alone),
		TEST(test_lost_exit_status_is_a_failure),
		TEST(test_standard_error_goes_into_the_log),
		TEST(test_what_may_hold_the_value_is_not_logged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
