/*
 * Each test runs in a network namespace of its own, made with a user
 * namespace when we are not root, and touches no other.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "array.h"
#include "netspace.h"
#include "rtnl.h"
#include "wire.h"

static char err[256];

static int
setup(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET) < 0)
		return unshare(CLONE_NEWUSER | CLONE_NEWNET);
	return 0;
}

static void
test_pool_texts(void **state)
{
	static const struct {
		const char *text;
		int expect;
		const char *why;
	} cases[] = {
		{"100.127.0.0/16", 0, "the default"},
		{"10.0.0.0/8", 0, "largest"},
		{"10.1.2.4/31", 0, "smallest: one wire"},
		{"10.1.2.4", -EINVAL, "no prefix"},
		{"10.1.2.4/32", -EINVAL, "one address is no wire"},
		{"10.1.2.4/7", -EINVAL, "too wide"},
		{"10.1.2.4/", -EINVAL, "empty prefix"},
		{"10.1.2.4/+9", -EINVAL, "sign"},
		{"10.1.2.4/16x", -EINVAL, "rubbish behind"},
		{"10.1.2/16", -EINVAL, "three numbers"},
		{"fd00::/64", -EINVAL, "IPv6"},
		{"000010.000001.000002.000003/16", -EINVAL, "too long"},
	};
	struct wire_pool pool;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (wire_pool_parse(cases[i].text, &pool, err, sizeof(err)) !=
			cases[i].expect)
			fail_msg("%s: %s", cases[i].text, cases[i].why);
	}
}

static void
test_draws_inside_the_pool(void **state)
{
	struct wire_pool pool;
	struct rtnl *r;
	struct wire w;

	(void)state;
	assert_int_equal(rtnl_open(&r), 0);
	assert_int_equal(wire_pool_parse("10.9.8.6/31", &pool, err, 256), 0);
	assert_int_equal(wire_draw(r, &pool, &w), 0);
	assert_memory_equal(w.v4.gateway.bytes, "\x0a\x09\x08\x06", 4);
	assert_memory_equal(w.v4.sandbox.bytes, "\x0a\x09\x08\x07", 4);
	assert_int_equal(strncmp(w.host.name, "sbx-", 4), 0);
	assert_int_equal(strlen(w.host.name), 10);
	assert_memory_not_equal(w.host.mac, w.guest.mac, INTERFACE_MAC);
	rtnl_close(r);
}

/*
 * The sandbox's end: a byte there, a byte back, each sent once.  Its exit
 * status.
 */
static int
speak(int fd, int family, const void *to, socklen_t len)
{
	struct timeval deadline = {.tv_sec = 5};
	char byte;
	int s;

	if (setns(fd, CLONE_NEWNET) < 0)
		return 1;
	s = socket(family, SOCK_DGRAM, 0);
	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
	if (sendto(s, "x", 1, 0, to, len) != 1)
		return 2;
	return recv(s, &byte, 1, 0) == 1 && byte == 'y' ? 0 : 3;
}

/* The first packets by that family arrive, in both directions. */
static void
check_carries(int fd, int family, const struct wire_pair *pair)
{
	struct sockaddr_storage from = {0};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(9)};
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6, .sin6_port = htons(9)};
	const void *to = family == AF_INET ? (void *)&in : (void *)&in6;
	socklen_t len = family == AF_INET ? sizeof(in) : sizeof(in6);
	struct timeval deadline = {.tv_sec = 5};
	int host = socket(family, SOCK_DGRAM, 0);
	int status;
	char byte;
	pid_t pid;

	memcpy(&in.sin_addr, pair->gateway.bytes, 4);
	memcpy(&in6.sin6_addr, pair->gateway.bytes, 16);
	assert_int_equal(bind(host, to, len), 0);
	setsockopt(host, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
	pid = fork();
	if (pid == 0)
		_exit(speak(fd, family, to, len));
	len = sizeof(from);
	assert_int_equal(recvfrom(host, &byte, 1, 0, (void *)&from, &len), 1);
	assert_int_equal(sendto(host, "y", 1, 0, (void *)&from, len), 1);
	if (family == AF_INET)
		memcpy(in6.sin6_addr.s6_addr,
			&((struct sockaddr_in *)&from)->sin_addr, 4);
	else
		in6.sin6_addr = ((struct sockaddr_in6 *)&from)->sin6_addr;
	assert_memory_equal(in6.sin6_addr.s6_addr, pair->sandbox.bytes,
		family == AF_INET ? 4 : 16);
	close(host);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* This namespace has that many IPv6 addresses, tentative ones among them. */
static void
check_addresses(unsigned expect)
{
	FILE *f = fopen("/proc/self/net/if_inet6", "r");
	char line[128];
	unsigned n = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		n++;
	fclose(f);
	assert_int_equal(n, expect);
}

static void
test_carries_both_families_and_goes_away(void **state)
{
	struct rtnl *host, *guest;
	struct interface_end other;
	struct wire_pool pool;
	struct wire w;
	bool used;
	int fd;

	(void)state;
	assert_int_equal(rtnl_open(&host), 0);
	assert_int_equal(netspace_new(&fd, &guest), 0);
	assert_int_equal(wire_pool_parse("10.9.0.0/16", &pool, err, 256), 0);
	assert_int_equal(wire_draw(host, &pool, &w), 0);
	if (wire_make(&w, host, guest, fd, err, sizeof(err)) < 0)
		fail_msg("%s", err);
	assert_true(w.has_v6);
	check_addresses(1);
	check_carries(fd, AF_INET, &w.v4);
	check_carries(fd, AF_INET6, &w.v6);

	assert_int_equal(
		interface_range_in_use(host, &w.v4.gateway, 31, &used), 0);
	assert_true(used);
	assert_int_equal(wire_make(&w, host, guest, fd, err, 256), -EEXIST);
	other = w.host;
	other.mac[5] ^= 1;
	assert_int_equal(interface_delete(host, &other), -EEXIST);
	assert_int_not_equal(if_nametoindex(w.host.name), 0);
	assert_int_equal(wire_cut(&w, host), 0);
	assert_int_equal(if_nametoindex(w.host.name), 0);
	assert_int_equal(wire_cut(&w, host), 0);
	rtnl_close(guest);
	rtnl_close(host);
	close(fd);
}

static void
test_full_pool_is_refused(void **state)
{
	struct rtnl *host, *guest;
	struct wire_pool pool;
	struct wire w, second;
	int fd;

	(void)state;
	assert_int_equal(rtnl_open(&host), 0);
	assert_int_equal(netspace_new(&fd, &guest), 0);
	assert_int_equal(wire_pool_parse("10.7.0.2/31", &pool, err, 256), 0);
	assert_int_equal(wire_draw(host, &pool, &w), 0);
	if (wire_make(&w, host, guest, fd, err, sizeof(err)) < 0)
		fail_msg("%s", err);
	assert_int_equal(wire_draw(host, &pool, &second), -EADDRINUSE);
	assert_int_equal(wire_cut(&w, host), 0);
	assert_int_equal(wire_draw(host, &pool, &second), 0);
	rtnl_close(guest);
	rtnl_close(host);
	close(fd);
}

static void
test_host_without_ipv6(void **state)
{
	struct rtnl *host, *guest;
	struct wire_pool pool;
	struct wire w;
	int fd;

	(void)state;
	fd = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY);
	assert_int_equal(write(fd, "1", 1), 1);
	close(fd);
	assert_int_equal(rtnl_open(&host), 0);
	assert_int_equal(netspace_new(&fd, &guest), 0);
	assert_int_equal(wire_pool_parse("10.9.0.0/16", &pool, err, 256), 0);
	assert_int_equal(wire_draw(host, &pool, &w), 0);
	if (wire_make(&w, host, guest, fd, err, sizeof(err)) < 0)
		fail_msg("%s", err);
	assert_false(w.has_v6);
	check_carries(fd, AF_INET, &w.v4);
	rtnl_close(guest);
	rtnl_close(host);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pool_texts),
		cmocka_unit_test_setup(test_draws_inside_the_pool, setup),
		cmocka_unit_test_setup(
			test_carries_both_families_and_goes_away, setup),
		cmocka_unit_test_setup(test_full_pool_is_refused, setup),
		cmocka_unit_test_setup(test_host_without_ipv6, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
