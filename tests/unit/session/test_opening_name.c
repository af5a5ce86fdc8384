/* Flows to synthetic addresses: whose they are, and what is carried there. */
#include <arpa/inet.h>
#include <netinet/in.h>
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
#include "compiled.h"
#include "loop_until.h"
#include "sandbox.h"
#include "session.h"
#include "session_lab.h"

static const struct resolver_row rows[] = {
	{.host = "db.test", AF_INET, {"127.0.0.1"}},
	{.host = NULL},
};

/* Whatever port the origin has. */
static const char policy[] = "version: 1\n"
			     "policies:\n"
			     "  p:\n"
			     "    allow:\n"
			     "      - {host: db.test, port: 1024-65535}\n"
			     "      - {address: 0.0.0.0/0, port: 1-65535}\n";
static const char closed[] = "version: 1\n"
			     "policies: {p: {}}\n";

enum { NUMBER = 4 }; /* of db.test */
static const char place[] = "198.18.0.5", nobodys[] = "198.18.0.6";

struct scene {
	struct session_lab lab;
	int listener;
	uint16_t port;
};

static void
open_scene(struct scene *s)
{
	struct sockaddr_in any = {
		.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(any);

	session_lab_open(&s->lab, rows, policy);
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
		bind(s->listener, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(s->listener, 8), 0);
	assert_int_equal(
		getsockname(s->listener, (struct sockaddr *)&any, &len), 0);
	s->port = ntohs(any.sin_port);
}

static void
close_scene(struct scene *s)
{
	close(s->listener);
	session_lab_close(&s->lab);
}

/* db.test has been looked up here. */
static void
learn(struct scene *s)
{
	names_heard(sandbox_names(s->lab.sandbox, &s->lab.services.names),
		"db.test", NUMBER, true);
}

static void
assert_end(struct scene *s, int client)
{
	char text[64];

	session_lab_read(&s->lab, client, "", text, sizeof(text));
	assert_string_equal(text, "");
	close(client);
}

static void
test_bytes_go_to_the_name(void **state)
{
	struct scene s;
	char text[64];
	int client, origin;

	(void)state;
	open_scene(&s);
	learn(&s);
	client = session_lab_dial_at(&s.lab, place, s.port);
	session_lab_send(client, "\1hello");
	origin = session_lab_accept(&s.lab, s.listener);
	session_lab_read(&s.lab, origin, "\1hello", text, sizeof(text));
	session_lab_line(&s.lab, "\"host\":\"db.test\"", "\"via\":\"raw\"");
	assert_int_equal(s.lab.asks.count, 0);
	close(origin);
	close(client);
	close_scene(&s);
}

/* Nobody says anything, so the server has to. */
static void
test_a_server_that_speaks_first(void **state)
{
	struct scene s;
	char text[64];
	int client, origin;

	(void)state;
	open_scene(&s);
	learn(&s);
	client = session_lab_dial_at(&s.lab, place, s.port);
	origin = session_lab_accept(&s.lab, s.listener);
	session_lab_send(origin, "220 here");
	session_lab_read(&s.lab, client, "220 here", text, sizeof(text));
	close(origin);
	close(client);
	close_scene(&s);
}

/* … but only where policy carries whatever comes. */
static void
test_silence_is_no_way_around_policy(void **state)
{
	struct scene s;
	int client;

	(void)state;
	open_scene(&s);
	s.lab.services.limits.hello_seconds = 0.5;
	learn(&s);
	client = session_lab_dial_at(&s.lab, place, 443);
	assert_end(&s, client);
	session_lab_line(&s.lab, "no_client_data", "\"dport\":443");
	assert_null(strstr(session_lab_log(&s.lab), "\"allowed\""));
	close_scene(&s);
}

static void
test_another_worker_gave_it_out(void **state)
{
	struct scene s;
	char text[64];
	int one, two, origin;

	(void)state;
	open_scene(&s);
	one = session_lab_dial_at(&s.lab, place, s.port);
	session_lab_send(one, "\1 held");
	two = session_lab_dial_at(&s.lab, place, s.port);
	loop_once(s.lab.loop);
	assert_int_equal(s.lab.asks.count, 1);
	assert_string_equal(s.lab.asks.host, "");
	assert_int_equal(s.lab.asks.number, NUMBER);
	close(two); /* it does not wait for the answer */
	loop_once(s.lab.loop);
	learn(&s);
	origin = session_lab_accept(&s.lab, s.listener);
	session_lab_read(&s.lab, origin, "\1 held", text, sizeof(text));
	close(origin);
	close(one);
	close_scene(&s);
}

/* Not even the rule about every address opens it. */
static void
test_threat_9_nobody_was_given_it(void **state)
{
	static const char *const addresses[] = {nobodys, "198.19.255.255"};
	struct scene s;

	(void)state;
	open_scene(&s);
	learn(&s);
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		int client = session_lab_dial_at(&s.lab, addresses[i], s.port);

		session_lab_send(client, "hello");
		loop_once(s.lab.loop);
		if (i == 0)
			names_heard(
				s.lab.sandbox->told, NULL, NUMBER + 1, false);
		assert_end(&s, client);
		session_lab_line(&s.lab, addresses[i], "never given");
	}
	assert_int_equal(s.lab.asks.count, 1);
	assert_null(strstr(session_lab_log(&s.lab), "\"allowed\""));
	close_scene(&s);
}

static void
test_an_answer_that_comes_too_late(void **state)
{
	struct scene s;
	int client;

	(void)state;
	open_scene(&s);
	s.lab.services.limits.hello_seconds = 0.1;
	client = session_lab_dial_at(&s.lab, place, s.port);
	assert_end(&s, client);
	session_lab_line(&s.lab, "did not say in time", NULL);
	learn(&s);
	close_scene(&s);
}

static void
test_policy_that_changes_ends_it(void **state)
{
	struct scene s;
	struct policy *other = compiled(closed);
	char text[64];
	int client, origin;

	(void)state;
	open_scene(&s);
	learn(&s);
	client = session_lab_dial_at(&s.lab, place, s.port);
	origin = session_lab_accept(&s.lab, s.listener);
	session_recheck_all(s.lab.sandbox); /* nothing is another yet */
	session_lab_send(origin, "still here");
	session_lab_read(&s.lab, client, "still here", text, sizeof(text));
	sandbox_set_policy(s.lab.sandbox, other);
	session_recheck_all(s.lab.sandbox);
	session_lab_line(&s.lab, "\"outcome\"", "revoked");
	assert_end(&s, client);
	/* … and the next one: the name is known, and no longer allowed. */
	client = session_lab_dial_at(&s.lab, place, s.port);
	session_lab_send(client, "\1hello");
	assert_end(&s, client);
	session_lab_line(&s.lab, "\"denied\"", "\"host\":\"db.test\"");
	close(origin);
	policy_unref(other);
	close_scene(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_go_to_the_name),
		cmocka_unit_test(test_a_server_that_speaks_first),
		cmocka_unit_test(test_silence_is_no_way_around_policy),
		cmocka_unit_test(test_another_worker_gave_it_out),
		cmocka_unit_test(test_threat_9_nobody_was_given_it),
		cmocka_unit_test(test_an_answer_that_comes_too_late),
		cmocka_unit_test(test_policy_that_changes_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
