/*
 * Leases that share a connection: who may, for how long, and what each of them
 * hears when it ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

#include "array.h"
#include "carrier_scene.h"
#include "loop_until.h"

static void
test_several_share_what_is_being_connected(void **state)
{
	struct scene *s = *state;
	struct http_stream *streams[3];
	const struct carrier *c;
	struct http_end *e;

	for (int i = 0; i < 3; i++)
		scene_lease_h2(s, i);
	c = scene_carrier(&s->users[0]);
	assert_int_equal(scene_carriers(s), 1);
	e = scene_speak_h2(s);
	for (int i = 0; i < 3; i++) {
		scene_until(&s->users[i], LEASE_READY);
		assert_ptr_equal(scene_carrier(&s->users[i]), c);
		assert_true(s->users[i].calls > 0);
		assert_non_null(scene_ask(&s->users[i], "/"));
	}
	for (int i = 0; i < 3; i++)
		streams[i] = talk_hear(e);
	/* Answered in another order than asked. */
	for (int i = 2; i >= 0; i--) {
		talk_answer(e, streams[i], 200 + i, "hello");
		assert_int_equal(scene_status(&s->users[i]), 200 + i);
		scene_end(&s->users[i]);
		scene_assert_counts(s);
	}
	/* It is kept, and is the next one's. */
	scene_lease_h2(s, 0);
	assert_ptr_equal(scene_carrier(&s->users[0]), c);
	assert_int_equal(lease_state(s->users[0].lease), LEASE_READY);
}

/* Who is told: only those about whose streams something changed. */
static void
test_a_change_of_one_stream_is_not_all_users(void **state)
{
	struct scene *s = *state;
	struct http_stream *first;
	struct http_end *e;
	unsigned calls;

	for (int i = 0; i < 2; i++)
		scene_lease_h2(s, i);
	e = scene_speak_h2(s);
	for (int i = 0; i < 2; i++) {
		scene_until(&s->users[i], LEASE_READY);
		assert_non_null(scene_ask(&s->users[i], "/"));
	}
	first = talk_hear(e);
	(void)talk_hear(e);
	scene_until_heard(&s->users[0]);
	calls = s->users[1].calls;
	talk_answer(e, first, 200, "hello");
	assert_int_equal(scene_status(&s->users[0]), 200);
	assert_int_equal(s->users[1].calls, calls);
}

/* ALPN turns out HTTP/1.1, of which each needs one of its own. */
static void
test_spread_when_it_is_http1(void **state)
{
	struct scene *s = *state;
	struct http_end *ends[3];

	s->key.secure = true;
	for (int i = 0; i < 3; i++)
		scene_lease_h2(s, i);
	assert_int_equal(scene_carriers(s), 1);
	for (int i = 0; i < 3; i++)
		ends[i] = scene_secure(s, TLS_ALPN_HTTP1);
	for (int i = 0; i < 3; i++) {
		scene_until(&s->users[i], LEASE_READY);
		assert_true(http_end_is_ready(ends[i]));
		assert_int_equal(scene_carrier(&s->users[i])->lease_count, 1);
		assert_non_null(scene_ask(&s->users[i], "/"));
	}
	assert_int_equal(scene_carriers(s), 3);
	assert_int_equal(
		pool_spoken(s->pool, s->key.host, s->key.port), SPOKEN_1);
	for (int i = 0; i < 3; i++) {
		talk_answer(ends[i], talk_hear(ends[i]), 200, "hello");
		assert_true(lease_state(s->users[i].lease) == LEASE_READY);
	}
	/* It is known now: nobody waits for another's handshake. */
	for (int i = 3; i < 5; i++) {
		scene_lease_h2(s, i);
		assert_int_equal(scene_carrier(&s->users[i])->lease_count, 1);
	}
	scene_assert_counts(s);
}

static void
test_http2_is_remembered(void **state)
{
	struct scene *s = *state;

	s->key.secure = true;
	scene_lease_h2(s, 0);
	(void)scene_secure(s, TLS_ALPN_H2);
	scene_until(&s->users[0], LEASE_READY);
	assert_int_equal(
		http_conn_version(lease_http(s->users[0].lease)), HTTP_2);
	assert_int_equal(
		pool_spoken(s->pool, s->key.host, s->key.port), SPOKEN_2);
}

/* HTTP/1.1 was all that the client spoke, and the origin has only HTTP/2. */
static void
test_the_other_is_offered_once_refused(void **state)
{
	struct scene *s = *state;
	struct lease_want want = {.wish = HTTP_1};
	struct http_end *refuser, *e;
	struct user *u;

	s->key.secure = true;
	want.key = s->key;
	u = scene_lease(s, 0, &want);
	refuser = scene_secure(s, TLS_ALPN_H2);
	assert_false(http_end_is_ready(refuser));
	e = scene_secure(s, TLS_ALPN_H2);
	scene_until(u, LEASE_READY);
	assert_true(http_end_is_ready(e));
	assert_int_equal(http_conn_version(lease_http(u->lease)), HTTP_2);
	assert_int_equal(
		pool_spoken(s->pool, s->key.host, s->key.port), SPOKEN_ONLY_2);
	assert_non_null(scene_ask(u, "/"));
	talk_answer(e, talk_hear(e), 200, "hello");
	assert_int_equal(scene_status(u), 200);
	/* The next one shares it, though it wishes HTTP/1. */
	scene_until_heard(u);
	scene_end(u);
	u = scene_lease(s, 1, &want);
	assert_int_equal(lease_state(u->lease), LEASE_READY);
	assert_int_equal(scene_carriers(s), 1);
	assert_int_equal(s->end_count, 2);
}

/* What was offered both and refused has failed: there is no other. */
static void
test_both_refused(void **state)
{
	struct scene *s = *state;
	struct user *u;

	s->key.secure = true;
	for (int i = 0; i < 3; i++)
		scene_lease_h2(s, i);
	u = &s->users[0];
	/* The handshake breaks: no TLS at all. */
	http_end_say(scene_accept(s), "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
	for (int i = 0; i < 3; i++) {
		scene_until(&s->users[i], LEASE_FAILED);
		assert_true(s->users[i].calls > 0);
		assert_non_null(lease_why(s->users[i].lease));
		assert_non_null(lease_address(s->users[i].lease));
	}
	assert_int_equal(lease_failure(u->lease), ORIGIN_UNTRUSTED);
	/* A later one is not tied to it. */
	scene_lease_h2(s, 3);
	assert_int_equal(lease_state(s->users[3].lease), LEASE_WAITS);
	for (int i = 0; i < 3; i++) {
		scene_end(&s->users[i]);
		scene_assert_counts(s);
	}
}

/* As many streams as the origin takes at a time; others go elsewhere. */
static void
test_no_more_streams_than_it_takes(void **state)
{
	struct scene *s = *state;
	const struct carrier *c;
	struct http_end *e;

	scene_lease_h2(s, 0);
	e = scene_accept(s);
	http_end_speak(e, HTTP_2);
	http_end_set(e, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1);
	scene_until(&s->users[0], LEASE_READY);
	c = scene_carrier(&s->users[0]);
	assert_non_null(scene_ask(&s->users[0], "/first"));
	scene_until_heard(&s->users[0]);
	scene_lease_h2(s, 1);
	assert_ptr_not_equal(scene_carrier(&s->users[1]), c);
	talk_answer(e, talk_hear(e), 200, "hello");
	assert_int_equal(scene_status(&s->users[0]), 200);
	scene_end(&s->users[1]);
	scene_end(&s->users[0]); /* the last used is the next used */
	scene_lease_h2(s, 2);
	assert_ptr_equal(scene_carrier(&s->users[2]), c);
	assert_non_null(scene_ask(&s->users[2], "/second"));
	assert_true(talk_is_path(talk_hear(e), "/second"));
}

/* ---- the end of a connection --------------------------------------------- */

/* Two leases with a stream each, heard by the origin. */
static struct http_end *
two_streams(struct scene *s, struct http_stream *streams[2])
{
	struct http_end *e;

	scene_lease_h2(s, 0);
	scene_lease_h2(s, 1);
	e = scene_speak_h2(s);
	for (int i = 0; i < 2; i++) {
		scene_until(&s->users[i], LEASE_READY);
		assert_non_null(scene_ask(&s->users[i], i == 0 ? "/0" : "/1"));
		streams[i] = talk_hear(e);
	}
	scene_until_heard(&s->users[0]);
	return e;
}

static bool
is_retired(void *arg)
{
	const struct carrier *c = arg;

	return c->retired;
}

static void
until_retired(struct scene *s, const struct carrier *c)
{
	loop_until(s->upstream.loop, is_retired, (void *)(uintptr_t)c,
		"a connection that takes no more");
}

/* RFC 9113 6.8: what it has taken it answers. */
static void
test_goaway_lets_streams_finish(void **state)
{
	struct scene *s = *state;
	struct http_stream *streams[2];
	struct http_end *e = two_streams(s, streams);
	const struct carrier *c = scene_carrier(&s->users[0]);

	http_conn_set_close(e->http);
	http_end_push(e);
	until_retired(s, c);
	scene_lease_h2(s, 2);
	assert_ptr_not_equal(scene_carrier(&s->users[2]), c);
	for (int i = 0; i < 2; i++) {
		talk_answer(e, streams[i], 200, "hello");
		assert_int_equal(scene_status(&s->users[i]), 200);
		scene_end(&s->users[i]);
		scene_assert_counts(s);
	}
	http_end_wait_end(e);
}

/* … and what it has not, may be asked again. */
static void
test_goaway_that_leaves_one_out(void **state)
{
	struct scene *s = *state;
	struct http_stream *streams[2];
	struct http_end *e = two_streams(s, streams);

	http_end_goaway(e, 1, NGHTTP2_NO_ERROR);
	assert_int_equal(scene_status(&s->users[1]), 0);
	assert_int_equal(http_stream_reset(s->users[1].lease->stream, NULL),
		HTTP_RESET_UNTOUCHED);
	talk_answer(e, streams[0], 200, "hello");
	assert_int_equal(scene_status(&s->users[0]), 200);
	scene_end(&s->users[1]);
	scene_end(&s->users[0]);
	http_end_wait_end(e);
}

static void
lose_all(struct http_end *e)
{
	http_end_close(e);
}

static void
reset_all(struct http_end *e)
{
	stream_set_reset(&e->stream);
	http_end_close(e);
}

static void
talk_nonsense(struct http_end *e)
{
	http_end_say(e, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
}

static bool
all_are_told(void *arg)
{
	struct scene *s = arg;

	for (int i = 0; i < 3; i++) {
		if (s->users[i].calls == 0)
			return false;
	}
	return true;
}

static void
test_each_is_told_that_it_is_lost(void **state)
{
	static const struct {
		void (*lose)(struct http_end *e);
		bool over; /* or else an error of HTTP's */
		const char *reason;
	} cases[] = {
		{lose_all, true, "it closes"},
		{reset_all, true, "it is reset"},
		{talk_nonsense, false, "it breaks the rules"},
	};
	struct scene *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_stream *streams[2];
		struct http_end *e = two_streams(s, streams);
		const struct carrier *c = scene_carrier(&s->users[0]);

		print_message("%s\n", cases[i].reason);
		scene_lease_h2(s, 2); /* and has not asked yet */
		assert_ptr_equal(scene_carrier(&s->users[2]), c);
		for (int u = 0; u < 3; u++)
			s->users[u].calls = 0;
		cases[i].lose(e);
		loop_until(s->upstream.loop, all_are_told, s,
			"everybody to be told");
		assert_true(c->retired);
		for (int u = 0; u < 3; u++) {
			struct user *user = &s->users[u];

			if (cases[i].over)
				assert_true(lease_is_over(user->lease));
			else
				assert_non_null(http_conn_error(
					lease_http(user->lease)));
		}
		for (int u = 0; u < 3; u++) {
			scene_end(&s->users[(u + (int)i) % 3]);
			scene_assert_counts(s);
		}
		assert_int_equal(scene_carriers(s), 0);
	}
}

/* ---- idle ---------------------------------------------------------------- */

struct growth {
	struct http_end *end;
	uint64_t from;
};

static bool
has_grown(void *arg)
{
	const struct growth *g = arg;

	return g->end->stream.bytes_in > g->from;
}

static void
until_answered(struct scene *s, struct http_end *e, uint64_t from)
{
	struct growth g = {e, from};

	loop_until(s->upstream.loop, has_grown, &g, "an answer to a frame");
}

static void
test_idle_answers_and_stays(void **state)
{
	static const uint8_t ping[17] = {0, 0, 8, NGHTTP2_PING, 0, 0, 0, 0, 0};
	struct scene *s = *state;
	struct http_stream *streams[2];
	struct http_end *e = two_streams(s, streams);
	const struct carrier *c = scene_carrier(&s->users[0]);
	uint64_t before;

	for (int i = 0; i < 2; i++) {
		talk_answer(e, streams[i], 200, "hello");
		assert_int_equal(scene_status(&s->users[i]), 200);
		scene_end(&s->users[i]);
	}
	assert_int_equal(s->pool->idle, 1);
	for (int i = 0; i < 3; i++) {
		before = e->stream.bytes_in;
		http_end_say(e, ping, sizeof(ping));
		until_answered(s, e, before);
		assert_int_equal(s->pool->idle, 1);
	}
	scene_lease_h2(s, 0);
	assert_ptr_equal(scene_carrier(&s->users[0]), c);
	assert_non_null(scene_ask(&s->users[0], "/again"));
	assert_true(talk_is_path(talk_hear(e), "/again"));
}

static void
test_idle_that_ends(void **state)
{
	static const uint8_t bad[] = {0, 0, 1, NGHTTP2_PING, 0, 0, 0, 0, 0, 0};
	struct scene *s = *state;

	for (int i = 0; i < 3; i++) {
		struct http_stream *streams[2];
		struct http_end *e = two_streams(s, streams);

		for (int u = 0; u < 2; u++) {
			talk_answer(e, streams[u], 200, "hello");
			assert_int_equal(scene_status(&s->users[u]), 200);
			scene_end(&s->users[u]);
		}
		if (i == 0)
			http_end_goaway(e, 3, NGHTTP2_NO_ERROR);
		else if (i == 1)
			http_end_say(e, bad, sizeof(bad));
		else
			http_end_close(e);
		if (i != 2)
			http_end_wait_end(e);
		else
			loop_once(s->upstream.loop);
		scene_lease_h2(s, 0);
		assert_int_equal(lease_state(s->users[0].lease), LEASE_WAITS);
		scene_end(&s->users[0]);
		assert_int_equal(scene_carriers(s), 0);
		scene_accept(s); /* the one that was given up */
	}
}

/* What the user gave up is told to the origin, whoever is left. */
static void
test_a_lease_that_ends_resets_its_stream(void **state)
{
	struct scene *s = *state;
	struct http_stream *streams[2];
	struct http_end *e = two_streams(s, streams);

	http_stream_set_reset(
		s->users[0].lease->stream, NGHTTP2_ENHANCE_YOUR_CALM);
	scene_end(&s->users[0]);
	assert_int_equal(
		talk_wait_reset(e, streams[0]), NGHTTP2_ENHANCE_YOUR_CALM);
	talk_close(e, streams[0], 0);
	scene_end(&s->users[1]); /* the last: the connection is idle */
	assert_int_equal(talk_wait_reset(e, streams[1]), NGHTTP2_CANCEL);
	assert_int_equal(s->pool->idle, 1);
}

int
main(void)
{
#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_several_share_what_is_being_connected),
		TEST(test_a_change_of_one_stream_is_not_all_users),
		TEST(test_spread_when_it_is_http1),
		TEST(test_http2_is_remembered),
		TEST(test_the_other_is_offered_once_refused),
		TEST(test_both_refused),
		TEST(test_no_more_streams_than_it_takes),
		TEST(test_goaway_lets_streams_finish),
		TEST(test_goaway_that_leaves_one_out),
		TEST(test_each_is_told_that_it_is_lost),
		TEST(test_idle_answers_and_stays),
		TEST(test_idle_that_ends),
		TEST(test_a_lease_that_ends_resets_its_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
