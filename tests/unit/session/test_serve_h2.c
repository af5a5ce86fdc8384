/*
 * Several requests at once on one client's connection: each decided, recorded
 * and carried for itself, and none in the way of another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

#include "array.h"
#include "loop_until.h"
#include "sandbox.h"
#include "serve_scene.h"
#include "session.h"

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

static void
test_several_at_once(void **state)
{
	enum { N = 5 };
	struct serve_scene *s = *state;
	struct http_stream *asked[N], *heard[N];
	struct http_end *e;
	char path[16];

	for (int i = 0; i < N; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		asked[i] = serve_scene_ask(s, path);
	}
	e = serve_scene_origin(s);
	for (int i = 0; i < N; i++) {
		heard[i] = talk_hear(e);
		snprintf(path, sizeof(path), "/%d", i);
		assert_true(talk_is_path(heard[i], path));
	}
	assert_int_equal(
		serve_scene_lines(s, "\"decision\"", "\"allowed\""), N);
	for (int i = N - 1; i >= 0; i--) {
		talk_answer(e, heard[i], 500 + i, "hello");
		assert_int_equal(talk_status(&s->client, asked[i]), 500 + i);
		assert_string_equal(
			talk_read(&s->client, asked[i], ""), "hello");
	}
	serve_scene_until(s, "\"outcome\"", "\"complete\"", N);
	for (int i = 0; i < N; i++) {
		snprintf(path, sizeof(path), "\"/%d\"", i);
		assert_int_equal(serve_scene_lines(s, "\"decision\"", path), 1);
	}
	assert_int_equal(
		serve_scene_lines(s, "\"outcome\"", "\"bytes_down\":5"), N);
	/* They have shared a connection. */
	serve_scene_assert_no_more(s);
}

/* A client that does not read one answer reads the others. */
static void
test_a_slow_one_holds_nobody(void **state)
{
	static char block[8192];
	struct serve_scene *s = *state;
	struct http_stream *slow = serve_scene_ask(s, "/slow"), *quick;
	struct http_end *e = serve_scene_origin(s);
	struct http_stream *flood = talk_hear(e);
	int still = 0;

	talk_begin(e, flood, 200);
	assert_int_equal(talk_status(&s->client, slow), 200);
	/* Until nothing moves any more, for many turns. */
	while (still < 100) {
		ssize_t n = http_stream_send(flood, block, sizeof(block));

		assert_true(n >= 0);
		http_end_push(e);
		loop_once(s->lab.loop);
		still = n > 0 ? 0 : still + 1;
	}
	for (int i = 0; i < 3; i++) {
		quick = serve_scene_ask(s, "/quick");
		talk_answer(e, talk_hear(e), 200, "hello");
		assert_int_equal(talk_status(&s->client, quick), 200);
		assert_string_equal(talk_read(&s->client, quick, ""), "hello");
	}
	talk_close(&s->client, slow, NGHTTP2_CANCEL);
	assert_int_equal(talk_wait_reset(e, flood), NGHTTP2_CANCEL);
	serve_scene_until(s, "\"outcome\"", "client_gone", 1);
}

/* ---- the client gives up ------------------------------------------------- */

static void
assert_lives_on(struct serve_scene *s, struct http_end *e)
{
	struct http_stream *next = serve_scene_ask(s, "/next");

	if (e == NULL)
		e = serve_scene_origin(s);
	talk_answer(e, talk_hear(e), 200, "hello");
	assert_int_equal(talk_status(&s->client, next), 200);
	assert_string_equal(talk_read(&s->client, next, ""), "hello");
	talk_close(&s->client, next, 0);
}

static void
test_reset_as_it_comes(void **state)
{
	struct serve_scene *s = *state;

	/* Both frames in one write: nobody has seen the request. */
	talk_close(&s->client, serve_scene_ask(s, "/x"), NGHTTP2_CANCEL);
	assert_lives_on(s, NULL);
	assert_int_equal(serve_scene_lines(s, "\"/x\"", NULL), 0);
	serve_scene_assert_no_more(s);
}

static void
test_reset_while_connecting(void **state)
{
	struct serve_scene *s = *state;
	struct http_stream *x = serve_scene_ask_host(s, "silent.test", "/x");

	serve_scene_until(s, "\"decision\"", "\"/x\"", 1);
	while (resolver_double_open(s->lab.services.resolver) == 0)
		loop_once(s->lab.loop);
	talk_close(&s->client, x, NGHTTP2_CANCEL);
	serve_scene_until(s, "\"outcome\"", "client_gone", 1);
	/* Nobody is left who wants to know the address. */
	assert_int_equal(resolver_double_open(s->lab.services.resolver), 0);
	assert_int_equal(s->lab.sandbox->connections, 1);
}

static void
test_reset_while_relaying(void **state)
{
	static const uint32_t codes[] = {NGHTTP2_CANCEL,
		NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_INTERNAL_ERROR};
	struct serve_scene *s = *state;
	struct http_end *e = NULL;

	for (unsigned i = 0; i < ARRAY_LEN(codes); i++) {
		struct http_stream *x = serve_scene_ask(s, "/x"), *there;

		if (e == NULL)
			e = serve_scene_origin(s);
		there = talk_hear(e);
		if (i > 0) { /* first before the answer, then within */
			talk_begin(e, there, 200);
			assert_int_equal(talk_status(&s->client, x), 200);
			talk_say(e, there, "half");
			talk_read(&s->client, x, "half");
		}
		talk_close(&s->client, x, codes[i]);
		/* For the reason that the client gave. */
		assert_int_equal(talk_wait_reset(e, there), codes[i]);
		talk_close(e, there, 0);
		serve_scene_until(s, "\"outcome\"", "client_gone", i + 1);
	}
	assert_lives_on(s, e);
}

/* ---- the origin gives up ------------------------------------------------- */

static void
test_the_origin_resets(void **state)
{
	struct serve_scene *s = *state;
	struct http_stream *x = serve_scene_ask(s, "/x");
	struct http_end *e = serve_scene_origin(s);

	talk_close(e, talk_hear(e), NGHTTP2_INTERNAL_ERROR);
	assert_int_equal(talk_status(&s->client, x), 502);
	assert_non_null(strstr(talk_read(&s->client, x, ""), "origin_gone"));
	serve_scene_until(s, "\"outcome\"", "origin_gone", 1);
	assert_lives_on(s, e);
}

static void
test_the_origin_resets_within_an_answer(void **state)
{
	struct serve_scene *s = *state;
	struct http_stream *x = serve_scene_ask(s, "/x"), *there;
	struct http_end *e = serve_scene_origin(s);

	there = talk_hear(e);
	talk_begin(e, there, 200);
	talk_say(e, there, "half");
	assert_int_equal(talk_status(&s->client, x), 200);
	talk_read(&s->client, x, "half");
	talk_close(e, there, NGHTTP2_ENHANCE_YOUR_CALM);
	/* Half an answer does not look whole. */
	assert_int_equal(
		talk_wait_reset(&s->client, x), NGHTTP2_ENHANCE_YOUR_CALM);
	serve_scene_until(s, "\"outcome\"", "origin_gone", 1);
	assert_int_equal(
		serve_scene_lines(s, "\"outcome\"", "\"bytes_down\":4"), 1);
	assert_lives_on(s, e);
}

/* It has not looked at the request: that is asked again, once. */
static void
test_the_origin_refuses(void **state)
{
	struct serve_scene *s = *state;
	struct http_stream *x = serve_scene_ask(s, "/x");
	struct http_end *e = serve_scene_origin(s);

	/* Once more, where it was refused, and no third time. */
	talk_close(e, talk_hear(e), NGHTTP2_REFUSED_STREAM);
	talk_close(e, talk_hear(e), NGHTTP2_REFUSED_STREAM);
	assert_int_equal(talk_status(&s->client, x), 502);
	serve_scene_assert_no_more(s);
	assert_int_equal(serve_scene_lines(s, "\"decision\"", "\"/x\""), 1);
}

/* ---- the law ------------------------------------------------------------- */

static void
test_each_stream_obeys(void **state)
{
	static const struct {
		const char *host, *method;
		int status, or_status;
		const char *error;
	} cases[] = {
		{"other.test", "GET", 403, 421, "authority"},
		{"silent.test", "GET", 403, 421, "authority"},
		{"a.test", "PUT", 403, 403, "policy_denied"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct serve_scene *s = *state;
		struct http_stream *first = serve_scene_ask(s, "/x"), *x;
		struct http_end *e = serve_scene_origin(s);
		struct http_stream *there = talk_hear(e);
		struct http_head h;
		char host[64];
		int status;

		snprintf(host, sizeof(host), "%s:%u", cases[i].host, s->port);
		h = talk_head(cases[i].method, host, "/y", NULL);
		x = talk_send(&s->client, &h);
		http_head_done(&h);
		status = talk_status(&s->client, x);
		assert_true(status == cases[i].status ||
			    status == cases[i].or_status);
		assert_non_null(
			strstr(talk_read(&s->client, x, ""), cases[i].error));
		assert_int_equal(
			serve_scene_lines(s, "\"/y\"", "\"denied\""), 1);
		/* What the others ask is not their fault. */
		talk_answer(e, there, 200, "hello");
		assert_int_equal(talk_status(&s->client, first), 200);
		assert_string_equal(talk_read(&s->client, first, ""), "hello");
		serve_scene_assert_no_more(s);
		tear_down(state);
		set_up(state);
	}
}

/* As many as there may be, and every one of them ends on record. */
static void
test_as_many_as_there_may_be(void **state)
{
	enum { MOST = 100 };
	struct serve_scene *s = *state;

	for (int i = 0; i < MOST; i++)
		(void)serve_scene_ask_host(s, "silent.test", "/x");
	serve_scene_until(s, "\"decision\"", "\"/x\"", MOST);
	assert_false(http_conn_can_request(s->client.http));
	http_end_close(&s->client);
	serve_scene_until(s, "\"outcome\"", "client_gone", MOST);
	serve_scene_until_over(s);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_several_at_once),
		TEST(test_a_slow_one_holds_nobody),
		TEST(test_reset_as_it_comes),
		TEST(test_reset_while_connecting),
		TEST(test_reset_while_relaying),
		TEST(test_the_origin_resets),
		TEST(test_the_origin_resets_within_an_answer),
		TEST(test_the_origin_refuses),
		TEST(test_each_stream_obeys),
		TEST(test_as_many_as_there_may_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
