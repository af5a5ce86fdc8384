/*
 * A stream of HTTP/2 and the lists of the connection that it is in. h2_stream.c
 * has the theory of operation.  Internal to the codec.
 */
#ifndef SBX_HTTP_H2_STREAM_H
#define SBX_HTTP_H2_STREAM_H

#include <sys/queue.h>

#include "buf.h"
#include "codec.h"
#include "h2_refusal.h"
#include "message.h"

struct h2;

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

struct h2_stream *h2_stream_new(struct h2 *h, int32_t id);
void h2_stream_free(struct h2 *h, struct h2_stream *s);
void h2_stream_free_all(struct h2 *h);
void h2_stream_free_spare(struct h2 *h);

/* The library's own stream, or NULL. */
struct h2_stream *h2_stream_of(struct h2 *h, int32_t id);

/* Something has changed about it. */
void h2_stream_changed(struct h2 *h, struct h2_stream *s);

/* Server: it promises no body and has not ended: nobody is told of it before
 * it keeps that, for it would be taken for complete. */
bool h2_stream_is_held(const struct h2_stream *s);

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

static inline struct h2_stream *
h2_of_stream(const struct http_stream *s)
{
	return (struct h2_stream *)(void *)s;
}

#endif
