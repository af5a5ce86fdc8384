/*
 * Useless frames (threat 46): each kind is cut within about a thousand of them,
 * with GOAWAY ENHANCE_YOUR_CALM, and costs the conn no memory; the same load
 * with useful work in between goes on.  And more streams than were allowed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "h2_wire.h"

enum {
	FRAMES = 1100, /* more than the budget */
	UNKNOWN = 0x42,
};

static struct wire wire;

static void
flood_ping(int32_t n)
{
	(void)n;
	wire_frame(&wire, NGHTTP2_PING, 0, 0, "12345678", 8);
}

static void
flood_settings(int32_t n)
{
	(void)n;
	wire_settings(
		&wire, NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, n % 2 ? 0 : 4096);
}

static void
flood_priority(int32_t n)
{
	wire_frame(&wire, NGHTTP2_PRIORITY, 0, 2 * n + 1, "\0\0\0\0\1", 5);
}

static void
flood_window(int32_t n)
{
	(void)n;
	wire_window(&wire, 0, 1);
}

static void
flood_unknown(int32_t n)
{
	(void)n;
	wire_frame(&wire, UNKNOWN, 0, 0, NULL, 0);
}

static void
flood_empty_data(int32_t n)
{
	if (n == 0)
		wire_headers(&wire, 0, 1, POST_FIELDS);
	wire_data(&wire, 0, 1, 0);
}

static void
flood_padding(int32_t n)
{
	if (n == 0)
		wire_headers(&wire, 0, 1, POST_FIELDS);
	wire_frame(&wire, NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, "\3\0\0\0", 4);
}

static void
flood_reset(int32_t n)
{
	wire_headers(&wire, END, 2 * n + 1, GET_FIELDS);
	wire_reset(&wire, 2 * n + 1, NGHTTP2_CANCEL);
}

/* MadeYouReset: the peer makes us reset what it has asked for. */
static void
flood_made_reset(int32_t n)
{
	wire_headers(&wire, END, 2 * n + 1, GET_FIELDS);
	wire_window(&wire, 2 * n + 1, 0x7fffffff);
}

static void
flood_malformed(int32_t n)
{
	wire_headers(&wire, END, 2 * n + 1, GET_FIELDS "connection=close\n");
}

static void
flood_late_heads(int32_t n)
{
	if (n == 0) {
		wire_headers(&wire, END, 1, GET_FIELDS);
		wire_reset(&wire, 1, NGHTTP2_CANCEL);
	}
	wire_headers(&wire, END, 1, GET_FIELDS);
}

/* An answer that never comes, announced without end. */
static void
flood_interims(int32_t n)
{
	(void)n;
	wire_headers(&wire, 0, 1, ":status=103\n");
}

/* One head in many frames: the library's own bound is the nearer one. */
static void
flood_continuation(int32_t n)
{
	if (n == 0)
		wire_headers(&wire, MORE, 1, GET_FIELDS);
	wire_frame(&wire, NGHTTP2_CONTINUATION, 0, 1, NULL, 0);
}

static const struct {
	void (*one)(int32_t n);
	const char *reason;
} floods[] = {
	{flood_ping, "PING"},
	{flood_settings, "SETTINGS that change the table"},
	{flood_priority, "PRIORITY"},
	{flood_window, "WINDOW_UPDATE"},
	{flood_unknown, "unknown frames"},
	{flood_empty_data, "empty DATA"},
	{flood_padding, "padding alone"},
	{flood_reset, "rapid reset"},
	{flood_made_reset, "provoked resets"},
	{flood_malformed, "malformed requests"},
	{flood_late_heads, "heads of a stream that is gone"},
	{flood_continuation, "CONTINUATION"},
};

/* As an owner who answers nothing, and closes what has come to nothing. */
static void
close_all(bool server)
{
	struct http_stream *s;
	int status;

	while (server && (s = http_conn_accept(wire.conn)) != NULL) {
		if (http_stream_refused(s, &status) != NULL)
			http_stream_close(s);
	}
	while ((s = http_conn_next_ready(wire.conn)) != NULL) {
		if (http_stream_reset(s, NULL) != HTTP_NOT_RESET)
			http_stream_close(s);
	}
}

/* How many frames of a kind were let. */
static int
flood(bool server, size_t i, size_t a_run)
{
	for (int n = 0; n < FRAMES; n++) {
		floods[i].one(n);
		if (n % (int)a_run != 0)
			continue;
		if (wire_run(&wire) < 0)
			return n;
		close_all(server);
		buf_consume(&wire.out, wire.out.len);
	}
	return FRAMES;
}

static void
test_each_is_cut(void **state)
{
	static const size_t runs[] = {1, 7, 100};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(floods) * ARRAY_LEN(runs); i++) {
		size_t kind = i / ARRAY_LEN(runs);
		const char *said;
		int let;

		wire_open(&wire, true);
		let = flood(true, kind, runs[i % ARRAY_LEN(runs)]);
		if (let == FRAMES)
			fail_msg("%s: %d let", floods[kind].reason, let);
		if (strcmp(http_conn_error(wire.conn),
			    "too many useless frames") != 0)
			fail_msg("%s: %s", floods[kind].reason,
				http_conn_error(wire.conn));
		said = wire_said(&wire);
		if (strstr(said, "GOAWAY(") == NULL ||
			strstr(said, ",11)") == NULL)
			fail_msg("%s: %s", floods[kind].reason, said);
		wire_close(&wire);
	}
}

/* A peer that reads nothing of what it provokes. */
static void
test_nothing_piles_up(void **state)
{
	int n = 0;

	(void)state;
	wire_open_bound(&wire, true, 256);
	while (n < FRAMES) {
		flood_ping(n++);
		if (wire_run(&wire) < 0)
			break;
	}
	assert_in_range(n, 300, FRAMES - 1);
	assert_string_equal(
		http_conn_error(wire.conn), "too many useless frames");
	assert_true(wire.out.len <= 256);
	/* It is told why, behind what it provoked, if it ever reads. */
	while (strstr(wire_said(&wire), "GOAWAY(0,11)") == NULL) {
		if (n-- == 0)
			fail_msg("no GOAWAY");
		(void)wire_run(&wire);
	}
	wire_close(&wire);
}

/* The origin is no friend either. */
static void
test_from_an_origin(void **state)
{
	static const size_t kinds[] = {0, 1, 2, 3, 4};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		wire_open(&wire, false);
		if (flood(false, kinds[i], 10) == FRAMES)
			fail_msg("%s", floods[kinds[i]].reason);
		assert_non_null(strstr(wire_said(&wire), "GOAWAY(0,11)"));
		assert_int_equal(http_conn_error_status(wire.conn), 502);
		assert_true(http_conn_must_close(wire.conn));
		wire_close(&wire);
	}
}

/* Whether the one who asked lets go of it, or has yet to look. */
static void
test_interims_from_an_origin(void **state)
{
	struct http_head ask = wire_request_head("GET", "Host=a.test\n");

	(void)state;
	for (int lets_go = 0; lets_go < 2; lets_go++) {
		struct http_stream *s;
		int n = 0;

		wire_open(&wire, false);
		s = http_conn_request(wire.conn, &ask);
		assert_non_null(s);
		for (; n < FRAMES; n++) {
			flood_interims(n);
			if (wire_run(&wire) < 0)
				break;
			if (n == 20 && lets_go)
				http_stream_close(s);
			buf_consume(&wire.out, wire.out.len);
		}
		assert_in_range(n, 1000, FRAMES - 1);
		assert_non_null(strstr(wire_said(&wire), "GOAWAY(0,11)"));
		wire_close(&wire);
	}
	http_head_done(&ask);
}

static void
test_time_fills_the_budget(void **state)
{
	(void)state;
	wire_open(&wire, true);
	for (int n = 0; n < 5000; n++) {
		http_conn_set_time(wire.conn, n / 30.0);
		flood_ping(n);
		assert_int_equal(wire_run(&wire), 0);
		buf_consume(&wire.out, wire.out.len);
	}
	wire_close(&wire);
}

/* A client that pings once for each answer, as gRPC's does. */
static void
test_work_fills_the_budget(void **state)
{
	struct http_head ok = wire_response_head(200, "");

	(void)state;
	wire_open(&wire, true);
	for (int n = 0; n < 5000; n++) {
		struct http_stream *s;

		wire_headers(&wire, END, 2 * n + 1, GET_FIELDS);
		flood_ping(n);
		assert_int_equal(wire_run(&wire), 0);
		s = http_conn_accept(wire.conn);
		assert_non_null(s);
		assert_int_equal(http_stream_send_head(s, &ok), 0);
		http_stream_close(s);
		buf_consume(&wire.out, wire.out.len);
	}
	wire_close(&wire);
}

/* One stream, small messages, a ping for each. */
static void
test_messages_fill_the_budget(void **state)
{
	struct http_head ok = wire_response_head(200, "");
	struct http_stream *s;

	(void)state;
	ok.framing = HTTP_CHUNKED;
	wire_open(&wire, true);
	wire_headers(&wire, 0, 1, POST_FIELDS);
	assert_int_equal(wire_run(&wire), 0);
	s = http_conn_accept(wire.conn);
	assert_int_equal(http_stream_send_head(s, &ok), 0);
	for (int n = 0; n < 5000; n++) {
		flood_ping(n);
		assert_int_equal(wire_run(&wire), 0);
		assert_int_equal(http_stream_send(s, "0123456789", 10), 10);
		buf_consume(&wire.out, wire.out.len);
	}
	wire_close(&wire);
}

/* Windows opened by single bytes: each of them makes us send a frame. */
static void
test_windows_of_one_byte(void **state)
{
	struct http_head ok = wire_response_head(200, "");
	struct http_stream *s;
	char body[100] = {0};
	int n = 0;

	(void)state;
	ok.framing = HTTP_CHUNKED;
	wire_open(&wire, true);
	wire_settings(&wire, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
	wire_headers(&wire, END, 1, GET_FIELDS);
	assert_int_equal(wire_run(&wire), 0);
	s = http_conn_accept(wire.conn);
	assert_int_equal(http_stream_send_head(s, &ok), 0);
	assert_int_equal(http_stream_send(s, body, sizeof(body)), 0);
	while (n < FRAMES) {
		n++;
		wire_window(&wire, 1, 1);
		if (wire_run(&wire) < 0)
			break;
		assert_int_equal(http_stream_send(s, body, sizeof(body)), 1);
		buf_consume(&wire.out, wire.out.len);
	}
	assert_in_range(n, 900, FRAMES - 1);
	wire_close(&wire);
}

/* With a peer that has yet to look at our SETTINGS. */
static void
begin_anew(void)
{
	http_conn_free(wire.conn);
	wire.conn = http_server_new(HTTP_2, &wire.in, &wire.out);
	assert_non_null(wire.conn);
	wire_bytes(&wire, PREFACE, strlen(PREFACE));
	wire_frame(&wire, NGHTTP2_SETTINGS, 0, 0, NULL, 0);
	assert_int_equal(wire_run(&wire), 0);
	(void)wire_said(&wire);
}

/*
 * RFC 9113 5.1.2: who does not know the bound yet is refused the one stream;
 * who has acknowledged it knows better, and loses the connection (5.4.1).
 */
static void
test_more_streams_than_allowed(void **state)
{
	static const char *const said[] = {"RST(201,7)", "GOAWAY(199,1)"};

	(void)state;
	for (int knows = 0; knows < 2; knows++) {
		int n = 0;

		wire_open(&wire, true);
		if (!knows)
			begin_anew();
		for (int32_t id = 1; id < 200; id += 2)
			wire_headers(&wire, END, id, GET_FIELDS);
		assert_int_equal(wire_run(&wire), 0);
		assert_string_equal(wire_said(&wire), "");
		wire_headers(&wire, END, 201, GET_FIELDS);
		assert_int_equal(wire_run(&wire), knows ? -EPROTO : 0);
		assert_string_equal(wire_said(&wire), said[knows]);
		while (http_conn_accept(wire.conn) != NULL)
			n++;
		assert_int_equal(n, 100);
		wire_close(&wire);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_is_cut),
		cmocka_unit_test(test_nothing_piles_up),
		cmocka_unit_test(test_from_an_origin),
		cmocka_unit_test(test_interims_from_an_origin),
		cmocka_unit_test(test_time_fills_the_budget),
		cmocka_unit_test(test_work_fills_the_budget),
		cmocka_unit_test(test_messages_fill_the_budget),
		cmocka_unit_test(test_windows_of_one_byte),
		cmocka_unit_test(test_more_streams_than_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
