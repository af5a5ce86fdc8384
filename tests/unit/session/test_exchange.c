/* One request: on record first, then carried, or refused, and why. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "array.h"
#include "daybook.h"
#include "exchange_scene.h"
#include "keyring.h"
#include "secret.h"
#include "writer.h"

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
	char text[EXCHANGE_TEXT], id[17];
	const char *line;
	struct exchange_scene s;
	int origin;

	(void)state;
	exchange_scene_open(&s);
	exchange_scene_ask(&s, EXCHANGE_GET);
	origin = session_lab_accept(&s.lab, s.listener);
	/* Not a byte has been read there yet. */
	id_of(session_lab_line(&s.lab, "\"event\":\"decision\"", "\"/x\""), id);
	session_lab_read(&s.lab, origin, "\r\n\r\n", text, EXCHANGE_TEXT);
	assert_ptr_equal(strstr(text, "GET /x HTTP/1.1\r\n"), text);
	session_lab_send(origin, EXCHANGE_OK);
	session_lab_read(&s.lab, s.client, "hello", text, EXCHANGE_TEXT);
	assert_ptr_equal(strstr(text, "HTTP/1.1 200 OK\r\n"), text);
	line = session_lab_line(&s.lab, "outcome", "complete");
	assert_non_null(strstr(line, id));
	assert_non_null(strstr(line, "\"status\":200"));
	assert_non_null(strstr(line, "\"bytes_down\":5"));
	assert_int_equal(exchange_scene_connects, 1);
	close(origin);
	exchange_scene_close(&s);
}

static void
test_without_a_record_nothing_goes_out(void **state)
{
	char text[EXCHANGE_TEXT];
	struct exchange_scene s;

	(void)state;
	exchange_scene_open(&s);
	writer_reopen(daybook_writer(s.lab.services.daybook),
		open("/dev/full", O_WRONLY | O_CLOEXEC));
	exchange_scene_ask(&s, EXCHANGE_GET);
	session_lab_read(&s.lab, s.client, "log_full", text, EXCHANGE_TEXT);
	assert_ptr_equal(strstr(text, "HTTP/1.1 503 "), text);
	assert_int_equal(exchange_scene_connects, 0);
	exchange_scene_close(&s);
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
		char text[EXCHANGE_TEXT], part[64];
		struct exchange_scene s;

		print_message("%s\n", cases[i].reason);
		exchange_scene_open(&s);
		exchange_scene_ask(&s, cases[i].request);
		session_lab_read(
			&s.lab, s.client, cases[i].error, text, EXCHANGE_TEXT);
		assert_memory_equal(
			text + strlen("HTTP/1.1 "), cases[i].status, 3);
		snprintf(part, sizeof(part), "\"reason\":\"%s\"",
			cases[i].record);
		session_lab_line(&s.lab, part, "\"verdict\":\"denied\"");
		assert_int_equal(exchange_scene_connects, 0);
		assert_int_equal(
			resolver_double_asked(s.lab.services.resolver), 0);
		exchange_scene_close(&s);
	}
}

/* The connection is for the host that its first request named. */
static void
test_another_host_on_the_same_connection(void **state)
{
	char text[EXCHANGE_TEXT];
	struct exchange_scene s;
	int origin;

	(void)state;
	exchange_scene_open(&s);
	exchange_scene_ask(&s, EXCHANGE_GET);
	origin = exchange_scene_accept(&s, text);
	session_lab_send(origin, EXCHANGE_OK);
	session_lab_read(&s.lab, s.client, "hello", text, EXCHANGE_TEXT);
	exchange_scene_ask(&s, "GET / HTTP/1.1\r\nHost: inside.test:@\r\n\r\n");
	session_lab_read(&s.lab, s.client, "authority", text, EXCHANGE_TEXT);
	assert_ptr_equal(strstr(text, "HTTP/1.1 403 "), text);
	close(origin);
	exchange_scene_close(&s);
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
		char text[EXCHANGE_TEXT], request[128], part[64];
		struct exchange_scene s;

		print_message("%s\n", cases[i].reason);
		exchange_scene_open(&s);
		snprintf(request, sizeof(request),
			"GET / HTTP/1.1\r\nHost: %s:@\r\n\r\n", cases[i].host);
		exchange_scene_ask(&s, request);
		session_lab_read(
			&s.lab, s.client, cases[i].error, text, EXCHANGE_TEXT);
		assert_memory_equal(
			text + strlen("HTTP/1.1 "), cases[i].status, 3);
		snprintf(part, sizeof(part), "\"reason\":\"%s\"",
			cases[i].error);
		session_lab_line(&s.lab, part, "outcome");
		exchange_scene_close(&s);
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
		char text[EXCHANGE_TEXT];
		struct exchange_scene s;
		int origin;

		print_message("%s\n", cases[i].reason);
		exchange_scene_open(&s);
		if (cases[i].answer == NULL)
			s.lab.services.limits.idle_seconds = 0.1;
		exchange_scene_ask(&s, EXCHANGE_GET);
		origin = exchange_scene_accept(&s, text);
		if (cases[i].answer != NULL) {
			if (cases[i].answer[0] != '\0')
				session_lab_send(origin, cases[i].answer);
			shutdown(origin, SHUT_WR);
		}
		session_lab_read(
			&s.lab, s.client, cases[i].error, text, EXCHANGE_TEXT);
		assert_memory_equal(
			text + strlen("HTTP/1.1 "), cases[i].status, 3);
		/* It was a new connection: nothing is asked twice. */
		assert_int_equal(exchange_scene_connects, 1);
		close(origin);
		exchange_scene_close(&s);
	}
}

static void
test_a_credential_goes_to_the_origin_only(void **state)
{
	char text[EXCHANGE_TEXT];
	struct exchange_scene s;
	int origin;

	(void)state;
	exchange_scene_open(&s);
	assert_int_equal(keyring_set(s.lab.services.keyring, "key",
				 secret_new("sesame", 6)),
		0);
	exchange_scene_ask(&s, "GET /x HTTP/1.1\r\nHost: a.test:@\r\n"
			       "Authorization: Basic mine\r\n\r\n");
	origin = exchange_scene_accept(&s, text);
	assert_non_null(strstr(text, "\r\nAuthorization: Bearer sesame\r\n"));
	assert_null(strstr(text, "mine"));
	session_lab_send(origin, EXCHANGE_OK);
	session_lab_read(&s.lab, s.client, "hello", text, EXCHANGE_TEXT);
	session_lab_line(&s.lab, "outcome", "complete");
	session_lab_line(&s.lab, "decision", "\"injected\":\"key\"");
	assert_null(strstr(session_lab_log(&s.lab), "sesame"));
	close(origin);
	exchange_scene_close(&s);
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
		cmocka_unit_test(test_a_credential_goes_to_the_origin_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
