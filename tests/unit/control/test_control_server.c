#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <ev.h>

#include "array.h"
#include "control_server.h"
#include "fake_keeper.h"

enum { DEADLINE_SECONDS = 20, PLACES = 64 };

#define HOST "Host: localhost\r\n\r\n"

static struct keeper keeper;
static struct ev_loop *loop;
static struct control_server *server;
static char path[64], text[256];

static int
start(const char *group, const char *admin_group)
{
	struct control_server_options options = {
		.socket_path = path,
		.group = group,
		.admin_group = admin_group,
	};

	return control_server_new(
		loop, &keeper, &options, &server, text, sizeof(text));
}

static int
setup(void **state)
{
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/test_control.XXXXXX");
	fd = mkstemp(path);
	if (fd < 0)
		return 1;
	close(fd);
	fake_keeper_init(&keeper);
	loop = ev_loop_new(EVBACKEND_EPOLL);
	return loop == NULL || start(NULL, NULL) < 0;
}

static int
teardown(void **state)
{
	(void)state;
	control_server_free(server);
	ev_loop_destroy(loop);
	fake_keeper_done(&keeper);
	/* It takes its socket with it. */
	return access(path, F_OK) == 0;
}

static int
call(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	assert_int_equal(
		connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	return fd;
}

static void
say(int fd, const char *words)
{
	assert_int_equal(
		send(fd, words, strlen(words), MSG_NOSIGNAL), strlen(words));
}

static time_t
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* Turns the loop until fd has something: how many bytes, 0 for the end. */
static ssize_t
hear(int fd, char *ret, size_t size)
{
	time_t end = now() + DEADLINE_SECONDS;
	ssize_t n;

	do {
		ev_run(loop, EVRUN_NOWAIT);
		n = recv(fd, ret, size - 1, MSG_DONTWAIT);
		if (n >= 0) {
			ret[n] = '\0';
			return n;
		}
	} while (now() < end);
	fail_msg("nothing came in %d seconds", DEADLINE_SECONDS);
	return -1;
}

static void
check_serves(int fd)
{
	char answer[4096];

	say(fd, "GET /v1/status HTTP/1.1\r\n" HOST);
	assert_true(hear(fd, answer, sizeof(answer)) > 0);
	assert_int_equal(strncmp(answer, "HTTP/1.1 200 ", 13), 0);
}

static void
test_serves_one_after_the_other(void **state)
{
	int fd = call();

	(void)state;
	check_serves(fd);
	check_serves(fd);
	close(fd);
}

static void
test_slow_clients_hold_nobody_up(void **state)
{
	int slow[PLACES - 1], fd;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(slow); i++) {
		slow[i] = call();
		say(slow[i], "PUT /v1/sandboxes/x HTTP/1.1\r\nHos");
		ev_run(loop, EVRUN_NOWAIT);
	}
	fd = call();
	check_serves(fd);
	close(fd);
	for (size_t i = 0; i < ARRAY_LEN(slow); i++)
		close(slow[i]);
	assert_int_equal(keeper.changes, 0);
}

static void
test_no_more_than_there_are_places(void **state)
{
	int fds[PLACES], more;
	char answer[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = call();
		check_serves(fds[i]);
	}
	more = call();
	assert_int_equal(hear(more, answer, sizeof(answer)), 0);
	close(more);
	/* A place that is given up is free again. */
	close(fds[0]);
	ev_run(loop, EVRUN_NOWAIT);
	fds[0] = call();
	check_serves(fds[0]);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
}

static void
test_late_answers_find_their_way(void **state)
{
	char answer[4096];
	int fd = call(), gone = call();
	time_t end = now() + DEADLINE_SECONDS;

	(void)state;
	keeper.later = true;
	say(fd, "POST /v1/reload HTTP/1.1\r\n" HOST);
	while (keeper.done == NULL && now() < end)
		ev_run(loop, EVRUN_NOWAIT);
	assert_non_null(keeper.done);
	fake_keeper_finish(&keeper);
	assert_true(hear(fd, answer, sizeof(answer)) > 0);
	assert_non_null(strstr(answer, "200 OK"));
	close(fd);

	say(gone, "POST /v1/reload HTTP/1.1\r\n" HOST);
	while (keeper.done == NULL && now() < end)
		ev_run(loop, EVRUN_NOWAIT);
	close(gone);
	ev_run(loop, EVRUN_NOWAIT);
	fake_keeper_finish(&keeper);
	ev_run(loop, EVRUN_NOWAIT);
	fd = call();
	check_serves(fd);
	close(fd);
}

static void
test_hangs_up_after_an_error(void **state)
{
	char answer[4096];
	int fd = call();

	(void)state;
	say(fd, "\x16\x03\x01");
	assert_true(hear(fd, answer, sizeof(answer)) > 0);
	assert_int_equal(strncmp(answer, "HTTP/1.1 400 ", 13), 0);
	assert_int_equal(hear(fd, answer, sizeof(answer)), 0);
	close(fd);
}

static void
test_mode_of_the_socket(void **state)
{
	static const struct {
		const char *group, *admin_group;
		mode_t mode;
		const char *why;
	} cases[] = {
		{NULL, NULL, 0600, "root only"},
		{"daemon", NULL, 0660, "one group"},
		{NULL, "daemon", 0660, "one group"},
		{"daemon", "daemon", 0660, "the same twice"},
		{"daemon", "bin", 0666, "a socket has one: we tell them apart"},
	};
	struct stat st;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		/* Another group than one's own is root's to give. */
		if (i > 0 && geteuid() != 0)
			break;
		control_server_free(server);
		server = NULL;
		assert_int_equal(
			start(cases[i].group, cases[i].admin_group), 0);
		assert_int_equal(stat(path, &st), 0);
		if ((st.st_mode & 0777) != cases[i].mode)
			fail_msg("%s: %o", cases[i].why, st.st_mode & 0777);
	}
	control_server_free(server);
	server = NULL;
	assert_int_equal(start("no-such-group", NULL), -ENOENT);
	assert_non_null(strstr(text, "no-such-group"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_serves_one_after_the_other, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_slow_clients_hold_nobody_up, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_no_more_than_there_are_places, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_late_answers_find_their_way, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_hangs_up_after_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_mode_of_the_socket, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
