#include "loopback.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static socklen_t
make_address(const char *text, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *in = (struct sockaddr_in *)ret;

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		return sizeof(*in);
	}
	assert_int_equal(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	return sizeof(*in6);
}

int
loopback_listen(const char *address, uint16_t port, int backlog)
{
	struct sockaddr_storage to = {0};
	socklen_t len = make_address(address, port, &to);
	int fd = socket(to.ss_family,
		SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&to, len), 0);
	assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

uint16_t
loopback_port(int fd)
{
	struct sockaddr_in6 own = {0}; /* an IPv4 port is at the same place */
	socklen_t len = sizeof(own);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &len), 0);
	return ntohs(own.sin6_port);
}

uint16_t
loopback_closed_port(void)
{
	int fd = loopback_listen("0.0.0.0", 0, 1);
	uint16_t port = loopback_port(fd);

	close(fd);
	return port;
}

int
loopback_connect(int fd)
{
	struct sockaddr_storage to = {0};
	socklen_t len = sizeof(to);
	int client;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&to, &len), 0);
	client = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	assert_true(client >= 0);
	assert_int_equal(connect(client, (struct sockaddr *)&to, len), 0);
	return client;
}

void
loopback_pair(int fds[2])
{
	int listener = loopback_listen("127.0.0.1", 0, 1);

	fds[0] = loopback_connect(listener);
	fds[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(fds[1] >= 0);
	assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	close(listener);
}

/* With a backlog of 0 there is room for one that nobody accepts. */
void
loopback_fill(int listener, int fill[2])
{
	struct sockaddr_storage to = {0};
	socklen_t len = sizeof(to);

	assert_int_equal(
		getsockname(listener, (struct sockaddr *)&to, &len), 0);
	for (int i = 0; i < 2; i++) {
		fill[i] = socket(to.ss_family,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			IPPROTO_TCP);
		assert_true(fill[i] >= 0);
		assert_int_equal(
			connect(fill[i], (struct sockaddr *)&to, len), -1);
		assert_int_equal(errno, EINPROGRESS);
	}
}

const char *
loopback_text(const struct sockaddr *address, char *ret, size_t n)
{
	const struct sockaddr_in6 *in6 = (const void *)address;
	const struct sockaddr_in *in = (const void *)address;

	assert_non_null(inet_ntop(address->sa_family,
		address->sa_family == AF_INET ? (const void *)&in->sin_addr
					      : (const void *)&in6->sin6_addr,
		ret, (socklen_t)n));
	return ret;
}
