/* What systemd may pass, and what we open ourselves. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "keeper_lab.h"
#include "listeners.h"
#include "steer.h"

enum {
	FIRST = 3, /* where systemd puts the first */
	OTHER_PORT = 15002,
	TEXT = 256,
};

static int
get_option(int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = -1;

	getsockopt(fd, level, name, &value, &len);
	return value;
}

static void
test_all_kinds_are_opened(void **state)
{
	struct listeners l;
	char text[TEXT];

	(void)state;
	listeners_init(&l);
	assert_int_equal(
		listeners_open(&l, 3, 15001, true, text, sizeof(text)), 0);
	assert_true(l.has_v6);
	for (int i = 0; i < 3; i++) {
		int tcp4 = l.fds[LISTENER_TCP4][i];
		int tcp6 = l.fds[LISTENER_TCP6][i];

		assert_int_equal(get_option(tcp4, SOL_IP, IP_TRANSPARENT), 1);
		assert_int_equal(get_option(tcp4, SOL_IP, IP_PKTINFO), 1);
		assert_int_equal(
			get_option(tcp4, SOL_SOCKET, SO_ACCEPTCONN), 1);
		assert_int_equal(
			get_option(tcp6, SOL_IPV6, IPV6_TRANSPARENT), 1);
		assert_int_equal(
			get_option(tcp6, SOL_IPV6, IPV6_RECVPKTINFO), 1);
		assert_true(l.fds[LISTENER_DNS4][i] >= 0);
		assert_true(l.fds[LISTENER_DNS6][i] >= 0);
	}
	assert_int_equal(l.fds[LISTENER_TCP4][3], -1);
	listeners_done(&l);
	assert_int_equal(l.fds[LISTENER_TCP4][0], -1);
}

static int
attach_program(int fd)
{
	struct sock_filter first = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = {1, &first};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program,
		sizeof(program));
}

/* Not through any of them, steered or not. */
static void
test_nobody_steers_them_anew(void **state)
{
	struct listeners l;
	char text[TEXT];

	(void)state;
	for (int by_source = 0; by_source < 2; by_source++) {
		listeners_init(&l);
		assert_int_equal(listeners_open(&l, 2, 15001, by_source != 0,
					 text, sizeof(text)),
			0);
		for (size_t kind = 0; kind < LISTENER_KINDS; kind++)
			for (int i = 0; i < 2; i++) {
				assert_int_equal(
					attach_program(l.fds[kind][i]), -1);
				assert_int_equal(errno, EPERM);
			}
		listeners_done(&l);
	}
}

/* systemd has them still when we start again. */
static void
test_what_was_adopted_can_be_steered_again(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	struct listeners l;
	char text[TEXT];

	(void)state;
	assert_int_equal(
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)), 0);
	assert_int_equal(
		bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	for (int i = 0; i < 2; i++) {
		listeners_init(&l);
		l.fds[LISTENER_TCP4][0] = dup(fd);
		assert_int_equal(
			listeners_open(&l, 1, 15001, true, text, sizeof(text)),
			0);
		listeners_done(&l);
	}
	close(fd);
}

static bool
kernel_has_cubic(void)
{
	char text[TEXT] = "";
	int fd = open("/proc/sys/net/ipv4/tcp_available_congestion_control",
		O_RDONLY | O_CLOEXEC);

	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return strstr(text, "cubic") != NULL;
}

/* Whatever the host prefers: a sandbox is one virtual link away. */
static void
test_what_goes_to_a_sandbox_is_not_paced(void **state)
{
	struct listeners l;
	char text[TEXT], name[16] = "";
	socklen_t len = sizeof(name);

	(void)state;
	lab_run("echo reno >/proc/sys/net/ipv4/tcp_congestion_control");
	listeners_init(&l);
	assert_int_equal(
		listeners_open(&l, 1, 15001, true, text, sizeof(text)), 0);
	assert_int_equal(getsockopt(l.fds[LISTENER_TCP4][0], IPPROTO_TCP,
				 TCP_CONGESTION, name, &len),
		0);
	assert_string_equal(name, kernel_has_cubic() ? "cubic" : "reno");
	listeners_done(&l);
}

static void
test_a_port_in_use_is_named(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(15001),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct listeners l;
	char text[TEXT];

	(void)state;
	assert_int_equal(
		bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	listeners_init(&l);
	assert_int_equal(listeners_open(&l, 1, 15001, true, text, sizeof(text)),
		-EADDRINUSE);
	assert_string_equal(text,
		"listener 127.0.0.1: somebody listens on port 15001: another "
		"sbx-netd of this network namespace, or another program");
	listeners_done(&l);
	close(fd);
}

/* Who dials from 127.0.0.x is accepted by the worker that serves it. */
static void
assert_steered(const struct listeners *l, uint32_t workers, uint8_t x)
{
	uint8_t source[] = {127, 0, 0, x};
	struct sockaddr_in from = {.sin_family = AF_INET}, to = from;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), accepted;

	memcpy(&from.sin_addr, source, sizeof(source));
	to.sin_port = htons(OTHER_PORT);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	accepted = accept4(
		l->fds[LISTENER_TCP4][steer_index(AF_INET, source, workers)],
		NULL, NULL, SOCK_CLOEXEC);
	assert_true(accepted >= 0);
	close(accepted);
	close(fd);
}

/* The workers of a keeper that was killed: they hold what it has opened, and
 * are dead a moment after it, the first one first. */
static void
test_those_of_a_killed_keeper_are_waited_for(void **state)
{
	enum { MOMENT = 300 };
	struct listeners l;
	char text[TEXT];
	int ready[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	listeners_init(&l);
	pid = fork();
	if (pid == 0) {
		if (listeners_open(&l, 2, OTHER_PORT, true, text, TEXT) < 0)
			_exit(1);
		close(l.claim); /* the keeper's alone */
		l.claim = -1;
		(void)!write(ready[1], "r", 1);
		poll(NULL, 0, MOMENT);
		listeners_done(&l);
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], text, 1), 1);
	assert_int_equal(
		listeners_open(&l, 2, OTHER_PORT, true, text, TEXT), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	for (uint8_t x = 2; x < 10; x++)
		assert_steered(&l, 2, x);
	listeners_done(&l);
	close(ready[0]);
}

static void
test_route_localnet_is_refused(void **state)
{
	static const char path[] = "/proc/sys/net/ipv4/conf/lo/route_localnet";
	char command[TEXT], text[TEXT];

	(void)state;
	assert_int_equal(listeners_check_localnet(text, sizeof(text)), 0);
	snprintf(command, sizeof(command), "echo 1 >%s", path);
	lab_run(command);
	assert_int_equal(listeners_check_localnet(text, sizeof(text)), -EPERM);
	assert_non_null(
		strstr(text, "sysctl -w net.ipv4.conf.lo.route_localnet=0"));
	snprintf(command, sizeof(command), "echo 0 >%s", path);
	lab_run(command);
	assert_int_equal(listeners_check_localnet(text, sizeof(text)), 0);
}

/* ---- systemd ------------------------------------------------------------ */

struct passed {
	const char *names; /* as in LISTEN_FDNAMES */
	const char *types; /* a letter each: t TCP, u UDP; capital: IPv6 */
	int result;
	const char *text;
};

/* In a process of its own, whose descriptors begin where systemd's do. */
static int
adopt_like_systemd(const struct passed *p)
{
	struct listeners l;
	char text[TEXT] = "", number[16];
	int count = (int)strlen(p->types), fd, r;

	for (int i = 0; i < count; i++) {
		char c = p->types[i];

		fd = socket(c == 'T' || c == 'U' ? AF_INET6 : AF_INET,
			c == 't' || c == 'T' ? SOCK_STREAM : SOCK_DGRAM, 0);
		if (fd != FIRST + i) {
			dup2(fd, FIRST + i);
			close(fd);
		}
	}
	snprintf(number, sizeof(number), "%d", count);
	setenv("LISTEN_FDS", number, 1);
	snprintf(number, sizeof(number), "%d", getpid());
	setenv("LISTEN_PID", number, 1);
	setenv("LISTEN_FDNAMES", p->names, 1);
	listeners_init(&l);
	r = listeners_adopt(&l, text, sizeof(text));
	if (r != p->result || strstr(text, p->text) == NULL) {
		printf("%s: %d %s\n", p->names, r, text);
		return 1;
	}
	if (getenv("LISTEN_FDS") != NULL)
		return 2;
	return r > 0 && fcntl(FIRST, F_GETFD) != FD_CLOEXEC ? 3 : 0;
}

static void
test_sockets_of_systemd_are_taken(void **state)
{
	static const struct passed cases[] = {
		{"tcp4:tcp4", "tt", 2, ""},
		{"tcp4:tcp6:dns4:dns6", "tTuU", 1, ""},
		{"dns4:tcp4:tcp4:dns4", "uttu", 2, ""},
		{"tcp4:tcp6:tcp6", "tTT", -EINVAL, "one each for a worker"},
		{"http", "t", -EINVAL, "\"http\" that is none of ours"},
		{"tcp4", "T", -EINVAL, "none of ours"},
		{"tcp4", "u", -EINVAL, "none of ours"},
	};
	int status;
	pid_t pid;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fflush(stdout);
		pid = fork();
		if (pid == 0)
			_exit(adopt_like_systemd(&cases[i]));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (status != 0)
			fail_msg("%s: status %#x", cases[i].names, status);
	}
}

static void
test_without_systemd_nothing_is_taken(void **state)
{
	struct listeners l;
	char text[TEXT];

	(void)state;
	listeners_init(&l);
	assert_int_equal(listeners_adopt(&l, text, sizeof(text)), 0);
	listeners_done(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_kinds_are_opened),
		cmocka_unit_test(test_nobody_steers_them_anew),
		cmocka_unit_test(test_what_was_adopted_can_be_steered_again),
		cmocka_unit_test(test_what_goes_to_a_sandbox_is_not_paced),
		cmocka_unit_test(test_a_port_in_use_is_named),
		cmocka_unit_test(test_those_of_a_killed_keeper_are_waited_for),
		cmocka_unit_test(test_route_localnet_is_refused),
		cmocka_unit_test(test_sockets_of_systemd_are_taken),
		cmocka_unit_test(test_without_systemd_nothing_is_taken),
	};

	lab_enter_namespace();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
