/*
 * h2_head.c - from header fields to a head
 *
 * The library decodes HPACK, whatever we think of a head, for the table is the
 * connection's; it also refuses what RFC 9113 8 calls malformed.  Here fields
 * go into the model as they come, under the same bounds as in HTTP/1, and what
 * the rules refuse beyond that is refused when the block is complete.  A head
 * that is refused is forgotten, and its stream stays open for the answer.
 *
 * The model is HTTP/1's: Host is the authority, an extended CONNECT is a GET
 * that asks for a protocol, and the 2xx to it a 101 (RFC 8441).
 */
#include <errno.h>
#include <stdlib.h>

#include "array.h"
#include "field.h"
#include "h2.h"
#include "head_build.h"
#include "rules.h"

enum {
	TARGET_MAX = 16 * 1024, /* as an HTTP/1 start line */
	INTERIMS_MAX = 16,
};

static enum h2_refused
refused_errno(int error)
{
	switch (error) {
	case 0:
		return H2_FINE;
	case -ENOMEM:
		return H2_NO_MEMORY;
	case -E2BIG:
		return H2_HEAD_SIZE;
	default:
		return H2_BAD_FIELD;
	}
}

/* ---- pseudo fields ---- */

static enum h2_refused
set_method(struct h2_stream *s, struct span value)
{
	if (span_equals(value, SPAN_LITERAL("CONNECT"))) {
		s->is_connect = true;
		value = SPAN_LITERAL("GET");
	}
	return refused_errno(http_head_set_method(&s->head, value));
}

static enum h2_refused
check_scheme(struct h2_stream *s, struct span value)
{
	(void)s;
	return span_equals_nocase(value, SPAN_LITERAL("https")) ||
			       span_equals_nocase(value, SPAN_LITERAL("http"))
		       ? H2_FINE
		       : H2_BAD_SCHEME;
}

static enum h2_refused
set_authority(struct h2_stream *s, struct span value)
{
	struct span host;
	uint16_t port;

	if (http_rules_authority(value, &host, &port) < 0)
		return H2_BAD_AUTHORITY;
	return refused_errno(http_head_set_authority(&s->head, value));
}

static enum h2_refused
set_path(struct h2_stream *s, struct span value)
{
	int r;

	if (value.len > TARGET_MAX)
		return H2_LONG_TARGET;
	r = http_head_set_target(&s->head, value);
	return r == -EINVAL ? H2_BAD_TARGET : refused_errno(r);
}

static enum h2_refused
set_protocol(struct h2_stream *s, struct span value)
{
	return refused_errno(http_head_set_protocol(&s->head, value));
}

static enum h2_refused
set_status(struct h2_stream *s, struct span value)
{
	if (value.len != 3 || value.ptr[0] < '1' || value.ptr[0] > '5')
		return H2_BAD_STATUS;
	for (int i = 0; i < 3; i++) {
		if (value.ptr[i] < '0' || value.ptr[i] > '9')
			return H2_BAD_STATUS;
		s->head.status = s->head.status * 10 + (value.ptr[i] - '0');
	}
	return H2_FINE;
}

/* Which may stand where, and once, the library knows. */
static const struct {
	struct span name;
	enum h2_refused (*set)(struct h2_stream *s, struct span value);
} pseudo_fields[] = {
	{{":method", 7}, set_method},
	{{":scheme", 7}, check_scheme},
	{{":authority", 10}, set_authority},
	{{":path", 5}, set_path},
	{{":protocol", 9}, set_protocol},
	{{":status", 7}, set_status},
};

static enum h2_refused
add_pseudo(struct h2_stream *s, struct span name, struct span value)
{
	for (size_t i = 0; i < ARRAY_LEN(pseudo_fields); i++) {
		if (span_equals(name, pseudo_fields[i].name))
			return pseudo_fields[i].set(s, value);
	}
	return H2_BAD_FIELD;
}

/* ---- fields ---- */

static enum h2_refused
add_host(struct h2_stream *s, struct span value)
{
	s->host_len = (uint32_t)value.len;
	return refused_errno(http_head_append(&s->head, value, &s->host));
}

/* RFC 9113 8.2.3: the crumbs are one field. */
static enum h2_refused
add_crumb(struct h2 *h, struct span value, bool secret)
{
	int r = 0;

	h->cookies_secret = h->cookies_secret || secret;
	h->cookies.secret = h->cookies_secret;
	if (h->cookies.len > 0)
		r = buf_add(&h->cookies, "; ", 2);
	if (r == 0)
		r = buf_add(&h->cookies, value.ptr, value.len);
	return r == -ENOBUFS ? H2_HEAD_SIZE : refused_errno(r);
}

static enum h2_refused
add_field(struct http_head *head, struct span name, struct span value,
	bool secret)
{
	if (head->field_count == HTTP_FIELDS_MAX)
		return H2_FIELD_COUNT;
	return refused_errno(http_head_add(head, name, value, secret));
}

static enum h2_refused
add(struct h2 *h, struct span name, struct span value, bool secret)
{
	struct h2_stream *s = h->reading;
	bool request = h->base.server && h->filling == &s->head;

	if (h->heads_held + h->filling->text_len + name.len + value.len >
		H2_HEADS_HELD_MAX)
		return H2_HEADS_HELD;
	if (name.len > 0 && name.ptr[0] == ':')
		return add_pseudo(s, name, value);
	if (request && span_equals(name, SPAN_LITERAL("host")))
		return add_host(s, value);
	if (request && span_equals(name, SPAN_LITERAL("cookie")))
		return add_crumb(h, value, secret);
	return add_field(h->filling, name, value, secret);
}

static struct span
span_of_rcbuf(nghttp2_rcbuf *r)
{
	nghttp2_vec v = nghttp2_rcbuf_get_buf(r);

	return (struct span){(const char *)v.base, v.len};
}

int
h2_on_header(nghttp2_session *session, const nghttp2_frame *frame,
	nghttp2_rcbuf *name, nghttp2_rcbuf *value, uint8_t flags, void *arg)
{
	struct h2 *h = arg;
	enum h2_refused why;

	(void)session, (void)frame;
	if (h->filling == NULL)
		return 0;
	why = add(h, span_of_rcbuf(name), span_of_rcbuf(value),
		(flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0);
	if (why != H2_FINE)
		h2_stream_refuse(h, h->reading, why);
	return 0;
}

int
h2_on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
	nghttp2_rcbuf *name, nghttp2_rcbuf *value, uint8_t flags, void *arg)
{
	struct h2 *h = arg;

	(void)session, (void)frame, (void)name, (void)value, (void)flags;
	if (h->filling != NULL)
		h2_stream_refuse(h, h->reading, H2_BAD_FIELD);
	return 0;
}

int
h2_on_begin_headers(
	nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct h2 *h = arg;
	struct h2_stream *s;

	if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
		s = h2_stream_new(h, frame->hd.stream_id);
		if (s == NULL)
			return NGHTTP2_ERR_CALLBACK_FAILURE;
		s->on_wire = true;
		nghttp2_session_set_stream_user_data(session, s->id, s);
	} else {
		s = h2_stream_of(h, frame->hd.stream_id);
	}
	h->reading = s;
	h->filling = NULL;
	if (s != NULL && !s->broken)
		h->filling = s->final ? &s->trailers : &s->head;
	buf_done(&h->cookies);
	h->cookies_secret = false;
	return 0;
}

/* ---- complete heads ---- */

static enum h2_refused
end_cookies(struct h2 *h, struct http_head *head)
{
	struct span all = buf_span(&h->cookies);
	enum h2_refused why = H2_FINE;

	if (all.len > 0)
		why = add_field(
			head, SPAN_LITERAL("cookie"), all, h->cookies_secret);
	buf_done(&h->cookies);
	return why;
}

static enum h2_refused
end_authority(struct h2_stream *s)
{
	struct http_head *head = &s->head;
	struct span host, name;
	uint16_t port;

	if (s->host_len == 0)
		return head->authority_len > 0 ? H2_FINE : H2_BAD_AUTHORITY;
	host = (struct span){head->text + s->host, s->host_len};
	if (head->authority_len > 0)
		return span_equals_nocase(host, http_head_authority(head))
			       ? H2_FINE
			       : H2_TWO_AUTHORITIES;
	if (http_rules_authority(host, &name, &port) < 0)
		return H2_BAD_AUTHORITY;
	head->authority = s->host;
	head->authority_len = s->host_len;
	return H2_FINE;
}

static enum h2_refused
end_target(const struct http_head *head)
{
	struct span target = http_head_target(head);

	if (target.len > 0 && target.ptr[0] == '/')
		return H2_FINE;
	return span_equals(target, SPAN_LITERAL("*")) &&
			       span_equals(http_head_method(head),
				       SPAN_LITERAL("OPTIONS"))
		       ? H2_FINE
		       : H2_BAD_TARGET;
}

static enum h2_refused
end_expect(struct http_head *head)
{
	for (int i = 0; i < head->field_count; i++) {
		const struct http_field *f = &head->fields[i];

		if (f->known != HTTP_EXPECT)
			continue;
		if (!span_equals_nocase(http_head_value(head, f),
			    SPAN_LITERAL("100-continue")))
			return H2_EXPECT;
		head->expect_continue = head->framing != HTTP_NO_BODY;
	}
	return H2_FINE;
}

/* How the body is framed, where there may be one. */
static enum h2_refused
end_framing(struct http_head *head, bool end)
{
	const struct http_field *f = http_head_find(head, HTTP_CONTENT_LENGTH);

	head->framing = end ? HTTP_NO_BODY : HTTP_CHUNKED;
	if (f == NULL)
		return H2_FINE;
	if (!http_read_length(http_head_value(head, f), &head->content_length))
		return H2_BAD_LENGTH;
	if (end)
		return H2_FINE;
	if (head->content_length > 0)
		head->framing = HTTP_LENGTH;
	else if (http_head_find(head, HTTP_TRAILER) == NULL)
		head->framing = HTTP_NO_BODY;
	return H2_FINE;
}

static enum h2_refused
end_request(struct h2_stream *s, bool end)
{
	struct http_head *head = &s->head;
	enum h2_refused why;

	if (s->is_connect != (head->protocol_len > 0))
		return s->is_connect ? H2_CONNECT : H2_BAD_PROTOCOL;
	why = end_authority(s);
	if (why == H2_FINE)
		why = end_target(head);
	if (why == H2_FINE)
		why = end_framing(head, end);
	if (why == H2_FINE)
		why = end_expect(head);
	if (why != H2_FINE)
		return why;
	if (s->is_connect)
		head->framing = HTTP_TUNNEL;
	s->to_head = span_equals(http_head_method(head), SPAN_LITERAL("HEAD"));
	/* The library lets no other value through. */
	head->te_trailers = http_head_find(head, HTTP_TE) != NULL;
	return H2_FINE;
}

static enum h2_refused
end_final(struct h2_stream *s, bool end)
{
	struct http_head *head = &s->head;
	enum h2_refused why = end_framing(head, end);

	if (why != H2_FINE)
		return why;
	if (s->to_upgrade && head->status / 100 == 2) {
		head->status = 101;
		head->framing = HTTP_TUNNEL;
		return H2_FINE;
	}
	head->protocol_len = 0;
	if (s->to_head || head->status == 204 || head->status == 304)
		head->framing = HTTP_NO_BODY;
	return H2_FINE;
}

static enum h2_refused
end_interim(struct h2_stream *s)
{
	struct h2_interim *i;
	struct span asked;

	if (++s->interim_count > INTERIMS_MAX)
		return H2_INTERIMS;
	i = calloc(1, sizeof(*i));
	if (i == NULL)
		return H2_NO_MEMORY;
	i->head = s->head;
	http_head_init(&s->head);
	STAILQ_INSERT_TAIL(&s->interims, i, link);
	/* What was asked for is remembered in the head to come. */
	if (!s->to_upgrade)
		return H2_FINE;
	asked = http_head_protocol(&i->head);
	i->head.protocol_len = 0;
	return refused_errno(http_head_set_protocol(&s->head, asked));
}

static enum h2_refused
end_head(struct h2 *h, struct h2_stream *s, bool end)
{
	enum h2_refused why = end_cookies(h, &s->head);

	s->head.keep_alive = true;
	if (why != H2_FINE)
		return why;
	if (!h->base.server && s->head.status < 200)
		return end_interim(s);
	why = h->base.server ? end_request(s, end) : end_final(s, end);
	if (why == H2_FINE)
		s->final = true;
	return why;
}

static void
hold(struct h2 *h, struct h2_stream *s, size_t bytes)
{
	s->held += bytes;
	h->heads_held += bytes;
}

void
h2_end_headers(struct h2 *h, struct h2_stream *s, bool end)
{
	bool trailers = s->final;
	enum h2_refused why;

	if (h->filling != NULL) {
		hold(h, s, h->filling->text_len);
		h->filling = NULL;
		why = trailers ? H2_FINE : end_head(h, s, end);
		if (why != H2_FINE)
			h2_stream_refuse(h, s, why);
	}
	h->reading = NULL;
	if (s->base.head == NULL && s->base.refused == NULL)
		s->base.head = STAILQ_EMPTY(&s->interims)
				       ? (s->final ? &s->head : NULL)
				       : &STAILQ_FIRST(&s->interims)->head;
	/* A length of 0 announces no body, but it takes one to have these. */
	if (h->base.server && trailers && h2_stream_is_held(s))
		s->head.framing = HTTP_CHUNKED;
	s->end_seen = s->end_seen || end;
	h2_receive_end(s);
	if (h->base.server && !h2_stream_is_held(s))
		h2_stream_arrived(h, s);
	h2_stream_changed(h, s);
}
