#include "carrier_scene.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <ev.h>

#include "ca.h"
#include "context.h"
#include "guard.h"
#include "loop_until.h"
#include "loopback.h"
#include "resolver_double.h"
#include "turn.h"

static const struct resolver_row rows[] = {
	{.host = "a.test", AF_INET, {"127.0.0.1"}},
	{.host = "a.test", AF_INET6, {NULL}},
	{.host = NULL},
};

int
scene_set_up(void **state)
{
	static struct scene s;
	struct ev_loop *loop = ev_loop_new(0);
	uint8_t ticket[32];
	char why[256];

	memset(&s, 0, sizeof(s));
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
		.idle_seconds = 100,
	};
	assert_int_equal(context_connect(span_of(ca_pem(s.ca)),
				 &s.upstream.context, why, sizeof(why)),
		0);
	upstream_init(&s.upstream);
	s.pool = pool_new(&s.upstream, NULL);
	assert_non_null(s.pool);
	s.listener = loopback_listen("127.0.0.1", 0, SCENE_ENDS);
	s.key = (struct origin_key){
		"a.test", loopback_port(s.listener), false, ""};
	*state = &s;
	return 0;
}

int
scene_tear_down(void **state)
{
	struct scene *s = *state;

	for (int i = 0; i < SCENE_USERS; i++)
		scene_end(&s->users[i]);
	if (s->pool != NULL)
		scene_assert_counts(s);
	pool_free(s->pool);
	for (size_t i = 0; i < s->end_count; i++)
		http_end_close(&s->ends[i]);
	turn_free(s->upstream.turn);
	assert_int_equal(resolver_double_open(s->upstream.dialler.resolver), 0);
	resolver_free(s->upstream.dialler.resolver);
	guard_free(s->guard);
	SSL_CTX_free(s->upstream.context);
	SSL_CTX_free(s->accept);
	ca_free(s->ca);
	ev_loop_destroy(s->upstream.loop);
	close(s->listener);
	return 0;
}

static void
on_changed(void *arg)
{
	struct user *u = arg;

	u->calls++;
	if (u->then != NULL)
		u->then(u);
}

struct user *
scene_lease(struct scene *s, int i, const struct lease_want *want)
{
	struct user *u = &s->users[i];

	assert_null(u->lease);
	*u = (struct user){.scene = s, .then = u->then};
	u->lease = pool_lease(s->pool, want, on_changed, u);
	assert_non_null(u->lease);
	return u;
}

struct user *
scene_lease_h2(struct scene *s, int i)
{
	struct lease_want want = {.key = s->key, .wish = HTTP_2};

	return scene_lease(s, i, &want);
}

void
scene_end(struct user *u)
{
	struct lease *l = u->lease;

	u->lease = NULL;
	lease_end(l);
}

const struct carrier *
scene_carrier(const struct user *u)
{
	return u->lease->carrier;
}

struct http_end *
scene_accept(struct scene *s)
{
	struct http_end *e = &s->ends[s->end_count];
	int fd;

	assert_true(s->end_count < SCENE_ENDS);
	loop_until_readable(s->upstream.loop, s->listener, "a connection");
	fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(fd >= 0);
	s->end_count++;
	http_end_open(e, s->upstream.turn, s->upstream.loop, fd, true);
	return e;
}

struct http_end *
scene_speak_h2(struct scene *s)
{
	struct http_end *e = scene_accept(s);

	http_end_speak(e, HTTP_2);
	return e;
}

struct http_end *
scene_secure(struct scene *s, enum tls_alpn answer)
{
	struct http_end *e = scene_accept(s);

	scene_agree(s, e, answer);
	return e;
}

void
scene_agree(struct scene *s, struct http_end *e, enum tls_alpn answer)
{
	http_end_accept(e, s->accept, s->ca, "a.test", answer);
}

struct wait {
	struct user *user;
	enum lease_state state;
};

static bool
has_state(void *arg)
{
	struct wait *w = arg;

	return lease_state(w->user->lease) == w->state;
}

void
scene_until(struct user *u, enum lease_state state)
{
	static const char *const names[] = {
		[LEASE_WAITS] = "a lease that waits",
		[LEASE_READY] = "a lease that is ready",
		[LEASE_FAILED] = "a lease that has failed",
	};
	struct wait w = {u, state};

	loop_until(u->scene->upstream.loop, has_state, &w, names[state]);
}

static bool
has_heard(void *arg)
{
	struct user *u = arg;
	const struct stream *s = origin_stream(u->lease->carrier->origin);

	return s->bytes_in > 0 && s->in.len == 0;
}

void
scene_until_heard(struct user *u)
{
	loop_until(u->scene->upstream.loop, has_heard, u, "SETTINGS");
}

struct http_stream *
scene_ask(struct user *u, const char *path)
{
	struct http_head h = talk_head("GET", "a.test", path, NULL);
	struct http_stream *stream = lease_request(u->lease, &h, false);

	http_head_done(&h);
	return stream;
}

static bool
has_answer(void *arg)
{
	struct user *u = arg;
	struct http_stream *s = u->lease->stream;
	struct span rest;

	(void)lease_fill(u->lease);
	return http_stream_head(s) != NULL || lease_is_over(u->lease) ||
	       http_stream_peek(s, &rest) == HTTP_BROKEN;
}

int
scene_status(struct user *u)
{
	const struct http_head *head;

	loop_until(u->scene->upstream.loop, has_answer, u, "an answer");
	head = http_stream_head(u->lease->stream);
	return head != NULL ? head->status : 0;
}

size_t
scene_carriers(const struct scene *s)
{
	const struct carrier *c;
	size_t n = 0;

	TAILQ_FOREACH(c, &s->pool->carriers, link)
		n++;
	return n;
}

void
scene_assert_counts(const struct scene *s)
{
	const struct carrier *c;
	size_t idle = 0;

	TAILQ_FOREACH(c, &s->pool->carriers, link) {
		const struct lease *l;
		unsigned n = 0, promised = 0;

		TAILQ_FOREACH(l, &c->leases, link) {
			assert_ptr_equal(l->carrier, c);
			promised += l->admitted && l->stream == NULL;
			n++;
		}
		assert_int_equal(c->lease_count, n);
		assert_int_equal(c->promised, promised);
		idle += n == 0;
		/* What nobody leases is there to be leased. */
		assert_true(n > 0 || (c->begun && !c->retired));
	}
	assert_int_equal(s->pool->idle, idle);
}
