/*
 * One request and what becomes of it: a client on a socketpair, an origin on
 * loopback whose name a table resolves.
 *
 * Each connect() is looked at: at that moment the decision must be on record.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <ev.h>

#include "array.h"
#include "daybook.h"
#include "keyring.h"
#include "loop_until.h"
#include "loopback.h"
#include "sandbox.h"
#include "secret.h"
#include "session_lab.h"
#include "writer.h"

enum { TEXT = 8192 };

struct scene {
	struct session_lab lab;
	int listener, client;
	uint16_t port;
};

static const struct resolver_row rows[] = {
	{.host = "a.test", AF_INET, {"127.0.0.1"}},
	{.host = "a.test", AF_INET6, {NULL}},
	{.host = "inside.test", AF_INET, {"10.0.0.1"}},
	{.host = "inside.test", AF_INET6, {NULL}},
	{.host = "dead.test", AF_INET, {"127.0.0.9"}},
	{.host = "dead.test", AF_INET6, {NULL}},
	{.host = NULL},
};

static const char policy[] =
	"version: 1\n"
	"credentials:\n"
	"  key: {source: {env: X}, inject: [{host: a.test, port: @,\n"
	"    header: Authorization, format: \"Bearer ${value}\",\n"
	"    plaintext: true}]}\n"
	"policies:\n"
	"  p:\n"
	"    default: deny\n"
	"    allow:\n"
	"      - {host: [a.test, inside.test, dead.test, no.test], port: @,\n"
	"         method: [GET, POST, HEAD, TRACE]}\n"
	"    credentials: [key]\n";

static struct session_lab *watched; /* whose decisions connect() waits for */
static int connects, connects_off_record;

int __real_connect(int fd, const struct sockaddr *to, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len);

int
__wrap_connect(int fd, const struct sockaddr *to, socklen_t len)
{
	if (watched != NULL) {
		const char *log = session_lab_log(watched);

		connects++;
		if (strstr(log, "\"event\":\"decision\"") == NULL ||
			strstr(log, "\"verdict\":\"allowed\"") == NULL)
			connects_off_record++;
	}
	return __real_connect(fd, to, len);
}

/* text with the port in place of each '@'. */
static void
with_port(const struct scene *s, const char *text, char ret[TEXT])
{
	size_t len = 0;

	for (; *text != '\0'; text++) {
		assert_true(len + 8 < TEXT);
		if (*text == '@')
			len += (size_t)snprintf(
				ret + len, TEXT - len, "%u", s->port);
		else
			ret[len++] = *text;
	}
	ret[len] = '\0';
}

static void
open_scene(struct scene *s)
{
	char text[TEXT];

	s->listener = loopback_listen("127.0.0.1", 0, 8);
	s->port = loopback_port(s->listener);
	with_port(s, policy, text);
	session_lab_open(&s->lab, rows, text);
	s->client = session_lab_dial(&s->lab, s->port);
	watched = &s->lab;
	connects = connects_off_record = 0;
}

static void
close_scene(struct scene *s)
{
	assert_int_equal(connects_off_record, 0);
	watched = NULL;
	close(s->client);
	close(s->listener);
	session_lab_close(&s->lab);
}

/* lines: "GET / HTTP/1.1\r\nHost: a.test:@\r\n\r\n". */
static void
ask(struct scene *s, const char *lines)
{
	char text[TEXT];

	with_port(s, lines, text);
	session_lab_send(s->client, text);
}

#define GET "GET /x HTTP/1.1\r\nHost: a.test:@\r\n\r\n"
#define POST "POST /x HTTP/1.1\r\nHost: a.test:@\r\nContent-Length: 2\r\n\r\nhi"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

/* An origin that has read the request. */
static int
accept_request(struct scene *s, char text[TEXT])
{
	int origin = session_lab_accept(&s->lab, s->listener);

	session_lab_read(&s->lab, origin, "\r\n\r\n", text, TEXT);
	return origin;
}

/* The value of "id" in a line. */
static void
id_of(const char *line, char ret[17])
{
	const char *at = strstr(line, "\"id\":\"");

	assert_non_null(at);
	memcpy(ret, at + 6, 16);
	ret[16] = '\0';
}

static void
test_recorded_then_carried(void **state)
{
	char text[TEXT], id[17];
	const char *line;
	struct scene s;
	int origin;

	(void)state;
	open_scene(&s);
	ask(&s, GET);
	origin = session_lab_accept(&s.lab, s.listener);
	/* Not a byte has been read there yet. */
	id_of(session_lab_line(&s.lab, "\"event\":\"decision\"", "\"/x\""), id);
	session_lab_read(&s.lab, origin, "\r\n\r\n", text, TEXT);
	assert_ptr_equal(strstr(text, "GET /x HTTP/1.1\r\n"), text);
	session_lab_send(origin, OK);
	session_lab_read(&s.lab, s.client, "hello", text, TEXT);
	assert_ptr_equal(strstr(text, "HTTP/1.1 200 OK\r\n"), text);
	line = session_lab_line(&s.lab, "outcome", "complete");
	assert_non_null(strstr(line, id));
	assert_non_null(strstr(line, "\"status\":200"));
	assert_non_null(strstr(line, "\"bytes_down\":5"));
	assert_int_equal(connects, 1);
	close(origin);
	close_scene(&s);
}

static void
test_without_a_record_nothing_goes_out(void **state)
{
	char text[TEXT];
	struct scene s;

	(void)state;
	open_scene(&s);
	writer_reopen(daybook_writer(s.lab.services.daybook),
		open("/dev/full", O_WRONLY | O_CLOEXEC));
	ask(&s, GET);
	session_lab_read(&s.lab, s.client, "log_full", text, TEXT);
	assert_ptr_equal(strstr(text, "HTTP/1.1 503 "), text);
	assert_int_equal(connects, 0);
	close_scene(&s);
}

static void
test_requests_that_are_refused(void **state)
{
	static const struct {
		const char *request, *status, *error, *record, *reason;
	} cases[] = {
		{"GET / HTTP/1.1\r\nHost: b.test:@\r\n\r\n", "403",
			"policy_denied", "no_rule", "no rule"},
		{"PUT / HTTP/1.1\r\nHost: a.test:@\r\n"
		 "Content-Length: 0\r\n\r\n",
			"403", "policy_denied", "method", "a rule, but"},
		{"TRACE / HTTP/1.1\r\nHost: a.test:@\r\n\r\n", "405",
			"method_refused", "method_refused",
			"not even when a rule has it"},
		{"GET / HTTP/1.1\r\nHost: 127.0.0.1:@\r\n\r\n", "403",
			"no_name", "no_name", "an address for a name"},
		{"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", "403", "authority",
			"authority", "port 80, but it was not dialled"},
		{"GET / HTTP/1.1\r\nHost: a..test:@\r\n\r\n", "400", "bad_name",
			"bad_name", "no host name"},
		{"GET / HTTP/1.1\r\nHost: a.test:@\r\nHost: a.test:@\r\n\r\n",
			"400", "malformed_http", "malformed_http", "two Hosts"},
		{"GET / HTTP/1.1\r\n a: b\r\n\r\n", "400", "malformed_http",
			"malformed_http", "no request at all"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[TEXT], part[64];
		struct scene s;

		print_message("%s\n", cases[i].reason);
		open_scene(&s);
		ask(&s, cases[i].request);
		session_lab_read(&s.lab, s.client, cases[i].error, text, TEXT);
		assert_memory_equal(
			text + strlen("HTTP/1.1 "), cases[i].status, 3);
		snprintf(part, sizeof(part), "\"reason\":\"%s\"",
			cases[i].record);
		session_lab_line(&s.lab, part, "\"verdict\":\"denied\"");
		assert_int_equal(connects, 0);
		assert_int_equal(
			resolver_double_asked(s.lab.services.resolver), 0);
		close_scene(&s);
	}
}

/* The connection is for the host that its first request named. */
static void
test_another_host_on_the_same_connection(void **state)
{
	char text[TEXT];
	struct scene s;
	int origin;

	(void)state;
	open_scene(&s);
	ask(&s, GET);
	origin = accept_request(&s, text);
	session_lab_send(origin, OK);
	session_lab_read(&s.lab, s.client, "hello", text, TEXT);
	ask(&s, "GET / HTTP/1.1\r\nHost: inside.test:@\r\n\r\n");
	session_lab_read(&s.lab, s.client, "authority", text, TEXT);
	assert_ptr_equal(strstr(text, "HTTP/1.1 403 "), text);
	close(origin);
	close_scene(&s);
}

static void
test_origins_that_cannot_be_reached(void **state)
{
	static const struct {
		const char *host, *status, *error, *reason;
	} cases[] = {
		{"no.test", "502", "resolve", "no such name"},
		{"inside.test", "403", "address_refused", "the guard"},
		{"dead.test", "502", "connect_failed", "nobody listens"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[TEXT], request[128], part[64];
		struct scene s;

		print_message("%s\n", cases[i].reason);
		open_scene(&s);
		snprintf(request, sizeof(request),
			"GET / HTTP/1.1\r\nHost: %s:@\r\n\r\n", cases[i].host);
		ask(&s, request);
		session_lab_read(&s.lab, s.client, cases[i].error, text, TEXT);
		assert_memory_equal(
			text + strlen("HTTP/1.1 "), cases[i].status, 3);
		snprintf(part, sizeof(part), "\"reason\":\"%s\"",
			cases[i].error);
		session_lab_line(&s.lab, part, "outcome");
		close_scene(&s);
	}
}

static void
test_origins_that_answer_badly(void **state)
{
	static const struct {
		const char *answer; /* and then the end; NULL: silence */
		const char *status, *error, *reason;
	} cases[] = {
		{"", "502", "origin_gone", "none at all"},
		{"HTTP/1.1 200 OK\r\nContent-", "502", "origin_gone",
			"half a head"},
		{"SSH-2.0-OpenSSH\r\n", "502", "upstream_http", "no HTTP"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
		 "Transfer-Encoding: chunked\r\n\r\n",
			"502", "upstream_http", "two framings"},
		{NULL, "504", "timeout", "silence"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[TEXT];
		struct scene s;
		int origin;

		print_message("%s\n", cases[i].reason);
		open_scene(&s);
		if (cases[i].answer == NULL)
			s.lab.services.limits.idle_seconds = 0.1;
		ask(&s, GET);
		origin = accept_request(&s, text);
		if (cases[i].answer != NULL) {
			if (cases[i].answer[0] != '\0')
				session_lab_send(origin, cases[i].answer);
			shutdown(origin, SHUT_WR);
		}
		session_lab_read(&s.lab, s.client, cases[i].error, text, TEXT);
		assert_memory_equal(
			text + strlen("HTTP/1.1 "), cases[i].status, 3);
		/* It was a new connection: nothing is asked twice. */
		assert_int_equal(connects, 1);
		close(origin);
		close_scene(&s);
	}
}

/* Half an answer must not look like a whole one. */
static void
test_an_answer_that_is_cut_off(void **state)
{
	char text[TEXT];
	struct scene s;
	int origin;

	(void)state;
	open_scene(&s);
	ask(&s, GET);
	origin = accept_request(&s, text);
	session_lab_send(origin,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"5\r\nhello\r\n");
	session_lab_read(&s.lab, s.client, "hello", text, TEXT);
	close(origin);
	session_lab_read(&s.lab, s.client, "", text, TEXT);
	assert_null(strstr(text, "0\r\n\r\n"));
	session_lab_line(&s.lab, "origin_gone", "\"bytes_down\":5");
	close_scene(&s);
}

static void
test_a_connection_is_used_again(void **state)
{
	char text[TEXT];
	struct scene s;
	int origin;

	(void)state;
	open_scene(&s);
	ask(&s, GET);
	origin = accept_request(&s, text);
	for (int i = 0; i < 3; i++) {
		session_lab_send(origin, OK);
		session_lab_read(&s.lab, s.client, "hello", text, TEXT);
		ask(&s, i == 1 ? POST : GET);
		session_lab_read(&s.lab, origin, "\r\n\r\n", text, TEXT);
	}
	assert_int_equal(connects, 1);
	close(origin);
	close_scene(&s);
}

/* An idle connection that the origin closes just as the next request goes. */
static void
test_a_stale_connection(void **state)
{
	static const struct {
		const char *request;
		bool retried;
		const char *reason;
	} cases[] = {
		{GET, true, "asked again on a new one"},
		{POST, false, "a body that has begun is not"},
		{"POST /x HTTP/1.1\r\nHost: a.test:@\r\n"
		 "Content-Length: 0\r\n\r\n",
			false, "nor what may have changed something"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[TEXT];
		struct scene s;
		int first, second;

		print_message("%s\n", cases[i].reason);
		open_scene(&s);
		ask(&s, GET);
		first = accept_request(&s, text);
		session_lab_send(first, OK);
		session_lab_read(&s.lab, s.client, "hello", text, TEXT);
		ask(&s, cases[i].request);
		session_lab_read(&s.lab, first, "\r\n\r\n", text, TEXT);
		close(first);
		if (cases[i].retried) {
			second = accept_request(&s, text);
			session_lab_send(second, OK);
			session_lab_read(&s.lab, s.client, "hello", text, TEXT);
			close(second);
		} else {
			session_lab_read(
				&s.lab, s.client, "origin_gone", text, TEXT);
		}
		assert_int_equal(connects, cases[i].retried ? 2 : 1);
		close_scene(&s);
	}
}

static void
test_it_is_asked_again_once(void **state)
{
	char text[TEXT];
	struct scene s;
	int origin;

	(void)state;
	open_scene(&s);
	ask(&s, GET);
	origin = accept_request(&s, text);
	session_lab_send(origin, OK);
	session_lab_read(&s.lab, s.client, "hello", text, TEXT);
	ask(&s, GET);
	session_lab_read(&s.lab, origin, "\r\n\r\n", text, TEXT);
	close(origin);
	origin = accept_request(&s, text);
	close(origin);
	session_lab_read(&s.lab, s.client, "origin_gone", text, TEXT);
	assert_ptr_equal(strstr(text, "HTTP/1.1 502 "), text);
	assert_int_equal(connects, 2);
	close_scene(&s);
}

/* Of two idle ones that may both be stale, only one is tried. */
static void
test_asked_again_on_a_new_connection(void **state)
{
	char text[TEXT];
	struct scene s;
	int client, origins[3];

	(void)state;
	open_scene(&s);
	client = s.client;
	ask(&s, GET);
	origins[0] = accept_request(&s, text);
	s.client = session_lab_dial(&s.lab, s.port);
	ask(&s, GET);
	origins[1] = accept_request(&s, text);
	session_lab_send(origins[0], OK);
	session_lab_read(&s.lab, client, "hello", text, TEXT);
	session_lab_send(origins[1], OK);
	session_lab_read(&s.lab, s.client, "hello", text, TEXT);
	ask(&s, GET);
	/* The newest is asked. */
	session_lab_read(&s.lab, origins[1], "\r\n\r\n", text, TEXT);
	close(origins[1]);
	origins[2] = accept_request(&s, text);
	session_lab_send(origins[2], OK);
	session_lab_read(&s.lab, s.client, "hello", text, TEXT);
	assert_int_equal(connects, 3);
	close(client);
	close(origins[0]);
	close(origins[2]);
	close_scene(&s);
}

static void
test_a_credential_goes_to_the_origin_only(void **state)
{
	char text[TEXT];
	struct scene s;
	int origin;

	(void)state;
	open_scene(&s);
	assert_int_equal(keyring_set(s.lab.services.keyring, "key",
				 secret_new("sesame", 6)),
		0);
	ask(&s, "GET /x HTTP/1.1\r\nHost: a.test:@\r\n"
		"Authorization: Basic mine\r\n\r\n");
	origin = accept_request(&s, text);
	assert_non_null(strstr(text, "\r\nAuthorization: Bearer sesame\r\n"));
	assert_null(strstr(text, "mine"));
	session_lab_send(origin, OK);
	session_lab_read(&s.lab, s.client, "hello", text, TEXT);
	session_lab_line(&s.lab, "outcome", "complete");
	session_lab_line(&s.lab, "decision", "\"injected\":\"key\"");
	assert_null(strstr(session_lab_log(&s.lab), "sesame"));
	close(origin);
	close_scene(&s);
}

static void
test_a_client_that_leaves(void **state)
{
	char text[TEXT], byte;
	struct scene s;
	int origin;

	(void)state;
	open_scene(&s);
	ask(&s, GET);
	origin = accept_request(&s, text);
	session_lab_send(origin,
		"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhello");
	session_lab_read(&s.lab, s.client, "hello", text, TEXT);
	close(s.client);
	s.client = dup(s.listener);
	session_lab_send(origin, "more");
	session_lab_line(&s.lab, "outcome", "client_gone");
	/* Its connection was in the middle of an answer: not kept. */
	loop_until_readable(s.lab.loop, origin, "the end of the connection");
	assert_true(recv(origin, &byte, 1, 0) <= 0);
	assert_int_equal(s.lab.sandbox->connections, 0);
	close(origin);
	close_scene(&s);
}

/* More than all the buffers on the way hold, to a client that reads late. */
static void
test_a_large_answer(void **state)
{
	enum { SIZE = 2 << 20 };
	char head[128], *body = malloc(SIZE), *got = malloc(SIZE + 1024);
	size_t sent = 0, len = 0;
	char text[TEXT], *at;
	struct scene s;
	int origin;

	(void)state;
	assert_true(body != NULL && got != NULL);
	for (size_t i = 0; i < SIZE; i++)
		body[i] = (char)(i * 7 + i / 251);
	open_scene(&s);
	ask(&s, GET);
	origin = accept_request(&s, text);
	snprintf(head, sizeof(head),
		"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", SIZE);
	session_lab_send(origin, head);
	while (len == 0 ||
		(size_t)(strstr(got, "\r\n\r\n") + 4 - got) + SIZE > len) {
		ssize_t n =
			send(origin, body + sent, SIZE - sent, MSG_NOSIGNAL);

		sent += n > 0 ? (size_t)n : 0;
		loop_once(s.lab.loop);
		/* Only when nothing more moves does the client read. */
		if (n > 0)
			continue;
		n = recv(s.client, got + len, SIZE + 1023 - len, 0);
		len += n > 0 ? (size_t)n : 0;
		got[len] = '\0';
	}
	at = strstr(got, "\r\n\r\n") + 4;
	assert_int_equal((size_t)(at - got) + SIZE, len);
	assert_memory_equal(at, body, SIZE);
	free(body);
	free(got);
	close(origin);
	close_scene(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recorded_then_carried),
		cmocka_unit_test(test_without_a_record_nothing_goes_out),
		cmocka_unit_test(test_requests_that_are_refused),
		cmocka_unit_test(test_another_host_on_the_same_connection),
		cmocka_unit_test(test_origins_that_cannot_be_reached),
		cmocka_unit_test(test_origins_that_answer_badly),
		cmocka_unit_test(test_an_answer_that_is_cut_off),
		cmocka_unit_test(test_a_connection_is_used_again),
		cmocka_unit_test(test_a_stale_connection),
		cmocka_unit_test(test_it_is_asked_again_once),
		cmocka_unit_test(test_asked_again_on_a_new_connection),
		cmocka_unit_test(test_a_credential_goes_to_the_origin_only),
		cmocka_unit_test(test_a_client_that_leaves),
		cmocka_unit_test(test_a_large_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
