/*
 * A WebSocket between two ends, each over either HTTP: what each says and when
 * it stops, and what is put on record about it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

#include "array.h"
#include "compiled.h"
#include "loop_until.h"
#include "policy.h"
#include "sandbox.h"
#include "serve_scene.h"
#include "session.h"
#include "websocket.h"

static const struct leg {
	bool secure;
	enum tls_offer offer; /* the client's */
	enum http_version down, up;
	const char *name;
} legs[] = {
	{false, TLS_OFFER_HTTP1, HTTP_1, HTTP_1, "1 to 1, without TLS"},
	{true, TLS_OFFER_HTTP1, HTTP_1, HTTP_1, "1 to 1"},
	{true, TLS_OFFER_H2, HTTP_2, HTTP_1, "2 to 1"},
	{true, TLS_OFFER_H2_HTTP1, HTTP_2, HTTP_2, "2 to 2"},
	{true, TLS_OFFER_HTTP1, HTTP_1, HTTP_2, "1 to 2"},
};

struct talk {
	struct serve_scene s;
	struct http_end *origin;
	struct http_stream *here, *there;
	unsigned before; /* requests */
};

/* The origin's end; one that speaks only HTTP/2 is asked again for it. */
static struct http_end *
accept_origin(struct serve_scene *s, const struct leg *leg)
{
	struct http_end *e;

	if (!leg->secure) {
		e = serve_scene_origin_plain(s, HTTP_1);
		return e;
	}
	if (leg->up == HTTP_1)
		return serve_scene_origin_tls(s, TLS_ALPN_HTTP1);
	e = serve_scene_origin_tls(s, TLS_ALPN_H2);
	return http_end_is_ready(e) ? e
				    : serve_scene_origin_tls(s, TLS_ALPN_H2);
}

static struct http_stream *
ask_to_upgrade(struct serve_scene *s)
{
	struct http_head h = talk_head("GET", s->authority, "/chat",
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n"
		"Sec-WebSocket-Version: 13\n");
	struct http_stream *x;

	assert_int_equal(
		http_head_set_protocol(&h, SPAN_LITERAL("websocket")), 0);
	if (http_conn_version(s->client.http) == HTTP_2)
		h.framing = HTTP_TUNNEL;
	x = talk_send(&s->client, &h);
	http_head_done(&h);
	return x;
}

static void
answer_switching(struct http_end *e, struct http_stream *there)
{
	const struct http_head *request = http_stream_head(there);
	struct http_head h;

	assert_true(span_equals(
		http_head_protocol(request), SPAN_LITERAL("websocket")));
	http_head_init(&h);
	h.status = 101;
	assert_int_equal(
		http_head_set_protocol(&h, SPAN_LITERAL("websocket")), 0);
	assert_int_equal(
		websocket_answer(request, http_conn_version(e->http), &h), 0);
	h.framing = HTTP_TUNNEL;
	assert_int_equal(http_stream_send_head(there, &h), 0);
	http_head_done(&h);
	http_end_push(e);
}

/* Before its SETTINGS have come, the origin's HTTP/2 cannot be used for it. */
static void
ask_before(struct talk *t)
{
	struct http_stream *x = serve_scene_ask(&t->s, "/before");

	talk_answer(t->origin, talk_hear(t->origin), 200, "hello");
	assert_int_equal(talk_status(&t->s.client, x), 200);
	assert_string_equal(talk_read(&t->s.client, x, ""), "hello");
	talk_close(&t->s.client, x, 0);
	serve_scene_until(&t->s, "\"outcome\"", "\"request\"", 1);
	t->before = 1;
}

static void
open_talk(struct talk *t, const struct leg *leg)
{
	struct serve_scene *s = &t->s;

	print_message("%s\n", leg->name);
	serve_scene_open(s);
	s->lab.services.limits.idle_seconds = 1000; /* nothing ends by time */
	t->before = 0;
	if (leg->secure)
		serve_scene_begin_tls(s, "a.test", leg->offer);
	else
		serve_scene_dial(s, HTTP_1);
	/* Who offers HTTP/2 is answered when the origin is known. */
	if (leg->offer != TLS_OFFER_HTTP1)
		t->origin = accept_origin(s, leg);
	assert_true(http_end_is_ready(&s->client));
	assert_int_equal(http_conn_version(s->client.http), leg->down);
	if (leg->down == HTTP_2) /* it must have said that it can */
		while (!http_conn_can_upgrade(s->client.http))
			loop_once(s->lab.loop);
	if (leg->down == HTTP_2 && leg->up == HTTP_2)
		ask_before(t);
	t->here = ask_to_upgrade(s);
	if (leg->offer == TLS_OFFER_HTTP1)
		t->origin = accept_origin(s, leg);
	assert_true(http_end_is_ready(t->origin));
	assert_int_equal(http_conn_version(t->origin->http), leg->up);
	t->there = talk_hear(t->origin);
	answer_switching(t->origin, t->there);
	assert_int_equal(talk_status(&s->client, t->here), 101);
	talk_say(&s->client, t->here, "ping");
	talk_read(t->origin, t->there, "ping");
	talk_say(t->origin, t->there, "pong!");
	talk_read(&s->client, t->here, "pong!");
}

static void
assert_outcome(
	struct talk *t, const char *reason, const char *up, const char *down)
{
	serve_scene_until(&t->s, "\"outcome\"", "\"request\"", t->before + 1);
	assert_true(serve_scene_lines(&t->s, "\"request\"", reason) > 0);
	assert_int_equal(serve_scene_lines(&t->s, "\"request\"", up), 1);
	assert_int_equal(serve_scene_lines(&t->s, "\"request\"", down), 1);
	assert_int_equal(
		serve_scene_lines(&t->s, "\"request\"", "\"status\":101"), 1);
}

/* The client has said all, and hears on. */
static void
test_the_client_ends_first(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(legs); i++) {
		static struct talk t;

		open_talk(&t, &legs[i]);
		talk_say(&t.s.client, t.here, "bye");
		talk_end(&t.s.client, t.here);
		assert_string_equal(talk_read(t.origin, t.there, ""), "bye");
		talk_say(t.origin, t.there, "late");
		talk_read(&t.s.client, t.here, "late");
		talk_end(t.origin, t.there);
		assert_string_equal(talk_read(&t.s.client, t.here, ""), "");
		assert_outcome(&t, "\"complete\"", "\"bytes_up\":7",
			"\"bytes_down\":9");
		serve_scene_close(&t.s);
	}
}

static void
test_the_origin_ends_first(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(legs); i++) {
		static struct talk t;

		open_talk(&t, &legs[i]);
		talk_say(t.origin, t.there, "bye");
		talk_end(t.origin, t.there);
		assert_string_equal(talk_read(&t.s.client, t.here, ""), "bye");
		assert_outcome(&t, "\"complete\"", "\"bytes_up\":4",
			"\"bytes_down\":8");
		serve_scene_close(&t.s);
	}
}

static void
finish_origin(struct talk *t)
{
	assert_string_equal(talk_read(t->origin, t->there, ""), "");
	talk_end(t->origin, t->there);
}

/* One end is lost: the other does not wait for it. */
static void
test_an_end_is_lost(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(legs); i++) {
		const struct leg *leg = &legs[i / 2];
		static struct talk t;

		open_talk(&t, leg);
		stream_set_reset(&t.s.client.stream);
		stream_set_reset(&t.origin->stream);
		http_end_close(i % 2 == 0 ? &t.s.client : t.origin);
		/* Without TLS it looks like one that has said all. */
		if (i % 2 == 0 && !leg->secure)
			finish_origin(&t);
		serve_scene_until(
			&t.s, "\"outcome\"", "\"request\"", t.before + 1);
		if (i % 2 == 1)
			http_end_close(&t.s.client);
		serve_scene_until_over(&t.s);
		serve_scene_close(&t.s);
	}
}

/* Tightened policy ends what it forbids, and that only. */
static void
test_policy_changes(void **state)
{
	static const char text[] =
		"version: 1\n"
		"policies: {p: {allow: [{host: a.test, port: %u, path: "
		"/other}]}}\n";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(legs); i++) {
		char now[sizeof(text) + 8];
		struct policy *policy, *old;
		struct http_stream *other = NULL, *there = NULL, *gone = NULL;
		static struct talk t;

		open_talk(&t, &legs[i]);
		session_recheck_all(t.s.lab.sandbox);
		loop_once(t.s.lab.loop);
		assert_int_equal(
			serve_scene_lines(&t.s, "\"revoked\"", NULL), 0);
		if (legs[i].down == HTTP_2 && legs[i].up == HTTP_2) {
			other = serve_scene_ask(&t.s, "/other");
			there = talk_hear(t.origin);
			gone = serve_scene_ask(&t.s, "/gone");
			(void)talk_hear(t.origin);
		}
		snprintf(now, sizeof(now), text, t.s.port);
		policy = compiled(now);
		old = t.s.lab.policy;
		t.s.lab.policy = policy;
		sandbox_set_policy(t.s.lab.sandbox, policy);
		policy_unref(old);
		session_recheck_all(t.s.lab.sandbox);
		serve_scene_until(&t.s, "\"outcome\"", "\"revoked\"",
			gone != NULL ? 2 : 1);
		/* Half a talk must not look like a whole one. */
		if (legs[i].down == HTTP_2)
			(void)talk_wait_reset(&t.s.client, t.here);
		else
			http_end_wait_end(&t.s.client);
		if (gone != NULL)
			assert_int_equal(talk_status(&t.s.client, gone), 403);
		if (other != NULL) {
			talk_answer(t.origin, there, 200, "hello");
			assert_int_equal(talk_status(&t.s.client, other), 200);
		}
		serve_scene_close(&t.s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_client_ends_first),
		cmocka_unit_test(test_the_origin_ends_first),
		cmocka_unit_test(test_an_end_is_lost),
		cmocka_unit_test(test_policy_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
