/*
 * An origin that is asked for another protocol: how it is asked, what its 101
 * must say, and that any other answer is one like others.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "h1_end.h"

static struct http_stream *
ask(struct h1_end *e, const char *method, const char *protocol, size_t body)
{
	struct http_stream *s;
	struct http_head h;

	http_head_init(&h);
	http_head_set_method(&h, span_of(method));
	http_head_set_target(&h, SPAN_LITERAL("/chat"));
	http_head_add(&h, SPAN_LITERAL("Host"), SPAN_LITERAL("a.test"), false);
	http_head_add(&h, SPAN_LITERAL("Upgrade"), SPAN_LITERAL("h2c"), false);
	if (protocol != NULL)
		assert_int_equal(
			http_head_set_protocol(&h, span_of(protocol)), 0);
	h.framing = body > 0 ? HTTP_LENGTH : HTTP_NO_BODY;
	h.content_length = body;
	errno = 0;
	s = http_conn_request(e->conn, &h);
	http_head_done(&h);
	return s;
}

static void
test_what_the_client_asks(void **state)
{
	static const struct {
		const char *method, *protocol;
		size_t body;
		bool close;
		const char *wire; /* NULL: EINVAL */
		const char *reason;
	} asks[] = {
		{"GET", NULL, 0, false, LINE "\r\n", "nothing"},
		{"GET", "websocket", 0, false, WANTED, "websocket"},
		{"GET", "websocket", 0, true, WANTED, "to be closed anyway"},
		{"GET", "x", 0, false, LINE CONNECTION "Upgrade: x\r\n\r\n",
			"what it is told to ask for"},
		{"GET", "abcdefghijklmnopqrstuvwxyz0123456", 0, false, NULL,
			"a longer name than any"},
		{"POST", "websocket", 0, false, NULL, "POST"},
		{"GET", "websocket", 3, false, NULL, "a body"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
		struct h1_end e;

		h1_end_open(&e, false);
		assert_true(http_conn_can_upgrade(e.conn));
		if (asks[i].close)
			http_conn_set_close(e.conn);
		e.s = ask(&e, asks[i].method, asks[i].protocol, asks[i].body);
		if ((e.s == NULL) != (asks[i].wire == NULL))
			fail_msg("%s", asks[i].reason);
		if (e.s != NULL)
			h1_end_assert_out(&e, asks[i].wire);
		else
			assert_int_equal(errno, EINVAL);
		assert_int_equal(http_conn_can_upgrade(e.conn), e.s == NULL);
		h1_end_close(&e);
	}
}

#define S101 "HTTP/1.1 101 Go\r\n"
#define OTHER "101 to another protocol than asked for"
#define FRAMED "framing where the status allows no body"

static const struct {
	const char *protocol; /* asked for */
	const char *response;
	const char *error; /* NULL: a tunnel */
	const char *reason;
} responses[] = {
	{"websocket", SWITCHED, NULL, "as asked"},
	{"websocket",
		S101 "connection: keep-alive, upgrade\r\n"
		     "upgrade: WEBSOCKET\r\n\r\n",
		NULL, "in any case, in a list"},
	{"websocket",
		"HTTP/1.1 103 Hint\r\nLink: x\r\n\r\nHTTP/1.1 100 "
		"Go\r\n\r\n" SWITCHED,
		NULL, "interim heads before it"},
	{"websocket",
		S101 CONNECTION "Upgrade: websocket\r\n"
				"Content-Length: 0\r\n\r\n",
		NULL, "no body, said aloud"},
	{"x", S101 CONNECTION "Upgrade: x\r\n\r\n", NULL, "another, asked for"},
	{NULL, SWITCHED, "101 without being asked", "not asked for"},
	{"websocket", S101 CONNECTION "Upgrade: h2c\r\n\r\n", OTHER, "h2c"},
	{"websocket", S101 CONNECTION "Upgrade: websocket, h2c\r\n\r\n", OTHER,
		"a list: which is it?"},
	{"websocket",
		S101 CONNECTION "Upgrade: websocket\r\nUpgrade: h2c\r\n\r\n",
		OTHER, "two fields: which is it?"},
	{"websocket",
		S101 CONNECTION
		"Upgrade: websocket\r\nUpgrade: websocket\r\n\r\n",
		OTHER, "two fields, alike"},
	{"websocket", S101 CONNECTION "Upgrade: websocke\r\n\r\n", OTHER,
		"shorter"},
	{"websocket", S101 CONNECTION "Upgrade: \r\n\r\n", OTHER, "empty"},
	{"websocket", S101 CONNECTION "\r\n", OTHER, "no Upgrade"},
	{"websocket", S101 "Upgrade: websocket\r\n\r\n", OTHER,
		"no Connection"},
	{"websocket", S101 "Connection: close\r\nUpgrade: websocket\r\n\r\n",
		OTHER, "another Connection"},
	{"websocket", S101 "\r\n", OTHER, "a bare 101"},
	{"websocket",
		"HTTP/1.0 101 Go\r\nConnection: Upgrade\r\n"
		"Upgrade: websocket\r\n\r\n",
		OTHER, "from HTTP/1.0"},
	{"websocket",
		S101 CONNECTION "Upgrade: websocket\r\n"
				"Content-Length: 3\r\n\r\n",
		FRAMED, "with a length"},
	{"websocket",
		S101 CONNECTION "Upgrade: websocket\r\n"
				"Transfer-Encoding: chunked\r\n\r\n",
		FRAMED, "in chunks"},
};

/* All input in pieces of this size; the head that counts at last, or NULL. */
static const struct http_head *
receive(struct h1_end *e, const char *input, size_t piece)
{
	size_t len = strlen(input);
	const struct http_head *h = NULL;

	for (size_t at = 0; at < len; at += piece) {
		size_t part = len - at < piece ? len - at : piece;

		buf_add(&e->in, input + at, part);
		if (http_conn_run(e->conn, false) < 0)
			return NULL;
		h = http_stream_head(e->s);
		while (h != NULL && h->status < 200 && h->status != 101) {
			http_stream_next_head(e->s);
			h = http_stream_head(e->s);
		}
	}
	return http_conn_error(e->conn) == NULL ? h : NULL;
}

static void
check_tunnel(struct h1_end *e, const struct http_head *h, const char *protocol)
{
	assert_int_equal(h->status, 101);
	assert_int_equal(h->framing, HTTP_TUNNEL);
	assert_true(span_equals(http_head_protocol(h), span_of(protocol)));
	assert_true(http_conn_must_close(e->conn));
	assert_false(http_conn_is_finished(e->conn));
	/* It stays: there is no next one. */
	http_stream_next_head(e->s);
	assert_ptr_equal(http_stream_head(e->s), h);
	h1_end_assert_body(e, "\x81 HTTP/1.1 200 OK\r\n\r\n");
	buf_consume(&e->out, e->out.len);
	assert_int_equal(http_stream_send(e->s, "\r\nup", 4), 4);
	h1_end_assert_out(e, "\r\nup");
}

static void
test_what_a_101_must_say(void **state)
{
	char input[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(responses); i++) {
		snprintf(input, sizeof(input), "%s\x81 HTTP/1.1 200 OK\r\n\r\n",
			responses[i].response);
		for (size_t piece = 1; piece < sizeof(input); piece *= 3) {
			const struct http_head *h;
			const char *error;
			struct h1_end e;

			h1_end_open(&e, false);
			e.s = ask(&e, "GET", responses[i].protocol, 0);
			assert_non_null(e.s);
			h = receive(&e, input, piece);
			error = http_conn_error(e.conn);
			if (error == NULL || responses[i].error == NULL
					? error != responses[i].error
					: strcmp(error, responses[i].error) !=
						  0)
				fail_msg("%s: %s", responses[i].reason, error);
			if (error == NULL)
				check_tunnel(&e, h, responses[i].protocol);
			h1_end_close(&e);
		}
	}
}

/* An answer that does not switch is an answer; the connection lives on. */
static void
test_an_upgrade_that_is_refused(void **state)
{
	static const struct {
		const char *response;
		int status;
		const char *body; /* NULL: none */
	} refusals[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok"},
		{"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", 403, NULL},
		{"HTTP/1.1 426 No\r\nUpgrade: websocket\r\n"
		 "Connection: Upgrade\r\nContent-Length: 1\r\n\r\nx",
			426, "x"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		const struct http_head *h;
		struct span piece;
		struct h1_end e;

		h1_end_open(&e, false);
		e.s = ask(&e, "GET", "websocket", 0);
		h1_end_arrive(&e, refusals[i].response);
		h = http_stream_head(e.s);
		assert_non_null(h);
		assert_int_equal(h->status, refusals[i].status);
		assert_int_not_equal(h->framing, HTTP_TUNNEL);
		assert_int_equal(http_head_protocol(h).len, 0);
		assert_true(http_stream_send_ended(e.s));
		if (refusals[i].body != NULL)
			h1_end_assert_body(&e, refusals[i].body);
		assert_int_equal(http_stream_peek(e.s, &piece), HTTP_END);
		http_stream_close(e.s);
		buf_consume(&e.out, e.out.len);
		assert_true(http_conn_is_idle(e.conn));
		/* … and what was asked for is forgotten. */
		e.s = ask(&e, "GET", NULL, 0);
		assert_non_null(e.s);
		assert_int_equal(buf_add(&e.in, SWITCHED, strlen(SWITCHED)), 0);
		assert_int_equal(http_conn_run(e.conn, false), -EPROTO);
		h1_end_close(&e);
	}
}

static void
test_a_tunnel_at_the_client(void **state)
{
	struct span piece;
	struct h1_end e;

	(void)state;
	h1_end_open(&e, false);
	e.s = ask(&e, "GET", "websocket", 0);
	h1_end_assert_out(&e, WANTED);
	/* Nothing before the 101. */
	assert_int_equal(http_stream_room(e.s), 0);
	assert_true(http_stream_send_ended(e.s));
	h1_end_arrive(&e, SWITCHED);
	assert_false(http_stream_send_ended(e.s));
	assert_int_equal(http_stream_send(e.s, "a", 1), 1);
	h1_end_assert_out(&e, "a");
	assert_int_equal(http_conn_run(e.conn, true), 0);
	assert_int_equal(http_stream_peek(e.s, &piece), HTTP_END);
	assert_false(http_conn_was_cut(e.conn));
	assert_int_equal(http_stream_send(e.s, "b", 1), 1);
	assert_false(http_conn_is_finished(e.conn));
	assert_int_equal(http_stream_send_end(e.s, NULL), 0);
	assert_true(http_conn_is_finished(e.conn));
	http_stream_close(e.s);
	assert_false(http_conn_can_request(e.conn));
	h1_end_close(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_the_client_asks),
		cmocka_unit_test(test_what_a_101_must_say),
		cmocka_unit_test(test_an_upgrade_that_is_refused),
		cmocka_unit_test(test_a_tunnel_at_the_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
