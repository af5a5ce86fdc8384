/*
 * h2_stream.c - the streams of one HTTP/2 connection
 *
 * Theory of operation
 *
 * A stream has two lives.  On the wire it lives in the library, which finds
 * ours as its user data; in the caller's hands from accept() or request() to
 * close().  It is freed when both have ended; what is still on the wire when
 * the caller closes is reset there and forgotten here.
 *
 * A server's stream waits in `arrived` until it is accepted.  Then it may be
 *
 *	ready    something has changed about it since it was shown: bytes, an
 *		 end, a reset, its window
 *	waiting  it wanted to send and `out` had no room.  Each run moves the
 *		 waiting behind the woken, and next_ready() takes woken ones
 *from the front while `out` has the room that they need: first come, first
 *served, each at most once a run stalled  the connection's window was closed; a
 *WINDOW_UPDATE wakes all
 *
 * so that no call looks at more streams than it hands out.
 */
#include <assert.h>
#include <stdlib.h>

#include "h2.h"

enum {
	SPARE_MAX = 32,
	SPARE_TEXT_MAX = 4096, /* a head larger than that is not kept */
};

struct h2_stream *
h2_stream_new(struct h2 *h, int32_t id)
{
	struct h2_stream *s = TAILQ_FIRST(&h->spare);

	if (s != NULL) {
		TAILQ_REMOVE(&h->spare, s, link);
		h->spare_count--;
	} else {
		s = calloc(1, sizeof(*s));
		if (s == NULL)
			return NULL;
		http_head_init(&s->head);
		http_head_init(&s->trailers);
	}
	s->id = id;
	s->base.conn = &h->base;
	STAILQ_INIT(&s->interims);
	buf_init(&s->body, SIZE_MAX); /* bounded by the window */
	TAILQ_INSERT_TAIL(&h->streams, s, link);
	return s;
}

static void
free_memory(struct h2_stream *s)
{
	http_head_done(&s->head);
	http_head_done(&s->trailers);
	free(s);
}

/* Keeps the memory of small heads for the next stream. */
static void
keep(struct h2 *h, struct h2_stream *s)
{
	struct http_head head, trailers;

	if (h->spare_count == SPARE_MAX || s->head.text_size > SPARE_TEXT_MAX ||
		s->trailers.text_size > SPARE_TEXT_MAX) {
		free_memory(s);
		return;
	}
	http_head_clear(&s->head);
	http_head_clear(&s->trailers);
	head = s->head;
	trailers = s->trailers;
	*s = (struct h2_stream){.head = head, .trailers = trailers};
	TAILQ_INSERT_HEAD(&h->spare, s, link);
	h->spare_count++;
}

static void
stop_waiting(struct h2 *h, struct h2_stream *s)
{
	if (s->waits == H2_WAITS_OUT && s->woken)
		TAILQ_REMOVE(&h->woken, s, wait_link);
	else if (s->waits == H2_WAITS_OUT)
		TAILQ_REMOVE(&h->waiting, s, wait_link);
	else if (s->waits == H2_WAITS_CONN)
		TAILQ_REMOVE(&h->stalled, s, wait_link);
	s->waits = H2_WAITS_NOT;
	s->woken = false;
}

static void
free_interims(struct h2_stream *s)
{
	struct h2_interim *i;

	while ((i = STAILQ_FIRST(&s->interims)) != NULL) {
		STAILQ_REMOVE_HEAD(&s->interims, link);
		http_head_done(&i->head);
		free(i);
	}
}

void
h2_stream_free(struct h2 *h, struct h2_stream *s)
{
	h2_stream_drop_body(h, s);
	stop_waiting(h, s);
	if (s->arrived)
		TAILQ_REMOVE(&h->arrived, s, ready_link);
	if (s->ready)
		TAILQ_REMOVE(&h->ready, s, ready_link);
	if (h->reading == s) {
		h->reading = NULL;
		h->filling = NULL;
	}
	h->heads_held -= s->held;
	free_interims(s);
	TAILQ_REMOVE(&h->streams, s, link);
	keep(h, s);
}

void
h2_stream_free_spare(struct h2 *h)
{
	struct h2_stream *s;

	while ((s = TAILQ_FIRST(&h->spare)) != NULL) {
		TAILQ_REMOVE(&h->spare, s, link);
		free_memory(s);
	}
	h->spare_count = 0;
}

void
h2_stream_free_all(struct h2 *h)
{
	struct h2_stream *s;

	while ((s = TAILQ_FIRST(&h->streams)) != NULL)
		h2_stream_free(h, s);
	h2_stream_free_spare(h);
}

struct h2_stream *
h2_stream_of(struct h2 *h, int32_t id)
{
	return nghttp2_session_get_stream_user_data(h->session, id);
}

void
h2_stream_changed(struct h2 *h, struct h2_stream *s)
{
	if (!s->open || s->ready)
		return;
	s->ready = true;
	TAILQ_INSERT_TAIL(&h->ready, s, ready_link);
}

bool
h2_stream_is_held(const struct h2_stream *s)
{
	return s->head.framing == HTTP_NO_BODY && !s->end_seen &&
	       s->base.refused == NULL;
}

void
h2_stream_arrived(struct h2 *h, struct h2_stream *s)
{
	if (s->open || s->arrived)
		return;
	s->arrived = true;
	TAILQ_INSERT_TAIL(&h->arrived, s, ready_link);
}

static void
say_why(struct h2_stream *s, const struct h2_refusal *refusal)
{
	s->base.refused = refusal->text;
	s->base.refused_status =
		http_conn_fault_status(s->base.conn, refusal->status);
}

void
h2_stream_refuse(struct h2 *h, struct h2_stream *s, enum h2_refused why)
{
	const struct h2_refusal *refusal = h2_refusal(why);

	if (s->base.refused != NULL)
		return;
	s->broken = true;
	/* What was shown stays; else there is none and never will be. */
	if (!s->final || (h->base.server && h2_stream_is_held(s))) {
		s->base.head = NULL;
		s->to_head =
			s->to_head || span_equals(http_head_method(&s->head),
					      SPAN_LITERAL("HEAD"));
		http_head_done(&s->head);
		say_why(s, refusal);
	} else if (!h->base.server && why == H2_NO_MEMORY) {
		/* Or the origin would seem to have broken off. */
		say_why(s, refusal);
	}
	if (h->reading == s)
		h->filling = NULL;
	h2_stream_drop_body(h, s);
	h2_stream_changed(h, s);
}

void
h2_stream_give_back(struct h2 *h, size_t bytes)
{
	(void)h2_check(
		h, nghttp2_session_consume_connection(h->session, bytes));
}

void
h2_stream_drop_body(struct h2 *h, struct h2_stream *s)
{
	size_t len = s->body.len;

	buf_done(&s->body);
	if (len > 0)
		h2_stream_give_back(h, len);
}

void
h2_stream_wait(
	struct h2 *h, struct h2_stream *s, enum h2_waiting why, size_t need)
{
	s->need = need;
	if (s->waits == why && !s->woken)
		return;
	stop_waiting(h, s);
	s->waits = why;
	if (why == H2_WAITS_OUT)
		TAILQ_INSERT_TAIL(&h->waiting, s, wait_link);
	else if (why == H2_WAITS_CONN)
		TAILQ_INSERT_TAIL(&h->stalled, s, wait_link);
}

void
h2_stream_wake(struct h2 *h, struct h2_stream *s)
{
	if (s->waits == H2_WAITS_STREAM)
		h2_stream_wait(h, s, H2_WAITS_OUT, s->need);
}

void
h2_stream_wake_stalled(struct h2 *h)
{
	struct h2_stream *s;

	while ((s = TAILQ_FIRST(&h->stalled)) != NULL)
		h2_stream_wait(h, s, H2_WAITS_OUT, s->need);
}

void
h2_stream_wake_waiting(struct h2 *h)
{
	struct h2_stream *s;

	TAILQ_FOREACH(s, &h->waiting, wait_link)
		s->woken = true;
	TAILQ_CONCAT(&h->woken, &h->waiting, wait_link);
}

struct http_stream *
h2_next_ready(struct http_conn *c)
{
	struct h2 *h = h2_of(c);
	struct h2_stream *s = TAILQ_FIRST(&h->woken);

	if (s != NULL && buf_room(c->out) >= s->need) {
		stop_waiting(h, s);
		return &s->base;
	}
	s = TAILQ_FIRST(&h->ready);
	if (s == NULL)
		return NULL;
	TAILQ_REMOVE(&h->ready, s, ready_link);
	s->ready = false;
	return &s->base;
}

struct http_stream *
h2_accept(struct http_conn *c)
{
	struct h2 *h = h2_of(c);
	struct h2_stream *s;

	assert(c->server);
	if (TAILQ_EMPTY(&h->arrived) && c->in->len > 0)
		(void)c->codec->run(c);
	s = TAILQ_FIRST(&h->arrived);
	if (s == NULL)
		return NULL;
	TAILQ_REMOVE(&h->arrived, s, ready_link);
	s->arrived = false;
	s->open = true;
	h2_stream_changed(h, s);
	return &s->base;
}

/* What a reset says when the owner has not said it. */
static uint32_t
default_code(const struct h2 *h, const struct http_stream *s)
{
	if (s->our_code != 0)
		return s->our_code;
	if (!h->base.server)
		return NGHTTP2_CANCEL;
	return s->send_ended ? NGHTTP2_NO_ERROR : NGHTTP2_INTERNAL_ERROR;
}

void
h2_close(struct http_stream *base)
{
	struct h2_stream *s = h2_of_stream(base);
	struct h2 *h = h2_of(base->conn);

	if (s->on_wire) {
		nghttp2_session_set_stream_user_data(h->session, s->id, NULL);
		if (!base->send_ended || !s->end_seen)
			(void)h2_check(h, nghttp2_submit_rst_stream(h->session,
						  NGHTTP2_FLAG_NONE, s->id,
						  default_code(h, base)));
	}
	if (base->send_ended && s->end_seen && !s->broken)
		h2_budget_earn(&h->budget, 2);
	h2_stream_free(h, s);
	(void)h2_flush(h);
}
