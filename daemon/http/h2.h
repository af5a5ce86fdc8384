/*
 * The HTTP/2 codec's own state and what its files ask of each other.  h2.c has
 * the theory of operation.  Internal to the codec.
 */
#ifndef SBX_HTTP_H2_H
#define SBX_HTTP_H2_H

#include <nghttp2/nghttp2.h>
#include <sys/queue.h>

#include "buf.h"
#include "codec.h"
#include "h2_budget.h"
#include "h2_memory.h"
#include "h2_stream.h"

enum {
	H2_STREAMS_MAX = 100, /* at a time; of a client too, whatever is let */
	/* What `out` keeps free of DATA, so that control frames find room. */
	H2_HEADROOM = 128,
	/* Text of all heads that one connection holds at a time. */
	H2_HEADS_HELD_MAX = 512 * 1024,
};

struct h2 {
	struct http_conn base;
	nghttp2_session *session;
	struct h2_memory memory;
	struct h2_budget budget;
	struct h2_stream_list streams, spare;          /* by link */
	struct h2_stream_list arrived, ready;          /* by ready_link */
	struct h2_stream_list waiting, woken, stalled; /* by wait_link */
	unsigned spare_count;
	unsigned on_wire; /* client: requests that the library knows */
	size_t heads_held;
	/* The head being read; no two header blocks are mixed. */
	struct h2_stream *reading;
	struct http_head *filling; /* NULL: to be forgotten */
	struct buf cookies;        /* its crumbs */
	bool cookies_secret;
	/* Who is in http_stream_send(), and what it was given and not taken. */
	struct h2_stream *sender;
	struct span offered;
	bool offered_ends; /* … and END_STREAM with its last byte */
	bool blocked;      /* `out` was full before all was written */
	bool secret_sent;  /* a head that the library's frames still show */
	bool goaway_sent;
	bool dead; /* the library has failed and may not be asked to send */
};

/* ---- h2.c ---- */

/* The connection is lost: -EPROTO. */
int h2_fail(struct h2 *h, const char *text, int status);

/* Writes what is due to `out`, as far as there is room.  0 or -EPROTO. */
int h2_flush(struct h2 *h);

/* What a call of the library returned: 0, or -EPROTO when it has failed for
 * good. */
int h2_check(struct h2 *h, int error);

/* ---- h2_receive.c: what the library tells us ---- */

void h2_receive_callbacks(nghttp2_session_callbacks *callbacks);

/* The message has ended if the peer said so and all of it was consumed. */
void h2_receive_end(struct h2_stream *s);

/* The peer sends no more, ever: what is not complete never will be.  Whether
 * there was such a message. */
bool h2_receive_cut(struct h2 *h);

void h2_next_head(struct http_stream *s);
enum http_body h2_peek(struct http_stream *s, struct span *ret);
bool h2_is_last(const struct http_stream *s, size_t len);
void h2_consume(struct http_stream *s, size_t len);

/* ---- h2_head.c: from header fields to a head ---- */

int h2_on_begin_headers(
	nghttp2_session *session, const nghttp2_frame *frame, void *arg);
int h2_on_header(nghttp2_session *session, const nghttp2_frame *frame,
	nghttp2_rcbuf *name, nghttp2_rcbuf *value, uint8_t flags, void *arg);
int h2_on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
	nghttp2_rcbuf *name, nghttp2_rcbuf *value, uint8_t flags, void *arg);

/* The header block is complete; end: and the message with it. */
void h2_end_headers(struct h2 *h, struct h2_stream *s, bool end);

/* ---- h2_request.c ---- */

struct http_stream *h2_request(struct http_conn *c, const struct http_head *h);
unsigned h2_request_room(const struct http_conn *c);
bool h2_can_upgrade(const struct http_conn *c);

/* ---- h2_send.c: the sending half ---- */

/* Where the library takes bodies from. */
extern const nghttp2_data_provider h2_provider;

void h2_send_callbacks(nghttp2_session_callbacks *callbacks);

/* Room for a frame of need bytes, and nothing before it.  0, -ENOBUFS,
 * -EMSGSIZE, -EPROTO. */
int h2_make_way(struct h2 *h, size_t need);

/* What is to be counted of the body that this head announces. */
void h2_announce(struct h2_stream *s, const struct http_head *head);

int h2_send_head(struct http_stream *s, const struct http_head *h);
size_t h2_room(const struct http_stream *s);
ssize_t h2_send(struct http_stream *s, const void *data, size_t len);
int h2_send_end(struct http_stream *s, const struct http_head *trailers);

static inline struct h2 *
h2_of(const struct http_conn *c)
{
	return (struct h2 *)(void *)c;
}

#endif
