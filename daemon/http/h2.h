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
#include "h2_refusal.h"
#include "message.h"

enum {
	H2_STREAMS_MAX = 100, /* at a time; of a client too, whatever is let */
	H2_INTERIMS_MAX = 16,
	/* What `out` keeps free of DATA, so that control frames find room. */
	H2_HEADROOM = 128,
	/* Text of all heads that one connection holds at a time. */
	H2_HEADS_HELD_MAX = 512 * 1024,
};

/* What a stream waits for that wanted to send. */
enum h2_waiting {
	H2_WAITS_NOT,
	H2_WAITS_OUT,    /* room in `out`: in waiting, then in woken */
	H2_WAITS_CONN,   /* the connection's window: in stalled */
	H2_WAITS_STREAM, /* its own window: in no list */
};

enum h2_sending {
	H2_SEND_NONE, /* no head yet, or no body */
	H2_SEND_DROP, /* body bytes are taken and dropped */
	H2_SEND_LENGTH,
	H2_SEND_OPEN, /* until send_end() */
};

/* A 1xx head that waits until it is looked at. */
struct h2_interim {
	struct http_head head;
	STAILQ_ENTRY(h2_interim) link;
};

struct h2_stream {
	struct http_stream base;
	int32_t id;
	TAILQ_ENTRY(h2_stream) link;       /* all of the connection, or spare */
	TAILQ_ENTRY(h2_stream) ready_link; /* arrived, or ready */
	TAILQ_ENTRY(h2_stream) wait_link;
	enum h2_waiting waits;
	size_t need; /* … room in `out` */
	struct http_head head, trailers;
	STAILQ_HEAD(h2_interims, h2_interim) interims; /* in order */
	struct buf body; /* received and not consumed */
	size_t held;     /* of the connection's heads_held */
	enum h2_sending sending;
	uint64_t send_left; /* H2_SEND_LENGTH */
	uint8_t interim_count;
	bool open;       /* in the caller's hands */
	bool arrived;    /* server: in the list of the arrived */
	bool ready;      /* in the list of the ready */
	bool woken;      /* H2_WAITS_OUT: in woken, not in waiting */
	bool on_wire;    /* the library knows it */
	bool final;      /* the head that is not 1xx is complete */
	bool end_seen;   /* the peer has ended its message */
	bool broken;     /* the message will never be complete */
	bool to_head;    /* the request is HEAD */
	bool to_upgrade; /* … an extended CONNECT */
	bool end_due;    /* END_STREAM is to go out */
	bool head_out;   /* HEADERS have gone out */
	/* Of the head being read: */
	bool is_connect;
	uint32_t host, host_len; /* of Host, in the head's text */
};

TAILQ_HEAD(h2_stream_list, h2_stream);

struct h2 {
	struct http_conn base;
	nghttp2_session *session;
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
	bool blocked; /* `out` was full before all was written */
	bool goaway_sent;
};

/* ---- h2.c ---- */

/* The connection is lost: -EPROTO. */
int h2_fail(struct h2 *h, const char *text, int status);

/* Writes what is due to `out`, as far as there is room.  0 or -EPROTO. */
int h2_flush(struct h2 *h);

/* A call of the library has failed: -EPROTO.  0 when it has not. */
int h2_check(struct h2 *h, int error);

/* ---- h2_stream.c: the streams and the lists that they are in ---- */

struct h2_stream *h2_stream_new(struct h2 *h, int32_t id);
void h2_stream_free(struct h2 *h, struct h2_stream *s);
void h2_stream_free_all(struct h2 *h);
void h2_stream_free_spare(struct h2 *h);

/* The library's own stream, or NULL. */
struct h2_stream *h2_stream_of(struct h2 *h, int32_t id);

/* Something has changed about it. */
void h2_stream_changed(struct h2 *h, struct h2_stream *s);

/* Server: to be accepted. */
void h2_stream_arrived(struct h2 *h, struct h2_stream *s);

/* No message will ever come of it, and this is why. */
void h2_stream_refuse(struct h2 *h, struct h2_stream *s, enum h2_refused why);

/* Opens the connection's window again by bytes that no stream needs. */
void h2_stream_give_back(struct h2 *h, size_t bytes);

/* Gives the bytes back that were received and that nobody will consume. */
void h2_stream_drop_body(struct h2 *h, struct h2_stream *s);

/* It wanted to send; need: bytes of `out`. */
void h2_stream_wait(
	struct h2 *h, struct h2_stream *s, enum h2_waiting why, size_t need);

/* … and may try again: now (H2_WAITS_STREAM), or all of those (…_CONN). */
void h2_stream_wake(struct h2 *h, struct h2_stream *s);
void h2_stream_wake_stalled(struct h2 *h);

/* At the end of each run: who waited for `out` may ask again, once. */
void h2_stream_wake_waiting(struct h2 *h);

struct http_stream *h2_next_ready(struct http_conn *c);
struct http_stream *h2_accept(struct http_conn *c);
void h2_close(struct http_stream *s);

/* ---- h2_receive.c: what the library tells us ---- */

void h2_receive_callbacks(nghttp2_session_callbacks *callbacks);

/* The message has ended if the peer said so and all of it was consumed. */
void h2_receive_end(struct h2_stream *s);

/* The peer sends no more, ever: what is not complete never will be.  Whether
 * there was such a message. */
bool h2_receive_cut(struct h2 *h);

void h2_next_head(struct http_stream *s);
enum http_body h2_peek(struct http_stream *s, struct span *ret);
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

/* ---- h2_send.c, h2_write.c: the sending half ---- */

void h2_send_callbacks(nghttp2_session_callbacks *callbacks);
struct http_stream *h2_request(struct http_conn *c, const struct http_head *h);
bool h2_can_request(const struct http_conn *c);
bool h2_can_upgrade(const struct http_conn *c);
int h2_send_head(struct http_stream *s, const struct http_head *h);
size_t h2_room(const struct http_stream *s);
ssize_t h2_send(struct http_stream *s, const void *data, size_t len);
int h2_send_end(struct http_stream *s, const struct http_head *trailers);

static inline struct h2 *
h2_of(const struct http_conn *c)
{
	return (struct h2 *)(void *)c;
}

static inline struct h2_stream *
h2_of_stream(const struct http_stream *s)
{
	return (struct h2_stream *)(void *)s;
}

#endif
