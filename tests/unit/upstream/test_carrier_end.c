/*
 * Leases that end: at any moment, in any order, inside of what tells them
 * something; and whose connection is whose.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

#include "array.h"
#include "carrier_scene.h"
#include "loop_until.h"

enum { USERS = 3 };

static void
test_ended_while_connecting(void **state)
{
	struct scene *s = *state;
	struct http_end *e;

	for (int i = 0; i < USERS; i++)
		scene_lease_h2(s, i);
	scene_end(&s->users[1]);
	scene_assert_counts(s);
	assert_int_equal(scene_carriers(s), 1);
	e = scene_speak_h2(s);
	scene_until(&s->users[0], LEASE_READY);
	assert_int_equal(lease_state(s->users[2].lease), LEASE_READY);
	assert_int_equal(s->users[1].calls, 0);
	scene_end(&s->users[0]);
	scene_end(&s->users[2]);
	assert_int_equal(s->pool->idle, 1);
	/* Nobody is left who wants it: it is not connected to the end. */
	s->key.secure = true;
	for (int i = 0; i < USERS; i++)
		scene_lease_h2(s, i);
	for (int i = 0; i < USERS; i++)
		scene_end(&s->users[i]);
	assert_int_equal(scene_carriers(s), 1);
	scene_assert_counts(s);
	assert_null(http_conn_error(e->http));
}

/* ---- inside changed() ---------------------------------------------------- */

static void
end_myself(struct user *u)
{
	scene_end(u);
}

static void
end_all(struct user *u)
{
	struct scene *s = u->scene;

	for (int i = 0; i < USERS; i++)
		scene_end(&s->users[i]);
}

static void
end_the_others(struct user *u)
{
	struct scene *s = u->scene;

	for (int i = 0; i < USERS; i++) {
		if (&s->users[i] != u)
			scene_end(&s->users[i]);
	}
}

static void
end_the_next(struct user *u)
{
	struct scene *s = u->scene;

	scene_end(&s->users[(u - s->users + 1) % USERS]);
}

static void
take_another(struct user *u)
{
	struct scene *s = u->scene;
	int i = (int)(u - s->users);

	scene_end(u);
	u->then = NULL;
	scene_lease_h2(s, i);
}

static const struct {
	void (*then)(struct user *u);
	const char *reason;
} thens[] = {
	{end_myself, "each ends itself"},
	{end_all, "one ends all"},
	{end_the_others, "one ends the others"},
	{end_the_next, "each ends another"},
	{take_another, "each takes another"},
};

/* How the leases come to hear something. */

static void
become_ready(struct scene *s)
{
	(void)scene_speak_h2(s);
}

static void
fail_all(struct scene *s)
{
	http_end_say(scene_accept(s), "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
}

static void
turn_out_http1(struct scene *s)
{
	(void)scene_secure(s, TLS_ALPN_HTTP1);
}

static void
close_at_once(struct scene *s)
{
	http_end_close(scene_accept(s));
}

static void
break_the_rules(struct scene *s)
{
	struct http_end *e = scene_speak_h2(s);

	http_end_say(e, "nonsense, and more of it", 24);
}

static const struct {
	bool secure;
	void (*happen)(struct scene *s);
	const char *reason;
} events[] = {
	{false, become_ready, "ready"},
	{true, fail_all, "failed"},
	{true, turn_out_http1, "ready, with HTTP/1"},
	{false, close_at_once, "lost"},
	{true, close_at_once, "failed by an end"},
	{false, break_the_rules, "ready, then broken"},
};

static bool
somebody_was_told(void *arg)
{
	const struct scene *s = arg;

	for (int i = 0; i < USERS; i++) {
		if (s->users[i].calls > 0 && s->users[i].then != NULL)
			return true;
	}
	/* Whoever took another has begun anew. */
	return s->users[0].then == NULL;
}

static void
test_ended_when_told(void **state)
{
	struct scene *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(events) * ARRAY_LEN(thens); i++) {
		size_t e = i / ARRAY_LEN(thens), t = i % ARRAY_LEN(thens);

		print_message("%s: %s\n", events[e].reason, thens[t].reason);
		s->key.secure = events[e].secure;
		for (int u = 0; u < USERS; u++) {
			s->users[u].then = thens[t].then;
			scene_lease_h2(s, u);
		}
		events[e].happen(s);
		loop_until(s->upstream.loop, somebody_was_told, s,
			"somebody to be told");
		scene_assert_counts(s);
		loop_once(s->upstream.loop);
		for (int u = 0; u < USERS; u++) {
			s->users[u].then = NULL;
			scene_end(&s->users[u]);
		}
		scene_assert_counts(s);
		scene_tear_down(state);
		scene_set_up(state);
	}
}

/* The stream's last word comes to one who goes at that, and is alone. */
static void
test_ended_at_the_last_word(void **state)
{
	struct scene *s = *state;
	struct http_stream *stream;
	struct http_end *e;

	scene_lease_h2(s, 0);
	e = scene_speak_h2(s);
	scene_until(&s->users[0], LEASE_READY);
	assert_non_null(scene_ask(&s->users[0], "/"));
	stream = talk_hear(e);
	scene_until_heard(&s->users[0]);
	s->users[0].calls = 0;
	s->users[0].then = end_myself;
	talk_begin(e, stream, 200);
	http_end_goaway(e, 0, NGHTTP2_NO_ERROR);
	loop_until(s->upstream.loop, somebody_was_told, s, "the answer");
	assert_null(s->users[0].lease);
	http_end_wait_end(e);
	scene_assert_counts(s);
	assert_int_equal(scene_carriers(s), 0);
}

/* ---- credentials --------------------------------------------------------- */

static void
test_settled_by_the_first_who_knows(void **state)
{
	struct scene *s = *state;
	struct lease_want want = {.key = s->key, .wish = HTTP_2};
	const struct carrier *c;

	want.key.credentials = NULL;
	scene_lease(s, 0, &want);
	scene_lease(s, 1, &want);
	c = scene_carrier(&s->users[0]);
	assert_ptr_equal(scene_carrier(&s->users[1]), c);
	want.key.credentials = "x";
	scene_lease(s, 2, &want);
	assert_ptr_equal(scene_carrier(&s->users[2]), c);
	/* It is x's now. */
	want.key.credentials = "y";
	scene_lease(s, 3, &want);
	assert_ptr_not_equal(scene_carrier(&s->users[3]), c);
	want.key.credentials = NULL;
	scene_lease(s, 4, &want);
	assert_ptr_not_equal(scene_carrier(&s->users[4]), c);
	assert_false(carrier_bind(s->users[0].lease->carrier, "y"));
	assert_false(carrier_bind(s->users[0].lease->carrier, ""));
	assert_true(carrier_bind(s->users[0].lease->carrier, "x"));
	assert_true(carrier_bind(s->users[1].lease->carrier, "x"));
	assert_true(carrier_bind(s->users[4].lease->carrier, ""));
	want.key.credentials = "";
	scene_lease(s, 5, &want);
	assert_ptr_equal(
		scene_carrier(&s->users[5]), scene_carrier(&s->users[4]));
	(void)scene_speak_h2(s);
	scene_until(&s->users[0], LEASE_READY);
	assert_true(carrier_bind(s->users[2].lease->carrier, "x"));
	assert_false(carrier_bind(s->users[2].lease->carrier, "y"));
}

static bool no_memory;

char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);

char *
__wrap_strdup(const char *text)
{
	return no_memory ? NULL : __real_strdup(text);
}

static void
ignore(void *arg)
{
	(void)arg;
}

/* What cannot be settled is not shared: the next one might have others. */
static void
test_no_memory_to_settle(void **state)
{
	struct scene *s = *state;
	struct lease_want want = {.key = s->key, .wish = HTTP_2};

	want.key.credentials = NULL;
	scene_lease(s, 0, &want);
	want.key.credentials = "x";
	no_memory = true;
	assert_null(pool_lease(s->pool, &want, ignore, NULL));
	assert_false(carrier_bind(s->users[0].lease->carrier, "x"));
	no_memory = false;
	scene_assert_counts(s);
	want.key.credentials = "y";
	scene_lease(s, 1, &want);
	assert_ptr_equal(
		scene_carrier(&s->users[1]), scene_carrier(&s->users[0]));
	assert_false(carrier_bind(s->users[0].lease->carrier, "x"));
}

/* Who has not settled is spread as well, and what was settled goes along. */
static void
test_spread_keeps_credentials_apart(void **state)
{
	struct scene *s = *state;
	struct lease_want want = {.key = s->key, .wish = HTTP_2};

	want.key.secure = true;
	want.key.credentials = NULL;
	scene_lease(s, 0, &want);
	scene_lease(s, 1, &want);
	want.key.credentials = "x";
	scene_lease(s, 2, &want);
	assert_int_equal(scene_carriers(s), 1);
	for (int i = 0; i < USERS; i++)
		(void)scene_secure(s, TLS_ALPN_HTTP1);
	for (int i = 0; i < USERS; i++)
		scene_until(&s->users[i], LEASE_READY);
	assert_int_equal(scene_carriers(s), 3);
	/* The connection was settled with the third's. */
	assert_false(carrier_bind(s->users[0].lease->carrier, "y"));
	assert_true(carrier_bind(s->users[1].lease->carrier, "y"));
	assert_true(carrier_bind(s->users[2].lease->carrier, "x"));
	scene_assert_counts(s);
}

/* A credential is withdrawn while requests are on their way. */
static void
test_revoked_while_busy(void **state)
{
	struct scene *s = *state;
	struct http_stream *stream;
	const struct carrier *c;
	struct http_end *e;

	s->key.credentials = "other,key";
	scene_lease_h2(s, 0);
	scene_lease_h2(s, 1);
	e = scene_speak_h2(s);
	scene_until(&s->users[0], LEASE_READY);
	c = scene_carrier(&s->users[0]);
	assert_non_null(scene_ask(&s->users[0], "/"));
	stream = talk_hear(e);
	pool_revoke(s->pool, "key");
	scene_assert_counts(s);
	assert_true(c->retired);
	/* What is on its way is answered. */
	talk_answer(e, stream, 200, "hello");
	assert_int_equal(scene_status(&s->users[0]), 200);
	scene_lease_h2(s, 2);
	assert_ptr_not_equal(scene_carrier(&s->users[2]), c);
	scene_end(&s->users[1]);
	scene_end(&s->users[0]);
	http_end_wait_end(e);
	/* One that is not connected yet takes nobody else, either. */
	pool_revoke(s->pool, "other");
	scene_lease_h2(s, 3);
	assert_ptr_not_equal(
		scene_carrier(&s->users[3]), scene_carrier(&s->users[2]));
	scene_assert_counts(s);
}

/* ---- another protocol ---------------------------------------------------- */

static struct user *
lease_upgrade(struct scene *s, int i)
{
	struct lease_want want = {
		.key = s->key, .wish = HTTP_2, .upgrade = true};

	return scene_lease(s, i, &want);
}

/* RFC 8441: on a connection whose origin has said that it can. */
static void
test_an_upgrade_shares_where_it_can(void **state)
{
	static const struct {
		bool can;
		const char *reason;
	} cases[] = {
		{true, "it has said so"},
		{false, "it has said that it cannot"},
	};
	struct scene *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct carrier *c;
		struct http_end *e;
		struct user *u;

		print_message("%s\n", cases[i].reason);
		scene_lease_h2(s, 0);
		/* Nothing is known yet: it waits for nobody. */
		u = lease_upgrade(s, 1);
		c = scene_carrier(&s->users[0]);
		assert_ptr_not_equal(scene_carrier(u), c);
		scene_end(u);
		e = scene_accept(s);
		http_end_speak(e, HTTP_2);
		if (!cases[i].can)
			http_end_set(
				e, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 0);
		scene_until(&s->users[0], LEASE_READY);
		scene_until_heard(&s->users[0]);
		u = lease_upgrade(s, 1);
		if (cases[i].can) {
			assert_ptr_equal(scene_carrier(u), c);
		} else {
			assert_ptr_not_equal(scene_carrier(u), c);
			scene_until(u, LEASE_READY);
			assert_int_equal(
				http_conn_version(lease_http(u->lease)),
				HTTP_1);
		}
		for (int n = 0; n < 2; n++)
			s->users[n].lease->carrier->retired = true;
		scene_end(&s->users[0]);
		scene_end(u);
		scene_tear_down(state);
		scene_set_up(state);
	}
}

/* It speaks only HTTP/2: the upgrade waits for its word, and goes by it. */
static void
test_an_upgrade_waits_for_settings(void **state)
{
	struct scene *s = *state;

	s->key.secure = true;
	for (int can = 0; can < 2; can++) {
		struct lease_want want = {
			.key = s->key, .wish = HTTP_1, .upgrade = true};
		struct http_end *e;
		struct user *u = scene_lease(s, 0, &want);

		assert_false(http_end_is_ready(scene_secure(s, TLS_ALPN_H2)));
		e = scene_accept(s);
		e->cannot_upgrade = !can;
		scene_agree(s, e, TLS_ALPN_H2);
		scene_until(u, can ? LEASE_READY : LEASE_FAILED);
		assert_int_equal(s->end_count, 2);
		if (can)
			assert_true(
				http_conn_can_upgrade(lease_http(u->lease)));
		else
			assert_int_equal(
				lease_failure(u->lease), ORIGIN_UNREACHABLE);
		scene_end(u);
		scene_tear_down(state);
		scene_set_up(state);
		s->key.secure = true;
	}
}

int
main(void)
{
#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_ended_while_connecting),
		TEST(test_ended_when_told),
		TEST(test_ended_at_the_last_word),
		TEST(test_settled_by_the_first_who_knows),
		TEST(test_no_memory_to_settle),
		TEST(test_spread_keeps_credentials_apart),
		TEST(test_revoked_while_busy),
		TEST(test_an_upgrade_shares_where_it_can),
		TEST(test_an_upgrade_waits_for_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
