/*
 * How a connection with several requests ends, and what becomes of them: the
 * client breaks the rules, leaves, says nothing; the origin says nothing; the
 * worker stops.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

#include "array.h"
#include "loop_until.h"
#include "sandbox.h"
#include "serve_scene.h"
#include "services.h"
#include "session.h"

enum { OPEN = 3 };

static int
set_up(void **state)
{
	static struct serve_scene s;

	serve_scene_open(&s);
	serve_scene_dial(&s, HTTP_2);
	*state = &s;
	return 0;
}

static int
tear_down(void **state)
{
	serve_scene_close(*state);
	return 0;
}

/* Requests that the origin has heard and not answered. */
static struct http_end *
open_some(struct serve_scene *s, struct http_stream *asked[OPEN],
	struct http_stream *heard[OPEN])
{
	struct http_end *e;

	for (int i = 0; i < OPEN; i++)
		asked[i] = serve_scene_ask(s, "/x");
	e = serve_scene_origin(s);
	for (int i = 0; i < OPEN; i++)
		heard[i] = talk_hear(e);
	return e;
}

/* ---- the client breaks the rules ----------------------------------------- */

static const uint8_t bad_ping[] = {0, 0, 1, NGHTTP2_PING, 0, 0, 0, 0, 0, 0};
static const uint8_t data_of_nobody[] = {
	0, 0, 1, NGHTTP2_DATA, 0, 0, 0, 0, 99, 0};
static const uint8_t bad_block[] = {0, 0, 2, NGHTTP2_HEADERS,
	NGHTTP2_FLAG_END_HEADERS, 0, 0, 0, 9, 0xff, 0xff};

static void
test_frames_that_break_the_rules(void **state)
{
	static const struct {
		const void *bytes;
		size_t len;
		const char *reason;
	} cases[] = {
		{bad_ping, sizeof(bad_ping), "a PING of one byte"},
		{data_of_nobody, sizeof(data_of_nobody), "DATA of no stream"},
		{bad_block, sizeof(bad_block), "a header block that is none"},
		{"\xff\xff\xff and whatever", 16, "a frame of 16 MiB"},
	};
	struct serve_scene *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_stream *asked[OPEN], *heard[OPEN];
		struct http_end *e;

		print_message("%s\n", cases[i].reason);
		s->lab.services.limits.idle_seconds = 1000; /* not by time */
		e = open_some(s, asked, heard);
		http_end_say(&s->client, cases[i].bytes, cases[i].len);
		/* All that was open ends, on record, and for the origin. */
		serve_scene_until(s, "\"outcome\"", NULL, OPEN);
		for (int n = 0; n < OPEN; n++)
			(void)talk_wait_reset(e, heard[n]);
		serve_scene_until(s, "malformed_http", "\"connect\"", 1);
		/* The client is told: GOAWAY, then the end. */
		http_end_wait_end(&s->client);
		assert_true(http_conn_must_close(s->client.http));
		http_end_close(&s->client);
		serve_scene_until_over(s);
		assert_int_equal(
			serve_scene_lines(s, "\"decision\"", NULL), OPEN + 1);
		tear_down(state);
		set_up(state);
	}
}

/* ---- the client leaves --------------------------------------------------- */

static void
test_the_client_leaves(void **state)
{
	struct http_stream *asked[OPEN], *heard[OPEN];
	struct serve_scene *s = *state;
	struct http_end *e = open_some(s, asked, heard);

	talk_begin(e, heard[0], 200);
	assert_int_equal(talk_status(&s->client, asked[0]), 200);
	http_end_close(&s->client);
	/* The origin goes on with one; the others have nobody to wake them. */
	talk_say(e, heard[0], "hello");
	serve_scene_until(s, "\"outcome\"", "client_gone", OPEN);
	for (int i = 0; i < OPEN; i++)
		(void)talk_wait_reset(e, heard[i]);
	serve_scene_until_over(s);
}

/* Over HTTP/2 nobody closes one way and listens on. */
static void
test_the_client_closes_one_way(void **state)
{
	struct http_stream *asked[OPEN], *heard[OPEN];
	struct serve_scene *s = *state;
	struct http_end *e = open_some(s, asked, heard);

	shutdown(s->client.stream.fd, SHUT_WR);
	serve_scene_until(s, "\"outcome\"", "client_gone", OPEN);
	for (int i = 0; i < OPEN; i++)
		(void)talk_wait_reset(e, heard[i]);
	http_end_wait_end(&s->client);
	serve_scene_until_over(s);
}

/* It asks no more, but wants its answers. */
static void
test_the_client_says_goaway(void **state)
{
	struct http_stream *asked[OPEN], *heard[OPEN];
	struct serve_scene *s = *state;
	struct http_end *e = open_some(s, asked, heard);

	http_end_goaway(&s->client, 0, NGHTTP2_NO_ERROR);
	for (int i = 0; i < OPEN; i++) {
		talk_answer(e, heard[i], 200, "hello");
		assert_int_equal(talk_status(&s->client, asked[i]), 200);
	}
	http_end_wait_end(&s->client);
	serve_scene_until(s, "\"outcome\"", "\"complete\"", OPEN);
}

/* ---- time ---------------------------------------------------------------- */

static void
test_nothing_is_asked(void **state)
{
	struct serve_scene *s = *state;

	tear_down(state);
	serve_scene_open(s);
	s->lab.services.limits.head_seconds = 0.05;
	s->lab.services.limits.idle_seconds = 0.05;
	serve_scene_dial(s, HTTP_2);
	http_end_wait_end(&s->client);
	/* It was told in HTTP's own words. */
	assert_true(http_conn_must_close(s->client.http));
	assert_null(http_conn_error(s->client.http));
	http_end_close(&s->client);
	serve_scene_until_over(s);
}

static void
test_nothing_more_is_asked(void **state)
{
	struct serve_scene *s = *state;
	struct http_stream *x = serve_scene_ask(s, "/x");
	struct http_end *e = serve_scene_origin(s);

	s->lab.services.limits.idle_seconds = 0.05;
	talk_answer(e, talk_hear(e), 200, "hello");
	assert_int_equal(talk_status(&s->client, x), 200);
	assert_string_equal(talk_read(&s->client, x, ""), "hello");
	http_end_wait_end(&s->client);
	assert_true(http_conn_must_close(s->client.http));
	assert_null(http_conn_error(s->client.http));
	serve_scene_until(s, "\"outcome\"", "\"complete\"", 1);
}

/*
 * A request whose time is up as soon as the first deadline passes, and one that
 * was asked with time enough: heard both, in *ret_there the other's stream.
 */
static struct http_end *
ask_one_with_little_time(struct serve_scene *s, struct http_stream **ret_mute,
	struct http_stream **ret_other, struct http_stream **ret_there)
{
	struct limits *limits = &s->lab.services.limits;
	double enough = limits->idle_seconds;
	struct http_end *e;

	limits->idle_seconds = 0.3;
	*ret_mute = serve_scene_ask_host(s, "a.test", "/mute");
	serve_scene_until(s, "\"decision\"", "/mute", 1);
	limits->idle_seconds = enough;
	*ret_other = serve_scene_ask(s, "/other");
	e = serve_scene_origin(s);
	do {
		*ret_there = talk_hear(e);
	} while (!talk_is_path(*ret_there, "/other"));
	return e;
}

/* One is never answered; what is asked besides goes on. */
static void
test_one_is_never_answered(void **state)
{
	struct serve_scene *s = *state;
	struct http_stream *mute, *other, *there;
	struct http_end *e = ask_one_with_little_time(s, &mute, &other, &there);

	assert_int_equal(talk_status(&s->client, mute), 504);
	assert_non_null(strstr(talk_read(&s->client, mute, ""), "timeout"));
	serve_scene_until(s, "\"outcome\"", "\"status\":504", 1);
	talk_answer(e, there, 200, "hello");
	assert_int_equal(talk_status(&s->client, other), 200);
	assert_string_equal(talk_read(&s->client, other, ""), "hello");
	serve_scene_until(s, "\"outcome\"", "\"complete\"", 1);
}

/* One that has had its head cannot be told; it is broken off. */
static void
test_one_stops_in_the_middle(void **state)
{
	struct serve_scene *s = *state;
	struct http_stream *mute, *other, *there;
	struct http_end *e = ask_one_with_little_time(s, &mute, &other, &there);

	talk_begin(e, there, 200);
	assert_int_equal(talk_status(&s->client, other), 200);
	s->lab.services.limits.idle_seconds = 0.01; /* from the next byte on */
	talk_say(e, there, "half");
	talk_read(&s->client, other, "half");
	(void)talk_wait_reset(&s->client, other);
	serve_scene_until(s, "\"outcome\"", "moved for too long", 1);
	(void)talk_wait_reset(e, there);
	assert_int_equal(talk_status(&s->client, mute), 504);
	assert_null(http_conn_error(s->client.http));
}

/* ---- the worker stops ---------------------------------------------------- */

static void
test_the_worker_stops(void **state)
{
	struct http_stream *asked[OPEN], *heard[OPEN];
	struct serve_scene *s = *state;
	struct http_end *e = open_some(s, asked, heard);

	session_finish_all(s->lab.sandbox);
	assert_int_equal(s->lab.sandbox->connections, 1);
	for (int i = 0; i < OPEN; i++) {
		talk_answer(e, heard[i], 200, "hello");
		assert_int_equal(talk_status(&s->client, asked[i]), 200);
		assert_string_equal(
			talk_read(&s->client, asked[i], ""), "hello");
	}
	assert_true(http_conn_must_close(s->client.http));
	http_end_wait_end(&s->client);
	serve_scene_until(s, "\"outcome\"", "\"complete\"", OPEN);
	http_end_close(&s->client);
	serve_scene_until_over(s);
}

static void
test_the_worker_stops_between_requests(void **state)
{
	struct serve_scene *s = *state;
	struct http_stream *x = serve_scene_ask(s, "/x");
	struct http_end *e = serve_scene_origin(s);

	talk_answer(e, talk_hear(e), 200, "hello");
	assert_int_equal(talk_status(&s->client, x), 200);
	assert_string_equal(talk_read(&s->client, x, ""), "hello");
	talk_close(&s->client, x, 0);
	serve_scene_until(s, "\"outcome\"", "\"complete\"", 1);
	session_finish_all(s->lab.sandbox);
	assert_int_equal(s->lab.sandbox->connections, 0);
	http_end_wait_end(&s->client);
	assert_true(http_conn_must_close(s->client.http));
	assert_null(http_conn_error(s->client.http));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_frames_that_break_the_rules),
		TEST(test_the_client_leaves),
		TEST(test_the_client_closes_one_way),
		TEST(test_the_client_says_goaway),
		TEST(test_nothing_is_asked),
		TEST(test_nothing_more_is_asked),
		TEST(test_one_is_never_answered),
		TEST(test_one_stops_in_the_middle),
		TEST(test_the_worker_stops),
		TEST(test_the_worker_stops_between_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
