/*
 * The HTTP/1.1 codec's own state and what its files ask of each other.  h1.c
 * has the theory of operation.  Internal to the codec.
 */
#ifndef SBX_HTTP_H1_H
#define SBX_HTTP_H1_H

#include <llhttp.h>

#include "codec.h"
#include "h1_line.h"
#include "h1_refusal.h"
#include "message.h"

enum h1_phase {
	H1_IDLE, /* nothing is expected: client between requests, server at the
		  * end */
	H1_HEAD, /* reading a head */
	H1_INTERIM, /* client: an interim head is to be looked at */
	H1_BODY,
	H1_END,    /* the message is complete */
	H1_FAILED, /* base.error says why */
};

enum h1_sending {
	H1_SEND_NONE, /* no body, or no head yet */
	H1_SEND_DROP, /* body bytes are taken and dropped: HEAD, 204, 304 */
	H1_SEND_LENGTH,
	H1_SEND_CHUNKED,
	H1_SEND_RAW, /* until close */
};

enum {
	H1_PROTOCOL_MAX = 32, /* of an upgrade that we ask for */
};

struct h1 {
	struct http_conn base;
	struct http_stream stream; /* the only one */
	llhttp_t parser;
	struct h1_line line;
	struct http_head head, trailers; /* received */
	enum h1_phase phase;
	enum h1_sending sending;
	uint64_t left;      /* of a body with a length, to receive */
	uint64_t send_left; /* … and to send */
	size_t ready;       /* bytes at the head of `in` that are chunk data */
	struct http_field field;     /* being read */
	enum h1_refused why;         /* what a callback refused */
	char asked[H1_PROTOCOL_MAX]; /* client: Upgrade of the request */
	uint8_t asked_len;
	uint8_t interims;
	bool open;        /* the stream is in the caller's hands */
	bool changed;     /* … and something may have, since it was shown */
	bool refused;     /* … was handed out for a refusal */
	bool in_value;    /* of the field being read */
	bool in_trailers; /* head complete, chunks being read */
	bool done;        /* the parser is at the end of a head or message */
	bool to_head;     /* the request is HEAD */
	bool continued;   /* a 100 went out */
};

/* h1.c: the connection is lost; -EPROTO. */
int h1_fail(struct h1 *h, enum h1_refused why);

/* h1_parse.c: begins to read a head; takes what is in `in` as far as the next
 * piece of chunk data or the end of head or message (done). */
void h1_begin_head(struct h1 *h);
int h1_feed(struct h1 *h);

/* h1_check.c: fills what follows from the fields: framing, authority, target …
 */
enum h1_refused h1_check_request(struct http_head *h);
enum h1_refused h1_check_response(
	struct http_head *h, bool to_head, struct span asked);
enum h1_refused h1_check_trailers(const struct http_head *h);

/* Whether any field so known has token in its list. */
bool h1_has_token(
	const struct http_head *h, enum http_known known, struct span token);

/* h1_upgrade.c: sets the protocol that a request wants; judges a 101 by what
 * was asked for (may be empty). */
enum h1_refused h1_upgrade_check_request(struct http_head *h);
enum h1_refused h1_upgrade_check_response(
	struct http_head *h, struct span asked);

/* Client: notes what a request asks for, if anything; false if it may not. */
bool h1_upgrade_ask(struct h1 *h, const struct http_head *request);

/* A 101 was read or written: both directions are bytes from here on. */
void h1_upgrade_begin(struct h1 *h);

/* h1_send.c: the codec's sending half. */
struct http_stream *h1_request(struct http_conn *c, const struct http_head *h);
unsigned h1_request_room(const struct http_conn *c);
int h1_send_head(struct http_stream *s, const struct http_head *h);
size_t h1_room(const struct http_stream *s);
ssize_t h1_send(struct http_stream *s, const void *data, size_t len);
int h1_send_end(struct http_stream *s, const struct http_head *trailers);

static inline struct h1 *
h1_of(const struct http_conn *c)
{
	return (struct h1 *)(void *)c;
}

static inline struct h1 *
h1_of_stream(const struct http_stream *s)
{
	return h1_of(s->conn);
}

#endif
