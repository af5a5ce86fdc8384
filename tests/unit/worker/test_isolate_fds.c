/*
 * What a worker or the gate may still do to a descriptor that the keeper holds
 * as well: nothing that stays when it has died.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "array.h"
#include "isolate.h"
#include "isolated.h"
#include "loopback.h"

/* Open before, as a worker's are. */
static struct isolate_shared shared = {{-1, -1}, {-1, -1}};
static int listener, log_fd, links[2];

/* Connections of a whole group of listeners, all to the first of them. */
static int
try_steering(void)
{
	struct sock_filter first = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = {1, &first};

	return worked(setsockopt(listener, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF,
		&program, sizeof(program)));
}

static int
try_not_steering(void)
{
	int zero = 0;

	return worked(setsockopt(listener, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF,
		&zero, sizeof(zero)));
}

/* The same name on another level. */
static int
try_option_of_another_level(void)
{
	int one = 1;

	return worked(setsockopt(
		listener, SOL_SOCKET, TCP_NODELAY, &one, sizeof(one)));
}

/* The kernel would take it for the listener. */
static long
listener_again(void)
{
	return listener | 1L << 32;
}

static int
try_shutting_down(void)
{
	return worked(shutdown(listener, SHUT_RDWR));
}

static int
try_shutting_down_by_another_number(void)
{
	return worked(syscall(SYS_shutdown, listener_again(), SHUT_RDWR));
}

static int
connect_nowhere(long fd)
{
	struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

	return worked(syscall(SYS_connect, fd, &nowhere, sizeof(nowhere)));
}

static int
try_connecting_the_listener(void)
{
	return connect_nowhere(listener);
}

static int
try_connecting_it_by_another_number(void)
{
	return connect_nowhere(listener_again());
}

static int
try_connecting_the_dns_socket(void)
{
	return connect_nowhere(shared.udp[0]);
}

static int
try_resetting_what_is_accepted(void)
{
	struct linger now = {.l_onoff = 1};

	return worked(
		setsockopt(listener, SOL_SOCKET, SO_LINGER, &now, sizeof(now)));
}

/* A connection of its own: there and shut down. */
static int
try_connecting(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to;
	socklen_t size = sizeof(to);

	return getsockname(listener, (struct sockaddr *)&to, &size) == 0 &&
			       connect(fd, (struct sockaddr *)&to, size) == 0 &&
			       shutdown(fd, SHUT_WR) == 0
		       ? WORKED
		       : FAILED;
}

static int
try_truncating_the_log(void)
{
	return worked(ftruncate(log_fd, 0));
}

static int
try_more_secret_pages(void)
{
	return worked(syscall(SYS_memfd_secret, O_CLOEXEC));
}

static int
try_options(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	struct linger now = {.l_onoff = 1};

	return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) ==
				       0 &&
			       setsockopt(fd, SOL_SOCKET, SO_LINGER, &now,
				       sizeof(now)) == 0
		       ? WORKED
		       : FAILED;
}

static int
try_overwriting_the_log(void)
{
	return worked(fcntl(log_fd, F_SETFL, O_NONBLOCK));
}

static int
try_copying(void)
{
	return worked(fcntl(links[0], F_DUPFD_CLOEXEC, 0));
}

/* fd: in 64 bits, of which the kernel looks at 32. */
static int
give(long fd)
{
	struct iovec iov = {(char[]){"x"}, 1};
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space)};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &listener, sizeof(int));
	return worked(syscall(SYS_sendmsg, fd, &msg, MSG_NOSIGNAL));
}

static int
try_giving(void)
{
	return give(links[0]);
}

static int
try_giving_by_another_number(void)
{
	return give(links[0] | 1L << 32);
}

static int
try_speaking(void)
{
	return worked(send(links[0], "x", 1, MSG_NOSIGNAL));
}

static int
try_answering(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	struct iovec iov = {(char[]){"x"}, 1};
	struct msghdr msg = {.msg_name = &to,
		.msg_namelen = sizeof(to),
		.msg_iov = &iov,
		.msg_iovlen = 1};

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return worked(sendmsg(shared.udp[0], &msg, 0));
}

static const struct {
	int (*try)(void);
	int want, want_of_gate;
	const char *reason;
} cases[] = {
	{try_steering, KILLED, KILLED,
		"whose connection it is, says the keeper"},
	{try_not_steering, KILLED, KILLED, "… and says on"},
	{try_option_of_another_level, KILLED, KILLED, "options in pairs"},
	{try_shutting_down, KILLED, KILLED, "who comes after has listeners"},
	{try_shutting_down_by_another_number, KILLED, KILLED,
		"… by any number"},
	{try_connecting_the_listener, KILLED, KILLED, "… that listen"},
	{try_connecting_it_by_another_number, KILLED, KILLED,
		"… by any number"},
	{try_connecting_the_dns_socket, KILLED, KILLED, "… to everybody"},
	{try_resetting_what_is_accepted, KILLED, KILLED,
		"… and are not slammed"},
	{try_connecting, WORKED, KILLED, "to an origin"},
	{try_truncating_the_log, KILLED, KILLED, "what was done stays written"},
	{try_overwriting_the_log, KILLED, KILLED, "… and is not written over"},
	{try_copying, KILLED, KILLED, "a number means what it meant"},
	{try_giving, KILLED, KILLED, "the keeper closes only what is its own"},
	{try_giving_by_another_number, KILLED, KILLED, "… by any number"},
	{try_speaking, WORKED, WORKED, "to the keeper"},
	{try_answering, WORKED, KILLED, "from the address that was asked"},
	{try_more_secret_pages, KILLED, KILLED, "they were reserved"},
	{try_options, WORKED, KILLED, "not to wait for more, and to reset"},
};

static int
isolate_worker(char *reterr, size_t reterr_size)
{
	return isolate_late(&shared, reterr, reterr_size);
}

static void
test_what_is_left_to_a_worker_and_the_gate(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int worker = isolated_try(isolate_worker, cases[i].try);
		int gate = isolated_try(isolate_gate_late, cases[i].try);

		if (worker != cases[i].want || gate != cases[i].want_of_gate)
			fail_msg("%s: %d and %d, not %d and %d",
				cases[i].reason, worker, gate, cases[i].want,
				cases[i].want_of_gate);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_left_to_a_worker_and_the_gate),
	};

	listener = shared.listeners[0] = loopback_listen("127.0.0.1", 0, 8);
	log_fd = open("/tmp", O_TMPFILE | O_WRONLY | O_APPEND, 0600);
	shared.udp[0] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, links) < 0 ||
		shared.udp[0] < 0 || log_fd < 0 ||
		write(log_fd, "{}\n", 3) != 3)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
