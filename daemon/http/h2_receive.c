/*
 * h2_receive.c - what the library tells us, and the bodies
 *
 * The callbacks only note what came and mark streams as changed; nothing is
 * sent and no stream of the caller's is freed inside of them.  Body bytes are
 * copied once, into the stream's own buffer, which the window bounds, and the
 * window opens again by what was consumed and by nothing else.
 */
#include <assert.h>
#include <stdlib.h>

#include "h2.h"

enum {
	MALFORMED_COST = 10, /* tokens: the peer made us reset a stream */
	REFUSED_COST = 1,    /* … by opening too many */
};

void
h2_receive_end(struct h2_stream *s)
{
	if (!s->end_seen || s->broken || s->body.len > 0 ||
		s->base.receive_ended)
		return;
	s->base.receive_ended = true;
	buf_done(&s->body);
	if (s->trailers.field_count > 0)
		s->base.trailers = &s->trailers;
}

bool
h2_receive_cut(struct h2 *h)
{
	struct h2_stream *s;
	bool cut = false;

	TAILQ_FOREACH(s, &h->streams, link) {
		if (s->end_seen || s->broken)
			continue;
		s->broken = true;
		cut = true;
		h2_stream_changed(h, s);
	}
	return cut;
}

/* ---- callbacks ---- */

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id,
	const uint8_t *data, size_t len, void *arg)
{
	struct h2 *h = arg;
	struct h2_stream *s = h2_stream_of(h, id);

	(void)session, (void)flags;
	if (s != NULL && !s->broken && s->head.framing == HTTP_NO_BODY)
		h2_stream_refuse(h, s, H2_BODY_FORBIDDEN);
	if (s != NULL && !s->broken && buf_add(&s->body, data, len) < 0)
		h2_stream_refuse(h, s, H2_NO_MEMORY);
	if (s == NULL || s->broken)
		h2_stream_give_back(h, len);
	else
		h2_stream_changed(h, s);
	return 0;
}

/*
 * Heads of a stream that is gone, or that waits to be reset, are unpacked all
 * the same, for the table is the connection's.  An origin's 1xx without end
 * are such heads as soon as they are too many.
 */
static int
on_begin_frame(
	nghttp2_session *session, const nghttp2_frame_hd *header, void *arg)
{
	struct h2 *h = arg;
	const struct h2_stream *s = h2_stream_of(h, header->stream_id);
	bool opens = h->base.server &&
		     header->stream_id >
			     nghttp2_session_get_last_proc_stream_id(session);

	if (header->type == NGHTTP2_HEADERS && !opens &&
		(s == NULL || s->broken))
		h2_budget_charge(&h->budget, 1);
	return 0;
}

static void
end_data(struct h2 *h, struct h2_stream *s, uint8_t flags)
{
	if ((flags & NGHTTP2_FLAG_END_STREAM) == 0)
		return;
	if (h->base.server && h2_stream_is_held(s))
		h2_stream_arrived(h, s);
	s->end_seen = true;
	h2_receive_end(s);
	h2_stream_changed(h, s);
}

/* The peer's RST_STREAM; what follows from it is done on_stream_close(). */
static void
on_reset(struct h2_stream *s, uint32_t code)
{
	/* RFC 9113 8.1: the answer is complete, the rest is not needed. */
	if (!s->base.conn->server && code == NGHTTP2_NO_ERROR && s->end_seen)
		return;
	s->base.reset_code = code;
	switch (code) {
	case NGHTTP2_REFUSED_STREAM:
		s->base.reset = HTTP_RESET_UNTOUCHED;
		break;
	case NGHTTP2_HTTP_1_1_REQUIRED:
		s->base.reset = HTTP_RESET_WANTS_1;
		break;
	default:
		s->base.reset = HTTP_RESET;
		break;
	}
	s->broken = true;
}

/* The peer has opened a window, for one stream or for all. */
static void
on_window(struct h2 *h, struct h2_stream *s, int32_t id)
{
	if (id == 0)
		h2_stream_wake_stalled(h);
	else if (s != NULL)
		h2_stream_wake(h, s);
}

static void
on_settings(struct h2 *h)
{
	struct h2_stream *s;

	h->base.settled = true;
	/* INITIAL_WINDOW_SIZE may have opened any of them. */
	TAILQ_FOREACH(s, &h->streams, link)
		h2_stream_wake(h, s);
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct h2 *h = arg;
	struct h2_stream *s = NULL;

	(void)session;
	if (frame->hd.stream_id != 0)
		s = h2_stream_of(h, frame->hd.stream_id);
	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		if (s != NULL)
			h2_end_headers(h, s,
				(frame->hd.flags & NGHTTP2_FLAG_END_STREAM) !=
					0);
		break;
	case NGHTTP2_DATA:
		if (s != NULL)
			end_data(h, s, frame->hd.flags);
		break;
	case NGHTTP2_RST_STREAM:
		if (s != NULL)
			on_reset(s, frame->rst_stream.error_code);
		break;
	case NGHTTP2_SETTINGS:
		on_settings(h);
		break;
	case NGHTTP2_WINDOW_UPDATE:
		on_window(h, s, frame->hd.stream_id);
		break;
	case NGHTTP2_GOAWAY:
		h->base.must_close = true;
		break;
	default:
		break;
	}
	return 0;
}

/* What the library resets by itself is still to be shown, once. */
static int
on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame,
	int error, void *arg)
{
	struct h2 *h = arg;
	struct h2_stream *s = NULL;

	(void)session, (void)error;
	if (frame->hd.stream_id != 0)
		s = h2_stream_of(h, frame->hd.stream_id);
	if (s == NULL)
		return 0;
	h2_stream_refuse(h, s, H2_MALFORMED);
	if (h->reading == s)
		h->reading = NULL;
	if (h->base.server)
		h2_stream_arrived(h, s);
	return 0;
}

static int
on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
	struct h2 *h = arg;
	struct h2_stream *s = h2_stream_of(h, id);

	(void)session;
	if (!h->base.server)
		h->on_wire--;
	if (s == NULL)
		return 0;
	s->on_wire = false;
	/* The library has reset what did not keep its promise. */
	if (h->base.server && h2_stream_is_held(s) &&
		s->base.reset == HTTP_NOT_RESET) {
		h2_stream_refuse(h, s, H2_MALFORMED);
		h2_stream_arrived(h, s);
	}
	/* A GOAWAY has closed it: the peer never looked at it. */
	if (code == NGHTTP2_REFUSED_STREAM && !s->end_seen &&
		s->base.reset == HTTP_NOT_RESET)
		on_reset(s, code);
	if (!s->end_seen)
		s->broken = true;
	if (s->broken)
		h2_stream_drop_body(h, s);
	/* A refused one waits to be shown; others nobody has asked for. */
	if (!s->open && h->base.server && s->base.refused == NULL)
		h2_stream_free(h, s);
	else
		h2_stream_changed(h, s);
	return 0;
}

/* The library has ended the connection, and this is what it told the peer. */
static void
on_goaway_sent(struct h2 *h, uint32_t code)
{
	if (code != NGHTTP2_NO_ERROR)
		(void)h2_fail(h, h2_code_text(code),
			code == NGHTTP2_INTERNAL_ERROR ? 503 : 400);
}

/* It resets what it does not like; a peer that provokes it pays.  What we
 * reset ourselves is no longer ours when the frame goes out. */
static void
on_reset_sent(struct h2 *h, const struct h2_stream *s, uint32_t code)
{
	if (s != NULL)
		h2_budget_charge(&h->budget, MALFORMED_COST);
	else if (code == NGHTTP2_REFUSED_STREAM)
		h2_budget_charge(&h->budget, REFUSED_COST);
}

static int
on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct h2 *h = arg;
	struct h2_stream *s = NULL;

	(void)session;
	if (frame->hd.stream_id != 0)
		s = h2_stream_of(h, frame->hd.stream_id);
	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		if (s != NULL)
			s->head_out = true;
		break;
	case NGHTTP2_RST_STREAM:
		on_reset_sent(h, s, frame->rst_stream.error_code);
		break;
	case NGHTTP2_GOAWAY:
		on_goaway_sent(h, frame->goaway.error_code);
		break;
	default:
		break;
	}
	return 0;
}

void
h2_receive_callbacks(nghttp2_session_callbacks *callbacks)
{
	nghttp2_session_callbacks_set_on_begin_frame_callback(
		callbacks, on_begin_frame);
	nghttp2_session_callbacks_set_on_begin_headers_callback(
		callbacks, h2_on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback2(
		callbacks, h2_on_header);
	nghttp2_session_callbacks_set_on_invalid_header_callback2(
		callbacks, h2_on_invalid_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
		callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(
		callbacks, on_frame);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
		callbacks, on_invalid_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(
		callbacks, on_stream_close);
	nghttp2_session_callbacks_set_on_frame_send_callback(
		callbacks, on_frame_sent);
}

/* ---- for the caller ---- */

void
h2_next_head(struct http_stream *base)
{
	struct h2_stream *s = h2_of_stream(base);
	struct h2_interim *i = STAILQ_FIRST(&s->interims);

	if (i == NULL)
		return;
	STAILQ_REMOVE_HEAD(&s->interims, link);
	http_head_done(&i->head);
	free(i);
	i = STAILQ_FIRST(&s->interims);
	if (i != NULL)
		base->head = &i->head;
	else
		base->head = s->final ? &s->head : NULL;
}

enum http_body
h2_peek(struct http_stream *base, struct span *ret)
{
	struct h2_stream *s = h2_of_stream(base);

	if (s->broken)
		return HTTP_BROKEN;
	if (base->receive_ended)
		return HTTP_END;
	if (s->body.len == 0)
		return HTTP_WAIT;
	*ret = buf_span(&s->body);
	return HTTP_DATA;
}

bool
h2_is_last(const struct http_stream *base, size_t len)
{
	const struct h2_stream *s = h2_of_stream(base);

	return s->end_seen && !s->broken && s->body.len == len &&
	       s->trailers.field_count == 0;
}

void
h2_consume(struct http_stream *base, size_t len)
{
	struct h2_stream *s = h2_of_stream(base);
	struct h2 *h = h2_of(base->conn);

	if (len == 0)
		return;
	assert(len <= s->body.len);
	buf_consume(&s->body, len);
	h2_budget_earn_bytes(&h->budget, len);
	(void)h2_check(h, nghttp2_session_consume(h->session, s->id, len));
	h2_receive_end(s);
	if (nghttp2_session_want_write(h->session))
		(void)h2_flush(h);
}
