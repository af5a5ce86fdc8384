/*
 * Leases of connections to an origin on loopback, over HTTP/1 without TLS: what
 * a key says of security is compared all the same.  The clock can be put
 * forward.
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <ev.h>

#include "array.h"
#include "carrier.h"
#include "conn.h"
#include "guard.h"
#include "loop_until.h"
#include "loopback.h"
#include "message.h"
#include "pool.h"
#include "resolver_double.h"
#include "stream.h"
#include "turn.h"

enum { BOUND = 128 };

static const struct resolver_row rows[] = {
	{.host = "a.test", AF_INET, {"127.0.0.1"}},
	{.host = "a.test", AF_INET6, {NULL}},
	{.host = NULL},
};

struct scene {
	struct upstream upstream;
	struct guard *guard;
	struct pool *pool;
	int listener;
	struct origin_key key;
};

static double ahead; /* of the clock, in seconds */

double __real_monotonic_now(void);
double __wrap_monotonic_now(void);

double
__wrap_monotonic_now(void)
{
	return __real_monotonic_now() + ahead;
}

static int
set_up(void **state)
{
	static struct scene s;
	struct ev_loop *loop = ev_loop_new(0);

	memset(&s, 0, sizeof(s));
	ahead = 0;
	s.guard = guard_new();
	assert_int_equal(guard_allow(s.guard, "127.0.0.0/8"), 0);
	s.upstream = (struct upstream){
		.loop = loop,
		.turn = turn_new(loop),
		.dialler = {loop, resolver_double_new(loop, rows), s.guard, 10,
			NULL},
		.handshake_seconds = 10,
		.idle_seconds = 100,
	};
	s.pool = pool_new(&s.upstream, NULL);
	assert_non_null(s.pool);
	s.listener = loopback_listen("127.0.0.1", 0, 2 * BOUND);
	s.key = (struct origin_key){
		"a.test", loopback_port(s.listener), false, ""};
	*state = &s;
	return 0;
}

static int
tear_down(void **state)
{
	struct scene *s = *state;

	pool_free(s->pool);
	turn_free(s->upstream.turn);
	resolver_free(s->upstream.dialler.resolver);
	guard_free(s->guard);
	ev_loop_destroy(s->upstream.loop);
	close(s->listener);
	return 0;
}

static bool changed;

static void
on_changed(void *arg)
{
	(void)arg;
	changed = true;
}

static struct lease *
lease(struct scene *s, const struct origin_key *key, bool fresh, bool anew)
{
	struct lease_want want = {.key = *key, .fresh = fresh, .anew = anew};
	struct lease *l;

	changed = false;
	l = pool_lease(s->pool, &want, on_changed, NULL);
	assert_non_null(l);
	return l;
}

/* One of a connection that exists, or NULL. */
static struct lease *
take(struct scene *s, const struct origin_key *key, bool fresh)
{
	struct lease *l = lease(s, key, fresh, false);

	if (lease_state(l) == LEASE_READY)
		return l;
	lease_end(l);
	return NULL;
}

static const struct carrier *
carrier_of(const struct lease *l)
{
	return l != NULL ? l->carrier : NULL;
}

static struct stream *
stream_of(struct lease *l)
{
	return origin_stream(l->carrier->origin);
}

static bool
is_end_of(int peer, int fd)
{
	struct sockaddr_in here = {0}, there = {0};
	socklen_t len = sizeof(here);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &len), 0);
	assert_int_equal(getpeername(peer, (struct sockaddr *)&there, &len), 0);
	return here.sin_port == there.sin_port;
}

/* The other end of fd; connections that were begun and given up come too. */
static int
accept_from(struct scene *s, int fd)
{
	int peer;

	for (;;) {
		peer = accept4(
			s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		assert_true(peer >= 0);
		if (is_end_of(peer, fd))
			return peer;
		close(peer);
	}
}

/* One of a new connection, and in *ret_peer its other end. */
static struct lease *
connected(struct scene *s, const struct origin_key *key, int *ret_peer)
{
	struct lease *l = lease(s, key, false, true);

	assert_int_equal(lease_state(l), LEASE_WAITS);
	loop_until_set(s->upstream.loop, &changed, "a connection");
	assert_int_equal(lease_state(l), LEASE_READY);
	*ret_peer = accept_from(s, stream_of(l)->fd);
	return l;
}

static bool
is_closed(int peer)
{
	char byte;

	return recv(peer, &byte, 1, 0) == 0;
}

/* Closed by us: seen at the end of the turn. */
static void
assert_closed(struct scene *s, int peer)
{
	loop_until_readable(s->upstream.loop, peer, "the end of a connection");
	assert_true(is_closed(peer));
	close(peer);
}

/* As above, whatever was said before. */
static void
assert_gone(struct scene *s, int peer)
{
	char rest[256];

	loop_until_readable(s->upstream.loop, peer, "the end of a connection");
	while (recv(peer, rest, sizeof(rest), 0) > 0)
		loop_until_readable(s->upstream.loop, peer, "its end");
	close(peer);
}

/* It will not be kept. */
static void
close_lease(struct lease *l)
{
	if (l != NULL)
		l->carrier->retired = true;
	lease_end(l);
}

static void
take_and_close(struct scene *s, const struct carrier *want)
{
	struct lease *got = take(s, &s->key, false);

	assert_ptr_equal(carrier_of(got), want);
	close_lease(got);
}

static void
test_the_whole_key_matters(void **state)
{
	struct scene *s = *state;
	uint16_t port = s->key.port;
	int peer;
	const struct {
		struct origin_key key;
		bool found;
		const char *reason;
	} cases[] = {
		{{"b.test", port, false, "x,y"}, false, "another name"},
		{{"a.tes", port, false, "x,y"}, false, "half a name"},
		{{"a.test", (uint16_t)(port + 1), false, "x,y"}, false,
			"another port"},
		{{"a.test", port, true, "x,y"}, false, "another security"},
		{{"a.test", port, false, ""}, false, "no credentials"},
		{{"a.test", port, false, "x"}, false, "one of them"},
		{{"a.test", port, false, "y,x"}, false, "in another order"},
		{{"a.test", port, false, NULL}, false, "not known which"},
		{{"a.test", port, false, "x,y"}, true, "all the same"},
		{{"a.test", port, false, "x,y"}, false, "it was taken"},
	};
	struct origin_key key = {"a.test", port, false, "x,y"};
	struct lease *held = NULL, *l = connected(s, &key, &peer);
	const struct carrier *c = carrier_of(l);

	assert_false(origin_is_used(c->origin));
	lease_end(l);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct lease *got = take(s, &cases[i].key, false);

		if (carrier_of(got) != (cases[i].found ? c : NULL))
			fail_msg("%s", cases[i].reason);
		held = got != NULL ? got : held;
	}
	assert_true(origin_is_used(c->origin));
	close_lease(held);
	assert_closed(s, peer);
}

/* Which credentials a connection carries is settled once. */
static void
test_settled_once(void **state)
{
	struct scene *s = *state;
	struct origin_key key = {"a.test", s->key.port, false, NULL};
	struct lease *l;
	const struct carrier *c;
	int peer;

	l = connected(s, &key, &peer);
	c = carrier_of(l);
	lease_end(l);
	key.credentials = "x";
	l = take(s, &key, false);
	assert_ptr_equal(carrier_of(l), c);
	assert_true(carrier_bind(l->carrier, "x"));
	assert_false(carrier_bind(l->carrier, "y"));
	assert_false(carrier_bind(l->carrier, ""));
	lease_end(l);
	key.credentials = "y";
	assert_null(take(s, &key, false));
	key.credentials = "x";
	l = take(s, &key, false);
	assert_ptr_equal(carrier_of(l), c);
	close_lease(l);
	assert_closed(s, peer);
}

static void
test_newest_first(void **state)
{
	struct scene *s = *state;
	const struct carrier *carriers[3];
	struct lease *leases[3];
	int peers[3];

	for (int i = 0; i < 3; i++) {
		leases[i] = connected(s, &s->key, &peers[i]);
		carriers[i] = carrier_of(leases[i]);
	}
	for (int i = 0; i < 3; i++)
		lease_end(leases[i]);
	for (int i = 2; i >= 0; i--) {
		take_and_close(s, carriers[i]);
		assert_closed(s, peers[i]);
	}
}

static void
test_fresh_is_a_moment_ago(void **state)
{
	static const struct {
		double seconds;
		bool fresh, found;
		const char *reason;
	} cases[] = {
		{0, true, true, "just now"},
		{1.5, true, true, "a moment ago"},
		{2.5, true, false, "it may be closed already"},
		{2.5, false, true, "good for what can be asked again"},
	};
	struct scene *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct carrier *c;
		struct lease *l, *got;
		int peer;

		ahead = 0;
		l = connected(s, &s->key, &peer);
		c = carrier_of(l);
		lease_end(l);
		ahead = cases[i].seconds;
		got = take(s, &s->key, cases[i].fresh);
		if (carrier_of(got) != (cases[i].found ? c : NULL))
			fail_msg("%s", cases[i].reason);
		if (got == NULL)
			got = take(s, &s->key, false);
		close_lease(got);
		assert_closed(s, peer);
	}
}

static void
test_idle_for_too_long(void **state)
{
	struct scene *s = *state;
	int peer;

	s->upstream.idle_seconds = 0.02;
	lease_end(connected(s, &s->key, &peer));
	assert_closed(s, peer);
	take_and_close(s, NULL);
}

/* Nothing is owed to us while it is idle. */
static void
test_one_that_says_something_is_closed(void **state)
{
	static const struct {
		const char *says; /* NULL: it ends */
		const char *reason;
	} cases[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
			"an answer to no question"},
		{"x", "a byte"},
		{NULL, "its end"},
	};
	struct scene *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int peer;

		print_message("%s\n", cases[i].reason);
		lease_end(connected(s, &s->key, &peer));
		if (cases[i].says != NULL)
			assert_true(send(peer, cases[i].says,
					    strlen(cases[i].says), 0) > 0);
		else
			shutdown(peer, SHUT_WR);
		loop_until_readable(s->upstream.loop, peer, "its end");
		take_and_close(s, NULL);
		close(peer);
	}
}

static void
ask_and_leave(struct lease *l)
{
	struct http_head h;

	http_head_init(&h);
	http_head_set_method(&h, SPAN_LITERAL("GET"));
	http_head_set_target(&h, SPAN_LITERAL("/"));
	http_head_add(&h, SPAN_LITERAL("Host"), SPAN_LITERAL("a.test"), false);
	assert_non_null(lease_request(l, &h, false));
	http_head_done(&h);
}

static void
hold_bytes(struct lease *l)
{
	buf_add(&stream_of(l)->in, "x", 1);
}

static void
owe_bytes(struct lease *l)
{
	buf_add(&stream_of(l)->out, "x", 1);
}

static void
read_the_end(struct lease *l)
{
	stream_of(l)->read_done = true;
}

static void
be_told_to_close(struct lease *l)
{
	http_conn_set_close(lease_http(l));
}

static void
break_it(struct lease *l)
{
	stream_of(l)->error = -ECONNRESET;
}

static void
test_what_is_not_kept(void **state)
{
	static const struct {
		void (*spoil)(struct lease *l);
		const char *reason;
	} cases[] = {
		{ask_and_leave, "an answer is still to come"},
		{hold_bytes, "bytes that belong to nothing"},
		{owe_bytes, "bytes that were never sent"},
		{read_the_end, "the origin has finished"},
		{be_told_to_close, "somebody said close"},
		{break_it, "it broke"},
	};
	struct scene *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct lease *l;
		int peer;

		l = connected(s, &s->key, &peer);
		cases[i].spoil(l);
		lease_end(l);
		if (take(s, &s->key, false) != NULL)
			fail_msg("%s", cases[i].reason);
		assert_gone(s, peer);
	}
}

/* One that never became ready is given back, too. */
static void
test_a_failed_one_is_not_kept(void **state)
{
	struct scene *s = *state;
	struct origin_key key = {"no.test", s->key.port, false, ""};
	struct lease *l = lease(s, &key, false, false);

	loop_until_set(s->upstream.loop, &changed, "a failure");
	assert_int_equal(lease_state(l), LEASE_FAILED);
	assert_int_equal(lease_failure(l), ORIGIN_NO_ADDRESS);
	assert_non_null(lease_why(l));
	assert_null(lease_address(l));
	lease_end(l);
	assert_null(take(s, &key, false));
}

static void
test_revoked_with_its_credential(void **state)
{
	static const struct {
		const char *credentials;
		bool goes;
		const char *reason;
	} cases[] = {
		{"key", true, "alone"},
		{"key,other", true, "first of several"},
		{"a,key,b", true, "in the middle"},
		{"a,key", true, "last"},
		{"", false, "none at all"},
		{"other", false, "another"},
		{"keys", false, "one that begins so"},
		{"a-key", false, "one that ends so"},
		{"ke", false, "part of it"},
	};
	struct scene *s = *state;
	int peers[ARRAY_LEN(cases)];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct origin_key key = s->key;

		key.credentials = cases[i].credentials;
		lease_end(connected(s, &key, &peers[i]));
	}
	pool_revoke(s->pool, "key");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct origin_key key = s->key;
		struct lease *l;

		key.credentials = cases[i].credentials;
		l = take(s, &key, false);
		if ((l == NULL) != cases[i].goes)
			fail_msg("%s", cases[i].reason);
		close_lease(l);
		assert_closed(s, peers[i]);
	}
}

static void
test_bounded(void **state)
{
	struct scene *s = *state;
	struct lease *leases[BOUND + 2];
	int peers[BOUND + 2];

	for (int i = 0; i < BOUND + 2; i++)
		leases[i] = connected(s, &s->key, &peers[i]);
	for (int i = 0; i < BOUND + 2; i++)
		lease_end(leases[i]);
	loop_once(s->upstream.loop);
	/* The two that were given first. */
	assert_closed(s, peers[0]);
	assert_closed(s, peers[1]);
	for (int i = 2; i < BOUND + 2; i++)
		assert_false(is_closed(peers[i]));
	/* All others go with the pool. */
	pool_free(s->pool);
	s->pool = NULL;
	for (int i = 2; i < BOUND + 2; i++)
		assert_closed(s, peers[i]);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_the_whole_key_matters),
		TEST(test_settled_once),
		TEST(test_newest_first),
		TEST(test_fresh_is_a_moment_ago),
		TEST(test_idle_for_too_long),
		TEST(test_one_that_says_something_is_closed),
		TEST(test_what_is_not_kept),
		TEST(test_a_failed_one_is_not_kept),
		TEST(test_revoked_with_its_credential),
		TEST(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
