/*
 * A credential whose value changes: the idle connections that carried the old
 * one go with it.  One that is withdrawn: those in use go as well.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "array.h"
#include "handover.h"
#include "link_message.h"
#include "loop_until.h"
#include "loopback.h"
#include "receipt.h"
#include "session_lab.h"

static const struct resolver_row rows[] = {
	{.host = "a.test", AF_INET, {"127.0.0.1"}},
	{.host = "a.test", AF_INET6, {NULL}},
	{.host = NULL},
};

static void
change(struct session_lab *lab, const char *name, const char *value)
{
	struct link_secret secret = {.name = name,
		.present = value != NULL,
		.value = span_of(value),
		.why = "gone"};
	struct handover *batch = handover_new(1);
	char why[256];

	assert_non_null(batch);
	assert_int_equal(handover_add_secret(batch, &secret), 0);
	assert_int_equal(handover_apply(batch, &lab->services, &lab->policy,
				 why, sizeof(why)),
		0);
	handover_free(batch);
}

static bool
is_open(int fd)
{
	char byte;

	return recv(fd, &byte, 1, 0) < 0 && errno == EAGAIN;
}

struct scene {
	struct session_lab lab;
	int listener, client, origin;
	char text[4096]; /* what was read last */
};

/* A request is at the origin, with its credential. */
static void
scene_open(struct scene *s)
{
	s->listener = loopback_listen("127.0.0.1", 0, 8);
	snprintf(s->text, sizeof(s->text),
		"version: 1\n"
		"credentials:\n"
		"  key: {source: {env: X}, inject: [{host: a.test, port: %u,\n"
		"    header: X-Key, plaintext: true}]}\n"
		"policies:\n"
		"  p: {default: deny, allow: [{host: a.test, port: %u}],\n"
		"    credentials: [key]}\n",
		loopback_port(s->listener), loopback_port(s->listener));
	session_lab_open(&s->lab, rows, s->text);
	change(&s->lab, "key", "sesame");
	s->client = session_lab_dial(&s->lab, loopback_port(s->listener));
	snprintf(s->text, sizeof(s->text),
		"GET / HTTP/1.1\r\nHost: a.test:%u\r\n\r\n",
		loopback_port(s->listener));
	session_lab_send(s->client, s->text);
	s->origin = session_lab_accept(&s->lab, s->listener);
	session_lab_read(&s->lab, s->origin, "X-Key: sesame\r\n", s->text,
		sizeof(s->text));
}

static void
scene_close(struct scene *s)
{
	close(s->client);
	close(s->origin);
	close(s->listener);
	session_lab_close(&s->lab);
}

/* Whoever waits for an answer is told; and the origin hears no more of it. */
static void
test_a_withdrawn_secret_ends_a_request(void **state)
{
	struct receipt receipt = {0};
	const json_t *closed;
	struct scene s;

	(void)state;
	scene_open(&s);
	s.lab.services.receipt = &receipt;
	change(&s.lab, "other", NULL);
	loop_once(s.lab.loop);
	loop_once(s.lab.loop);
	assert_true(is_open(s.origin));
	change(&s.lab, "key", NULL);
	session_lab_read(
		&s.lab, s.client, "credential_revoked", s.text, sizeof(s.text));
	assert_int_equal(strncmp(s.text, "HTTP/1.1 502 ", 13), 0);
	assert_false(is_open(s.origin));
	assert_int_equal(receipt.closed, 1);
	closed = json_array_get(receipt.list, 0);
	assert_string_equal(json_string_value(json_object_get(closed, "rule")),
		"credential key");
	assert_string_equal(
		json_string_value(json_object_get(closed, "what")), "request");
	receipt_done(&receipt);
	s.lab.services.receipt = NULL;
	scene_close(&s);
}

/* Half an answer must not look whole. */
static void
test_a_withdrawn_secret_ends_an_answer(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s);
	session_lab_send(
		s.origin, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf");
	session_lab_read(&s.lab, s.client, "half", s.text, sizeof(s.text));
	assert_true(is_open(s.client) && is_open(s.origin));
	change(&s.lab, "key", NULL);
	loop_once(s.lab.loop);
	loop_once(s.lab.loop);
	assert_false(is_open(s.client));
	assert_false(is_open(s.origin));
	scene_close(&s);
}

/* A new value in its place: what is on its way may come to its end. */
static void
test_a_changed_secret_lets_an_answer_end(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s);
	change(&s.lab, "key", "new");
	session_lab_send(
		s.origin, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole");
	session_lab_read(&s.lab, s.client, "whole", s.text, sizeof(s.text));
	loop_once(s.lab.loop);
	loop_once(s.lab.loop);
	assert_true(is_open(s.client));
	assert_false(is_open(s.origin));
	scene_close(&s);
}

/* A value that changes closes the idle connections that carried the old one,
 * and no others. */
static void
test_a_changed_secret_leaves_with_its_connections(void **state)
{
	static const struct {
		const char *name;
		bool closed;
		const char *reason;
	} cases[] = {
		{"other", false, "another one"},
		{"key", true, "its own"},
	};
	struct scene s;

	(void)state;
	scene_open(&s);
	session_lab_send(
		s.origin, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	session_lab_read(&s.lab, s.client, "ok", s.text, sizeof(s.text));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		change(&s.lab, cases[i].name, "new");
		loop_once(s.lab.loop);
		loop_once(s.lab.loop);
		if (is_open(s.origin) == cases[i].closed)
			fail_msg("%s", cases[i].reason);
	}
	scene_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_a_changed_secret_leaves_with_its_connections),
		cmocka_unit_test(test_a_withdrawn_secret_ends_a_request),
		cmocka_unit_test(test_a_withdrawn_secret_ends_an_answer),
		cmocka_unit_test(test_a_changed_secret_lets_an_answer_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
