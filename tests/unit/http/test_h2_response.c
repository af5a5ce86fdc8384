/*
 * What an HTTP/2 client conn makes of an origin: responses, interim ones,
 * trailers, resets, GOAWAY, the end of the connection.
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "h2_wire.h"

static struct wire wire;

static struct http_stream *
ask_framed(const char *method, enum http_framing framing)
{
	struct http_head h = wire_request_head(method, "Host=a.test\n");
	struct http_stream *s;

	h.framing = framing;
	s = http_conn_request(wire.conn, &h);
	http_head_done(&h);
	assert_non_null(s);
	return s;
}

static struct http_stream *
ask(const char *method)
{
	return ask_framed(method, HTTP_NO_BODY);
}

static const struct {
	const char *method, *fields;
	uint8_t flags;
	const char *model; /* NULL: refused */
	const char *reason;
} responses[] = {
	{"GET", ":status=200\nx=1\n", END, "200  at  framing 0 length 0 [x=1;]",
		"no body"},
	{"GET", ":status=200\n", 0, "200  at  framing 2 length 0 []",
		"unknown length"},
	{"GET", ":status=200\ncontent-length=7\n", 0,
		"200  at  framing 1 length 7 [content-length=7;]", "a length"},
	{"GET", ":status=200\ncontent-length=0\n", 0,
		"200  at  framing 0 length 0 [content-length=0;]",
		"a length of 0"},
	{"HEAD", ":status=200\ncontent-length=7\n", END,
		"200  at  framing 0 length 7 [content-length=7;]", "HEAD"},
	{"HEAD", ":status=200\ncontent-length=7\n", 0,
		"200  at  framing 0 length 7 [content-length=7;]",
		"HEAD that ends later"},
	{"GET", ":status=304\ncontent-length=7\n", END,
		"304  at  framing 0 length 7 [content-length=7;]", "304"},
	{"GET", ":status=204\n", END, "204  at  framing 0 length 0 []", "204"},
	{"GET", ":status=599\n", END, "599  at  framing 0 length 0 []",
		"the last status"},
	{"GET", ":status=600\n", END, NULL, "beyond the last"},
	{"GET", ":status=101\n", 0, NULL, "101 without being asked"},
	{"GET", ":status=103\n", END, NULL, "an interim head that ends"},
	{"GET", ":status=2x0\n", END, NULL, "no number"},
	{"GET", "x=1\n", END, NULL, "no status"},
	{"GET", ":status=200\nconnection=close\n", END, NULL, "connection"},
	{"GET", ":status=200\nx=a\rb\n", END, NULL, "CR in a value"},
	{"GET", ":status=200\ncontent-length=7\n", END, NULL,
		"a length and no body"},
	{"GET", ":status=200\ncontent-length=7\ncontent-length=7\n", 0, NULL,
		"two lengths"},
};

static void
test_responses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(responses); i++) {
		struct http_stream *s;
		const char *model;
		struct span piece;
		int status = 0;

		wire_open(&wire, false);
		s = ask(responses[i].method);
		assert_null(http_stream_head(s));
		assert_int_equal(http_stream_peek(s, &piece), HTTP_WAIT);
		assert_null(http_conn_next_ready(wire.conn));
		wire_headers(&wire, responses[i].flags, 1, responses[i].fields);
		assert_int_equal(wire_run(&wire), 0);
		assert_ptr_equal(http_conn_next_ready(wire.conn), s);
		assert_null(http_conn_next_ready(wire.conn));
		if (responses[i].model == NULL) {
			if (http_stream_head(s) != NULL ||
				http_stream_refused(s, &status) == NULL ||
				http_stream_peek(s, &piece) != HTTP_BROKEN ||
				status != 502)
				fail_msg("%s: taken", responses[i].reason);
		} else {
			model = wire_print(&wire, http_stream_head(s));
			if (strcmp(model, responses[i].model) != 0)
				fail_msg("%s: %s", responses[i].reason, model);
			assert_null(http_stream_refused(s, &status));
		}
		http_stream_close(s);
		wire_close(&wire);
	}
}

static void
test_interim_heads_in_order(void **state)
{
	struct http_stream *s;

	(void)state;
	wire_open(&wire, false);
	s = ask("GET");
	wire_headers(&wire, 0, 1, ":status=100\n");
	wire_headers(&wire, 0, 1, ":status=103\nlink=x\n");
	wire_headers(&wire, 0, 1, ":status=200\n");
	wire_data(&wire, END, 1, 3);
	assert_int_equal(wire_run(&wire), 0);
	assert_int_equal(http_stream_head(s)->status, 100);
	http_stream_next_head(s);
	assert_int_equal(http_stream_head(s)->status, 103);
	assert_int_equal(http_stream_head(s)->field_count, 1);
	http_stream_next_head(s);
	assert_int_equal(http_stream_head(s)->status, 200);
	http_stream_next_head(s);
	assert_int_equal(http_stream_head(s)->status, 200);
	wire_close(&wire);
}

static void
test_too_many_interim_heads(void **state)
{
	struct http_stream *s;
	int status = 0;

	(void)state;
	wire_open(&wire, false);
	s = ask("GET");
	for (int i = 0; i < 16; i++)
		wire_headers(&wire, 0, 1, ":status=103\n");
	assert_int_equal(wire_run(&wire), 0);
	assert_null(http_stream_refused(s, &status));
	wire_headers(&wire, 0, 1, ":status=103\n");
	assert_int_equal(wire_run(&wire), 0);
	assert_string_equal(http_stream_refused(s, &status),
		"more than 16 interim responses");
	assert_int_equal(status, 502);
	wire_close(&wire);
}

static void
test_body_and_trailers(void **state)
{
	struct http_stream *s;
	struct span piece;

	(void)state;
	wire_open(&wire, false);
	s = ask("GET");
	wire_headers(&wire, 0, 1, ":status=200\n");
	wire_data(&wire, 0, 1, 5);
	wire_headers(&wire, END, 1, "grpc-status=0\n");
	assert_int_equal(wire_run(&wire), 0);
	/* The end and what comes with it are behind the body. */
	assert_false(http_stream_receive_ended(s));
	assert_null(http_stream_trailers(s));
	assert_int_equal(http_stream_peek(s, &piece), HTTP_DATA);
	assert_int_equal(piece.len, 5);
	http_stream_consume(s, 2);
	assert_int_equal(http_stream_peek(s, &piece), HTTP_DATA);
	assert_int_equal(piece.len, 3);
	http_stream_consume(s, 3);
	assert_int_equal(http_stream_peek(s, &piece), HTTP_END);
	assert_true(http_stream_receive_ended(s));
	assert_non_null(http_stream_trailers(s));
	assert_int_equal(http_stream_trailers(s)->field_count, 1);
	http_stream_close(s);
	assert_string_equal(wire_said(&wire),
		"HEADERS(1,end)[:method=GET;:scheme=https;:authority=a.test;"
		":path=/;]");
	assert_true(http_conn_is_idle(wire.conn));
	wire_close(&wire);
}

static void
test_what_is_known_to_be_the_last(void **state)
{
	struct http_stream *s, *t;

	(void)state;
	wire_open(&wire, false);
	s = ask("GET");
	wire_headers(&wire, 0, 1, ":status=200\n");
	wire_data(&wire, 0, 1, 5);
	assert_int_equal(wire_run(&wire), 0);
	assert_false(http_stream_is_last(s, 5));
	wire_data(&wire, END, 1, 2);
	assert_int_equal(wire_run(&wire), 0);
	assert_false(http_stream_is_last(s, 5));
	assert_true(http_stream_is_last(s, 7));
	t = ask("GET");
	wire_headers(&wire, 0, 3, ":status=200\n");
	wire_data(&wire, 0, 3, 5);
	wire_headers(&wire, END, 3, "grpc-status=0\n");
	assert_int_equal(wire_run(&wire), 0);
	assert_false(http_stream_is_last(t, 5));
	http_stream_close(s);
	http_stream_close(t);
	wire_close(&wire);
}

static void
test_body_where_none_may_be(void **state)
{
	struct http_stream *s;
	struct span piece;

	(void)state;
	wire_open(&wire, false);
	s = ask("GET");
	wire_headers(&wire, 0, 1, ":status=204\n");
	wire_data(&wire, END, 1, 5);
	assert_int_equal(wire_run(&wire), 0);
	assert_int_equal(http_stream_peek(s, &piece), HTTP_BROKEN);
	wire_close(&wire);
}

static const struct {
	uint32_t code;
	enum http_reset reset;
	const char *reason;
} resets[] = {
	{NGHTTP2_CANCEL, HTTP_RESET, "cancelled"},
	{NGHTTP2_NO_ERROR, HTTP_RESET, "no error, but no answer"},
	{NGHTTP2_REFUSED_STREAM, HTTP_RESET_UNTOUCHED, "refused"},
	{NGHTTP2_HTTP_1_1_REQUIRED, HTTP_RESET_WANTS_1, "HTTP/1.1"},
	{0x1234, HTTP_RESET, "an unknown code"},
};

static void
test_resets(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(resets); i++) {
		struct http_stream *s;
		struct span piece;
		uint32_t code;

		wire_open(&wire, false);
		s = ask_framed("POST", HTTP_CHUNKED);
		assert_int_equal(http_stream_reset(s, &code), HTTP_NOT_RESET);
		wire_reset(&wire, 1, resets[i].code);
		assert_int_equal(wire_run(&wire), 0);
		assert_ptr_equal(http_conn_next_ready(wire.conn), s);
		if (http_stream_reset(s, &code) != resets[i].reset ||
			code != resets[i].code)
			fail_msg("%s: %d", resets[i].reason,
				http_stream_reset(s, NULL));
		assert_int_equal(http_stream_peek(s, &piece), HTTP_BROKEN);
		(void)wire_said(&wire);
		assert_int_equal(http_stream_room(s), SSIZE_MAX);
		assert_int_equal(http_stream_send(s, "x", 1), 1);
		assert_int_equal(http_stream_send_end(s, NULL), 0);
		http_stream_close(s);
		assert_string_equal(wire_said(&wire), "");
		assert_true(http_conn_can_request(wire.conn));
		wire_close(&wire);
	}
}

/* RFC 9113 8.1: a complete answer before the end of the request. */
static void
test_reset_without_error(void **state)
{
	struct http_stream *s;
	struct span piece;

	(void)state;
	wire_open(&wire, false);
	s = ask_framed("POST", HTTP_CHUNKED);
	wire_headers(&wire, 0, 1, ":status=413\n");
	wire_data(&wire, END, 1, 5);
	wire_reset(&wire, 1, NGHTTP2_NO_ERROR);
	assert_int_equal(wire_run(&wire), 0);
	(void)wire_said(&wire);
	assert_int_equal(http_stream_reset(s, NULL), HTTP_NOT_RESET);
	assert_int_equal(http_stream_head(s)->status, 413);
	assert_int_equal(http_stream_peek(s, &piece), HTTP_DATA);
	http_stream_consume(s, piece.len);
	assert_int_equal(http_stream_peek(s, &piece), HTTP_END);
	assert_int_equal(http_stream_room(s), SSIZE_MAX);
	assert_int_equal(http_stream_send(s, "x", 1), 1);
	assert_int_equal(http_stream_send_end(s, NULL), 0);
	http_stream_close(s);
	assert_string_equal(wire_said(&wire), "");
	assert_true(http_conn_is_idle(wire.conn));
	wire_close(&wire);
}

static void
test_goaway(void **state)
{
	struct http_stream *one, *three;

	(void)state;
	wire_open(&wire, false);
	one = ask("GET");
	three = ask("GET");
	wire_goaway(&wire, 1, NGHTTP2_NO_ERROR);
	assert_int_equal(wire_run(&wire), 0);
	assert_true(http_conn_must_close(wire.conn));
	assert_false(http_conn_can_request(wire.conn));
	assert_int_equal(http_stream_reset(one, NULL), HTTP_NOT_RESET);
	assert_int_equal(http_stream_reset(three, NULL), HTTP_RESET_UNTOUCHED);
	assert_ptr_equal(http_conn_next_ready(wire.conn), three);
	http_stream_close(three);
	wire_headers(&wire, END, 1, ":status=200\n");
	assert_int_equal(wire_run(&wire), 0);
	assert_int_equal(http_stream_head(one)->status, 200);
	http_stream_close(one);
	wire_close(&wire);
}

/* What is complete can still be read; what is not never will be. */
static void
test_end_of_input(void **state)
{
	struct http_stream *one, *three;
	struct span piece;

	(void)state;
	wire_open(&wire, false);
	one = ask("GET");
	three = ask("GET");
	wire_headers(&wire, 0, 1, ":status=200\n");
	wire_data(&wire, END, 1, 5);
	wire_headers(&wire, 0, 3, ":status=200\n");
	wire_data(&wire, 0, 3, 5);
	assert_int_equal(http_conn_run(wire.conn, true), -EPROTO);
	assert_true(http_conn_was_cut(wire.conn));
	assert_string_equal(http_conn_error(wire.conn),
		"the connection ended within a message");
	assert_int_equal(http_stream_peek(one, &piece), HTTP_DATA);
	assert_int_equal(piece.len, 5);
	http_stream_consume(one, 5);
	assert_int_equal(http_stream_peek(one, &piece), HTTP_END);
	assert_int_equal(http_stream_peek(three, &piece), HTTP_BROKEN);
	wire_close(&wire);

	wire_open(&wire, false);
	assert_int_equal(http_conn_run(wire.conn, true), 0);
	assert_true(http_conn_must_close(wire.conn));
	assert_false(http_conn_was_cut(wire.conn));
	assert_false(http_conn_can_request(wire.conn));
	wire_close(&wire);
}

static const struct {
	uint8_t type, flags;
	int32_t id;
	const char *payload;
	size_t len;
	const char *text, *said;
	const char *reason;
} errors[] = {
	{NGHTTP2_DATA, 0, 0, "x", 1, "frames against the protocol",
		"GOAWAY(0,1)", "DATA for no stream"},
	{NGHTTP2_DATA, 0, 5, "x", 1, "frames against the protocol",
		"GOAWAY(0,1)", "DATA for a stream that is not"},
	{NGHTTP2_PING, 0, 0, "x", 1, "a frame of the wrong size", "GOAWAY(0,6)",
		"PING of one byte"},
	{NGHTTP2_SETTINGS, 0, 0, "\0\4\xff\xff\xff\xff", 6,
		"more data than the window", "GOAWAY(0,3)",
		"a window that cannot be"},
	{NGHTTP2_PUSH_PROMISE, 4, 1, "\0\0\0\2\x82", 5,
		"frames against the protocol", "GOAWAY(0,1)", "a push"},
	{NGHTTP2_HEADERS, 5, 1, "\xff\xff\xff\xff\xff", 5,
		"malformed header compression", "GOAWAY(0,9)", "HPACK"},
	{NGHTTP2_CONTINUATION, 4, 1, "", 0, "frames against the protocol",
		"GOAWAY(0,1)", "CONTINUATION of nothing"},
};

static void
test_errors_of_the_connection(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		struct http_stream *s;
		struct span piece;
		const char *said;

		wire_open(&wire, false);
		s = ask_framed("POST", HTTP_CHUNKED);
		(void)wire_said(&wire);
		wire_frame(&wire, errors[i].type, errors[i].flags, errors[i].id,
			errors[i].payload, errors[i].len);
		if (wire_run(&wire) != -EPROTO)
			fail_msg("%s: taken", errors[i].reason);
		said = wire_said(&wire);
		if (strcmp(http_conn_error(wire.conn), errors[i].text) != 0 ||
			strcmp(said, errors[i].said) != 0)
			fail_msg("%s: %s, %s", errors[i].reason,
				http_conn_error(wire.conn), said);
		assert_int_equal(http_conn_error_status(wire.conn), 502);
		assert_int_equal(http_stream_peek(s, &piece), HTTP_BROKEN);
		assert_ptr_equal(http_conn_next_ready(wire.conn), s);
		assert_int_equal(http_stream_send(s, "x", 1), 1);
		assert_int_equal(wire_run(&wire), -EPROTO);
		wire_close(&wire);
	}
}

static void
test_no_preface(void **state)
{
	(void)state;
	buf_init(&wire.in, 1024);
	buf_init(&wire.out, 1024);
	wire.conn = http_server_new(HTTP_2, &wire.in, &wire.out);
	wire_bytes(&wire, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27);
	assert_int_equal(wire_run(&wire), -EPROTO);
	assert_string_equal(http_conn_error(wire.conn), "no HTTP/2 preface");
	assert_int_equal(http_conn_error_status(wire.conn), 400);
	http_conn_free(wire.conn);
	buf_done(&wire.in);
	buf_done(&wire.out);
}

static void
test_concurrency(void **state)
{
	struct http_stream *s[2];

	(void)state;
	wire_open(&wire, false);
	wire_settings(&wire, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 2);
	assert_int_equal(wire_run(&wire), 0);
	for (int i = 0; i < 2; i++) {
		assert_true(http_conn_can_request(wire.conn));
		s[i] = ask("GET");
	}
	assert_false(http_conn_can_request(wire.conn));
	/* Not before the peer has its end. */
	wire_headers(&wire, END, 1, ":status=200\n");
	assert_int_equal(wire_run(&wire), 0);
	assert_true(http_conn_can_request(wire.conn));
	http_stream_close(s[0]);
	http_stream_close(s[1]);
	assert_true(http_conn_can_request(wire.conn));
	http_conn_set_close(wire.conn);
	assert_false(http_conn_can_request(wire.conn));
	wire_close(&wire);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_interim_heads_in_order),
		cmocka_unit_test(test_too_many_interim_heads),
		cmocka_unit_test(test_body_and_trailers),
		cmocka_unit_test(test_what_is_known_to_be_the_last),
		cmocka_unit_test(test_body_where_none_may_be),
		cmocka_unit_test(test_resets),
		cmocka_unit_test(test_reset_without_error),
		cmocka_unit_test(test_goaway),
		cmocka_unit_test(test_end_of_input),
		cmocka_unit_test(test_errors_of_the_connection),
		cmocka_unit_test(test_no_preface),
		cmocka_unit_test(test_concurrency),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
