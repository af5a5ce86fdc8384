/*
 * serve.c - the requests of one client's connection
 *
 * Theory of operation
 *
 * A round reads from the client, takes the requests that became whole, and runs
 * those exchanges about which something may have changed: the codec says whose
 * stream it was, an origin or the decision log wakes its own.  An exchange that
 * moved something is run again in the next round, behind the others, so that
 * none starves.  After some rounds other sessions get their turn.
 *
 * One deadline watches over all: while requests are open each has its own time,
 * and the nearest counts; between requests it is that of an idle connection, or
 * of a head that has begun to come.
 */
#include "serve.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "deadline.h"
#include "exchange.h"
#include "failure.h"
#include "flow.h"
#include "monotonic.h"
#include "services.h"

enum {
	ROUNDS = 16,          /* of moving bytes, then others get a turn */
	FLUSH_AT = 48 * 1024, /* write before the turn ends */
	/* What the codec admits, and those that are ending. */
	OPEN_MAX = 128,
};

struct slot {
	TAILQ_ENTRY(slot) link, run_link;
	struct serve *serve;
	struct exchange *exchange;
	bool queued;
};

TAILQ_HEAD(slots, slot);

struct serve {
	struct flow *flow;
	struct http_conn *http;
	struct slots open, runnable;
	unsigned count;
	struct slot first; /* most connections never need another */
	struct deadline deadline;
	bool head_wait; /* part of a head is here: the shorter deadline runs */
	bool expired, no_memory;
	void (*wake)(void *arg);
	void *arg;
};

/* ---- slots -----------------------------------------------------------------
 */

static void
queue(struct slot *slot)
{
	if (slot->queued)
		return;
	slot->queued = true;
	TAILQ_INSERT_TAIL(&slot->serve->runnable, slot, run_link);
}

static void
on_exchange(void *arg)
{
	struct slot *slot = arg;

	queue(slot);
	slot->serve->wake(slot->serve->arg);
}

/* Until the first of the open requests runs out of time. */
static void
watch_exchanges(struct serve *v)
{
	double left = v->flow->services->limits.idle_seconds;
	struct slot *slot;

	TAILQ_FOREACH(slot, &v->open, link) {
		double seconds =
			exchange_expires(slot->exchange) - monotonic_now();

		if (seconds < left)
			left = seconds;
	}
	deadline_set(&v->deadline, left > 0.001 ? left : 0.001);
}

static struct slot *
take_slot(struct serve *v)
{
	struct slot *slot = &v->first;

	if (slot->exchange != NULL)
		slot = calloc(1, sizeof(*slot));
	if (slot != NULL)
		slot->serve = v;
	return slot;
}

static void
give_slot(struct serve *v, struct slot *slot)
{
	if (slot == &v->first)
		slot->exchange = NULL;
	else
		free(slot);
}

static void
open_exchange(struct serve *v, struct http_stream *stream)
{
	struct slot *slot = take_slot(v);

	if (slot != NULL)
		slot->exchange = exchange_new(
			v->flow, v->http, stream, on_exchange, slot);
	if (slot == NULL || slot->exchange == NULL) {
		if (slot != NULL)
			give_slot(v, slot);
		v->no_memory = true;
		return;
	}
	http_stream_set_owner(stream, slot);
	TAILQ_INSERT_TAIL(&v->open, slot, link);
	queue(slot);
	v->head_wait = false;
	/* Later requests have later times. */
	if (v->count++ == 0)
		watch_exchanges(v);
}

static void
close_exchange(struct slot *slot)
{
	struct serve *v = slot->serve;

	if (slot->queued)
		TAILQ_REMOVE(&v->runnable, slot, run_link);
	slot->queued = false;
	TAILQ_REMOVE(&v->open, slot, link);
	v->count--;
	exchange_free(slot->exchange);
	give_slot(v, slot);
}

/* ---- time ------------------------------------------------------------------
 */

static void
on_deadline(void *arg)
{
	struct serve *v = arg;
	struct slot *slot;

	v->expired = v->count == 0;
	TAILQ_FOREACH(slot, &v->open, link) {
		if (exchange_expires(slot->exchange) > monotonic_now())
			continue;
		exchange_expire(slot->exchange);
		queue(slot);
	}
	if (!v->expired)
		watch_exchanges(v);
	v->wake(v->arg);
}

/* Between two requests nothing is held that can be made anew.  The client may
 * still read the last answer, and each piece that it takes leads here. */
static void
settle(struct serve *v)
{
	const struct limits *limits = &v->flow->services->limits;
	bool idle = http_conn_is_idle(v->http);

	if (idle) {
		http_conn_shrink(v->http);
		stream_shrink(&v->flow->client);
	}
	if (v->head_wait != !idle || idle) {
		v->head_wait = !idle;
		deadline_set(&v->deadline,
			idle ? limits->idle_seconds : limits->head_seconds);
	}
}

/* ---- running ---------------------------------------------------------------
 */

static bool
read_client(struct serve *v)
{
	struct stream *c = &v->flow->client;
	size_t n = stream_fill(c);

	http_conn_set_time(v->http, monotonic_now());
	(void)http_conn_run(v->http, c->read_done);
	return n > 0;
}

static void
take_requests(struct serve *v)
{
	struct http_stream *stream;

	while ((stream = http_conn_next_ready(v->http)) != NULL) {
		struct slot *slot = http_stream_owner(stream);

		if (slot != NULL)
			queue(slot);
	}
	while (v->count < OPEN_MAX && !v->no_memory &&
		(stream = http_conn_accept(v->http)) != NULL)
		open_exchange(v, stream);
}

/* Those that are runnable now.  Whether one moved something, or ended; false
 * in *ret_whole when the connection must not look whole. */
static bool
run_exchanges(struct serve *v, bool *ret_whole)
{
	struct slot *last = TAILQ_LAST(&v->runnable, slots), *slot = NULL;
	bool any = false;

	while (slot != last && (slot = TAILQ_FIRST(&v->runnable)) != NULL) {
		bool moved = false, is_last = slot == last;
		enum exchange_state state;

		TAILQ_REMOVE(&v->runnable, slot, run_link);
		slot->queued = false;
		state = exchange_run(slot->exchange, &moved);
		if (state == EXCHANGE_WAITS) {
			if (moved)
				queue(slot);
		} else {
			close_exchange(slot);
			if (state == EXCHANGE_BROKEN)
				*ret_whole = false;
		}
		any = any || moved || state != EXCHANGE_WAITS;
		if (is_last)
			break;
	}
	return any;
}

/* Whether there is more room than before. */
static bool
flush(struct stream *c)
{
	size_t before = c->out.len;

	if (before < FLUSH_AT)
		return false;
	stream_flush_now(c);
	return c->out.len < before;
}

/* HTTP/2's own frames: what was read opens windows, what broke the rules ends
 * with a GOAWAY. */
static void
send_due(struct serve *v)
{
	struct stream *c = &v->flow->client;

	if (http_conn_version(v->http) == HTTP_2)
		(void)http_conn_run(v->http, c->read_done);
	if (c->out.len > 0)
		stream_flush(c);
}

/* The client broke the rules: nothing that is open can be answered any more.
 * Where it only ended too early, what it asked in full still is. */
static bool
is_lost(const struct serve *v)
{
	return http_conn_version(v->http) == HTTP_2 &&
	       http_conn_error(v->http) != NULL && !http_conn_was_cut(v->http);
}

static void
close_all(struct serve *v)
{
	struct slot *slot, *next;

	for (slot = TAILQ_FIRST(&v->open); slot != NULL; slot = next) {
		next = TAILQ_NEXT(slot, link);
		close_exchange(slot);
	}
}

/* Over HTTP/1 the refusal of what could not be parsed is an exchange. */
static void
end_lost(struct serve *v)
{
	flow_refused(v->flow, RECORD_ERROR,
		failure_of_codec(
			http_conn_error_status(v->http), RECORD_MALFORMED_HTTP),
		http_conn_error(v->http));
	close_all(v);
}

/* No request is open. */
static enum serve_state
rest(struct serve *v)
{
	struct stream *c = &v->flow->client;

	if (http_conn_error(v->http) != NULL || c->read_done ||
		http_conn_must_close(v->http))
		return SERVE_OVER;
	/* The answer is whole: sent now, the connection can be seen idle. */
	stream_flush_now(c);
	settle(v);
	return SERVE_WAITS;
}

/* Nothing was asked for in time. */
static enum serve_state
expire(struct serve *v)
{
	if (http_conn_version(v->http) == HTTP_1)
		return SERVE_CLOSE;
	http_conn_set_close(v->http);
	send_due(v);
	return SERVE_OVER;
}

enum serve_state
serve_run(struct serve *v)
{
	struct stream *c = &v->flow->client;
	bool whole = true, moved = true;
	int i;

	if (v->expired)
		return expire(v);
	for (i = 0; i < ROUNDS && moved; i++) {
		moved = read_client(v);
		take_requests(v);
		if (run_exchanges(v, &whole))
			moved = true;
		if (!whole && http_conn_version(v->http) == HTTP_1)
			return SERVE_BROKEN;
		if (v->no_memory || stream_is_broken(c))
			return SERVE_CLOSE;
		if (flush(c))
			moved = true;
		if (stream_is_broken(c))
			return SERVE_CLOSE;
	}
	send_due(v);
	if (is_lost(v)) {
		end_lost(v);
		return rest(v);
	}
	/* Over HTTP/2 nobody closes one way and waits for answers the other. */
	if (c->read_done && v->count > 0 &&
		http_conn_version(v->http) == HTTP_2)
		return SERVE_CLOSE;
	if (moved || !TAILQ_EMPTY(&v->runnable))
		return SERVE_AGAIN;
	return v->count == 0 ? rest(v) : SERVE_WAITS;
}

/* ---- beginning and end ------------------------------------------------------
 */

struct serve *
serve_new(struct flow *f, enum http_version version, void (*wake)(void *arg),
	void *arg)
{
	struct serve *v = calloc(1, sizeof(*v));

	if (v == NULL)
		return NULL;
	v->http = http_server_new(version, &f->client.in, &f->client.out);
	if (v->http == NULL) {
		free(v);
		return NULL;
	}
	v->flow = f;
	v->wake = wake;
	v->arg = arg;
	TAILQ_INIT(&v->open);
	TAILQ_INIT(&v->runnable);
	deadline_init(&v->deadline, f->services->loop, on_deadline, v);
	deadline_set(&v->deadline, f->services->limits.head_seconds);
	v->head_wait = true;
	return v;
}

void
serve_free(struct serve *v)
{
	if (v == NULL)
		return;
	close_all(v);
	deadline_done(&v->deadline);
	http_conn_free(v->http);
	free(v);
}

bool
serve_finish(struct serve *v)
{
	http_conn_set_close(v->http);
	send_due(v);
	if (v->count > 0)
		return false;
	stream_flush_now(&v->flow->client);
	return stream_is_drained(&v->flow->client);
}

void
serve_revoke(struct serve *v, const char *credential)
{
	struct slot *slot;

	TAILQ_FOREACH(slot, &v->open, link) {
		if (exchange_revoke(slot->exchange, credential))
			on_exchange(slot);
	}
}

void
serve_recheck(struct serve *v)
{
	struct slot *slot;

	TAILQ_FOREACH(slot, &v->open, link) {
		if (exchange_recheck(slot->exchange))
			on_exchange(slot);
	}
}
