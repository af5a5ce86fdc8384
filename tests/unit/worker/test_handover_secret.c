/*
 * A credential whose value changes: the idle connections that carried the old
 * one go with it.
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
#include "session_lab.h"

static const struct resolver_row rows[] = {
	{.host = "a.test", AF_INET, {"127.0.0.1"}},
	{.host = "a.test", AF_INET6, {NULL}},
	{.host = NULL},
};

static void
change(struct session_lab *lab, const char *name, const char *value)
{
	struct link_secret secret = {
		.name = name, .present = true, .value = span_of(value)};
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
	int listener = loopback_listen("127.0.0.1", 0, 8);
	char text[4096];
	int client, origin;
	struct session_lab lab;

	(void)state;
	snprintf(text, sizeof(text),
		"version: 1\n"
		"credentials:\n"
		"  key: {source: {env: X}, inject: [{host: a.test, port: %u,\n"
		"    header: X-Key, plaintext: true}]}\n"
		"policies:\n"
		"  p: {default: deny, allow: [{host: a.test, port: %u}],\n"
		"    credentials: [key]}\n",
		loopback_port(listener), loopback_port(listener));
	session_lab_open(&lab, rows, text);
	change(&lab, "key", "sesame");
	client = session_lab_dial(&lab, loopback_port(listener));
	snprintf(text, sizeof(text),
		"GET / HTTP/1.1\r\nHost: a.test:%u\r\n\r\n",
		loopback_port(listener));
	session_lab_send(client, text);
	origin = session_lab_accept(&lab, listener);
	session_lab_read(&lab, origin, "X-Key: sesame\r\n", text, sizeof(text));
	session_lab_send(
		origin, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	session_lab_read(&lab, client, "ok", text, sizeof(text));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		change(&lab, cases[i].name, "new");
		loop_once(lab.loop);
		loop_once(lab.loop);
		if (is_open(origin) == cases[i].closed)
			fail_msg("%s", cases[i].reason);
	}
	close(client);
	close(origin);
	close(listener);
	session_lab_close(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_a_changed_secret_leaves_with_its_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
