/*
 * h1.c - the HTTP/1.1 codec: one stream at a time over two buffers
 *
 * Theory of operation
 *
 * The receiving half is a row of phases; h1_advance() walks them as far as the
 * bytes in `in` allow, and never beyond what somebody has asked for:
 *
 *	HEAD     llhttp reads; the end of the head decides the framing
 *	INTERIM  client: a 1xx is shown; the next head waits for next_head()
 *	BODY     with a length, until close and behind a 101: the bytes in `in`
 *		 are the body; chunked: llhttp reads framing, data waits as
 *		 `ready` bytes
 *	END      the message is complete; what follows in `in` is not read
 *	IDLE     client: no request; server: no further request is wanted
 *	FAILED   nothing more is read, for ever
 *
 * A server goes HEAD → BODY → END and, when the stream is closed, back to HEAD:
 * pipelined requests wait as bytes.  Nothing of a body is read before the
 * request was accepted, so that what is accepted does not depend on how the
 * input was cut.  A client goes IDLE → HEAD (→ INTERIM → HEAD) → BODY → END →
 * IDLE; bytes that arrive outside of a response spoil the connection.  A 101
 * (h1_upgrade.c) leads back from END to BODY, for the last time.
 *
 * No pointer into `in` outlives a call: only counts of bytes at its head do.
 */
#include "h1.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "buf.h"

enum {
	INTERIMS_MAX = 16,
};

int
h1_fail(struct h1 *h, enum h1_refused why)
{
	const struct h1_refusal *refusal = h1_refusal(why);

	h->base.error = refusal->text;
	h->base.error_status =
		http_conn_fault_status(&h->base, refusal->status);
	h->base.must_close = true;
	h->base.cut = why == H1_CUT_HEAD || why == H1_CUT_BODY ||
		      why == H1_NO_RESPONSE;
	h->phase = H1_FAILED;
	return -EPROTO;
}

static void
finish(struct h1 *h)
{
	h->phase = H1_END;
	h->stream.receive_ended = true;
	if (h->trailers.field_count > 0)
		h->stream.trailers = &h->trailers;
}

static int
begin_body(struct h1 *h)
{
	h->phase = H1_BODY;
	switch (h->head.framing) {
	case HTTP_NO_BODY:
		finish(h);
		break;
	case HTTP_LENGTH:
		h->left = h->head.content_length;
		break;
	case HTTP_CHUNKED:
		if ((h->parser.flags & F_CHUNKED) == 0)
			return h1_fail(h, H1_DISAGREE);
		h1_line_begin_chunks(&h->line);
		h->in_trailers = true;
		break;
	case HTTP_UNTIL_CLOSE:
		h->base.must_close = true;
		break;
	case HTTP_TUNNEL:
		h1_upgrade_begin(h);
		break;
	}
	return 0;
}

static bool
is_head_request(const struct h1 *h)
{
	return span_equals(http_head_method(&h->head), SPAN_LITERAL("HEAD"));
}

static int
end_request_head(struct h1 *h)
{
	enum h1_refused why = h1_check_request(&h->head);

	if (why != H1_FINE)
		return h1_fail(h, why);
	h->to_head = is_head_request(h);
	return 0;
}

static int
end_response_head(struct h1 *h)
{
	struct span asked = {h->asked, h->asked_len};
	enum h1_refused why = h1_check_response(&h->head, h->to_head, asked);

	if (why != H1_FINE)
		return h1_fail(h, why);
	if (h->head.status >= 200 || h->head.framing == HTTP_TUNNEL)
		return 0;
	if (++h->interims > INTERIMS_MAX)
		return h1_fail(h, H1_INTERIMS);
	h->phase = H1_INTERIM;
	return 0;
}

static int
end_head(struct h1 *h)
{
	int r;

	if (h->parser.http_major != 1 || h->parser.http_minor > 1)
		return h1_fail(h, H1_BAD_VERSION);
	h->head.minor = h->parser.http_minor;
	h->head.status = h->base.server ? 0 : h->parser.status_code;
	r = h->base.server ? end_request_head(h) : end_response_head(h);
	if (r < 0)
		return r;
	h->stream.head = &h->head;
	if (h->phase == H1_INTERIM)
		return 0;
	if (!h->head.keep_alive)
		h->base.must_close = true;
	return begin_body(h);
}

static int
end_chunks(struct h1 *h)
{
	enum h1_refused why = h1_check_trailers(&h->trailers);

	if (why != H1_FINE)
		return h1_fail(h, why);
	finish(h);
	return 0;
}

/* Whether the next byte of `in` is for the parser. */
static bool
wants_parser(const struct h1 *h)
{
	if (h->phase == H1_HEAD)
		return true;
	return h->phase == H1_BODY && h->open &&
	       h->head.framing == HTTP_CHUNKED && h->ready == 0;
}

/* The peer has finished sending and the parser can take no more. */
static int
at_end_of_input(struct h1 *h)
{
	bool empty = h->base.in->len == 0;

	/* Requests that came before the end wait behind this one. */
	if (!h->base.server || empty || h->phase == H1_HEAD)
		h->base.must_close = true;
	switch (h->phase) {
	case H1_HEAD:
		if (h->line.bytes > 0)
			return h1_fail(h, H1_CUT_HEAD);
		if (!h->base.server)
			return h1_fail(h, H1_NO_RESPONSE);
		h->phase = H1_IDLE;
		break;
	case H1_BODY:
		if (!empty || !h->open)
			break;
		if (h->head.framing != HTTP_UNTIL_CLOSE &&
			h->head.framing != HTTP_TUNNEL)
			return h1_fail(h, H1_CUT_BODY);
		finish(h);
		break;
	default:
		break;
	}
	return 0;
}

static int
h1_advance(struct h1 *h)
{
	struct http_conn *c = &h->base;
	int r = 0;

	if (c->error != NULL)
		return -EPROTO;
	while (c->in->len > 0 && wants_parser(h)) {
		r = h1_feed(h);
		if (r == 0 && h->done)
			r = h->phase == H1_HEAD ? end_head(h) : end_chunks(h);
		if (r < 0)
			return r;
	}
	/* An origin that says more than it was asked is not asked again. */
	if (!c->server && c->in->len > 0 &&
		(h->phase == H1_IDLE || h->phase == H1_END))
		c->must_close = true;
	return c->eof ? at_end_of_input(h) : 0;
}

static int
h1_run(struct http_conn *c)
{
	h1_of(c)->changed = true;
	return h1_advance(h1_of(c));
}

static struct http_stream *
h1_next_ready(struct http_conn *c)
{
	struct h1 *h = h1_of(c);
	bool changed = h->changed && h->open;

	h->changed = false;
	return changed ? &h->stream : NULL;
}

static struct http_stream *
hand_out(struct h1 *h)
{
	h->open = true;
	h->changed = true;
	h->stream.conn = &h->base;
	return &h->stream;
}

/* What could not be parsed, to be answered, once. */
static struct http_stream *
hand_out_refused(struct h1 *h)
{
	if (h->refused)
		return NULL;
	h->refused = true;
	h->to_head = is_head_request(h);
	h->stream.head = NULL;
	h->stream.refused = h->base.error;
	h->stream.refused_status = h->base.error_status;
	return hand_out(h);
}

static struct http_stream *
h1_accept(struct http_conn *c)
{
	struct h1 *h = h1_of(c);

	assert(c->server);
	if (h->open)
		return NULL;
	if (h1_advance(h) < 0)
		return hand_out_refused(h);
	return h->stream.head != NULL ? hand_out(h) : NULL;
}

static bool
h1_is_idle(const struct http_conn *c)
{
	const struct h1 *h = h1_of(c);

	if (h->open || http_conn_must_close(c) || c->in->len > 0)
		return false;
	return c->server ? h->phase == H1_HEAD && h->line.bytes == 0
			 : h->phase == H1_IDLE;
}

static void
h1_shrink(struct http_conn *c)
{
	struct h1 *h = h1_of(c);

	if (!h1_is_idle(c))
		return;
	http_head_done(&h->head);
	http_head_done(&h->trailers);
}

static void
h1_next_head(struct http_stream *s)
{
	struct h1 *h = h1_of_stream(s);

	if (h->phase != H1_INTERIM)
		return;
	s->head = NULL;
	h1_begin_head(h);
	h->phase = H1_HEAD;
	(void)h1_advance(h);
}

/* The bytes at the head of `in` that are body. */
static size_t
body_at_hand(const struct h1 *h)
{
	size_t len = h->base.in->len;

	switch (h->head.framing) {
	case HTTP_CHUNKED:
		return h->ready;
	case HTTP_LENGTH:
		return len < h->left ? len : (size_t)h->left;
	case HTTP_UNTIL_CLOSE:
	case HTTP_TUNNEL:
		return len;
	case HTTP_NO_BODY:
		break;
	}
	return 0;
}

static enum http_body
h1_peek(struct http_stream *s, struct span *ret)
{
	struct h1 *h = h1_of_stream(s);
	size_t len;

	if (h1_advance(h) < 0)
		return HTTP_BROKEN;
	if (h->phase == H1_END)
		return HTTP_END;
	if (h->phase != H1_BODY)
		return HTTP_WAIT;
	len = body_at_hand(h);
	if (len == 0)
		return HTTP_WAIT;
	*ret = (struct span){buf_span(h->base.in).ptr, len};
	return HTTP_DATA;
}

static bool
h1_is_last(const struct http_stream *s, size_t len)
{
	const struct h1 *h = h1_of_stream(s);

	return h->phase == H1_BODY && h->head.framing == HTTP_LENGTH &&
	       h->left == len;
}

static void
h1_consume(struct http_stream *s, size_t len)
{
	struct h1 *h = h1_of_stream(s);

	if (len == 0)
		return;
	assert(h->phase == H1_BODY && len <= body_at_hand(h));
	buf_consume(h->base.in, len);
	if (h->head.framing == HTTP_LENGTH)
		h->left -= len;
	else if (h->head.framing == HTTP_CHUNKED)
		h->ready -= len;
	if (h->head.framing == HTTP_LENGTH && h->left == 0)
		finish(h);
	(void)h1_advance(h);
}

static void
h1_close(struct http_stream *s)
{
	struct h1 *h = h1_of_stream(s);
	struct http_conn *c = &h->base;

	if (!s->receive_ended || !s->send_ended || c->close_asked ||
		(!c->server && c->in->len > 0))
		c->must_close = true;
	h->stream = (struct http_stream){0};
	h->open = false;
	h->continued = false;
	h->sending = H1_SEND_NONE;
	h1_begin_head(h);
	if (c->error != NULL) {
		h->refused = true; /* it was this one's, and is answered */
		return;
	}
	h->phase = c->server && !c->must_close ? H1_HEAD : H1_IDLE;
}

static void
h1_free(struct http_conn *c)
{
	struct h1 *h = h1_of(c);

	http_head_done(&h->head);
	http_head_done(&h->trailers);
	free(h);
}

static bool
h1_can_upgrade(const struct http_conn *c)
{
	return h1_request_room(c) > 0;
}

static const struct http_codec codec = {
	.version = HTTP_1,
	.free = h1_free,
	.run = h1_run,
	.next_ready = h1_next_ready,
	.accept = h1_accept,
	.request_room = h1_request_room,
	.can_upgrade = h1_can_upgrade,
	.request = h1_request,
	.is_idle = h1_is_idle,
	.shrink = h1_shrink,
	.next_head = h1_next_head,
	.peek = h1_peek,
	.is_last = h1_is_last,
	.consume = h1_consume,
	.send_head = h1_send_head,
	.room = h1_room,
	.send = h1_send,
	.send_end = h1_send_end,
	.close = h1_close,
};

struct http_conn *
h1_new(bool server, struct buf *in, struct buf *out)
{
	struct h1 *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->base = (struct http_conn){
		.codec = &codec,
		.in = in,
		.out = out,
		.server = server,
		.settled = true,
	};
	http_head_init(&h->head);
	http_head_init(&h->trailers);
	h1_begin_head(h);
	h->phase = server ? H1_HEAD : H1_IDLE;
	return &h->base;
}
