/*
 * A sandbox that asks for another protocol: who may, and that before our 101
 * and without it nothing is taken for anything but HTTP.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "h1_end.h"

static int
send_status(struct h1_end *e, int status)
{
	struct http_head h;
	int r;

	http_head_init(&h);
	h.status = status;
	r = http_stream_send_head(e->s, &h);
	http_head_done(&h);
	return r;
}

/* A server that has accepted this. */
static void
open_asked(struct h1_end *e, const char *request)
{
	h1_end_open(e, true);
	h1_end_arrive(e, request);
	e->s = http_conn_accept(e->conn);
	assert_non_null(e->s);
	assert_non_null(http_stream_head(e->s));
}

static const struct {
	const char *request;
	bool wanted;
	const char *reason;
} requests[] = {
	{WANTED, true, "as every browser asks"},
	{LINE "connection: upgrade\r\nupgrade: websocket\r\n\r\n", true,
		"names in lower case"},
	{LINE "Connection: UPGRADE\r\nUpgrade: WebSocket\r\n\r\n", true,
		"tokens in any case"},
	{LINE "Connection: keep-alive, Upgrade\r\n"
	      "Upgrade: websocket\r\n\r\n",
		true, "in a list"},
	{LINE "Connection: keep-alive\r\nConnection: upgrade\r\n"
	      "Upgrade: websocket\r\n\r\n",
		true, "in a second Connection"},
	{LINE CONNECTION "Upgrade: h2c, websocket\r\n\r\n", true,
		"h2c beside it is ignored"},
	{LINE CONNECTION "Upgrade: websocket, h2c\r\n\r\n", true,
		"h2c behind it too"},
	{LINE CONNECTION "Upgrade: h2c\r\nUpgrade: websocket\r\n\r\n", true,
		"in the second of two fields"},
	{LINE CONNECTION "Upgrade: websocket\r\nUpgrade: websocket\r\n\r\n",
		true, "twice the same"},
	{LINE CONNECTION "Upgrade: websocket\r\nContent-Length: 0\r\n\r\n",
		true, "no body, said aloud"},
	{LINE "Connection: close, Upgrade\r\nUpgrade: websocket\r\n\r\n", true,
		"a connection that ends with it anyway"},
	{LINE "\r\n", false, "not asked for"},
	{LINE "Upgrade: websocket\r\n\r\n", false, "no Connection"},
	{LINE CONNECTION "\r\n", false, "no Upgrade"},
	{LINE "Connection: close\r\nUpgrade: websocket\r\n\r\n", false,
		"another Connection"},
	{LINE "Connection: Upgrade-Insecure\r\nUpgrade: websocket\r\n\r\n",
		false, "a token that begins like it"},
	{LINE CONNECTION "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
		false, "h2c: a tunnel that nobody would read"},
	{LINE CONNECTION "Upgrade: websocket/13\r\n\r\n", false,
		"a version of it"},
	{LINE CONNECTION "Upgrade: websockets\r\n\r\n", false, "another token"},
	{LINE CONNECTION "Upgrade: TLS/1.0\r\n\r\n", false, "TLS"},
	{LINE CONNECTION "Upgrade: \r\n\r\n", false, "nothing"},
	{LINE CONNECTION "Up_grade: websocket\r\n\r\n", false, "another name"},
	{"GET / HTTP/1.0\r\nHost: a.test\r\n" CONNECTION
	 "Upgrade: websocket\r\n\r\n",
		false, "from HTTP/1.0"},
	{"POST / HTTP/1.1\r\nHost: a.test\r\n" CONNECTION
	 "Upgrade: websocket\r\n\r\n",
		false, "POST"},
	{"HEAD / HTTP/1.1\r\nHost: a.test\r\n" CONNECTION
	 "Upgrade: websocket\r\n\r\n",
		false, "HEAD"},
	{"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n" CONNECTION
	 "Upgrade: websocket\r\n\r\n",
		false, "CONNECT"},
	{LINE CONNECTION "Upgrade: websocket\r\nContent-Length: 3\r\n\r\nabc",
		false, "a body: where would the other protocol begin?"},
	{LINE CONNECTION "Upgrade: websocket\r\n"
			 "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		false, "an empty body in chunks"},
};

static void
test_who_asks_for_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		struct span protocol, expected = SPAN_LITERAL("");
		struct h1_end e;
		int r;

		if (requests[i].wanted)
			expected = SPAN_LITERAL("websocket");
		open_asked(&e, requests[i].request);
		protocol = http_head_protocol(http_stream_head(e.s));
		r = send_status(&e, 101);
		if (!span_equals(protocol, expected) ||
			r != (requests[i].wanted ? 0 : -EINVAL))
			fail_msg("%s: \"%.*s\", %d", requests[i].reason,
				(int)protocol.len, protocol.ptr, r);
		if (requests[i].wanted)
			h1_end_assert_out(&e, SWITCHED);
		else
			assert_int_equal(e.out.len, 0);
		h1_end_close(&e);
	}
}

/* However the request is cut, what comes behind it is not seen before the 101,
 * and all of it behind. */
static void
test_bytes_wait_for_the_101(void **state)
{
	static const char input[] = WANTED "early \x81\x05hello";
	const size_t len = sizeof(input) - 1;
	struct span piece;

	(void)state;
	for (size_t cut = 0; cut <= len; cut++) {
		struct h1_end e;

		h1_end_open(&e, true);
		for (size_t at = 0; at < len; at++) {
			buf_add(&e.in, input + at, 1);
			if (cut == len || at + 1 == cut || at + 1 == len)
				assert_int_equal(
					http_conn_run(e.conn, false), 0);
			if (e.s == NULL)
				e.s = http_conn_accept(e.conn);
		}
		assert_non_null(e.s);
		assert_int_equal(e.in.len, len - strlen(WANTED));
		assert_int_equal(http_stream_peek(e.s, &piece), HTTP_END);
		assert_true(http_stream_receive_ended(e.s));
		assert_int_equal(send_status(&e, 101), 0);
		assert_false(http_stream_receive_ended(e.s));
		h1_end_assert_body(&e, input + strlen(WANTED));
		assert_int_equal(http_stream_peek(e.s, &piece), HTTP_WAIT);
		h1_end_close(&e);
	}
}

/* Threat 26: without a 101 it never was anything but HTTP. */
static void
test_threat_26_behind_another_answer_comes_http(void **state)
{
	static const int statuses[] = {200, 204, 304, 400, 403, 426, 502};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		struct span path;
		struct h1_end e;

		open_asked(&e, WANTED "GET /next HTTP/1.1\r\nHost: a.test\r\n"
				      "\r\n");
		assert_int_equal(send_status(&e, statuses[i]), 0);
		assert_int_equal(http_stream_send_end(e.s, NULL), 0);
		assert_false(http_conn_is_finished(e.conn));
		http_stream_close(e.s);
		assert_false(http_conn_must_close(e.conn));
		e.s = http_conn_accept(e.conn);
		assert_non_null(e.s);
		path = http_head_path(http_stream_head(e.s));
		assert_true(span_equals(path, SPAN_LITERAL("/next")));
		assert_int_equal(
			http_head_protocol(http_stream_head(e.s)).len, 0);
		assert_int_equal(send_status(&e, 101), -EINVAL);
		h1_end_close(&e);
	}
	/* … and what is no HTTP is refused, not carried. */
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		struct h1_end e;

		open_asked(&e, WANTED "\x81\x05hello");
		assert_int_equal(send_status(&e, statuses[i]), 0);
		assert_int_equal(http_stream_send_end(e.s, NULL), 0);
		http_stream_close(e.s);
		assert_int_equal(http_conn_run(e.conn, false), -EPROTO);
		h1_end_close(&e);
	}
}

static void
test_a_tunnel_at_the_server(void **state)
{
	struct span piece;
	struct h1_end e;

	(void)state;
	open_asked(&e, WANTED);
	assert_false(http_conn_must_close(e.conn));
	assert_int_equal(http_stream_room(e.s), 0);
	/* Interim heads may come before it. */
	assert_int_equal(send_status(&e, 103), 0);
	assert_false(http_stream_sent_head(e.s));
	h1_end_assert_out(&e, "HTTP/1.1 103 Early Hints\r\n\r\n");
	assert_int_equal(send_status(&e, 101), 0);
	h1_end_assert_out(&e, SWITCHED);
	assert_true(http_stream_sent_head(e.s));
	assert_int_equal(http_stream_head(e.s)->framing, HTTP_TUNNEL);
	assert_true(http_conn_must_close(e.conn));

	/* Bytes, as they are. */
	assert_int_equal(http_stream_room(e.s), buf_room(&e.out));
	assert_int_equal(http_stream_send(e.s, "GET \r\n", 6), 6);
	h1_end_assert_out(&e, "GET \r\n");
	h1_end_arrive(&e, "\x01\x02 / HTTP/1.1\r\n\r\n");
	h1_end_assert_body(&e, "\x01\x02 / HTTP/1.1\r\n\r\n");

	/* One direction ends, the other goes on. */
	assert_false(http_conn_is_finished(e.conn));
	assert_int_equal(http_stream_send_end(e.s, NULL), 0);
	assert_true(http_conn_is_finished(e.conn));
	assert_int_equal(e.out.len, 0);
	assert_int_equal(http_stream_room(e.s), 0);
	assert_int_equal(http_stream_send(e.s, "x", 1), 0);
	h1_end_arrive(&e, "last");
	assert_int_equal(http_conn_run(e.conn, true), 0);
	h1_end_assert_body(&e, "last");
	assert_int_equal(http_stream_peek(e.s, &piece), HTTP_END);
	assert_true(http_stream_receive_ended(e.s));
	http_stream_close(e.s);
	assert_null(http_conn_accept(e.conn));
	assert_false(http_conn_is_idle(e.conn));
	h1_end_close(&e);
}

/* The client may have ended before; what it has said is still said. */
static void
test_an_end_before_the_101(void **state)
{
	struct span piece;
	struct h1_end e;

	(void)state;
	open_asked(&e, WANTED "bye");
	assert_int_equal(http_conn_run(e.conn, true), 0);
	assert_int_equal(send_status(&e, 101), 0);
	h1_end_assert_body(&e, "bye");
	assert_int_equal(http_stream_peek(e.s, &piece), HTTP_END);
	assert_int_equal(http_stream_send(e.s, "yes", 3), 3);
	h1_end_assert_out(&e, SWITCHED "yes");
	h1_end_close(&e);

	open_asked(&e, WANTED);
	assert_int_equal(http_conn_run(e.conn, true), 0);
	assert_int_equal(send_status(&e, 101), 0);
	assert_int_equal(http_stream_peek(e.s, &piece), HTTP_END);
	assert_null(http_conn_error(e.conn));
	h1_end_close(&e);
}

/* A 101 that does not fit yet has not happened. */
static void
test_no_room_for_the_101(void **state)
{
	struct span piece;
	struct h1_end e;

	(void)state;
	open_asked(&e, WANTED "early");
	e.out.bound = strlen(SWITCHED);
	assert_int_equal(buf_add(&e.out, "x", 1), 0);
	assert_int_equal(send_status(&e, 101), -ENOBUFS);
	assert_false(http_stream_sent_head(e.s));
	assert_false(http_conn_must_close(e.conn));
	assert_int_equal(http_stream_peek(e.s, &piece), HTTP_END);
	buf_consume(&e.out, 1);
	e.out.bound = strlen(SWITCHED) - 1;
	assert_int_equal(send_status(&e, 101), -EMSGSIZE);
	e.out.bound = strlen(SWITCHED);
	assert_int_equal(send_status(&e, 101), 0);
	h1_end_assert_out(&e, SWITCHED);
	h1_end_close(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_asks_for_it),
		cmocka_unit_test(test_bytes_wait_for_the_101),
		cmocka_unit_test(
			test_threat_26_behind_another_answer_comes_http),
		cmocka_unit_test(test_a_tunnel_at_the_server),
		cmocka_unit_test(test_an_end_before_the_101),
		cmocka_unit_test(test_no_room_for_the_101),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
