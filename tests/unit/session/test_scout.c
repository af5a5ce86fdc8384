/*
 * A connection to the origin before the client's handshake is answered: on
 * record first, its outcome whatever becomes of it, and what it taught.
 *
 * Each connect() is looked at: at that moment a decision must be on record.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "array.h"
#include "daybook.h"
#include "loop_until.h"
#include "sandbox.h"
#include "serve_scene.h"
#include "writer.h"

static struct serve_scene *watched;
static unsigned connects;

int __real_connect(int fd, const struct sockaddr *to, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len);

int
__wrap_connect(int fd, const struct sockaddr *to, socklen_t len)
{
	connects++;
	assert_true(serve_scene_lines(watched, "\"event\":\"decision\"",
			    "\"verdict\":\"allowed\"") > 0);
	return __real_connect(fd, to, len);
}

static int
set_up(void **state)
{
	static struct serve_scene s;

	serve_scene_open(&s);
	watched = &s;
	connects = 0;
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
begin(struct serve_scene *s)
{
	serve_scene_begin_tls(s, "a.test", TLS_OFFER_H2_HTTP1);
}

/* Asks and is answered, on that connection. */
static void
exchange(struct serve_scene *s, struct http_end *e)
{
	struct http_stream *x = serve_scene_ask(s, "/x");

	talk_answer(e, talk_hear(e), 200, "hello");
	assert_int_equal(talk_status(&s->client, x), 200);
	assert_string_equal(talk_read(&s->client, x, ""), "hello");
	talk_close(&s->client, x, 0);
}

static void
test_both_legs_speak_the_same(void **state)
{
	static const struct {
		enum tls_alpn origin;
		enum http_version version;
		const char *alpn;
	} cases[] = {
		{TLS_ALPN_H2, HTTP_2, "\"alpn\":\"h2\""},
		{TLS_ALPN_HTTP1, HTTP_1, "\"alpn\":\"http/1.1\""},
		{TLS_ALPN_NONE, HTTP_1, "\"alpn\":\"http/1.1\""},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct serve_scene *s = *state;
		struct http_end *e;

		begin(s);
		e = serve_scene_origin_tls(s, cases[i].origin);
		/* It waits until it is known. */
		assert_null(s->client.http);
		assert_true(http_end_is_ready(&s->client));
		assert_int_equal(
			http_conn_version(s->client.http), cases[i].version);
		serve_scene_until(
			s, "\"kind\":\"connect\"", "\"event\":\"outcome\"", 1);
		assert_int_equal(serve_scene_lines(s, "\"kind\":\"connect\"",
					 cases[i].alpn),
			1);
		assert_int_equal(serve_scene_lines(s, "\"kind\":\"connect\"",
					 "\"complete\""),
			1);
		exchange(s, e);
		assert_int_equal(connects, 1);
		/* The next handshake knows. */
		begin(s);
		assert_true(http_end_is_ready(&s->client));
		assert_int_equal(
			http_conn_version(s->client.http), cases[i].version);
		assert_int_equal(connects, 1);
		assert_int_equal(
			serve_scene_lines(s, "\"kind\":\"connect\"", NULL), 2);
		exchange(s, e);
		assert_int_equal(connects, 1);
		tear_down(state);
		set_up(state);
	}
}

/* There is nothing to find out. */
static void
test_a_client_without_http2(void **state)
{
	struct serve_scene *s = *state;

	serve_scene_dial_tls(s, "a.test", TLS_OFFER_HTTP1);
	assert_int_equal(connects, 0);
	assert_int_equal(serve_scene_lines(s, "\"kind\":\"connect\"", NULL), 0);
	serve_scene_dial_tls(s, "other.test", TLS_OFFER_H2_HTTP1);
	assert_int_equal(connects, 0);
}

/* ---- it fails ------------------------------------------------------------ */

static void
talk_nonsense(struct serve_scene *s)
{
	s->count++;
	http_end_open(&s->origins[0], s->lab.services.turn, s->lab.loop,
		session_lab_accept(&s->lab, s->listener), true);
	http_end_say(&s->origins[0], "HTTP/1.1 400 What?\r\n\r\n", 22);
}

static void
show_another_name(struct serve_scene *s)
{
	s->count++;
	http_end_open(&s->origins[0], s->lab.services.turn, s->lab.loop,
		session_lab_accept(&s->lab, s->listener), true);
	http_end_accept(
		&s->origins[0], s->accept, s->lab.ca, "b.test", TLS_ALPN_H2);
}

static void
be_silent(struct serve_scene *s)
{
	s->count++;
	http_end_open(&s->origins[0], s->lab.services.turn, s->lab.loop,
		session_lab_accept(&s->lab, s->listener), true);
}

static void
be_dead(struct serve_scene *s)
{
	(void)s;
}

/* The client is told in answer to its first request, and nobody dials twice. */
static void
test_what_failed_is_told(void **state)
{
	static const struct {
		void (*origin)(struct serve_scene *s);
		const char *host, *reason;
		int status;
	} cases[] = {
		{talk_nonsense, "a.test", "\"upstream_tls\"", 502},
		{show_another_name, "a.test", "\"upstream_tls\"", 502},
		{be_silent, "a.test", "\"timeout\"", 504},
		{be_dead, "dead.test", "\"connect_failed\"", 502},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct serve_scene *s = *state;
		struct http_stream *x;

		print_message("%s\n", cases[i].reason);
		s->lab.services.upstream.handshake_seconds =
			cases[i].origin == be_silent ? 0.05 : 1000;
		serve_scene_begin_tls(s, cases[i].host, TLS_OFFER_H2_HTTP1);
		cases[i].origin(s);
		assert_true(http_end_is_ready(&s->client));
		serve_scene_until(
			s, "\"kind\":\"connect\"", "\"event\":\"outcome\"", 1);
		x = serve_scene_ask_host(s, cases[i].host, "/x");
		assert_int_equal(talk_status(&s->client, x), cases[i].status);
		serve_scene_until(
			s, "\"event\":\"outcome\"", cases[i].reason, 2);
		assert_int_equal(connects, 1);
		serve_scene_assert_no_more(s);
		tear_down(state);
		set_up(state);
	}
}

static void
test_the_client_is_gone_by_then(void **state)
{
	struct serve_scene *s = *state;

	s->lab.services.limits.idle_seconds = 1000; /* not by time */
	s->lab.services.upstream.handshake_seconds = 1000;
	begin(s);
	be_silent(s);
	http_end_close(&s->client);
	serve_scene_until(s, "\"kind\":\"connect\"", "client_gone", 1);
	serve_scene_until_over(s);
	http_end_wait_end(&s->origins[0]);
	assert_int_equal(
		serve_scene_lines(s, "\"event\":\"outcome\"", NULL), 1);
	assert_int_equal(serve_scene_lines(s, NULL, NULL), 2);
}

/* What cannot be put on record does not leave the host. */
static void
test_without_a_record_nothing_is_dialled(void **state)
{
	struct serve_scene *s = *state;
	struct http_stream *x;

	writer_reopen(daybook_writer(s->lab.services.daybook),
		open("/dev/full", O_WRONLY | O_CLOEXEC));
	begin(s);
	assert_true(http_end_is_ready(&s->client));
	x = serve_scene_ask(s, "/x");
	assert_int_equal(talk_status(&s->client, x), 503);
	assert_non_null(strstr(talk_read(&s->client, x, ""), "log_full"));
	assert_int_equal(connects, 0);
	assert_int_equal(resolver_double_asked(s->lab.services.resolver), 0);
	serve_scene_assert_no_more(s);
}

/* A client may connect ahead, and ask when the origin has closed again. */
static void
test_the_connection_is_stale_by_then(void **state)
{
	static const enum tls_alpn protocols[] = {TLS_ALPN_H2, TLS_ALPN_HTTP1};
	static const char *const methods[] = {"GET", "POST"};

	for (size_t i = 0; i < 4; i++) {
		struct serve_scene *s = *state;
		struct http_stream *x, *there;
		struct http_head h;
		struct http_end *e;

		print_message("%s, HTTP/%zu\n", methods[i / 2], 2 - i % 2);
		begin(s);
		e = serve_scene_origin_tls(s, protocols[i % 2]);
		assert_true(http_end_is_ready(&s->client));
		assert_true(http_end_is_ready(e));
		http_end_close(e);
		/* Turns that do not tell anybody, for nobody asks. */
		for (int n = 0; n < 10; n++)
			loop_once(s->lab.loop);
		h = talk_head(methods[i / 2], s->authority, "/x", NULL);
		x = talk_send(&s->client, &h);
		http_head_done(&h);
		e = serve_scene_origin_tls(s, protocols[i % 2]);
		assert_true(http_end_is_ready(e));
		there = talk_hear(e);
		talk_answer(e, there, 200, "hello");
		assert_int_equal(talk_status(&s->client, x), 200);
		assert_int_equal(connects, 2);
		tear_down(state);
		set_up(state);
	}
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_both_legs_speak_the_same),
		TEST(test_a_client_without_http2),
		TEST(test_what_failed_is_told),
		TEST(test_the_client_is_gone_by_then),
		TEST(test_without_a_record_nothing_is_dialled),
		TEST(test_the_connection_is_stale_by_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
