/*
 * The responder on loopback, with an ordinary socket: everything but answering
 * as somebody else, which takes a network namespace (tests/system).
 */
#include "responder.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "array.h"
#include "dns_socket.h"

enum {
	DEADLINE_MS = 20000,
	KEPT = DNS_RESPONDER_REQUESTS,
};

static struct {
	struct ev_loop *loop;
	struct dns_responder *responder;
	const struct dns_responder_counts *counts;
	int client;
	struct sockaddr_in server, peer;
	struct dns_request *kept[KEPT];
	size_t kept_count;
	size_t gone_count;
} lab;

static void
keep(void *arg, struct dns_request *req)
{
	assert_ptr_equal(arg, &lab);
	assert_null(req->data);
	req->data = &lab;
	assert_true(lab.kept_count < KEPT);
	lab.kept[lab.kept_count++] = req;
}

static void
gone(void *arg, struct dns_request *req)
{
	assert_ptr_equal(arg, &lab);
	assert_ptr_equal(req->data, &lab);
	lab.gone_count++;
}

static const struct dns_responder_ops ops = {keep, gone};

static int
open_server(void)
{
	socklen_t size = sizeof(lab.server);
	int on = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	lab.server = (struct sockaddr_in){.sin_family = AF_INET};
	lab.server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&lab.server, size), 0);
	getsockname(fd, (struct sockaddr *)&lab.server, &size);
	setsockopt(fd, IPPROTO_IP, IP_RECVORIGDSTADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	return fd;
}

static int
setup(void **state)
{
	socklen_t size = sizeof(lab.peer);

	(void)state;
	memset(&lab, 0, sizeof(lab));
	lab.loop = ev_loop_new(EVFLAG_AUTO);
	lab.responder = dns_responder_new(lab.loop, &ops, &lab);
	assert_int_equal(dns_responder_add(lab.responder, open_server()), 0);
	lab.counts = dns_responder_counts(lab.responder);
	lab.client = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(connect(lab.client, (struct sockaddr *)&lab.server,
				 sizeof(lab.server)),
		0);
	getsockname(lab.client, (struct sockaddr *)&lab.peer, &size);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	dns_responder_free(lab.responder);
	ev_loop_destroy(lab.loop);
	close(lab.client);
	return 0;
}

static void
on_deadline(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop, (void)w, (void)revents;
	fail_msg("the responder received %d datagrams",
		(int)lab.counts->received);
}

static void
send_query(const void *data, size_t len)
{
	uint64_t until = lab.counts->received + 1;
	struct ev_timer deadline;

	assert_int_equal(send(lab.client, data, len, 0), len);
	ev_timer_init(&deadline, on_deadline, DEADLINE_MS / 1000., 0.);
	ev_timer_start(lab.loop, &deadline);
	while (lab.counts->received < until)
		ev_run(lab.loop, EVRUN_ONCE);
	ev_timer_stop(lab.loop, &deadline);
}

static size_t
read_answer(uint8_t *data, size_t size)
{
	struct pollfd p = {.fd = lab.client, .events = POLLIN};
	ssize_t n;

	assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
	n = recv(lab.client, data, size, 0);
	assert_true(n > 0);
	return (size_t)n;
}

#define HEADER "\x12\x34\1\0\0\1\0\0\0\0\0\0"
#define X_TEST_A "\1x\4test\0\0\1\0\1"
static const char query[] = HEADER X_TEST_A;
enum { QUERY_LEN = sizeof(query) - 1 };

static void
test_request_says_who_asked_whom(void **state)
{
	static const uint8_t address[1][16] = {{192, 0, 2, 7}};
	struct dns_content content = {
		.addresses = address, .count = 1, .ttl = 60};
	struct dns_request *req;
	struct sockaddr_in *dst;
	uint8_t answer[512];

	(void)state;
	send_query(query, QUERY_LEN);
	assert_int_equal(lab.kept_count, 1);
	req = lab.kept[0];
	assert_memory_equal(&req->peer, &lab.peer, sizeof(lab.peer));
	dst = (struct sockaddr_in *)(void *)&req->dst;
	assert_int_equal(dst->sin_family, AF_INET);
	assert_int_equal(dst->sin_addr.s_addr, lab.server.sin_addr.s_addr);
	assert_int_equal(dst->sin_port, lab.server.sin_port);
	assert_int_equal(req->ifindex, if_nametoindex("lo"));
	assert_string_equal(req->query.name, "x.test");
	dns_request_answer(req, DNS_NOERROR, &content);
	assert_int_equal(read_answer(answer, sizeof(answer)), QUERY_LEN + 16);
	assert_memory_equal(answer, "\x12\x34\x81\x80\0\1\0\1", 8);
	assert_memory_equal(answer + QUERY_LEN + 12, "\xc0\0\2\7", 4);
	assert_int_equal(lab.counts->answered, 1);
	assert_int_equal(lab.counts->unsent, 0);
}

/* Answered without anybody being asked; rcode is the fourth byte's low half. */
static const struct {
	const char *data;
	size_t len;
	uint8_t rcode;
	const char *why;
} refused[] = {
	{"\x12\x34\1\0\0\0\0\0\0\0\0\0", 12, 1, "no question"},
	{"\x12\x34\x28\0\0\1\0\0\0\0\0\0", 12, 4, "UPDATE"},
	{HEADER "\1x\4test\0\0\1\0\3", QUERY_LEN, 5, "class CHAOS"},
	{HEADER "\1x\4test\0\0\1\0\xff", QUERY_LEN, 5, "class ANY"},
};

static void
test_refuses_by_itself(void **state)
{
	uint8_t answer[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		send_query(refused[i].data, refused[i].len);
		read_answer(answer, sizeof(answer));
		if ((answer[3] & 0xf) != refused[i].rcode)
			fail_msg("%s: rcode %d", refused[i].why,
				answer[3] & 0xf);
	}
	assert_int_equal(lab.counts->refused, ARRAY_LEN(refused));
	assert_int_equal(lab.kept_count, 0);
}

/* No answer: the next datagram that the client gets is that of a good query. */
static void
test_ignores(void **state)
{
	static char longer[DNS_UDP_MOST + 1];
	uint8_t answer[512];

	(void)state;
	memcpy(longer, query, QUERY_LEN);
	send_query(longer, sizeof(longer));
	send_query("\x12\x34\x81\x80\0\1\0\0\0\0\0\0" X_TEST_A, QUERY_LEN);
	send_query("x", 1);
	send_query("", 0);
	assert_int_equal(lab.counts->ignored, 4);
	assert_int_equal(lab.kept_count, 0);
	send_query(query, QUERY_LEN);
	dns_request_answer(lab.kept[0], DNS_NXDOMAIN, NULL);
	assert_int_equal(read_answer(answer, sizeof(answer)), QUERY_LEN);
	assert_memory_equal(answer, "\x12\x34\x81\x83", 4);
}

static void
test_requests_are_bounded(void **state)
{
	(void)state;
	for (int i = 0; i < KEPT; i++)
		send_query(query, QUERY_LEN);
	assert_int_equal(lab.kept_count, KEPT);
	send_query(query, QUERY_LEN);
	assert_int_equal(lab.counts->overflowed, 1);
	assert_int_equal(lab.counts->asked, KEPT);
	dns_request_drop(lab.kept[--lab.kept_count]);
	send_query(query, QUERY_LEN);
	assert_int_equal(lab.counts->overflowed, 1);
	assert_int_equal(lab.counts->asked, KEPT + 1);
	dns_responder_free(lab.responder);
	lab.responder = NULL;
	assert_int_equal(lab.gone_count, KEPT);
}

static void
test_sockets_are_bounded(void **state)
{
	int fd, spare = socket(AF_UNIX, SOCK_DGRAM, 0);

	(void)state;
	assert_int_equal(
		dns_responder_add(lab.responder, spare), -EAFNOSUPPORT);
	assert_int_equal(dns_responder_add(lab.responder, -1), -EBADF);
	for (int i = 1; i < DNS_RESPONDER_SOCKETS; i++)
		assert_int_equal(
			dns_responder_add(lab.responder, open_server()), 0);
	fd = open_server();
	assert_int_equal(dns_responder_add(lab.responder, fd), -ENOSPC);
	close(fd);
	close(spare);
}

static const struct {
	int family;
	const char *address;
} bad_addresses[] = {
	{AF_INET, "::1"},
	{AF_INET6, "127.0.0.1"},
	{AF_INET, "localhost"},
	{AF_INET, ""},
};

static void
test_socket_of_no_address(void **state)
{
	char err[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_addresses); i++) {
		err[0] = '\0';
		assert_int_equal(
			dns_socket_open(bad_addresses[i].family,
				bad_addresses[i].address, 53, err, sizeof(err)),
			-EINVAL);
		assert_non_null(strstr(err, "is no address"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_request_says_who_asked_whom, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_refuses_by_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ignores, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_requests_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_sockets_are_bounded, setup, teardown),
		cmocka_unit_test(test_socket_of_no_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
