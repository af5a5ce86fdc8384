/*
 * carrier.c - one connection to an origin and those who share it
 *
 * Theory of operation
 *
 *	connecting  leases may join if HTTP/2 is to be expected
 *	begun       as many are admitted as the origin takes at once, over
 *	            HTTP/1 one; the others move to other connections
 *	idle        no lease; anything that an HTTP/1 origin says now, and its
 *	            end, closes it
 *	retired     it has failed, or the origin takes no more requests: closed
 *	            with its last lease
 *
 * Over HTTP/2 the carrier reads, whoever the bytes are for, and tells those
 * leases about whose streams something changed; windows keep what is read
 * bounded.  Over HTTP/1 the one lease reads, as it has room.
 *
 * Whoever is told may end its lease there and then, and others.  With the last
 * the carrier is closed; its memory lasts until the end of the turn.
 */
#include "carrier.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "monotonic.h"
#include "pool.h"
#include "resume.h"
#include "stream.h"

enum {
	IDLE_MAX = 128, /* connections kept */
	ROUNDS = 8,     /* of reading, then others get a turn */
};

bool
carrier_is_http2(const struct carrier *c)
{
	return http_conn_version(origin_http(c->origin)) == HTTP_2;
}

void
carrier_queue(struct carrier *c)
{
	turn_queue(c->pool->upstream->turn, TURN_RUN, &c->run);
}

/* It will never again send or receive. */
static bool
is_over(const struct carrier *c)
{
	const struct stream *s = origin_stream(c->origin);

	return s->error != 0 || s->read_done;
}

static void
tell(struct lease *l)
{
	if (l->changed != NULL)
		l->changed(l->arg);
}

/* Each in turn becomes the last: whoever is told may end any of them. */
static struct lease *
take_turn(struct carrier *c)
{
	struct lease *l = TAILQ_FIRST(&c->leases);

	if (l != NULL) {
		TAILQ_REMOVE(&c->leases, l, link);
		TAILQ_INSERT_TAIL(&c->leases, l, link);
	}
	return l;
}

static void
tell_all(struct carrier *c)
{
	struct lease *l;

	for (unsigned n = c->lease_count; n > 0; n--) {
		l = take_turn(c);
		if (l != NULL)
			tell(l);
	}
}

/* ---- idle ------------------------------------------------------------------
 */

void
carrier_close(struct carrier *c)
{
	struct pool *p = c->pool;

	assert(c->lease_count == 0 && c->waiting == 0);
	c->closed = true;
	p->idle--;
	TAILQ_REMOVE(&p->carriers, c, link);
	deadline_done(&c->idle);
	turn_cancel(p->upstream->turn, TURN_RUN, &c->run);
	origin_close(c->origin);
	turn_queue(p->upstream->turn, TURN_REAP, &c->reap);
}

static void
reap(struct turn_task *task)
{
	free(container_of(task, struct carrier, reap));
}

/* What was said last goes out, as far as the socket takes it. */
static void
end(struct carrier *c)
{
	if (c->begun) {
		(void)http_conn_run(origin_http(c->origin), false);
		stream_flush_now(origin_stream(c->origin));
	}
	carrier_close(c);
}

static void
on_idle_passed(void *arg)
{
	carrier_close(arg);
}

static bool
is_reusable(const struct carrier *c)
{
	const struct stream *s;
	const struct http_conn *http;

	if (c->retired || !c->begun)
		return false;
	s = origin_stream(c->origin);
	http = origin_http(c->origin);
	if (is_over(c) || s->write_done || http_conn_must_close(http))
		return false;
	/* HTTP/2 may still have to say how the last stream ended. */
	return carrier_is_http2(c) ||
	       (s->in.len == 0 && s->out.len == 0 && http_conn_is_idle(http));
}

static void
shrink(struct carrier *c)
{
	if (!http_conn_is_idle(origin_http(c->origin)))
		return;
	http_conn_shrink(origin_http(c->origin));
	stream_shrink(origin_stream(c->origin));
}

/* The oldest that nobody leases. */
static struct carrier *
oldest_idle(struct pool *p)
{
	struct carrier *c;

	TAILQ_FOREACH_REVERSE(c, &p->carriers, carrier_list, link)
	{
		if (c->lease_count == 0)
			return c;
	}
	return NULL;
}

static void
keep(struct carrier *c)
{
	struct pool *p = c->pool;

	c->since = monotonic_now();
	deadline_set(&c->idle, p->upstream->idle_seconds);
	origin_set_used(c->origin);
	stream_watch(origin_stream(c->origin), true);
	shrink(c);
	TAILQ_REMOVE(&p->carriers, c, link);
	TAILQ_INSERT_HEAD(&p->carriers, c, link);
	if (carrier_is_http2(c))
		carrier_queue(c);
	if (p->idle > IDLE_MAX)
		carrier_close(oldest_idle(p));
}

/* An idle connection has nothing to say but TLS's own messages (a session
 * ticket, say) and HTTP/2's. */
static bool
spoke_out_of_turn(struct carrier *c)
{
	return !carrier_is_http2(c) &&
	       stream_fill(origin_stream(c->origin)) > 0;
}

/* ---- events ----------------------------------------------------------------
 */

/* It goes to another connection, unless this one would not even take it when
 * it has nothing else to do. */
static void
move_on(struct carrier *c, struct lease *l)
{
	struct carrier *other;

	c->waiting--;
	l->stranded = c->lease_count == 1 && c->begun;
	if (l->stranded) {
		tell(l);
		return;
	}
	TAILQ_REMOVE(&c->leases, l, link);
	c->lease_count--;
	other = pool_carrier(c->pool, &l->want);
	l->carrier = NULL;
	if (other != NULL)
		carrier_add(other, l);
	else
		tell(l);
}

/*
 * Lets as many send their requests as the origin takes at once: over HTTP/1
 * the first.  The others wait until it has said how many that is, and those
 * that are too many then go elsewhere: what is in their way may last for ever.
 */
static void
admit(struct carrier *c)
{
	const struct http_conn *http = origin_http(c->origin);
	unsigned room = http_conn_request_room(http);
	bool may_wait = !http_conn_is_settled(http) && !c->retired;
	struct lease *l;

	for (unsigned n = c->lease_count; n > 0 && c->waiting > 0; n--) {
		l = take_turn(c);
		if (l == NULL || l->admitted || l->stranded)
			continue;
		/* Whether it can serve an upgrade, HTTP/2 says first, too. */
		if (c->promised < room &&
			(!l->want.upgrade || http_conn_can_upgrade(http))) {
			c->promised++;
			c->waiting--;
			l->admitted = true;
			tell(l);
		} else if (!may_wait) {
			move_on(c, l);
		}
	}
}

void
carrier_begun_one(struct carrier *c)
{
	c->promised--;
}

static void
begin(struct carrier *c)
{
	struct pool *p = c->pool;
	const struct origin_key *key = origin_key(c->origin);
	enum spoken spoken = SPOKEN_1;

	c->begun = true;
	if (!key->secure || c->offer == TLS_OFFER_HTTP1)
		return; /* it had no choice */
	if (carrier_is_http2(c))
		spoken = c->offer == TLS_OFFER_H2 ? SPOKEN_ONLY_2 : SPOKEN_2;
	protocols_put(
		p->protocols, key->host, key->port, spoken, monotonic_now());
}

/* One round: what has come is parsed, and whom it concerns is told. */
static bool
hear(struct carrier *c)
{
	struct stream *s = origin_stream(c->origin);
	struct http_conn *http = origin_http(c->origin);
	struct http_stream *stream;
	size_t n = stream_fill(s);

	http_conn_set_time(http, monotonic_now());
	http_conn_run(http, s->read_done && s->error == 0);
	while ((stream = http_conn_next_ready(http)) != NULL) {
		struct lease *l = http_stream_owner(stream);

		if (l != NULL)
			tell(l);
	}
	return n > 0 && !c->closed;
}

static void
pump_http2(struct carrier *c)
{
	struct stream *s = origin_stream(c->origin);
	bool over;
	int i;

	for (i = 0; i < ROUNDS && hear(c); i++)
		;
	if (c->closed)
		return;
	if (i == ROUNDS)
		carrier_queue(c);
	if (s->out.len > 0)
		stream_flush(s);
	if (is_over(c) || http_conn_must_close(origin_http(c->origin)))
		c->retired = true;
	admit(c);
	over = is_over(c) || http_conn_error(origin_http(c->origin)) != NULL;
	/* Once: what is whole still goes down, and each piece leads here. */
	if (over && !c->over) {
		c->over = true;
		tell_all(c);
	}
	if (!c->closed)
		stream_watch(s, !over);
}

static void
pump(struct carrier *c)
{
	if (carrier_is_http2(c)) {
		pump_http2(c);
	} else {
		admit(c);
		tell_all(c);
	}
	if (c->closed || c->lease_count > 0)
		return;
	if (c->retired || spoke_out_of_turn(c) || is_over(c))
		end(c);
	else
		shrink(c);
}

/* Refused because HTTP/1.1 was all we offered: it speaks only HTTP/2. */
static bool
offer_the_other(struct carrier *c)
{
	struct pool *p = c->pool;
	const struct origin_key *key = origin_key(c->origin);
	struct origin *other;

	if (origin_failure(c->origin) != ORIGIN_OTHER_PROTOCOL ||
		c->offer != TLS_OFFER_HTTP1)
		return false;
	other = origin_open(
		p->upstream, p->resume, p->share, key, TLS_OFFER_H2);
	if (other == NULL)
		return false;
	origin_close(c->origin);
	c->origin = other;
	c->offer = TLS_OFFER_H2;
	return true;
}

static void
on_changed(void *arg)
{
	struct carrier *c = arg;

	switch (origin_state(c->origin)) {
	case ORIGIN_DIALLING:
	case ORIGIN_HANDSHAKE:
		break;
	case ORIGIN_READY:
		if (!c->begun)
			begin(c);
		pump(c);
		break;
	case ORIGIN_FAILED:
		if (offer_the_other(c)) {
			origin_own(c->origin, on_changed, c);
			break;
		}
		c->retired = true;
		tell_all(c);
		break;
	}
}

static void
run(struct turn_task *task)
{
	pump(container_of(task, struct carrier, run));
}

/* ---- leases ----------------------------------------------------------------
 */

struct carrier *
carrier_open(struct pool *p, const struct lease_want *want)
{
	struct carrier *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->offer = carrier_offer(p, want);
	c->origin = origin_open(
		p->upstream, p->resume, p->share, &want->key, c->offer);
	if (c->origin == NULL) {
		free(c);
		return NULL;
	}
	c->pool = p;
	c->bound = want->key.credentials != NULL;
	TAILQ_INIT(&c->leases);
	deadline_init(&c->idle, p->upstream->loop, on_idle_passed, c);
	c->run.run = run;
	c->reap.run = reap;
	origin_own(c->origin, on_changed, c);
	TAILQ_INSERT_HEAD(&p->carriers, c, link);
	p->idle++;
	return c;
}

void
carrier_add(struct carrier *c, struct lease *l)
{
	if (c->lease_count++ == 0) {
		c->pool->idle--;
		deadline_set(&c->idle, 0);
	}
	l->carrier = c;
	TAILQ_INSERT_TAIL(&c->leases, l, link);
	c->waiting++;
	if (c->begun)
		admit(c);
}

bool
carrier_bind(struct carrier *c, const char *credentials)
{
	if (c->bound)
		return strcmp(origin_key(c->origin)->credentials,
			       credentials) == 0;
	c->bound = origin_bind(c->origin, credentials);
	return c->bound;
}

void
carrier_remove(struct carrier *c, struct lease *l)
{
	TAILQ_REMOVE(&c->leases, l, link);
	if (l->admitted && l->stream == NULL)
		c->promised--;
	if (!l->admitted && !l->stranded)
		c->waiting--;
	if (--c->lease_count == 0) {
		c->pool->idle++;
		/* TLS may hold records that no event will tell of. */
		if (is_reusable(c) && !spoke_out_of_turn(c) && !is_over(c))
			keep(c);
		else
			end(c);
	} else if (c->begun && carrier_is_http2(c)) {
		carrier_queue(c);
	}
}
