/*
 * What the codec writes, byte for byte: the same head comes out differently
 * for each request method, version and persistence.
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
#include "buf.h"
#include "conn.h"
#include "h1_write.h"

#define GET11 "GET / HTTP/1.1\r\nHost: a.test\r\n"
#define HEAD11 "HEAD / HTTP/1.1\r\nHost: a.test\r\n"
#define GET10 "GET / HTTP/1.0\r\n"
#define POST11 "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n"

struct end {
	struct buf in, out;
	struct http_conn *conn;
};

static void
open_end(struct end *e, bool server, size_t out_bound)
{
	buf_init(&e->in, 1024);
	buf_init(&e->out, out_bound);
	e->conn = server ? http_server_new(HTTP_1, &e->in, &e->out)
			 : http_client_new(HTTP_1, &e->in, &e->out);
	assert_non_null(e->conn);
}

static void
close_end(struct end *e)
{
	http_conn_free(e->conn);
	buf_done(&e->in);
	buf_done(&e->out);
}

static void
assert_out(struct end *e, const char *expected, const char *why)
{
	struct span out = buf_span(&e->out);

	if (!span_equals(out, span_of(expected)))
		fail_msg("%s: got\n%.*s", why, (int)out.len, out.ptr);
	buf_consume(&e->out, e->out.len);
}

static struct http_stream *
receive(struct end *e, const char *text)
{
	assert_int_equal(buf_add(&e->in, text, strlen(text)), 0);
	assert_int_equal(http_conn_run(e->conn, false), 0);
	return http_conn_accept(e->conn);
}

static struct http_head
response(int status, enum http_framing framing, uint64_t length)
{
	struct http_head h;

	http_head_init(&h);
	h.status = status;
	h.framing = framing;
	h.content_length = length;
	return h;
}

static const struct {
	const char *request;
	int status;
	enum http_framing framing;
	uint64_t length;
	const char *wire; /* head and, where the body may go out, "hello" */
	bool close;
	const char *reason;
} responses[] = {
	{GET11 "\r\n", 200, HTTP_LENGTH, 5,
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false,
		"a length"},
	{GET11 "\r\n", 200, HTTP_NO_BODY, 0,
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false,
		"no body is a length of 0"},
	{GET11 "\r\n", 200, HTTP_LENGTH, 0,
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false,
		"so is this"},
	{GET11 "\r\n", 200, HTTP_CHUNKED, 0,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"5\r\nhello\r\n0\r\n\r\n",
		false, "chunks"},
	{GET11 "\r\n", 200, HTTP_UNTIL_CLOSE, 0,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"5\r\nhello\r\n0\r\n\r\n",
		false, "until close becomes chunks"},
	{GET11 "Connection: close\r\n\r\n", 200, HTTP_LENGTH, 5,
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
		"Connection: close\r\n\r\nhello",
		true, "the client wants to close"},
	{GET10 "\r\n", 200, HTTP_LENGTH, 5,
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
		"Connection: close\r\n\r\nhello",
		true, "1.0"},
	{GET10 "Connection: keep-alive\r\n\r\n", 200, HTTP_LENGTH, 5,
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
		"Connection: keep-alive\r\n\r\nhello",
		false, "1.0 with keep-alive"},
	{GET10 "Connection: keep-alive\r\n\r\n", 200, HTTP_CHUNKED, 0,
		"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello", true,
		"1.0 knows no chunks"},
	{HEAD11 "\r\n", 200, HTTP_LENGTH, 5,
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false,
		"HEAD says the length and sends none"},
	{HEAD11 "\r\n", 200, HTTP_NO_BODY, 5,
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false,
		"HEAD as a client conn reads it"},
	{HEAD11 "\r\n", 200, HTTP_CHUNKED, 0, "HTTP/1.1 200 OK\r\n\r\n", false,
		"HEAD of unknown length"},
	{GET11 "\r\n", 204, HTTP_NO_BODY, 0, "HTTP/1.1 204 No Content\r\n\r\n",
		false, "204"},
	{GET11 "\r\n", 204, HTTP_LENGTH, 5, "HTTP/1.1 204 No Content\r\n\r\n",
		false, "204, whatever was meant"},
	{GET11 "\r\n", 304, HTTP_NO_BODY, 5,
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false,
		"304 says the length"},
	{GET11 "\r\n", 299, HTTP_NO_BODY, 0,
		"HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n", false,
		"no words for it"},
	{GET11 "\r\n", 431, HTTP_NO_BODY, 0,
		"HTTP/1.1 431 Request Header Fields Too Large\r\n"
		"Content-Length: 0\r\n\r\n",
		false, "the last words of the table"},
	{POST11 "\r\n", 413, HTTP_NO_BODY, 0,
		"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n",
		true, "the body was not read"},
	{POST11 "Expect: 100-continue\r\n\r\n", 403, HTTP_NO_BODY, 0,
		"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n"
		"Connection: close\r\n\r\n",
		true, "nobody knows whether the body comes (threat 25)"},
};

static void
test_responses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(responses); i++) {
		struct http_head h = response(responses[i].status,
			responses[i].framing, responses[i].length);
		struct http_stream *s;
		struct end e;

		open_end(&e, true, 4096);
		s = receive(&e, responses[i].request);
		assert_non_null(s);
		assert_int_equal(http_stream_send_head(s, &h), 0);
		assert_true(http_stream_sent_head(s));
		if (http_stream_room(s) > 0)
			assert_int_equal(http_stream_send(s, "hello", 5), 5);
		assert_int_equal(http_stream_send_end(s, NULL), 0);
		assert_true(http_stream_send_ended(s));
		assert_out(&e, responses[i].wire, responses[i].reason);
		http_stream_close(s);
		if (http_conn_must_close(e.conn) != responses[i].close)
			fail_msg("%s: close", responses[i].reason);
		if (http_conn_is_idle(e.conn) == responses[i].close)
			fail_msg("%s: idle", responses[i].reason);
		http_head_done(&h);
		close_end(&e);
	}
}

static void
test_fields_of_ours_are_not_copied(void **state)
{
	static const char *const names[] = {"Connection", "Keep-Alive",
		"Content-Length", "Transfer-Encoding", "Upgrade",
		"Proxy-Connection", "HTTP2-Settings", "X"};
	struct http_head h = response(200, HTTP_NO_BODY, 0);
	struct http_stream *s;
	struct end e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(http_head_add(&h, span_of(names[i]),
					 SPAN_LITERAL("7"), false),
			0);
	open_end(&e, true, 4096);
	s = receive(&e, GET11 "\r\n");
	assert_int_equal(http_stream_send_head(s, &h), 0);
	assert_out(&e, "HTTP/1.1 200 OK\r\nX: 7\r\nContent-Length: 0\r\n\r\n",
		"only X is not ours");
	http_head_done(&h);
	close_end(&e);
}

static void
test_interim_responses(void **state)
{
	struct http_head go = response(100, HTTP_NO_BODY, 0);
	struct http_head ok = response(200, HTTP_NO_BODY, 0);
	struct http_head switched = response(101, HTTP_NO_BODY, 0);
	struct http_stream *s;
	struct span piece;
	struct end e;

	(void)state;
	open_end(&e, true, 4096);
	s = receive(&e, POST11 "Expect: 100-continue\r\n\r\n");
	assert_true(http_stream_head(s)->expect_continue);
	assert_int_equal(http_stream_send_head(s, &switched), -EINVAL);
	assert_int_equal(http_stream_send_head(s, &go), 0);
	assert_false(http_stream_sent_head(s));
	assert_out(&e, "HTTP/1.1 100 Continue\r\n\r\n", "100");
	assert_int_equal(buf_add(&e.in, "ok", 2), 0);
	assert_int_equal(http_stream_peek(s, &piece), HTTP_DATA);
	assert_int_equal(piece.len, 2);
	http_stream_consume(s, 2);
	assert_true(http_stream_receive_ended(s));
	assert_int_equal(http_stream_send_head(s, &ok), 0);
	assert_out(&e, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200");
	http_stream_close(s);
	assert_true(http_conn_is_idle(e.conn));
	close_end(&e);

	open_end(&e, true, 4096);
	s = receive(&e, GET10 "\r\n");
	assert_int_equal(http_stream_send_head(s, &go), 0);
	assert_out(&e, "", "1.0 knows no interim responses");
	http_stream_close(s);
	close_end(&e);
}

static void
test_promises_are_kept(void **state)
{
	struct http_head five = response(200, HTTP_LENGTH, 5);
	struct http_head none = response(200, HTTP_NO_BODY, 0);
	struct http_stream *s;
	struct end e;

	(void)state;
	open_end(&e, true, 4096);
	s = receive(&e, GET11 "\r\n");
	assert_int_equal(http_stream_room(s), 0);
	assert_int_equal(http_stream_send_head(s, &five), 0);
	assert_int_equal(http_stream_room(s), 5);
	assert_int_equal(http_stream_send(s, "hello!", 6), -EPROTO);
	assert_int_equal(http_stream_send(s, "hel", 3), 3);
	assert_int_equal(http_stream_send_end(s, NULL), -EPROTO);
	assert_false(http_stream_send_ended(s));
	assert_int_equal(http_stream_send(s, "lo", 2), 2);
	assert_int_equal(http_stream_send_end(s, NULL), 0);
	assert_int_equal(http_stream_send_end(s, NULL), 0);
	http_stream_close(s);
	assert_false(http_conn_must_close(e.conn));

	buf_consume(&e.out, e.out.len);
	s = receive(&e, GET11 "\r\n");
	assert_int_equal(http_stream_send_head(s, &none), 0);
	assert_int_equal(http_stream_send(s, "x", 1), -EPROTO);
	assert_int_equal(http_stream_send(s, "", 0), 0);
	http_stream_close(s);

	s = receive(&e, GET11 "\r\n");
	assert_int_equal(http_stream_send_head(s, &five), 0);
	assert_int_equal(http_stream_send(s, "hel", 3), 3);
	http_stream_close(s);
	assert_true(http_conn_must_close(e.conn));
	assert_null(receive(&e, GET11 "\r\n"));
	close_end(&e);
}

static void
test_a_refusal_needs_no_head(void **state)
{
	struct http_head bad = response(400, HTTP_LENGTH, 2);
	struct http_stream *s;
	struct end e;
	int status;

	(void)state;
	open_end(&e, true, 4096);
	assert_int_equal(buf_add(&e.in, "GET / HTTP/1.1\r\n\r\n", 18), 0);
	assert_int_equal(http_conn_run(e.conn, false), -EPROTO);
	assert_int_equal(http_conn_error_status(e.conn), 400);
	s = http_conn_accept(e.conn);
	assert_non_null(s);
	assert_null(http_stream_head(s));
	assert_string_equal(
		http_stream_refused(s, &status), http_conn_error(e.conn));
	assert_int_equal(status, 400);
	assert_ptr_equal(http_conn_next_ready(e.conn), s);
	assert_null(http_conn_next_ready(e.conn));
	assert_null(http_conn_accept(e.conn));
	assert_int_equal(http_stream_send_head(s, &bad), 0);
	assert_int_equal(http_stream_send(s, "no", 2), 2);
	assert_int_equal(http_stream_send_end(s, NULL), 0);
	assert_out(&e,
		"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n"
		"Connection: close\r\n\r\nno",
		"a refusal");
	http_stream_close(s);
	assert_null(http_conn_accept(e.conn));
	assert_int_equal(http_conn_run(e.conn, true), -EPROTO);
	close_end(&e);
}

static struct http_head
request(const char *method, enum http_framing framing, uint64_t length)
{
	struct http_head h;

	http_head_init(&h);
	assert_int_equal(http_head_set_method(&h, span_of(method)), 0);
	assert_int_equal(http_head_set_target(&h, SPAN_LITERAL("/x?y")), 0);
	assert_int_equal(http_head_add(&h, SPAN_LITERAL("Host"),
				 SPAN_LITERAL("a.test"), false),
		0);
	h.framing = framing;
	h.content_length = length;
	return h;
}

static void
test_requests(void **state)
{
	static const struct {
		const char *method, *wire;
		uint64_t length;
		enum http_framing framing;
		bool close;
	} cases[] = {
		{"GET", "\r\n", 0, HTTP_NO_BODY, false},
		{"GET", "Connection: close\r\n\r\n", 0, HTTP_NO_BODY, true},
		{"POST", "Content-Length: 0\r\n\r\n", 0, HTTP_NO_BODY, false},
		{"PUT", "Content-Length: 18446744073709551615\r\n\r\n",
			18446744073709551615ULL, HTTP_LENGTH, false},
		{"PATCH", "Transfer-Encoding: chunked\r\n\r\n", 0, HTTP_CHUNKED,
			false},
		{"DELETE", "\r\n", 0, HTTP_LENGTH, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_head h = request(
			cases[i].method, cases[i].framing, cases[i].length);
		char wire[256];
		struct end e;

		open_end(&e, false, 4096);
		assert_true(http_conn_can_request(e.conn));
		assert_true(http_conn_is_idle(e.conn));
		if (cases[i].close)
			http_conn_set_close(e.conn);
		assert_non_null(http_conn_request(e.conn, &h));
		snprintf(wire, sizeof(wire),
			"%s /x?y HTTP/1.1\r\nHost: a.test\r\n%s",
			cases[i].method, cases[i].wire);
		assert_out(&e, wire, cases[i].method);
		assert_false(http_conn_can_request(e.conn));
		assert_null(http_conn_request(e.conn, &h));
		assert_int_equal(errno, EBUSY);
		http_head_done(&h);
		close_end(&e);
	}
}

static void
test_heads_that_cannot_go(void **state)
{
	struct http_head h = request("GET", HTTP_NO_BODY, 0);
	struct end e;

	(void)state;
	open_end(&e, false, 34);
	assert_null(http_conn_request(e.conn, &h));
	assert_int_equal(errno, EMSGSIZE);
	close_end(&e);

	open_end(&e, false, 50);
	assert_int_equal(buf_add(&e.out, "0123456789012345678901234", 25), 0);
	assert_null(http_conn_request(e.conn, &h));
	assert_int_equal(errno, ENOBUFS);
	buf_consume(&e.out, 25);
	assert_non_null(http_conn_request(e.conn, &h));
	close_end(&e);

	open_end(&e, false, 4096);
	assert_int_equal(http_head_add(&h, SPAN_LITERAL("host"),
				 SPAN_LITERAL("b.test"), false),
		0);
	assert_null(http_conn_request(e.conn, &h));
	assert_int_equal(errno, EINVAL);
	http_head_remove(&h, SPAN_LITERAL("host"));
	assert_null(http_conn_request(e.conn, &h));
	assert_int_equal(errno, EINVAL);
	assert_int_equal(e.out.len, 0);
	assert_true(http_conn_is_idle(e.conn));
	close_end(&e);
	http_head_done(&h);
}

/* For every room: the chunk that room allows fits, and one byte more fails. */
static void
test_chunk_room_is_exact(void **state)
{
	static char data[70000];
	struct buf out;

	(void)state;
	for (size_t room = 0; room < sizeof(data); room++) {
		size_t len = h1_chunk_room(room);

		if (room > 600 && room % 97 != 0 && (room & 0xfff) > 16)
			continue;
		buf_init(&out, room);
		if (len > 0)
			assert_int_equal(h1_write_chunk(&out, data, len), 0);
		buf_done(&out);
		assert_true(h1_write_chunk(&out, data, len + 1) < 0);
		buf_done(&out);
	}
}

static void
test_idle_costs_little(void **state)
{
	struct http_head ok = response(200, HTTP_NO_BODY, 0);
	struct http_stream *s;
	struct end e;

	(void)state;
	open_end(&e, true, 4096);
	s = receive(&e, GET11 "\r\n");
	http_conn_shrink(e.conn);
	assert_int_equal(http_stream_head(s)->field_count, 1);
	assert_int_equal(http_stream_send_head(s, &ok), 0);
	http_stream_close(s);
	/* Whether or not the client has read the answer yet. */
	assert_true(e.out.len > 0);
	assert_true(http_conn_is_idle(e.conn));
	http_conn_shrink(e.conn);
	s = receive(&e, GET11 "\r\n");
	assert_int_equal(http_stream_head(s)->field_count, 1);
	close_end(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_fields_of_ours_are_not_copied),
		cmocka_unit_test(test_interim_responses),
		cmocka_unit_test(test_promises_are_kept),
		cmocka_unit_test(test_a_refusal_needs_no_head),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_heads_that_cannot_go),
		cmocka_unit_test(test_chunk_room_is_exact),
		cmocka_unit_test(test_idle_costs_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
