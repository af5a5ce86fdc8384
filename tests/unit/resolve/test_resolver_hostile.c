/* What a name server can do to us, and what comes of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "array.h"
#include "asked.h"

enum {
	RESPONSE = 0x8180, /* QR, RD, RA */
	TRUNCATED = 0x0200,
};

static void
reply_chain(const struct question *q)
{
	struct message m;

	message_begin(&m, q, RESPONSE);
	message_cname(&m, NULL, 40, "b.test");
	message_cname(&m, "b.test", 9, "c.test");
	message_a(&m, "c.test", 100, "192.0.2.1");
	message_a(&m, "c.test", 90, "192.0.2.2");
	message_send(&m, q);
}

/* A chain that leads to no address of that family. */
static void
reply_chain_only(const struct question *q)
{
	struct message m;

	message_begin(&m, q, RESPONSE);
	message_cname(&m, NULL, 40, "b.test");
	message_send(&m, q);
}

static void
reply_least_ttl(const struct question *q)
{
	struct message m;

	message_begin(&m, q, RESPONSE);
	message_a(&m, NULL, 200, "192.0.2.1");
	message_a(&m, NULL, 30, "192.0.2.2");
	message_send(&m, q);
}

static void
reply_ttl_0(const struct question *q)
{
	struct message m;

	message_begin(&m, q, RESPONSE);
	message_a(&m, NULL, 0, "192.0.2.1");
	message_send(&m, q);
}

static void
reply_ttl_huge(const struct question *q)
{
	struct message m;

	message_begin(&m, q, RESPONSE);
	message_a(&m, NULL, 0x7fffffff, "192.0.2.1");
	message_send(&m, q);
}

static void
reply_ttl_negative(const struct question *q)
{
	struct message m;

	message_begin(&m, q, RESPONSE);
	message_a(&m, NULL, 0xffffffff, "192.0.2.1");
	message_send(&m, q);
}

static void
reply_empty(const struct question *q)
{
	struct message m;

	message_begin(&m, q, RESPONSE);
	message_send(&m, q);
}

static void
reply_nxdomain(const struct question *q)
{
	struct message m;

	message_begin(&m, q, RESPONSE | ns_r_nxdomain);
	message_send(&m, q);
}

static void
reply_servfail(const struct question *q)
{
	struct message m;

	message_begin(&m, q, RESPONSE | ns_r_servfail);
	message_send(&m, q);
}

static void
reply_refused(const struct question *q)
{
	struct message m;

	message_begin(&m, q, RESPONSE | ns_r_refused);
	message_send(&m, q);
}

static void
reply_other_family(const struct question *q)
{
	struct message m;

	message_begin(&m, q, RESPONSE);
	message_aaaa(&m, NULL, 60, "2001:db8::1");
	message_send(&m, q);
}

static void
reply_short_address(const struct question *q)
{
	struct message m;

	message_begin(&m, q, RESPONSE);
	message_record(&m, NULL, ns_t_a, 60, "\xc0\0\2", 3);
	message_send(&m, q);
}

static void
reply_cut(const struct question *q)
{
	struct message m;

	message_begin(&m, q, RESPONSE);
	message_a(&m, NULL, 60, "192.0.2.1");
	m.len -= 2;
	message_send(&m, q);
}

/* An owner name that points at itself. */
static void
reply_loop(const struct question *q)
{
	struct message m;

	message_begin(&m, q, RESPONSE);
	message_a(&m, NULL, 60, "192.0.2.1");
	m.data[m.len - 16] = (uint8_t)(0xc0 | (m.len - 16) >> 8);
	m.data[m.len - 15] = (uint8_t)(m.len - 16);
	message_send(&m, q);
}

static void
reply_forty(const struct question *q)
{
	struct message m;
	char address[32];

	message_begin(&m, q, q->tcp ? RESPONSE : RESPONSE | TRUNCATED);
	for (int i = 1; q->tcp && i <= 40; i++) {
		snprintf(address, sizeof(address), "192.0.2.%d", i);
		message_a(&m, NULL, 60, address);
	}
	message_send(&m, q);
}

/* A forger who does not know the id, one who does not know the question, and
 * then the truth. */
static void
reply_forged_first(const struct question *q)
{
	struct message m;

	message_begin(&m, q, RESPONSE);
	message_a(&m, NULL, 60, "203.0.113.66");
	m.data[1] ^= 1;
	message_send(&m, q);
	m.data[1] ^= 1;
	m.data[13] ^= 1;
	message_send(&m, q);
	reply_ttl_huge(q);
}

static void
reply_without_edns(const struct question *q)
{
	struct message m;

	/* ARCOUNT: an OPT record is there */
	if (q->data[11] == 0) {
		reply_ttl_huge(q);
		return;
	}
	message_begin(&m, q, RESPONSE | ns_r_formerr);
	message_send(&m, q);
}

/* status; how many addresses, the first of them and the TTL if it is 0. */
static const struct {
	name_server_reply *reply;
	int status;
	size_t count;
	const char *address;
	unsigned ttl;
	unsigned questions; /* for asking twice */
	const char *why;
} cases[] = {
	{reply_chain, 0, 2, "192.0.2.1", 9, 1, "the least TTL of the chain"},
	{reply_least_ttl, 0, 2, "192.0.2.1", 30, 1, "the least of two"},
	{reply_ttl_0, 0, 1, "192.0.2.1", 5, 1, "clamped from below"},
	{reply_ttl_huge, 0, 1, "192.0.2.1", 300, 1, "clamped from above"},
	{reply_ttl_negative, 0, 1, "192.0.2.1", 5, 1, "RFC 2181, 8"},
	{reply_forged_first, 0, 1, "192.0.2.1", 300, 1, "forgeries ignored"},
	{reply_without_edns, 0, 1, "192.0.2.1", 300, 2, "a server of old"},
	{reply_forty, 0, 16, "192.0.2.1", 60, 2, "truncated, then by TCP"},
	{reply_empty, -ENODATA, 0, NULL, 0, 1, "no address of that family"},
	{reply_chain_only, -ENODATA, 0, NULL, 0, 1, "a chain to nowhere"},
	{reply_nxdomain, -ENOENT, 0, NULL, 0, 1, "no such name"},
	{reply_other_family, -ENODATA, 0, NULL, 0, 1, "not what was asked"},
	{reply_servfail, -ECONNREFUSED, 0, NULL, 0, 6,
		"three tries, not cached"},
	{reply_refused, -ECONNREFUSED, 0, NULL, 0, 6,
		"three tries, not cached"},
	{reply_short_address, -EIO, 0, NULL, 0, 2, "3 bytes are no A"},
	{reply_cut, -EIO, 0, NULL, 0, 2, "ends inside a record"},
	{reply_loop, -EIO, 0, NULL, 0, 2, "a name that never ends"},
};

static void
test_replies(void **state)
{
	struct resolver_answer answer, again;
	struct bench b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bench_init(&b, cases[i].reply);
		answer = asked_answer(&b, "a.test", AF_INET);
		again = asked_answer(&b, "a.test", AF_INET);
		if (answer.status != cases[i].status ||
			answer.count != cases[i].count)
			fail_msg("%s: status %d (%s), %zu addresses",
				cases[i].why, answer.status,
				answer.text != NULL ? answer.text : "",
				answer.count);
		if (b.ns->questions != cases[i].questions)
			fail_msg("%s: %u questions", cases[i].why,
				b.ns->questions);
		if (again.status != answer.status ||
			again.count != answer.count)
			fail_msg("%s: differs from cache", cases[i].why);
		assert_int_equal(answer.status == 0, answer.text == NULL);
		if (answer.status == 0) {
			assert_string_equal(
				asked_address(&answer, 0), cases[i].address);
			assert_int_equal(answer.ttl, cases[i].ttl);
		}
		bench_done(&b);
	}
}

static void
test_truncation_goes_to_tcp(void **state)
{
	struct resolver_answer answer;
	struct bench b;

	(void)state;
	bench_init(&b, reply_forty);
	answer = asked_answer(&b, "a.test", AF_INET);
	assert_int_equal(b.ns->tcp_questions, 1);
	assert_string_equal(asked_address(&answer, 15), "192.0.2.16");
	bench_done(&b);
}

/* Addresses of another name have no business in the answer. */
static void
reply_stranger(const struct question *q)
{
	struct message m;

	message_begin(&m, q, RESPONSE);
	message_a(&m, "evil.test", 60, "203.0.113.66");
	message_a(&m, NULL, 60, "192.0.2.1");
	message_send(&m, q);
}

static void
test_addresses_of_other_names(void **state)
{
	struct resolver_answer answer;
	struct bench b;

	(void)state;
	bench_init(&b, reply_stranger);
	answer = asked_answer(&b, "a.test", AF_INET);
	assert_int_equal(answer.status, 0);
	assert_int_equal(answer.count, 1);
	assert_string_equal(asked_address(&answer, 0), "192.0.2.1");
	bench_done(&b);
}

static void
reply_never(const struct question *q)
{
	(void)q;
}

static void
reply_garbage(const struct question *q)
{
	struct message m = {.len = 400};

	memset(m.data, 0xa5, m.len);
	memcpy(m.data, q->data, 2);
	message_send(&m, q);
	m.len = 1;
	message_send(&m, q);
	m.len = 0;
	message_send(&m, q);
}

static void
test_silence_and_garbage_time_out(void **state)
{
	static name_server_reply *const replies[] = {
		reply_never, reply_garbage};
	struct resolver_answer answer;
	struct bench b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
		bench_init(&b, replies[i]);
		assert_int_equal(resolver_set_patience(b.r, 20, 2), 0);
		answer = asked_answer(&b, "a.test", AF_INET);
		assert_int_equal(answer.status, -ETIMEDOUT);
		assert_int_equal(b.ns->questions, 2);
		bench_done(&b);
	}
}

static void
test_patience_needs_silence(void **state)
{
	struct asked asked = {0};
	struct bench b;

	(void)state;
	bench_init(&b, reply_never);
	assert_non_null(
		resolver_ask(b.r, "a.test", AF_INET, asked_done, &asked));
	assert_int_equal(resolver_set_patience(b.r, 20, 2), -EBUSY);
	bench_done(&b);
}

static void
test_nobody_listens(void **state)
{
	struct resolver_answer answer;
	struct bench b;

	(void)state;
	bench_init(&b, reply_never);
	ev_io_stop(b.loop, &b.ns->udp);
	close(b.ns->udp.fd);
	ev_io_set(&b.ns->udp, -1, EV_READ);
	answer = asked_answer(&b, "a.test", AF_INET);
	assert_int_equal(answer.status, -ECONNREFUSED);
	bench_done(&b);
}

/* The second server is asked when the first fails. */
static void
test_second_server(void **state)
{
	struct resolver_answer answer;
	struct name_server *good;
	const char *servers[2];
	struct bench b;
	char err[128];

	(void)state;
	bench_init(&b, reply_servfail);
	good = name_server_new(b.loop, reply_ttl_huge);
	servers[0] = b.ns->address;
	servers[1] = good->address;
	assert_int_equal(
		resolver_set_servers(b.r, servers, 2, err, sizeof(err)), 0);
	answer = asked_answer(&b, "a.test", AF_INET);
	assert_int_equal(answer.status, 0);
	assert_int_equal(b.ns->questions, 1);
	assert_int_equal(good->questions, 1);
	name_server_free(good);
	bench_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_truncation_goes_to_tcp),
		cmocka_unit_test(test_addresses_of_other_names),
		cmocka_unit_test(test_silence_and_garbage_time_out),
		cmocka_unit_test(test_patience_needs_silence),
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_second_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
