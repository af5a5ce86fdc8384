/*
 * h1_send.c - the sending half of the codec
 *
 * The head decides how the body is framed, and after that only lengths are
 * counted: what was promised is what goes out, or the connection is spoilt.
 */
#include <assert.h>
#include <errno.h>
#include <limits.h>

#include "buf.h"
#include "h1.h"
#include "h1_write.h"

unsigned
h1_request_room(const struct http_conn *c)
{
	const struct h1 *h = h1_of(c);

	return !c->server && h->phase == H1_IDLE && !h->open &&
	       !c->must_close && !c->eof && c->in->len == 0;
}

/* Framing on the wire and what to count, for a body that is to be sent. */
static void
frame(struct h1 *h, const struct http_head *head, struct h1_wire *wire)
{
	if (head->framing == HTTP_LENGTH && head->content_length > 0) {
		wire->framing = H1_WIRE_LENGTH;
		wire->length = head->content_length;
		h->sending = H1_SEND_LENGTH;
	} else if (head->framing == HTTP_NO_BODY ||
		   head->framing == HTTP_LENGTH) {
		wire->framing = H1_WIRE_LENGTH;
		h->sending = H1_SEND_NONE;
	} else {
		wire->framing = H1_WIRE_CHUNKED;
		h->sending = H1_SEND_CHUNKED;
	}
	h->send_left = wire->length;
}

/* RFC 9110 8.6: these say "no body" aloud, others by saying nothing. */
static bool
expects_body(struct span method)
{
	return span_equals(method, SPAN_LITERAL("POST")) ||
	       span_equals(method, SPAN_LITERAL("PUT")) ||
	       span_equals(method, SPAN_LITERAL("PATCH"));
}

static bool
has_one_host(const struct http_head *head)
{
	int hosts = 0;

	for (int i = 0; i < head->field_count; i++)
		hosts += head->fields[i].known == HTTP_HOST;
	return hosts == 1;
}

struct http_stream *
h1_request(struct http_conn *c, const struct http_head *head)
{
	struct h1 *h = h1_of(c);
	struct h1_wire wire = {0};
	int r;

	if (h1_request_room(c) == 0) {
		errno = EBUSY;
		return NULL;
	}
	if (head->status != 0 || !has_one_host(head) ||
		!h1_upgrade_ask(h, head)) {
		errno = EINVAL;
		return NULL;
	}
	frame(h, head, &wire);
	if (h->sending == H1_SEND_NONE && !expects_body(http_head_method(head)))
		wire.framing = H1_WIRE_NONE;
	wire.upgrade = http_head_protocol(head);
	if (wire.upgrade.len > 0)
		wire.connection = SPAN_LITERAL("Upgrade");
	else if (c->close_asked)
		wire.connection = SPAN_LITERAL("close");
	r = h1_write_head(c->out, head, &wire);
	if (r < 0) {
		errno = -r;
		return NULL;
	}
	h->to_head = span_equals(http_head_method(head), SPAN_LITERAL("HEAD"));
	h->stream = (struct http_stream){
		.conn = c,
		.sent_head = true,
		.send_ended = h->sending == H1_SEND_NONE,
	};
	h->open = true;
	h->interims = 0;
	h->phase = H1_HEAD;
	return &h->stream;
}

static int
send_interim(struct h1 *h, const struct http_head *head)
{
	struct h1_wire wire = {0};
	int r;

	if (h->head.minor == 0)
		return 0;
	r = h1_write_head(h->base.out, head, &wire);
	if (r == 0 && head->status == 100)
		h->continued = true;
	return r;
}

/* The 101, to a request that asked for it: what it becomes is the protocol of
 * the request, whatever the head at hand says. */
static int
send_switch(struct h1 *h, const struct http_head *head)
{
	struct h1_wire wire = {
		.connection = SPAN_LITERAL("Upgrade"),
		.upgrade = http_head_protocol(&h->head),
	};
	int r;

	if (wire.upgrade.len == 0)
		return -EINVAL;
	r = h1_write_head(h->base.out, head, &wire);
	if (r < 0)
		return r;
	h->head.framing = HTTP_TUNNEL;
	h1_upgrade_begin(h);
	return 0;
}

/* The framing of a final response and whether the connection outlives it. */
static void
frame_response(struct h1 *h, const struct http_head *head, struct h1_wire *wire)
{
	bool bodiless = head->status == 204 || head->status == 304;

	frame(h, head, wire);
	if (h->to_head || bodiless) {
		/* The length that a GET would have had, where it is known. */
		wire->length = head->content_length;
		wire->framing = head->content_length > 0 && head->status != 204
					? H1_WIRE_LENGTH
					: H1_WIRE_NONE;
		h->sending = H1_SEND_DROP;
	} else if (h->sending == H1_SEND_CHUNKED && h->head.minor == 0) {
		wire->framing = H1_WIRE_NONE;
		h->sending = H1_SEND_RAW;
		h->base.must_close = true;
	}
	/* Who waits for a 100 and gets an answer may send the body or not. */
	if (h->head.expect_continue && !h->continued &&
		!h->stream.receive_ended)
		h->base.must_close = true;
}

int
h1_send_head(struct http_stream *s, const struct http_head *head)
{
	struct h1 *h = h1_of_stream(s);
	struct http_conn *c = &h->base;
	struct h1_wire wire = {0};
	int r;

	assert(c->server && !s->sent_head);
	if (head->status < 100 || head->status > 599)
		return -EINVAL;
	if (head->status == 101)
		return send_switch(h, head);
	if (head->status < 200)
		return send_interim(h, head);
	frame_response(h, head, &wire);
	if (http_conn_must_close(c))
		wire.connection = SPAN_LITERAL("close");
	else if (h->head.minor == 0)
		wire.connection = SPAN_LITERAL("keep-alive");
	r = h1_write_head(c->out, head, &wire);
	if (r < 0)
		return r;
	s->sent_head = true;
	s->send_ended =
		h->sending == H1_SEND_NONE || h->sending == H1_SEND_DROP;
	return 0;
}

size_t
h1_room(const struct http_stream *s)
{
	const struct h1 *h = h1_of_stream(s);
	size_t room = buf_room(h->base.out);

	if (!s->sent_head)
		return 0;
	switch (h->sending) {
	case H1_SEND_NONE:
		return 0;
	case H1_SEND_DROP:
		return SSIZE_MAX;
	case H1_SEND_LENGTH:
		return room < h->send_left ? room : (size_t)h->send_left;
	case H1_SEND_CHUNKED:
		return s->send_ended ? 0 : h1_chunk_room(room);
	case H1_SEND_RAW:
		break;
	}
	return s->send_ended ? 0 : room;
}

ssize_t
h1_send(struct http_stream *s, const void *data, size_t len)
{
	struct h1 *h = h1_of_stream(s);
	size_t room = h1_room(s);
	int r;

	assert(s->sent_head);
	if (h->sending == H1_SEND_LENGTH && len > h->send_left)
		return -EPROTO;
	if (h->sending == H1_SEND_NONE && len > 0)
		return -EPROTO;
	if (len > room)
		len = room;
	if (len == 0 || h->sending == H1_SEND_DROP)
		return (ssize_t)len;
	if (h->sending == H1_SEND_CHUNKED)
		r = h1_write_chunk(h->base.out, data, len);
	else
		r = buf_add(h->base.out, data, len);
	if (r < 0)
		return r;
	if (h->sending == H1_SEND_LENGTH)
		h->send_left -= len;
	return (ssize_t)len;
}

int
h1_send_end(struct http_stream *s, const struct http_head *trailers)
{
	struct h1 *h = h1_of_stream(s);
	int r = 0;

	assert(s->sent_head);
	if (s->send_ended)
		return 0;
	if (h->sending == H1_SEND_LENGTH && h->send_left > 0)
		return -EPROTO;
	if (h->sending == H1_SEND_CHUNKED)
		r = h1_write_last_chunk(h->base.out, trailers);
	if (r < 0)
		return r;
	s->send_ended = true;
	h->base.finished = h->head.framing == HTTP_TUNNEL;
	return 0;
}
