/*
 * What an HTTP/2 conn writes: heads, their never-indexed fields, bodies and
 * ends, resets, and what it asks of a peer at once.
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "h2_wire.h"

static struct wire wire;

static void
expect(const char *text, const char *reason)
{
	const char *said = wire_said(&wire);

	if (strcmp(said, text) != 0)
		fail_msg("%s: %s", reason, said);
}

static struct http_stream *
ask(const char *fields, uint8_t flags)
{
	struct http_stream *s;

	wire_headers(&wire, flags, 1, fields);
	assert_int_equal(wire_run(&wire), 0);
	s = http_conn_accept(wire.conn);
	assert_non_null(s);
	return s;
}

static const struct {
	const char *method;
	int status;
	enum http_framing framing;
	uint64_t length;
	const char *fields;
	const char *wire; /* with "hello", where it may go out, and the end */
	const char *reason;
} responses[] = {
	{"GET", 200, HTTP_LENGTH, 5, "",
		"HEADERS(1)[:status=200;content-length=5;] DATA(1)5 "
		"DATA(1,end)0",
		"a length"},
	{"GET", 200, HTTP_CHUNKED, 0, "",
		"HEADERS(1)[:status=200;] DATA(1)5 DATA(1,end)0", "chunks"},
	{"GET", 200, HTTP_UNTIL_CLOSE, 0, "",
		"HEADERS(1)[:status=200;] DATA(1)5 DATA(1,end)0",
		"until close"},
	{"GET", 200, HTTP_NO_BODY, 0, "", "HEADERS(1,end)[:status=200;]",
		"no body ends at once"},
	{"GET", 200, HTTP_LENGTH, 0, "", "HEADERS(1,end)[:status=200;]",
		"nor does a length of 0"},
	{"HEAD", 200, HTTP_LENGTH, 5, "",
		"HEADERS(1,end)[:status=200;content-length=5;]", "HEAD"},
	{"HEAD", 200, HTTP_NO_BODY, 5, "",
		"HEADERS(1,end)[:status=200;content-length=5;]",
		"HEAD as a client conn reads it"},
	{"GET", 204, HTTP_LENGTH, 5, "", "HEADERS(1,end)[:status=204;]", "204"},
	{"GET", 304, HTTP_NO_BODY, 5, "",
		"HEADERS(1,end)[:status=304;content-length=5;]", "304"},
	{"GET", 200, HTTP_NO_BODY, 0, "Grpc-Status=0\nGRPC-Message=\n",
		"HEADERS(1,end)[:status=200;grpc-status=0;grpc-message=;]",
		"gRPC's answer that is all trailers; names in lower case"},
	{"GET", 200, HTTP_NO_BODY, 0,
		"Connection=x\nKeep-Alive=1\nContent-Length=9\nUpgrade=y\n"
		"Transfer-Encoding=chunked\nHost=a\nX=1\n",
		"HEADERS(1,end)[:status=200;x=1;]",
		"what is between neighbours"},
	{"GET", 200, HTTP_NO_BODY, 0, "!Set-Cookie=a\nAuthorization=b\n",
		"HEADERS(1,end)[:status=200;!set-cookie=a;!authorization=b;]",
		"secrets are never indexed (threat 62)"},
};

static void
test_responses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(responses); i++) {
		struct http_head h = wire_response_head(
			responses[i].status, responses[i].fields);
		struct http_stream *s;

		h.framing = responses[i].framing;
		h.content_length = responses[i].length;
		wire_open(&wire, true);
		s = ask(responses[i].method[0] == 'H'
				? ":method=HEAD\n:scheme=https\n:path=/\n"
				  ":authority=a.test\n"
				: GET_FIELDS,
			END);
		assert_int_equal(http_stream_send_head(s, &h), 0);
		assert_true(http_stream_sent_head(s));
		if (!http_stream_send_ended(s))
			assert_int_equal(http_stream_send(s, "hello", 5), 5);
		assert_int_equal(http_stream_send_end(s, NULL), 0);
		http_stream_close(s);
		expect(responses[i].wire, responses[i].reason);
		assert_true(http_conn_is_idle(wire.conn));
		http_head_done(&h);
		wire_close(&wire);
	}
}

static const struct {
	const char *method;
	enum http_framing framing;
	uint64_t length;
	const char *fields;
	bool te;
	const char *wire;
	const char *reason;
} requests[] = {
	{"GET", HTTP_NO_BODY, 0, "Host=a.test\n", false,
		"HEADERS(1,end)[:method=GET;:scheme=https;:authority=a.test;"
		":path=/;]",
		"a GET"},
	{"PUT", HTTP_LENGTH, 5, "Host=a.test\n", false,
		"HEADERS(1)[:method=PUT;:scheme=https;:authority=a.test;"
		":path=/;content-length=5;] DATA(1)5 DATA(1,end)0",
		"a length"},
	{"POST", HTTP_CHUNKED, 0, "Host=a.test\nTE=trailers\n", true,
		"HEADERS(1)[:method=POST;:scheme=https;:authority=a.test;"
		":path=/;te=trailers;] DATA(1)5 DATA(1,end)0",
		"te"},
	{"POST", HTTP_CHUNKED, 0, "Host=a.test\nTE=trailers\n", false,
		"HEADERS(1)[:method=POST;:scheme=https;:authority=a.test;"
		":path=/;] DATA(1)5 DATA(1,end)0",
		"te only where the head says so"},
	{"GET", HTTP_NO_BODY, 0,
		"Host=a.test\n!X-Api-Key=k\nCookie=a=1\n"
		"Accept=a\nCookie=0123456789012345678901\n",
		false,
		"HEADERS(1,end)[:method=GET;:scheme=https;:authority=a.test;"
		":path=/;!x-api-key=k;!cookie=a=1;accept=a;"
		"cookie=0123456789012345678901;]",
		"secrets and short cookies are never indexed"},
};

static void
test_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		struct http_head h = wire_request_head(
			requests[i].method, requests[i].fields);
		struct http_stream *s;

		h.framing = requests[i].framing;
		h.content_length = requests[i].length;
		h.te_trailers = requests[i].te;
		wire_open(&wire, false);
		s = http_conn_request(wire.conn, &h);
		assert_non_null(s);
		if (!http_stream_send_ended(s))
			assert_int_equal(http_stream_send(s, "hello", 5), 5);
		assert_int_equal(http_stream_send_end(s, NULL), 0);
		expect(requests[i].wire, requests[i].reason);
		http_head_done(&h);
		wire_close(&wire);
	}
}

static void
test_plain(void **state)
{
	struct http_head h = wire_request_head("GET", "Host=a.test\n");

	(void)state;
	wire_open(&wire, false);
	http_conn_set_plain(wire.conn);
	assert_non_null(http_conn_request(wire.conn, &h));
	expect("HEADERS(1,end)[:method=GET;:scheme=http;:authority=a.test;"
	       ":path=/;]",
		"without TLS");
	http_head_done(&h);
	wire_close(&wire);
}

/* What goes out before the peer has said a word. */
static void
test_opening(void **state)
{
	(void)state;
	for (int server = 0; server < 2; server++) {
		buf_init(&wire.in, 1024);
		buf_init(&wire.out, 1024);
		wire.conn =
			server ? http_server_new(HTTP_2, &wire.in, &wire.out)
			       : http_client_new(HTTP_2, &wire.in, &wire.out);
		assert_int_equal(http_conn_version(wire.conn), HTTP_2);
		expect(server ? "SETTINGS WINDOW(0,458753)"
			      : "PREFACE SETTINGS WINDOW(0,983041)",
			"opening");
		http_conn_free(wire.conn);
		buf_done(&wire.in);
		buf_done(&wire.out);
	}
}

static void
test_bad_heads(void **state)
{
	static const char *const bad[] = {"", "Host=a\nHost=b\n"};

	(void)state;
	wire_open(&wire, false);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct http_head h = wire_request_head("GET", bad[i]);

		errno = 0;
		assert_null(http_conn_request(wire.conn, &h));
		assert_int_equal(errno, EINVAL);
		http_head_done(&h);
	}
	expect("", "nothing of them");
	wire_close(&wire);
}

static void
test_trailers(void **state)
{
	struct http_head h = wire_response_head(200, "");
	struct http_head t = wire_head("Grpc-Status=0\nHost=x\nTE=y\n");
	struct http_head none = wire_head("Connection=x\n");

	(void)state;
	h.framing = HTTP_CHUNKED;
	for (int with = 0; with < 3; with++) {
		struct http_stream *s;

		wire_open(&wire, true);
		s = ask(GET_FIELDS, END);
		assert_int_equal(http_stream_send_head(s, &h), 0);
		if (with == 1)
			assert_int_equal(http_stream_send(s, "x", 1), 1);
		assert_int_equal(
			http_stream_send_end(s, with == 2 ? &none : &t), 0);
		assert_true(http_stream_send_ended(s));
		http_stream_close(s);
		expect(with == 1    ? "HEADERS(1)[:status=200;] DATA(1)1 "
				      "HEADERS(1,end)[grpc-status=0;]"
			: with == 0 ? "HEADERS(1)[:status=200;] "
				      "HEADERS(1,end)[grpc-status=0;]"
				    : "HEADERS(1)[:status=200;] DATA(1,end)0",
			"trailers");
		wire_close(&wire);
	}
	http_head_done(&t);
	http_head_done(&none);
}

static void
test_lengths_are_kept(void **state)
{
	struct http_head h = wire_response_head(200, "");
	struct http_stream *s;

	(void)state;
	h.framing = HTTP_LENGTH;
	h.content_length = 5;
	wire_open(&wire, true);
	s = ask(GET_FIELDS, END);
	assert_int_equal(http_stream_room(s), 0);
	assert_int_equal(http_stream_send_head(s, &h), 0);
	assert_int_equal(http_stream_room(s), 5);
	assert_int_equal(http_stream_send(s, "123456", 6), -EPROTO);
	assert_int_equal(http_stream_send(s, "123", 3), 3);
	assert_int_equal(http_stream_send_end(s, NULL), -EPROTO);
	assert_int_equal(http_stream_send(s, "45", 2), 2);
	assert_int_equal(http_stream_send_end(s, NULL), 0);
	assert_int_equal(http_stream_room(s), 0);
	wire_close(&wire);
}

static void
test_the_last_bytes_bring_the_end(void **state)
{
	static const char bytes[20000];
	static const struct {
		enum http_framing framing;
		uint64_t length;
		size_t sent;
		bool ended;
		const char *text, *reason;
	} cases[] = {
		{HTTP_LENGTH, 5, 5, true, "DATA(1,end)5", "one frame"},
		{HTTP_CHUNKED, 0, 5, true, "DATA(1,end)5", "without length"},
		{HTTP_LENGTH, 5, 3, false, "DATA(1)3", "more was promised"},
		{HTTP_LENGTH, 20000, 20000, true,
			"DATA(1)16384 DATA(1,end)3616", "in the second frame"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_head h = wire_response_head(200, "");
		struct http_stream *s;

		h.framing = cases[i].framing;
		h.content_length = cases[i].length;
		wire_open(&wire, true);
		s = ask(GET_FIELDS, END);
		assert_int_equal(http_stream_send_head(s, &h), 0);
		(void)wire_said(&wire);
		assert_int_equal(http_stream_send_last(s, bytes, cases[i].sent),
			cases[i].sent);
		expect(cases[i].text, cases[i].reason);
		assert_int_equal(http_stream_send_ended(s), cases[i].ended);
		wire_close(&wire);
	}
}

/* What finds no room was not the last yet. */
static void
test_last_bytes_beyond_the_window(void **state)
{
	struct http_head h = wire_response_head(200, "");
	struct http_stream *s;

	(void)state;
	h.framing = HTTP_CHUNKED;
	wire_open(&wire, true);
	wire_settings(&wire, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 3);
	assert_int_equal(wire_run(&wire), 0);
	s = ask(GET_FIELDS, END);
	assert_int_equal(http_stream_send_head(s, &h), 0);
	(void)wire_said(&wire);
	assert_int_equal(http_stream_send_last(s, "12345", 5), 3);
	expect("DATA(1)3", "as far as the window goes");
	assert_false(http_stream_send_ended(s));
	wire_window(&wire, 1, 9);
	assert_int_equal(wire_run(&wire), 0);
	assert_int_equal(http_stream_send_last(s, "45", 2), 2);
	expect("DATA(1,end)2", "the rest");
	assert_true(http_stream_send_ended(s));
	wire_close(&wire);
}

static void
test_head_answers_take_and_drop(void **state)
{
	struct http_head h = wire_response_head(204, "");
	struct http_stream *s;

	(void)state;
	wire_open(&wire, true);
	s = ask(GET_FIELDS, END);
	assert_int_equal(http_stream_send_head(s, &h), 0);
	assert_int_equal(http_stream_room(s), SSIZE_MAX);
	assert_int_equal(http_stream_send(s, "12345", 5), 5);
	expect("HEADERS(1,end)[:status=204;]", "dropped");
	wire_close(&wire);
}

static void
test_interim_heads(void **state)
{
	struct http_head early = wire_response_head(103, "Link=x\n");
	struct http_head ok = wire_response_head(200, "");
	struct http_stream *s;

	(void)state;
	wire_open(&wire, true);
	s = ask(GET_FIELDS, END);
	assert_int_equal(http_stream_send_head(s, &early), 0);
	assert_false(http_stream_sent_head(s));
	assert_int_equal(http_stream_send_head(s, &early), 0);
	assert_int_equal(http_stream_send_head(s, &ok), 0);
	expect("HEADERS(1)[:status=103;link=x;] HEADERS(1)[:status=103;link=x;]"
	       " HEADERS(1,end)[:status=200;]",
		"interim");
	http_head_done(&early);
	wire_close(&wire);
}

/* RFC 8441, both ends of it. */
static void
test_upgrade(void **state)
{
	struct http_head ok = wire_response_head(101, "");
	struct http_head h = wire_request_head("GET", "Host=a.test\n");
	struct http_stream *s;

	(void)state;
	ok.framing = h.framing = HTTP_TUNNEL;
	wire_open(&wire, true);
	s = ask(":method=CONNECT\n:protocol=websocket\n:scheme=https\n"
		":authority=a.test\n:path=/\n",
		0);
	assert_int_equal(http_stream_send_head(s, &ok), 0);
	assert_int_equal(http_stream_send(s, "frame", 5), 5);
	expect("HEADERS(1)[:status=200;] DATA(1)5", "server");
	wire_close(&wire);

	wire_open(&wire, true);
	s = ask(GET_FIELDS, END);
	assert_int_equal(http_stream_send_head(s, &ok), -EINVAL);
	wire_close(&wire);

	wire_open(&wire, false);
	assert_int_equal(
		http_head_set_protocol(&h, SPAN_LITERAL("websocket")), 0);
	assert_false(http_conn_can_upgrade(wire.conn));
	assert_null(http_conn_request(wire.conn, &h));
	assert_int_equal(errno, EBUSY);
	wire_settings(&wire, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1);
	assert_int_equal(wire_run(&wire), 0);
	assert_true(http_conn_can_upgrade(wire.conn));
	s = http_conn_request(wire.conn, &h);
	assert_non_null(s);
	expect("ACK HEADERS(1)[:method=CONNECT;:scheme=https;"
	       ":authority=a.test;:path=/;:protocol=websocket;]",
		"client");
	wire_headers(&wire, 0, 1, ":status=103\n");
	wire_headers(&wire, 0, 1, ":status=200\n");
	wire_data(&wire, 0, 1, 3);
	assert_int_equal(wire_run(&wire), 0);
	assert_int_equal(http_stream_head(s)->status, 103);
	http_stream_next_head(s);
	assert_string_equal(wire_print(&wire, http_stream_head(s)),
		"101  at  framing 4 length 0 protocol websocket []");
	assert_int_equal(http_stream_send(s, "x", 1), 1);
	expect("DATA(1)1", "tunnel");
	http_head_done(&h);
	wire_close(&wire);
}

/* Closed too early: which reset says so. */
static void
test_close_resets(void **state)
{
	struct http_head ok = wire_response_head(200, "");
	struct http_head h = wire_request_head("GET", "Host=a.test\n");
	struct http_stream *s;

	(void)state;
	wire_open(&wire, true);
	http_stream_close(ask(GET_FIELDS, END));
	expect("RST(1,2)", "no answer");
	wire_close(&wire);

	wire_open(&wire, true);
	s = ask(POST_FIELDS, 0);
	assert_int_equal(http_stream_send_head(s, &ok), 0);
	http_stream_close(s);
	expect("HEADERS(1,end)[:status=200;] RST(1,0)",
		"an early answer is complete");
	/* What was on its way is taken, and its window opened again. */
	wire_data(&wire, 0, 1, 5);
	assert_int_equal(wire_run(&wire), 0);
	assert_true(http_conn_is_idle(wire.conn));
	wire_close(&wire);

	wire_open(&wire, true);
	s = ask(GET_FIELDS, END);
	http_stream_set_reset(s, NGHTTP2_REFUSED_STREAM);
	http_stream_close(s);
	expect("RST(1,7)", "the owner's code");
	wire_close(&wire);

	wire_open(&wire, false);
	s = http_conn_request(wire.conn, &h);
	http_stream_close(s);
	expect("HEADERS(1,end)[:method=GET;:scheme=https;:authority=a.test;"
	       ":path=/;] RST(1,8)",
		"a client cancels");
	assert_true(http_conn_can_request(wire.conn));
	http_head_done(&h);
	wire_close(&wire);
}

/* GOAWAY: what is open lives on, nothing new is taken. */
static void
test_set_close(void **state)
{
	struct http_head ok = wire_response_head(200, "");
	struct http_stream *s;

	(void)state;
	wire_open(&wire, true);
	s = ask(GET_FIELDS, END);
	http_conn_set_close(wire.conn);
	http_conn_set_close(wire.conn);
	expect("GOAWAY(1,0)", "goaway once");
	wire_headers(&wire, END, 3, GET_FIELDS);
	assert_int_equal(wire_run(&wire), 0);
	assert_null(http_conn_accept(wire.conn));
	assert_int_equal(http_stream_send_head(s, &ok), 0);
	expect("HEADERS(1,end)[:status=200;]", "answered");
	http_stream_close(s);
	assert_true(http_conn_must_close(wire.conn));
	wire_close(&wire);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_opening),
		cmocka_unit_test(test_bad_heads),
		cmocka_unit_test(test_trailers),
		cmocka_unit_test(test_lengths_are_kept),
		cmocka_unit_test(test_the_last_bytes_bring_the_end),
		cmocka_unit_test(test_last_bytes_beyond_the_window),
		cmocka_unit_test(test_head_answers_take_and_drop),
		cmocka_unit_test(test_interim_heads),
		cmocka_unit_test(test_upgrade),
		cmocka_unit_test(test_close_resets),
		cmocka_unit_test(test_set_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
