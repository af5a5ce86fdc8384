/*
 * Flow control and waiting: windows open by what was consumed and by nothing
 * else, room is given out in turn, and what a peer can make us hold has an end.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "h2_wire.h"

enum {
	STREAM_WINDOW = 128 * 1024,
	CONN_WINDOW = 512 * 1024,
	FRAME = 16384,
};

static struct wire wire;
static char body[64 * 1024];

static struct http_stream *
open_stream(int32_t id, const char *fields, uint8_t flags)
{
	struct http_stream *s;

	wire_headers(&wire, flags, id, fields);
	assert_int_equal(wire_run(&wire), 0);
	s = http_conn_accept(wire.conn);
	assert_non_null(s);
	return s;
}

static void
fill(int32_t id, size_t len)
{
	for (size_t sent = 0; sent < len; sent += FRAME)
		wire_data(&wire, 0, id, FRAME);
	assert_int_equal(wire_run(&wire), 0);
}

static void
test_nothing_before_it_is_consumed(void **state)
{
	struct http_stream *s;
	struct span piece;

	(void)state;
	wire_open(&wire, true);
	s = open_stream(1, POST_FIELDS, 0);
	fill(1, STREAM_WINDOW);
	assert_string_equal(wire_said(&wire), "");
	assert_int_equal(http_stream_peek(s, &piece), HTTP_DATA);
	assert_int_equal(piece.len, STREAM_WINDOW);
	http_stream_consume(s, STREAM_WINDOW / 2 - 1);
	assert_string_equal(wire_said(&wire), "");
	http_stream_consume(s, 1);
	/* At half, and written at once. */
	assert_string_equal(wire_said(&wire), "WINDOW(1,65536)");
	http_stream_consume(s, STREAM_WINDOW / 2);
	assert_string_equal(wire_said(&wire), "WINDOW(1,65536)");
	wire_close(&wire);
}

static void
test_more_than_the_window(void **state)
{
	struct http_stream *s;
	struct span piece;

	(void)state;
	wire_open(&wire, true);
	s = open_stream(1, POST_FIELDS, 0);
	fill(1, STREAM_WINDOW);
	wire_data(&wire, 0, 1, 1);
	(void)wire_run(&wire);
	assert_int_equal(http_stream_peek(s, &piece), HTTP_BROKEN);
	assert_non_null(strstr(wire_said(&wire), "(1,3)"));
	wire_close(&wire);
}

/* Padding costs the peer its window, and nobody will consume it. */
static void
test_padding_is_given_back(void **state)
{
	char padded[256] = {(char)254, 'x'};

	(void)state;
	wire_open(&wire, true);
	(void)open_stream(1, POST_FIELDS, 0);
	for (int i = 0; i < 254; i++)
		wire_frame(&wire, NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, padded,
			sizeof(padded));
	assert_int_equal(wire_run(&wire), 0);
	assert_string_equal(wire_said(&wire), "");
	for (int i = 0; i < 10; i++)
		wire_frame(&wire, NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, padded,
			sizeof(padded));
	assert_int_equal(wire_run(&wire), 0);
	assert_non_null(strstr(wire_said(&wire), "WINDOW(1,65"));
	wire_close(&wire);
}

/* A stream that is closed with bytes unread gives them back. */
static void
test_closed_streams_give_back(void **state)
{
	(void)state;
	wire_open(&wire, true);
	for (int32_t i = 0; i < 16; i++) {
		struct http_stream *s = open_stream(2 * i + 1, POST_FIELDS, 0);
		const char *said;

		fill(2 * i + 1, STREAM_WINDOW);
		if (i % 4 == 3) { /* reset by the peer */
			wire_reset(&wire, 2 * i + 1, NGHTTP2_CANCEL);
			assert_int_equal(wire_run(&wire), 0);
		}
		http_stream_close(s);
		said = wire_said(&wire);
		/* Half of the connection's window, every other time. */
		assert_int_equal(
			strstr(said, "WINDOW(0,262144)") != NULL, i % 2 == 1);
	}
	wire_close(&wire);
}

/* What comes for a stream that was refused is not kept. */
static void
test_refused_streams_keep_nothing(void **state)
{
	(void)state;
	wire_open(&wire, true);
	(void)open_stream(1, GET_FIELDS "host=b.test\n", 0);
	fill(1, STREAM_WINDOW);
	(void)open_stream(3, GET_FIELDS "host=b.test\n", 0);
	fill(3, STREAM_WINDOW);
	assert_string_equal(wire_said(&wire), "WINDOW(0,262144)");
	wire_close(&wire);
}

static struct http_stream *
begin_answer(int32_t id)
{
	struct http_stream *s = open_stream(id, GET_FIELDS, END);
	struct http_head ok = wire_response_head(200, "");

	ok.framing = HTTP_CHUNKED;
	assert_int_equal(http_stream_send_head(s, &ok), 0);
	return s;
}

static void
drain_ready(void)
{
	while (http_conn_next_ready(wire.conn) != NULL)
		;
}

static void
test_windows_of_the_peer(void **state)
{
	struct http_stream *s;

	(void)state;
	wire_open(&wire, true);
	s = begin_answer(1);
	drain_ready();
	assert_int_equal(http_stream_room(s), 65535);
	assert_int_equal(http_stream_send(s, body, 60000), 60000);
	assert_int_equal(http_stream_room(s), 5535);
	assert_int_equal(http_stream_send(s, body, 60000), 5535);
	assert_int_equal(http_stream_send(s, body, 1), 0);
	assert_int_equal(http_stream_room(s), 0);
	(void)wire_said(&wire);

	wire_window(&wire, 1, 10); /* the connection's is still closed */
	assert_int_equal(wire_run(&wire), 0);
	(void)http_conn_next_ready(wire.conn);
	assert_int_equal(http_stream_send(s, body, 100), 0);
	assert_null(http_conn_next_ready(wire.conn));
	wire_window(&wire, 0, 5);
	assert_int_equal(wire_run(&wire), 0);
	assert_ptr_equal(http_conn_next_ready(wire.conn), s);
	assert_int_equal(http_stream_send(s, body, 100), 5);
	wire_window(&wire, 0, 1000);
	assert_int_equal(wire_run(&wire), 0);
	assert_ptr_equal(http_conn_next_ready(wire.conn), s);
	assert_int_equal(http_stream_send(s, body, 100), 5);
	wire_settings(&wire, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 65545);
	assert_int_equal(wire_run(&wire), 0);
	assert_ptr_equal(http_conn_next_ready(wire.conn), s);
	assert_int_equal(http_stream_send(s, body, 100), 10);
	assert_string_equal(
		wire_said(&wire), "DATA(1)5 DATA(1)5 ACK DATA(1)10");
	/* The end waits for the window, in the library. */
	assert_int_equal(http_stream_send_end(s, NULL), 0);
	http_stream_close(s);
	assert_string_equal(wire_said(&wire), "");
	wire_window(&wire, 1, 1);
	assert_int_equal(wire_run(&wire), 0);
	assert_string_equal(wire_said(&wire), "DATA(1,end)0");
	wire_close(&wire);
}

/* `out` is small: streams are served in turn, each once a run. */
static void
test_turns(void **state)
{
	enum { STREAMS = 5, BOUND = 4096, ROUNDS = 50 };
	struct http_stream *s[STREAMS];
	size_t sent[STREAMS] = {0}, least = SIZE_MAX, most = 0;

	(void)state;
	wire_open_bound(&wire, true, BOUND);
	wire_settings(&wire, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20);
	wire_window(&wire, 0, 1 << 20);
	for (int i = 0; i < STREAMS; i++) {
		s[i] = begin_answer(2 * i + 1);
		http_stream_set_owner(s[i], &sent[i]);
	}
	drain_ready();
	for (int i = 0; i < STREAMS; i++)
		sent[i] += (size_t)http_stream_send(s[i], body, BOUND);
	assert_true(sent[0] > 0);
	assert_int_equal(sent[STREAMS - 1], 0);
	assert_null(http_conn_next_ready(wire.conn));
	for (int round = 0; round < ROUNDS; round++) {
		struct http_stream *next;
		int given = 0;

		assert_in_range(wire.out.len, 1, BOUND);
		(void)wire_said(&wire);
		assert_int_equal(wire_run(&wire), 0);
		while ((next = http_conn_next_ready(wire.conn)) != NULL) {
			size_t *count = http_stream_owner(next);

			*count += (size_t)http_stream_send(next, body, BOUND);
			assert_true(++given <= STREAMS);
		}
		assert_true(given > 0);
	}
	for (int i = 0; i < STREAMS; i++) {
		least = sent[i] < least ? sent[i] : least;
		most = sent[i] > most ? sent[i] : most;
	}
	assert_true(most - least <= BOUND);
	wire_close(&wire);
}

/* A head that has no room is given its turn too, when it fits. */
static void
test_heads_wait_in_turn(void **state)
{
	struct http_head h = wire_response_head(200, "");
	struct http_stream *s, *t;

	(void)state;
	memset(body, 'v', sizeof(body));
	assert_int_equal(http_head_add(&h, SPAN_LITERAL("x"),
				 (struct span){body, 3000}, false),
		0);
	wire_open_bound(&wire, true, 4096);
	s = open_stream(1, GET_FIELDS, END);
	t = begin_answer(3);
	drain_ready();
	assert_int_equal(http_stream_send(t, body, 2000), 2000);
	assert_int_equal(http_stream_send_head(s, &h), -ENOBUFS);
	assert_true(http_stream_send(t, body, 4000) > 0);
	/* Part of it is written: it does not fit yet, and goes first. */
	buf_consume(&wire.out, 1500);
	assert_int_equal(wire_run(&wire), 0);
	assert_null(http_conn_next_ready(wire.conn));
	buf_consume(&wire.out, wire.out.len);
	assert_int_equal(wire_run(&wire), 0);
	assert_ptr_equal(http_conn_next_ready(wire.conn), s);
	assert_int_equal(http_stream_send_head(s, &h), 0);
	assert_ptr_equal(http_conn_next_ready(wire.conn), t);

	/* One that never fits says so. */
	assert_int_equal(http_head_add(&h, SPAN_LITERAL("y"),
				 (struct span){body, 3000}, false),
		0);
	s = open_stream(5, GET_FIELDS, END);
	assert_int_equal(http_stream_send_head(s, &h), -EMSGSIZE);
	http_head_done(&h);
	wire_close(&wire);
}

/* The largest head there can be, in a buffer of the size that is promised. */
static void
test_largest_head_fits(void **state)
{
	struct http_head h = wire_request_head("GET", "");
	size_t each = (HTTP_HEAD_MAX - 64) / (HTTP_FIELDS_MAX - 1) - 5;
	char name[] = "x-000";

	(void)state;
	memset(body, '\x7e', sizeof(body)); /* the dearest in Huffman's code */
	assert_int_equal(http_head_add(&h, SPAN_LITERAL("Host"),
				 SPAN_LITERAL("a.test"), false),
		0);
	for (int i = 1; i < HTTP_FIELDS_MAX; i++) {
		name[2] = (char)('0' + i / 100);
		name[3] = (char)('0' + i / 10 % 10);
		name[4] = (char)('0' + i % 10);
		assert_int_equal(http_head_add(&h, span_of(name),
					 (struct span){body, each}, true),
			0);
	}
	wire_open_bound(&wire, false, HTTP_HEAD_WIRE_MAX);
	assert_non_null(http_conn_request(wire.conn, &h));
	http_head_done(&h);
	wire_close(&wire);
}

/* Everything at its bound at once: 100 streams, windows full, heads large. */
static void
test_what_is_held_at_most(void **state)
{
	static char fields[16 * 1024];
	size_t bodies = 0, heads = 0, refused = 0;
	struct http_stream *s;
	struct span piece;

	(void)state;
	wire_open(&wire, true);
	wire_settings(&wire, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
	memset(stpcpy(fields, POST_FIELDS "x="), 'v', 10000);
	strcat(fields, "\n");
	for (int32_t i = 0; i < 100; i++)
		wire_headers(&wire, 0, 2 * i + 1, fields);
	assert_int_equal(wire_run(&wire), 0);
	while ((s = http_conn_accept(wire.conn)) != NULL) {
		if (http_stream_head(s) == NULL)
			refused++;
		else
			heads += http_stream_head(s)->text_len;
		http_stream_set_owner(s, &heads);
	}
	assert_in_range(heads, 400 * 1024, 512 * 1024);
	assert_in_range(refused, 40, 60);
	for (int32_t i = 0; i < 4; i++)
		fill(2 * i + 1, STREAM_WINDOW);
	while ((s = http_conn_next_ready(wire.conn)) != NULL) {
		if (http_stream_peek(s, &piece) == HTTP_DATA)
			bodies += piece.len;
	}
	assert_int_equal(bodies, CONN_WINDOW);
	/* And not a byte more. */
	wire_data(&wire, 0, 9, 1);
	assert_int_equal(wire_run(&wire), -EPROTO);
	assert_string_equal(
		http_conn_error(wire.conn), "more data than the window");
	wire_close(&wire);
}

/* Frames are cut anywhere by the caller's buffer; nothing is lost. */
static void
test_out_of_any_size(void **state)
{
	(void)state;
	for (size_t bound = 64; bound < 200; bound += 7) {
		struct http_head ok = wire_response_head(200, "");
		struct http_stream *s;
		size_t sent = 0;

		ok.framing = HTTP_CHUNKED;
		wire_open_bound(&wire, true, bound);
		s = open_stream(1, GET_FIELDS, END);
		assert_int_equal(http_stream_send_head(s, &ok), 0);
		for (int turns = 0; sent < 1000; turns++) {
			ssize_t n =
				http_stream_send(s, body + sent, 1000 - sent);

			assert_true(n >= 0 && turns < 1000);
			sent += (size_t)n;
			assert_true(wire.out.len <= bound);
			(void)wire_said(&wire);
			assert_int_equal(wire_run(&wire), 0);
		}
		wire_close(&wire);
	}
}

/* One stream more than was said ends the connection, once it was heard. */
static void
test_too_many_streams(void **state)
{
	(void)state;
	wire_open(&wire, true);
	for (int32_t i = 0; i < 100; i++)
		wire_headers(&wire, END, 2 * i + 1, GET_FIELDS);
	assert_int_equal(wire_run(&wire), 0);
	wire_headers(&wire, END, 201, GET_FIELDS);
	assert_int_equal(wire_run(&wire), -EPROTO);
	assert_non_null(strstr(wire_said(&wire), "GOAWAY(199,1)"));
	wire_close(&wire);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_before_it_is_consumed),
		cmocka_unit_test(test_more_than_the_window),
		cmocka_unit_test(test_padding_is_given_back),
		cmocka_unit_test(test_closed_streams_give_back),
		cmocka_unit_test(test_refused_streams_keep_nothing),
		cmocka_unit_test(test_windows_of_the_peer),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_heads_wait_in_turn),
		cmocka_unit_test(test_largest_head_fits),
		cmocka_unit_test(test_what_is_held_at_most),
		cmocka_unit_test(test_out_of_any_size),
		cmocka_unit_test(test_too_many_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
