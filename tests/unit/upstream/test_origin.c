/*
 * One connection to an origin, until it is ready or has failed; and that its
 * owner may close it from inside changed(), whatever that has to say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <ev.h>

#include "array.h"
#include "buf.h"
#include "ca.h"
#include "context.h"
#include "guard.h"
#include "loop_until.h"
#include "loopback.h"
#include "origin.h"
#include "resolver_double.h"
#include "resume.h"
#include "stream.h"
#include "tls.h"
#include "turn.h"

static const struct resolver_row rows[] = {
	{.host = "a.test", AF_INET, {"127.0.0.1"}},
	{.host = "a.test", AF_INET6, {NULL}},
	{.host = "inside.test", AF_INET, {"10.0.0.1"}},
	{.host = "inside.test", AF_INET6, {NULL}},
	{.host = "silent.test", AF_INET, {"127.0.0.1"}, .after = -1},
	{.host = "silent.test", AF_INET6, {NULL}, .after = -1},
	{.host = NULL},
};

struct scene {
	struct upstream upstream;
	struct guard *guard;
	struct resume *resume;
	struct ca *ca; /* of the origin, and trusted */
	SSL_CTX *accept;
	struct origin *origin;
	bool changed, close_when_changed, fill_when_changed;
	int calls, listener, peer;
	struct tls *server; /* the origin's end */
	struct buf held;
};

static int
set_up(void **state)
{
	static struct scene s;
	struct ev_loop *loop = ev_loop_new(0);
	uint8_t ticket[32];
	char why[256];

	memset(&s, 0, sizeof(s));
	s.peer = -1;
	s.guard = guard_new();
	assert_int_equal(guard_allow(s.guard, "127.0.0.0/8"), 0);
	assert_int_equal(ca_new("o", time(NULL), &s.ca, why, sizeof(why)), 0);
	ca_ticket_secret(s.ca, ticket);
	s.accept = context_accept(ticket, "o");
	s.upstream = (struct upstream){
		.loop = loop,
		.turn = turn_new(loop),
		.dialler = {loop, resolver_double_new(loop, rows), s.guard, 10,
			NULL},
		.handshake_seconds = 10,
		.idle_seconds = 10,
	};
	assert_int_equal(context_connect(span_of(ca_pem(s.ca)),
				 &s.upstream.context, why, sizeof(why)),
		0);
	upstream_init(&s.upstream);
	s.resume = resume_new();
	s.listener = loopback_listen("127.0.0.1", 0, 8);
	buf_init(&s.held, 16);
	*state = &s;
	return 0;
}

static int
tear_down(void **state)
{
	struct scene *s = *state;

	origin_close(s->origin);
	tls_free(s->server);
	if (s->peer >= 0)
		close(s->peer);
	close(s->listener);
	turn_free(s->upstream.turn);
	assert_int_equal(resolver_double_open(s->upstream.dialler.resolver), 0);
	resolver_free(s->upstream.dialler.resolver);
	resume_free(s->resume);
	guard_free(s->guard);
	SSL_CTX_free(s->upstream.context);
	SSL_CTX_free(s->accept);
	ca_free(s->ca);
	ev_loop_destroy(s->upstream.loop);
	return 0;
}

static void
on_changed(void *arg)
{
	struct scene *s = arg;

	s->changed = true;
	s->calls++;
	if (s->close_when_changed)
		origin_close(s->origin);
	if (s->fill_when_changed)
		stream_fill(origin_stream(s->origin));
}

static bool
has_five_bytes(void *arg)
{
	struct scene *s = arg;

	return origin_stream(s->origin)->in.len == 5;
}

static void
dial(struct scene *s, const char *host, uint16_t port, bool secure)
{
	struct origin_key key = {host, port, secure, "x,y"};

	s->origin = origin_open(
		&s->upstream, s->resume, NULL, &key, TLS_OFFER_HTTP1);
	assert_non_null(s->origin);
	origin_own(s->origin, on_changed, s);
	assert_int_equal(origin_state(s->origin), ORIGIN_DIALLING);
}

/* The origin's end of the next connection. */
static void
accept_one(struct scene *s)
{
	loop_until_readable(s->upstream.loop, s->listener, "a connection");
	s->peer =
		accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(s->peer >= 0);
}

/* It shows a certificate of ca for name. */
static void
secure_peer(struct scene *s, struct ca *ca, const char *name)
{
	struct ca_leaf *leaf;
	bool minted;

	assert_int_equal(
		ca_leaf(ca, name, CA_KEY_EC, time(NULL), &leaf, &minted), 0);
	s->server = tls_accept(s->accept, s->peer, &s->held,
		&(struct tls_answer){
			.certificate = ca_leaf_certificate(leaf),
			.key = ca_leaf_key(leaf),
			.protocol = TLS_ALPN_HTTP1,
		});
	assert_non_null(s->server);
	ca_leaf_unref(leaf);
}

/* The handshake from the origin's end until our end has something to say. */
static void
shake(struct scene *s)
{
	while (!s->changed) {
		tls_readable(s->server);
		tls_handshake(s->server);
		loop_once(s->upstream.loop);
	}
}

static void
assert_failed(struct scene *s, enum origin_failure failure, const char *why)
{
	assert_int_equal(origin_state(s->origin), ORIGIN_FAILED);
	assert_int_equal(origin_failure(s->origin), failure);
	if (strstr(origin_why(s->origin), why) == NULL)
		fail_msg("%s", origin_why(s->origin));
	assert_int_equal(s->calls, 1);
	assert_null(origin_http(s->origin));
}

/* What the origin was sent up to the end of the connection. */
static size_t
peer_reads_all(struct scene *s)
{
	char data[4096];
	size_t len = 0;
	ssize_t n;

	do {
		loop_until_readable(s->upstream.loop, s->peer, "the end");
		n = recv(s->peer, data, sizeof(data), 0);
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	return len;
}

static void
test_dials_that_fail(void **state)
{
	static const struct {
		const char *host;
		enum origin_failure failure;
		const char *why, *reason;
	} cases[] = {
		{"no.test", ORIGIN_NO_ADDRESS, "no such name", "the name"},
		{"inside.test", ORIGIN_REFUSED, "refused: private",
			"the guard"},
		{"a.test", ORIGIN_UNREACHABLE, "refused", "nobody listens"},
		{"silent.test", ORIGIN_TIMEOUT, "", "the resolver is silent"},
	};
	uint16_t port = loopback_closed_port();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct scene *s;
		void *arg;

		print_message("%s\n", cases[i].reason);
		set_up(&arg);
		s = arg;
		if (cases[i].failure == ORIGIN_TIMEOUT)
			s->upstream.dialler.timeout = 0.05;
		dial(s, cases[i].host, port, true);
		loop_until_set(s->upstream.loop, &s->changed, "a failure");
		assert_failed(s, cases[i].failure, cases[i].why);
		tear_down(&arg);
	}
}

static void
test_ready_without_tls(void **state)
{
	struct scene *s = *state;

	dial(s, "a.test", loopback_port(s->listener), false);
	loop_until_set(s->upstream.loop, &s->changed, "a connection");
	assert_int_equal(origin_state(s->origin), ORIGIN_READY);
	assert_int_equal(origin_failure(s->origin), ORIGIN_FINE);
	assert_non_null(origin_http(s->origin));
	assert_int_equal(origin_address(s->origin)->sa_family, AF_INET);
	assert_string_equal(origin_key(s->origin)->host, "a.test");
	assert_string_equal(origin_key(s->origin)->credentials, "x,y");
	accept_one(s);
	s->fill_when_changed = true;
	assert_int_equal(send(s->peer, "hello", 5, MSG_NOSIGNAL), 5);
	loop_until(s->upstream.loop, has_five_bytes, s, "bytes");
	origin_close(s->origin);
	s->origin = NULL;
	assert_int_equal(peer_reads_all(s), 0);
}

static void
test_ready_with_tls(void **state)
{
	struct scene *s = *state;

	dial(s, "a.test", loopback_port(s->listener), true);
	accept_one(s);
	secure_peer(s, s->ca, "a.test");
	shake(s);
	assert_int_equal(origin_state(s->origin), ORIGIN_READY);
	assert_non_null(origin_http(s->origin));
	while (tls_handshake(s->server) == 0) {
		loop_until_readable(s->upstream.loop, s->peer, "its last word");
		tls_readable(s->server);
	}
	/* From here on bytes and the end are the owner's to see. */
	assert_int_equal(tls_write(s->server, "hello", 5), 5);
	s->fill_when_changed = true;
	loop_until(s->upstream.loop, has_five_bytes, s, "bytes");
}

/* Nothing but a handshake may have gone there. */
static void
test_certificates_that_are_not_trusted(void **state)
{
	static const struct {
		const char *name;
		bool own_ca;
		const char *why, *reason;
	} cases[] = {
		{"a.test", false, "certificate refused", "of nobody we know"},
		{"b.test", true, "hostname mismatch", "for another name"},
		{"x.a.test", true, "hostname mismatch", "for a name below"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ca *other;
		char why[256];
		struct scene *s;
		void *arg;

		print_message("%s\n", cases[i].reason);
		set_up(&arg);
		s = arg;
		assert_int_equal(
			ca_new("x", time(NULL), &other, why, sizeof(why)), 0);
		dial(s, "a.test", loopback_port(s->listener), true);
		accept_one(s);
		secure_peer(s, cases[i].own_ca ? s->ca : other, cases[i].name);
		shake(s);
		assert_failed(s, ORIGIN_UNTRUSTED, cases[i].why);
		ca_free(other);
		tear_down(&arg);
	}
}

static void
test_no_tls_at_all(void **state)
{
	static const char answer[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	struct scene *s = *state;

	dial(s, "a.test", loopback_port(s->listener), true);
	accept_one(s);
	assert_int_equal(send(s->peer, answer, strlen(answer), MSG_NOSIGNAL),
		strlen(answer));
	loop_until_set(s->upstream.loop, &s->changed, "a failure");
	assert_failed(s, ORIGIN_UNTRUSTED, "handshake");
}

static void
test_a_handshake_that_does_not_end(void **state)
{
	struct scene *s = *state;

	s->upstream.handshake_seconds = 0.05;
	dial(s, "a.test", loopback_port(s->listener), true);
	accept_one(s);
	loop_until_set(s->upstream.loop, &s->changed, "the deadline");
	assert_failed(s, ORIGIN_TIMEOUT, "handshake took too long");
}

/* A failure, and success, of each kind: freed at the end of the turn. */
static void
test_closed_inside_changed(void **state)
{
	static const struct {
		const char *host;
		bool secure, deaf;
		double seconds;
		const char *reason;
	} cases[] = {
		{"inside.test", true, true, 10, "refused"},
		{"a.test", false, true, 10, "ready"},
		{"a.test", true, false, 10, "ready, over TLS"},
		{"a.test", true, true, 0.05, "too late"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct scene *s;
		void *arg;

		print_message("%s\n", cases[i].reason);
		set_up(&arg);
		s = arg;
		s->close_when_changed = true;
		s->upstream.handshake_seconds = cases[i].seconds;
		dial(s, cases[i].host, loopback_port(s->listener),
			cases[i].secure);
		if (!cases[i].deaf) {
			accept_one(s);
			secure_peer(s, s->ca, "a.test");
			shake(s);
		}
		loop_until_set(s->upstream.loop, &s->changed, "any change");
		loop_once(s->upstream.loop);
		assert_int_equal(s->calls, 1);
		s->origin = NULL; /* a second close would find it freed */
		tear_down(&arg);
	}
}

/* Whoever loses interest while it is on its way hears nothing more. */
static void
test_closed_on_its_way(void **state)
{
	static const struct {
		const char *host;
		bool arrives;
		const char *reason;
	} cases[] = {
		{"silent.test", false, "while the name is looked up"},
		{"a.test", true, "in the middle of the handshake"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct scene *s;
		void *arg;

		print_message("%s\n", cases[i].reason);
		set_up(&arg);
		s = arg;
		dial(s, cases[i].host, loopback_port(s->listener), true);
		if (cases[i].arrives) {
			accept_one(s);
			loop_until_readable(
				s->upstream.loop, s->peer, "the hello");
			assert_int_equal(
				origin_state(s->origin), ORIGIN_HANDSHAKE);
		}
		origin_close(s->origin);
		s->origin = NULL;
		loop_once(s->upstream.loop);
		if (cases[i].arrives)
			assert_true(peer_reads_all(s) > 0);
		assert_int_equal(s->calls, 0);
		tear_down(&arg);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dials_that_fail),
		cmocka_unit_test_setup_teardown(
			test_ready_without_tls, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_ready_with_tls, set_up, tear_down),
		cmocka_unit_test(test_certificates_that_are_not_trusted),
		cmocka_unit_test_setup_teardown(
			test_no_tls_at_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_handshake_that_does_not_end, set_up, tear_down),
		cmocka_unit_test(test_closed_inside_changed),
		cmocka_unit_test(test_closed_on_its_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
