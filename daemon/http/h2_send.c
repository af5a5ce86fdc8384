/*
 * h2_send.c - the sending half of the codec
 *
 * A head or a piece of body goes through the library and into `out` within the
 * call that gives it, so that nothing of the caller's is copied in between or
 * remembered: first what the library has waiting goes out, and only if `out`
 * took all of that is the new frame given to it, no larger than `out` has room
 * for and the windows allow.  Else the stream waits (h2_stream.c).
 *
 * The one thing that waits in the library is the empty DATA frame that ends a
 * stream.  The library takes it for data and holds it while a window is
 * closed, even beyond the caller's http_stream_close().
 */
#include <assert.h>
#include <errno.h>
#include <limits.h>

#include "h2.h"
#include "h2_write.h"

enum {
	FRAME_MAX = 16384, /* RFC 9113 6.5.2: what every peer takes */
};

/* ---- callbacks ---- */

static size_t
headroom(const struct h2 *h)
{
	size_t quarter = h->base.out->bound / 4;

	return quarter < H2_HEADROOM ? quarter : H2_HEADROOM;
}

/* How much DATA `out` has room for, in as many frames as that takes. */
static size_t
out_room(const struct h2 *h)
{
	size_t room = buf_room(h->base.out), taken;

	taken = headroom(h) + (room / FRAME_MAX + 1) * H2_FRAME_HEADER;
	return room > taken ? room - taken : 0;
}

static ssize_t
on_send(nghttp2_session *session, const uint8_t *data, size_t len, int flags,
	void *arg)
{
	struct h2 *h = arg;
	struct buf *out = h->base.out;
	size_t room = buf_room(out);

	(void)session, (void)flags;
	if (len > room) {
		h->blocked = true;
		len = room;
	}
	if (len == 0)
		return NGHTTP2_ERR_WOULDBLOCK;
	return buf_add(out, data, len) == 0 ? (ssize_t)len
					    : NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* NOLINTBEGIN(readability-function-size): the library's signature */
/* What may go out of the stream now: a look only, on_send_data() takes it. */
static ssize_t
on_read(nghttp2_session *session, int32_t id, uint8_t *buffer, size_t len,
	uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	struct h2 *h = arg;
	struct h2_stream *s = h2_stream_of(h, id);
	size_t room = out_room(h), reserved;

	(void)session, (void)buffer, (void)source;
	/* Closed by its owner, who had ended it. */
	if (s == NULL || s->end_due) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		return 0;
	}
	if (s != h->sender)
		return NGHTTP2_ERR_DEFERRED;
	len = len < h->offered.len ? len : h->offered.len;
	len = len < room ? len : room;
	if (len == 0 || buf_reserve(h->base.out, H2_FRAME_HEADER + len,
				&reserved) == NULL)
		return NGHTTP2_ERR_DEFERRED;
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (h->offered_ends && len == h->offered.len)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)len;
}

/* NOLINTEND(readability-function-size) */

static int
on_send_data(nghttp2_session *session, nghttp2_frame *frame,
	const uint8_t *header, size_t len, nghttp2_data_source *source,
	void *arg)
{
	struct h2 *h = arg;

	(void)session, (void)frame, (void)source;
	assert(len <= h->offered.len);
	/* on_read() has made the room. */
	if (buf_add(h->base.out, header, H2_FRAME_HEADER) < 0 ||
		buf_add(h->base.out, h->offered.ptr, len) < 0)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	h->offered.ptr += len;
	h->offered.len -= len;
	return 0;
}

void
h2_send_callbacks(nghttp2_session_callbacks *callbacks)
{
	nghttp2_session_callbacks_set_send_callback(callbacks, on_send);
	nghttp2_session_callbacks_set_send_data_callback(
		callbacks, on_send_data);
}

const nghttp2_data_provider h2_provider = {.read_callback = on_read};

/* ---- what is common ---- */

/* Whether anything that is sent still reaches the peer. */
static bool
is_heard(const struct h2 *h, const struct h2_stream *s)
{
	return s->on_wire && s->base.reset == HTTP_NOT_RESET &&
	       h->base.error == NULL;
}

int
h2_make_way(struct h2 *h, size_t need)
{
	if (need > h->base.out->bound)
		return -EMSGSIZE;
	if (h2_flush(h) < 0)
		return -EPROTO;
	return h->blocked || buf_room(h->base.out) < need ? -ENOBUFS : 0;
}

/* The same for a stream that can wait. */
static int
make_way_for(struct h2 *h, struct h2_stream *s, size_t need)
{
	int r = h2_make_way(h, need);

	if (r == -ENOBUFS)
		h2_stream_wait(h, s, H2_WAITS_OUT, need);
	return r;
}

static void
wait_for_room(struct h2 *h, struct h2_stream *s)
{
	enum h2_waiting why = H2_WAITS_OUT;

	if (nghttp2_session_get_stream_remote_window_size(h->session, s->id) <=
		0)
		why = H2_WAITS_STREAM;
	else if (nghttp2_session_get_remote_window_size(h->session) <= 0)
		why = H2_WAITS_CONN;
	h2_stream_wait(h, s, why, headroom(h) + H2_FRAME_HEADER + 1);
}

void
h2_announce(struct h2_stream *s, const struct http_head *head)
{
	s->send_left = 0;
	if (head->framing == HTTP_NO_BODY) {
		s->sending = H2_SEND_NONE;
	} else if (head->framing != HTTP_LENGTH) {
		s->sending = H2_SEND_OPEN;
	} else {
		s->sending = head->content_length > 0 ? H2_SEND_LENGTH
						      : H2_SEND_NONE;
		s->send_left = head->content_length;
	}
}

/* ---- responses ---- */

static int
submit_head(struct h2 *h, struct h2_stream *s, const struct http_head *head,
	const struct h2_fields *fields)
{
	bool body = s->sending == H2_SEND_LENGTH || s->sending == H2_SEND_OPEN;
	int r;

	if (head->status < 200 && head->status != 101)
		r = nghttp2_submit_headers(h->session, NGHTTP2_FLAG_NONE, s->id,
			NULL, fields->list, fields->count, NULL);
	else
		r = nghttp2_submit_response(h->session, s->id, fields->list,
			fields->count, body ? &h2_provider : NULL);
	if (r == NGHTTP2_ERR_NOMEM)
		return -ENOMEM;
	h->secret_sent = h->secret_sent || fields->secret;
	return h2_check(h, r) < 0 || h2_flush(h) < 0 ? -ENOMEM : 0;
}

static void
frame_response(struct h2_stream *s, const struct http_head *head)
{
	h2_announce(s, head);
	if (s->to_head || head->status == 204 || head->status == 304)
		s->sending = H2_SEND_DROP;
}

static int
send_interim(struct h2 *h, struct h2_stream *s, const struct http_head *head)
{
	struct h2_fields fields;
	int r;

	h2_fields_of_response(&fields, head, false);
	r = make_way_for(h, s, fields.wire);
	return r == 0 ? submit_head(h, s, head, &fields) : r;
}

static int
send_final(struct h2 *h, struct h2_stream *s, const struct http_head *head)
{
	struct h2_fields fields;
	bool length;
	int r;

	frame_response(s, head);
	length = s->sending == H2_SEND_LENGTH ||
		 (s->sending == H2_SEND_DROP && head->content_length > 0 &&
			 head->status != 204);
	h2_fields_of_response(&fields, head, length);
	r = make_way_for(h, s, fields.wire);
	if (r == 0)
		r = submit_head(h, s, head, &fields);
	if (r < 0)
		return r;
	s->base.sent_head = true;
	s->base.send_ended =
		s->sending == H2_SEND_NONE || s->sending == H2_SEND_DROP;
	return 0;
}

int
h2_send_head(struct http_stream *base, const struct http_head *head)
{
	struct h2_stream *s = h2_of_stream(base);
	struct h2 *h = h2_of(base->conn);
	bool interim = head->status < 200 && head->status != 101;

	assert(base->conn->server && !base->sent_head);
	if (head->status < 100 || head->status > 599)
		return -EINVAL;
	if (head->status == 101 && s->head.protocol_len == 0)
		return -EINVAL;
	if (!is_heard(h, s)) {
		s->sending = H2_SEND_DROP;
		base->sent_head = base->send_ended = !interim;
		return 0;
	}
	return interim ? send_interim(h, s, head) : send_final(h, s, head);
}

/* ---- bodies ---- */

size_t
h2_room(const struct http_stream *base)
{
	struct h2_stream *s = h2_of_stream(base);
	struct h2 *h = h2_of(base->conn);
	size_t room = out_room(h);
	int32_t window, shared;

	if (!base->sent_head)
		return 0;
	if (s->sending == H2_SEND_DROP)
		return SSIZE_MAX;
	if (s->sending == H2_SEND_NONE || base->send_ended)
		return 0;
	if (!is_heard(h, s))
		return SSIZE_MAX;
	window = nghttp2_session_get_stream_remote_window_size(
		h->session, s->id);
	shared = nghttp2_session_get_remote_window_size(h->session);
	if (window > shared)
		window = shared;
	if (window <= 0)
		room = 0;
	else if (room > (size_t)window)
		room = (size_t)window;
	if (room == 0)
		wait_for_room(h, s);
	if (s->sending == H2_SEND_LENGTH && room > s->send_left)
		room = (size_t)s->send_left;
	return room;
}

/* The library asks on_read() again. */
static void
push(struct h2 *h, const struct h2_stream *s)
{
	int r = nghttp2_session_resume_data(h->session, s->id);

	/* Else it waits for a window, which is no failure. */
	if (nghttp2_is_fatal(r))
		(void)h2_check(h, r);
	(void)h2_flush(h);
}

/* Whether these bytes end the message. */
static bool
ends_with(const struct h2_stream *s, size_t len)
{
	return s->base.sends_last &&
	       (s->sending != H2_SEND_LENGTH || s->send_left == len);
}

/* Through the library and into `out`; how much of it. */
static size_t
offer(struct h2 *h, struct h2_stream *s, struct span data)
{
	size_t left;

	h->sender = s;
	h->offered = data;
	h->offered_ends = ends_with(s, data.len);
	push(h, s);
	left = h->offered.len;
	h->sender = NULL;
	h->offered = (struct span){NULL, 0};
	return data.len - left;
}

static void
earn(struct h2 *h, const struct h2_stream *s, size_t taken)
{
	h2_budget_earn_bytes(&h->budget, taken);
	/* A peer that opens its window by single bytes earns nothing. */
	if (nghttp2_session_get_stream_remote_window_size(h->session, s->id) >
			0 &&
		nghttp2_session_get_remote_window_size(h->session) > 0)
		h2_budget_earn(&h->budget, 1);
}

ssize_t
h2_send(struct http_stream *base, const void *data, size_t len)
{
	struct h2_stream *s = h2_of_stream(base);
	struct h2 *h = h2_of(base->conn);
	size_t taken = 0;

	assert(base->sent_head);
	if (s->sending == H2_SEND_DROP || len == 0)
		return (ssize_t)len;
	if (s->sending == H2_SEND_NONE || base->send_ended)
		return -EPROTO;
	if (s->sending == H2_SEND_LENGTH && len > s->send_left)
		return -EPROTO;
	if (!is_heard(h, s))
		return (ssize_t)len;
	if (h2_make_way(h, 1) == 0)
		taken = offer(h, s, (struct span){data, len});
	base->send_ended = taken == len && ends_with(s, len);
	if (!is_heard(h, s))
		return (ssize_t)len;
	if (taken > 0)
		earn(h, s, taken);
	if (taken < len)
		wait_for_room(h, s);
	if (s->sending == H2_SEND_LENGTH)
		s->send_left -= taken;
	return (ssize_t)taken;
}

/* 1: they went out; 0: there is none of them that may. */
static int
send_trailers(struct h2 *h, struct h2_stream *s, const struct http_head *head)
{
	struct h2_fields fields;
	int r;

	h2_fields_of_trailers(&fields, head);
	r = make_way_for(h, s, fields.wire);
	if (r < 0)
		return r;
	if (fields.count == 0)
		return 0;
	r = nghttp2_submit_trailer(
		h->session, s->id, fields.list, fields.count);
	if (r == NGHTTP2_ERR_NOMEM)
		return -ENOMEM;
	h->secret_sent = h->secret_sent || fields.secret;
	return h2_check(h, r) < 0 || h2_flush(h) < 0 ? -EPROTO : 1;
}

int
h2_send_end(struct http_stream *base, const struct http_head *trailers)
{
	struct h2_stream *s = h2_of_stream(base);
	struct h2 *h = h2_of(base->conn);
	int r = 0;

	assert(base->sent_head);
	if (base->send_ended)
		return 0;
	if (s->sending == H2_SEND_LENGTH && s->send_left > 0 && is_heard(h, s))
		return -EPROTO;
	if (is_heard(h, s) && trailers != NULL && trailers->field_count > 0)
		r = send_trailers(h, s, trailers);
	if (r < 0)
		return r;
	base->send_ended = true;
	if (r == 0 && is_heard(h, s)) {
		s->end_due = true;
		push(h, s);
	}
	return 0;
}
