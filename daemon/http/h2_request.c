/*
 * h2_request.c - how a client's stream begins
 *
 * A stream has its number, and the library knows it, only when its head is in
 * `out`; a request that does not get that far never was.
 */
#include <errno.h>

#include "h2.h"
#include "h2_write.h"

static unsigned
room(const struct h2 *h, uint32_t most)
{
	const struct http_conn *c = &h->base;

	if (c->server || http_conn_must_close(c) || c->eof ||
		h->on_wire >= most ||
		nghttp2_session_check_request_allowed(h->session) == 0)
		return 0;
	return most - h->on_wire;
}

static uint32_t
streams_of_peer(const struct h2 *h)
{
	uint32_t most = nghttp2_session_get_remote_settings(
		h->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);

	return most < H2_STREAMS_MAX ? most : H2_STREAMS_MAX;
}

unsigned
h2_request_room(const struct http_conn *c)
{
	return room(h2_of(c), c->settled ? streams_of_peer(h2_of(c)) : 1);
}

bool
h2_can_upgrade(const struct http_conn *c)
{
	return h2_request_room(c) > 0 &&
	       nghttp2_session_get_remote_settings(h2_of(c)->session,
		       NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

static int
submit_request(
	struct h2 *h, struct h2_stream *s, const struct h2_fields *fields)
{
	bool body = s->sending != H2_SEND_NONE;
	int r;

	r = nghttp2_submit_request(h->session, NULL, fields->list,
		fields->count, body ? &h2_provider : NULL, s);
	if (r < 0)
		return r == NGHTTP2_ERR_NOMEM ? -ENOMEM : -EBUSY;
	s->id = r;
	s->on_wire = true;
	h->on_wire++;
	h->secret_sent = h->secret_sent || fields->secret;
	if (h2_flush(h) < 0)
		return -ENOMEM;
	if (s->head_out)
		return 0;
	/* Never opened, so never closed. */
	if (s->on_wire)
		h->on_wire--;
	return -EBUSY;
}

static int
begin_request(
	struct h2 *h, const struct http_head *head, struct h2_stream **ret)
{
	struct h2_fields fields;
	struct h2_stream *s;
	int r;

	if (room(h, streams_of_peer(h)) == 0 ||
		(head->protocol_len > 0 && !h2_can_upgrade(&h->base)))
		return -EBUSY;
	r = h2_fields_of_request(&fields, head, h->base.plain);
	if (r == 0)
		r = h2_make_way(h, fields.wire);
	if (r < 0)
		return r;
	s = h2_stream_new(h, 0);
	if (s == NULL)
		return -ENOMEM;
	h2_announce(s, head);
	s->to_head = span_equals(http_head_method(head), SPAN_LITERAL("HEAD"));
	s->to_upgrade = head->protocol_len > 0;
	if (s->to_upgrade)
		r = http_head_set_protocol(&s->head, http_head_protocol(head));
	if (r == 0)
		r = submit_request(h, s, &fields);
	if (r < 0) {
		nghttp2_session_set_stream_user_data(h->session, s->id, NULL);
		h2_stream_free(h, s);
		return r;
	}
	*ret = s;
	return 0;
}

struct http_stream *
h2_request(struct http_conn *c, const struct http_head *head)
{
	struct h2_stream *s;
	int r;

	r = begin_request(h2_of(c), head, &s);
	if (r < 0) {
		errno = r == -EPROTO ? EBUSY : -r;
		return NULL;
	}
	s->open = true;
	s->base.sent_head = true;
	s->base.send_ended = s->sending == H2_SEND_NONE;
	return &s->base;
}
