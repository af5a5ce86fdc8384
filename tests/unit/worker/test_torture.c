/*
 * test_torture.c - memory runs out once, at each place where it can
 *
 * Theory of operation
 *
 * One round is a whole life: a handover brings policy, credential and another
 * sandbox; then come requests that are allowed, denied and to an origin that
 * cannot be trusted, a tunnel, and questions to DNS.  In round k the k-th
 * request for memory fails, or all from the k-th on.  Any step may come to
 * nothing then, but nothing may go wrong: torture_world.c holds what reaches
 * an origin against the law, and here are the rest of it: everything comes to
 * an end, no descriptor stays open, the leak check finds nothing, and with
 * memory again the same process does all of it as it should.
 *
 * Our own requests are tried one by one.  OpenSSL's are thousands, and of its
 * own making: every so many.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "array.h"
#include "ca.h"
#include "failing_memory.h"
#include "guard.h"
#include "handover.h"
#include "keyring.h"
#include "link_message.h"
#include "log.h"
#include "loop_until.h"
#include "sandbox.h"
#include "torture.h"
#include "torture_law.h"
#include "torture_world.h"

enum {
	DNS_PORT = 53,
	EACH = 2000, /* more than there are of ours */
	SOME = 30,
};

/* ---- the handover -------------------------------------------------------- */

static const char two_address[] = "10.77.0.9";
enum { TWO_IFINDEX = 6 };

static int
fill(struct handover *batch, const struct world *w, struct span authority)
{
	struct link_document document = {
		.name = "p.yaml", .text = span_of(w->policy)};
	struct link_secret secret = {.name = "key",
		.present = true,
		.value = span_of(TORTURE_SECRET)};
	struct link_sandbox two = {
		.name = "two",
		.policy = "p",
		.labels = "{}",
		.overlay = "",
		.limit_source = "two.yaml:1",
		.limit = {{1000000, 1}},
		.ifindex = TWO_IFINDEX,
		.address_count = 1,
		.addresses = {{.family = AF_INET}},
		.served = true,
		.authority = authority,
		.stand_ins = TORTURE_STAND_INS,
	};
	int r = handover_add_document(batch, &document);

	inet_pton(AF_INET, two_address, two.addresses[0].bytes);
	if (r == 0)
		r = handover_add_secret(batch, &secret);
	return r == 0 ? handover_add_sandbox(batch, &two) : r;
}

static int
hand_over(struct world *w)
{
	struct handover *batch;
	uint8_t *authority;
	char why[1024];
	size_t len;
	int r;

	assert_int_equal(ca_export(w->lab.ca, &authority, &len), 0);
	failing_memory_arm(w->scarce);
	batch = handover_new(w->lab.services.generation + 1);
	r = batch != NULL
		    ? fill(batch, w, (struct span){(char *)authority, len})
		    : -ENOMEM;
	if (r == 0)
		r = handover_apply(batch, &w->lab.services, &w->lab.policy, why,
			sizeof(why));
	handover_free(batch);
	failing_memory_arm(false);
	free(authority);
	return r;
}

/* All of it, or nothing. */
static void
look_at_handover(struct world *w, bool there)
{
	struct services *s = &w->lab.services;
	struct sockaddr_in two = {.sin_family = AF_INET};

	inet_pton(AF_INET, two_address, &two.sin_addr);
	assert_int_equal(sandboxes_identify(s->sandboxes, TWO_IFINDEX,
				 (struct sockaddr *)&two) != NULL,
		there);
	assert_int_equal(
		guard_is_self(s->guard, (struct sockaddr *)&two), there);
	assert_int_equal(keyring_get(s->keyring, "key") != NULL, there);
	assert_int_equal(w->lab.sandbox->set != NULL, there);
}

/* ---- what the sandbox does ----------------------------------------------- */

static const struct step {
	const char *name;
	const char *want;
	int side;
	bool again; /* on the same connection, if it is still there */
} steps[] = {
	{"a.test", "HTTP/1.1 200 ", A_TEST, false},
	{"a.test", "HTTP/1.1 200 ", A_TEST, true},
	{"no.test", "HTTP/1.1 403 ", A_TEST, false},
	{"evil.test", "HTTP/1.1 502 ", EVIL_TEST, false},
	{"pass.test", "HTTP/1.1 200 ", PASS_TEST, false},
	{"a.test", "HTTP/1.1 200 ", A_TEST, false},
};

static const struct question {
	const char *bytes;
	size_t len;
	int rcode;
} questions[] = {
#define QUESTION(name) \
	"\0\x18\0\x01\x01\0\0\x01\0\0\0\0\0\0" name "\x04test\0\0\x01\0\x01"
	{QUESTION("\x01"
		  "a"),
		26, 0},
	{QUESTION("\x01"
		  "b"),
		26, 3},
};

static bool
is_answered(const struct world *w)
{
	const char *head = strstr(w->client.text, "\r\n\r\n");
	const char *length = strstr(w->client.text, "Content-Length: ");

	if (w->client.ended)
		return true;
	return head != NULL && length != NULL &&
	       strlen(head + 4) >= strtoul(length + 16, NULL, 10);
}

static bool
is_dns_answered(const struct world *w)
{
	const uint8_t *b = (const uint8_t *)w->client.text;

	return w->client.ended ||
	       (w->client.len > 2 &&
		       w->client.len >= 2u + (unsigned)(b[0] << 8 | b[1]));
}

static void
take_step(struct world *w, const struct step *step, unsigned number)
{
	const uint16_t port = w->sides[step->side].port;
	char request[256];

	if (!step->again || w->client.ended)
		world_dial(w, port, step->name);
	peer_forget(&w->client);
	snprintf(request, sizeof(request),
		"GET /%u HTTP/1.1\r\nHost: %s:%u\r\nX-Key: " TORTURE_STAND_IN
		"\r\nContent-Type: application/json\r\nContent-Length: 18"
		"\r\n\r\n\"" TORTURE_STAND_IN "\"",
		number, step->name, port);
	peer_say(&w->client, request, strlen(request));
	world_until(w, is_answered, step->name);
	world_until(w, world_is_on_record, "a record of it");
	if (!w->scarce &&
		strncmp(w->client.text, step->want, strlen(step->want)) != 0)
		fail_msg("%s, not %s, for %s", w->client.text, step->want,
			step->name);
}

static void
ask(struct world *w, const struct question *q)
{
	world_dial(w, DNS_PORT, "");
	peer_say(&w->client, q->bytes, q->len);
	world_until(w, is_dns_answered, "an answer from DNS");
	if (w->client.len > 0)
		world_until(w, world_is_on_record, "a record of the question");
	if (!w->scarce) {
		assert_in_range(w->client.len, 6, PEER_TEXT);
		assert_int_equal(w->client.text[5] & 0xf, q->rcode);
	}
}

/* Each path is asked for once in a world. */
static void
live(struct world *w, unsigned first_path)
{
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		take_step(w, &steps[i], first_path + (unsigned)i);
	for (size_t i = 0; i < ARRAY_LEN(questions); i++)
		ask(w, &questions[i]);
	peer_close(&w->client);
	world_until(w, world_is_quiet, "all connections to be closed");
}

/* ---- rounds -------------------------------------------------------------- */

static void
lead_life(struct world *w)
{
	int r;

	w->scarce = true;
	r = hand_over(w);
	look_at_handover(w, r == 0);
	live(w, 100);
	w->scarce = false;
	if (r < 0)
		assert_int_equal(hand_over(w), 0);
	look_at_handover(w, true);
	live(w, 200);
}

static void
test_one_of_ours(void **state)
{
	(void)state;
	assert_in_range(torture_count(lead_life, MEMORY_OURS), 100, EACH);
	torture(lead_life, MEMORY_OURS, false, EACH);
}

static void
test_one_of_ours_and_all_that_follow(void **state)
{
	(void)state;
	torture(lead_life, MEMORY_OURS, true, SOME);
}

static void
test_one_of_openssl(void **state)
{
	(void)state;
	assert_in_range(
		torture_count(lead_life, MEMORY_OPENSSL), 1000, 1000000);
	torture(lead_life, MEMORY_OPENSSL, false, SOME);
}

static void
test_one_of_openssl_and_all_that_follow(void **state)
{
	(void)state;
	torture(lead_life, MEMORY_OPENSSL, true, SOME);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_of_ours),
		cmocka_unit_test(test_one_of_ours_and_all_that_follow),
		cmocka_unit_test(test_one_of_openssl),
		cmocka_unit_test(test_one_of_openssl_and_all_that_follow),
	};

	failing_memory_hook();
	signal(SIGPIPE, SIG_IGN);
	log_open("torture", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
