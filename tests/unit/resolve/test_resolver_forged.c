/* Forgers, and servers that lie (threat 16). */
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
};

static void
reply_plain(const struct question *q)
{
	struct message m;

	message_begin(&m, q, RESPONSE);
	message_a(&m, NULL, 60, "192.0.2.1");
	message_send(&m, q);
}

/* By UDP, what a server sends that does not keep the case of letters, or
 * somebody who guesses at it; by TCP the truth. */
static void
reply_wrong_case(const struct question *q)
{
	struct message m;

	message_begin(&m, q, RESPONSE);
	message_a(&m, NULL, 60, q->tcp ? "192.0.2.1" : "203.0.113.66");
	m.data[13] ^= 0x20;
	message_send(&m, q);
}

static void
reply_many_ids(const struct question *q)
{
	struct message m;

	message_begin(&m, q, RESPONSE);
	message_a(&m, NULL, 60, q->tcp ? "192.0.2.1" : "203.0.113.66");
	for (unsigned i = 1; !q->tcp && i <= 16; i++) {
		m.data[0] = (uint8_t)(q->data[0] ^ i);
		message_send(&m, q);
	}
	if (q->tcp)
		message_send(&m, q);
}

static void
test_guesses_lead_to_tcp(void **state)
{
	static name_server_reply *const replies[] = {
		reply_wrong_case, reply_many_ids};
	struct resolver_answer answer;
	struct bench b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
		bench_init(&b, replies[i]);
		answer = asked_answer(&b, "a.test", AF_INET);
		assert_int_equal(answer.status, 0);
		assert_string_equal(asked_address(&answer, 0), "192.0.2.1");
		assert_int_equal(b.ns->questions, 2);
		assert_int_equal(b.ns->tcp_questions, 1);
		bench_done(&b);
	}
}

/* The right words from the wrong port: first those, then the truth. */
static void
reply_other_port(const struct question *q)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct message m;

	message_begin(&m, q, RESPONSE);
	message_a(&m, NULL, 60, "203.0.113.66");
	assert_int_equal(
		sendto(fd, m.data, m.len, 0, (const struct sockaddr *)&q->peer,
			sizeof(q->peer)),
		m.len);
	close(fd);
	reply_plain(q);
}

static struct {
	in_port_t ports[32];
	uint16_t ids[32];
	size_t count;
} seen;

static void
reply_and_note(const struct question *q)
{
	seen.ports[seen.count] = q->peer.sin_port;
	memcpy(&seen.ids[seen.count++], q->data, 2);
	reply_plain(q);
}

static void
test_threat_16_another_port_is_not_heard(void **state)
{
	struct resolver_answer answer;
	struct bench b;

	(void)state;
	bench_init(&b, reply_other_port);
	answer = asked_answer(&b, "a.test", AF_INET);
	assert_int_equal(answer.count, 1);
	assert_string_equal(asked_address(&answer, 0), "192.0.2.1");
	bench_done(&b);
}

/* Of 32 questions nearly all have ports and ids that no other has: a counter
 * or a fixed port would not pass, chance practically never fails. */
static void
test_threat_16_ports_and_ids_cannot_be_foretold(void **state)
{
	unsigned steps = 0, same_port = 0;
	struct bench b;
	char name[16];

	(void)state;
	memset(&seen, 0, sizeof(seen));
	bench_init(&b, reply_and_note);
	for (size_t i = 0; i < ARRAY_LEN(seen.ports); i++) {
		snprintf(name, sizeof(name), "n%zu.test", i);
		asked_answer(&b, name, AF_INET);
	}
	for (size_t i = 1; i < seen.count; i++) {
		steps += (uint16_t)(ntohs(seen.ids[i]) -
				    ntohs(seen.ids[i - 1])) < 16;
		same_port += (uint16_t)(ntohs(seen.ports[i]) -
					ntohs(seen.ports[i - 1])) < 16;
	}
	assert_int_equal(seen.count, ARRAY_LEN(seen.ports));
	assert_in_range(steps, 0, 8);
	assert_in_range(same_port, 0, 8);
	bench_done(&b);
}

/* The reply to the first try comes when the second is asked already. */
static void
reply_too_late(const struct question *q)
{
	static struct sockaddr_in first_peer;
	static struct message late;
	struct message m;

	if (q->server->questions == 1) {
		first_peer = q->peer;
		message_begin(&late, q, RESPONSE);
		message_a(&late, NULL, 60, "203.0.113.66");
		return;
	}
	for (int i = 0; i < 2; i++) {
		const struct sockaddr_in *to = i == 0 ? &first_peer : &q->peer;

		assert_int_equal(
			sendto(q->server->udp.fd, late.data, late.len, 0,
				(const struct sockaddr *)to, sizeof(*to)),
			late.len);
	}
	message_begin(&m, q, RESPONSE);
	message_a(&m, NULL, 60, "192.0.2.1");
	message_send(&m, q);
}

static void
test_threat_17_a_late_reply_is_none(void **state)
{
	struct resolver_answer answer;
	struct bench b;

	(void)state;
	bench_init(&b, reply_too_late);
	assert_int_equal(resolver_set_patience(b.r, 50, 8), 0);
	answer = asked_answer(&b, "abcdefgh.test", AF_INET);
	assert_int_equal(answer.count, 1);
	assert_string_equal(asked_address(&answer, 0), "192.0.2.1");
	assert_int_equal(b.ns->tcp_questions, 0);
	bench_done(&b);
}

/* Aliases in a circle, and a chain with an end but out of order. */
static void
reply_circle(const struct question *q)
{
	struct message m;

	message_begin(&m, q, RESPONSE);
	message_cname(&m, NULL, 40, "b.test");
	message_cname(&m, "b.test", 40, "a.test");
	message_a(&m, "c.test", 60, "203.0.113.66");
	message_send(&m, q);
}

static void
reply_backwards(const struct question *q)
{
	struct message m;

	message_begin(&m, q, RESPONSE);
	message_a(&m, "c.test", 60, "192.0.2.1");
	message_cname(&m, "b.test", 40, "C.test");
	message_cname(&m, NULL, 40, "b.test");
	message_send(&m, q);
}

static void
test_threat_16_only_the_chain_is_believed(void **state)
{
	struct resolver_answer answer;
	struct bench b;

	(void)state;
	bench_init(&b, reply_circle);
	answer = asked_answer(&b, "a.test", AF_INET);
	assert_int_equal(answer.status, -EIO);
	b.ns->reply = reply_backwards;
	answer = asked_answer(&b, "a.test", AF_INET);
	assert_int_equal(answer.status, 0);
	assert_int_equal(answer.ttl, 40);
	assert_string_equal(asked_address(&answer, 0), "192.0.2.1");
	bench_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guesses_lead_to_tcp),
		cmocka_unit_test(test_threat_16_another_port_is_not_heard),
		cmocka_unit_test(
			test_threat_16_ports_and_ids_cannot_be_foretold),
		cmocka_unit_test(test_threat_17_a_late_reply_is_none),
		cmocka_unit_test(test_threat_16_only_the_chain_is_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
