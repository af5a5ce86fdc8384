/*
 * One HTTP connection as bytes in and messages out, whichever version is
 * spoken: the one face over the codecs.  h1.c has one stream at a time, h2.c
 * several.
 *
 * Pure: two buffers of the caller's (`in`: bytes from the peer, `out`: bytes to
 * it), no socket, loop or clock.  Nothing calls back: the owner feeds `in`,
 * calls http_conn_run(), then asks which streams are ready, and writes what is
 * in `out` then.  Body bytes are given on only as they are consumed, so a slow
 * other side stops the peer by itself: HTTP/1 leaves them in `in`, HTTP/2 holds
 * them by stream, up to a window that opens again with http_stream_consume().
 *
 * A stream is one request and its response.  A server conn is the sandbox's
 * side (we receive requests), a client conn the origin's (we send them).
 */
#ifndef SBX_HTTP_CONN_H
#define SBX_HTTP_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "message.h"
#include "span.h"

struct buf;
struct http_conn;
struct http_stream;

enum http_version { HTTP_1, HTTP_2 };

/* The most that one head takes on the wire: `out` with this bound holds any. */
enum { HTTP_HEAD_WIRE_MAX = HTTP_HEAD_MAX + 1024 };

/* The buffers are borrowed for the life of the conn.  NULL: out of memory. */
struct http_conn *http_server_new(
	enum http_version v, struct buf *in, struct buf *out);
struct http_conn *http_client_new(
	enum http_version v, struct buf *in, struct buf *out);

/* Accepts NULL; its streams go with it. */
void http_conn_free(struct http_conn *c);

enum http_version http_conn_version(const struct http_conn *c);

/* Seconds on any clock that never goes back: what the budgets against useless
 * frames fill by.  Before http_conn_run(). */
void http_conn_set_time(struct http_conn *c, double now);

/* Client: requests go out without TLS, and HTTP/2 says so in each of them. */
void http_conn_set_plain(struct http_conn *c);

/*
 * Parses what `in` holds as far as it goes, and adds to `out` what is due.
 * eof: the peer has finished sending.  0; or -EPROTO when the peer broke the
 * rules: http_conn_error() says how, nothing more may be read, both legs must
 * close (after a server conn has sent its 400, if no response was begun).
 * Call it again after http_stream_close(), for the next request may be waiting
 * in `in`, and when `out` has been drained.
 */
int http_conn_run(struct http_conn *c, bool eof);

/*
 * The next open stream about which something may have changed since it was
 * last given out here: bytes came, the peer ended or reset it, or there is
 * room again where there was none.  NULL: no more.
 */
struct http_stream *http_conn_next_ready(struct http_conn *c);

/* "two Host fields"; NULL while there is no error.  Static text. */
const char *http_conn_error(const struct http_conn *c);

/* 400, 414, 417, 431, 501, 503, 505; 502 on a client conn; 0 without error. */
int http_conn_error_status(const struct http_conn *c);

/* The error is that the peer ended before its message did. */
bool http_conn_was_cut(const struct http_conn *c);

/*
 * Server: the next request whose head is complete and that nobody has taken, or
 * NULL; http_stream_close() ends it.  Looks at `in` as http_conn_run() does.
 * Its head is NULL when it broke the rules: http_stream_refused() says how, and
 * the refusal can be sent on it, as far as the codec can still send.
 */
struct http_stream *http_conn_accept(struct http_conn *c);

/*
 * Client: whether a request can be begun now; and begin it: writes the head
 * to `out`.  h->framing says whether a body follows.  NULL with errno ENOBUFS
 * when the head does not fit `out` now, EMSGSIZE when it never will, EBUSY,
 * EINVAL when h has no Host or several, or a protocol and is not a GET without
 * body, ENOMEM.
 */
bool http_conn_can_request(const struct http_conn *c);
/* … and one that asks for another protocol (http_head_protocol()). */
bool http_conn_can_upgrade(const struct http_conn *c);
struct http_stream *http_conn_request(
	struct http_conn *c, const struct http_head *h);

/* No stream open, nothing half parsed, nothing in either buffer, and the
 * connection may be used again. */
bool http_conn_is_idle(const struct http_conn *c);

/* After the streams that are open, the connection must be closed. */
bool http_conn_must_close(const struct http_conn *c);

/* Make it so ("Connection: close" if a head is yet to be sent, GOAWAY). */
void http_conn_set_close(struct http_conn *c);

/* Idle: give all memory back that can be.  Else does nothing. */
void http_conn_shrink(struct http_conn *c);

/* ---- a stream ---- */

/* The owner's own; NULL at first. */
void http_stream_set_owner(struct http_stream *s, void *owner);
void *http_stream_owner(const struct http_stream *s);

/* Why there is no head and never will be, and the status to answer with; NULL
 * while the request is fine.  Static text. */
const char *http_stream_refused(const struct http_stream *s, int *ret_status);

enum http_reset {
	HTTP_NOT_RESET,
	HTTP_RESET,           /* the peer gave it up */
	HTTP_RESET_UNTOUCHED, /* … and never looked at it: ask again */
	HTTP_RESET_WANTS_1,   /* … and wants it over HTTP/1.1 */
};

/* Whether the peer has reset this stream, and its code (RFC 9113 7) in
 * *ret_code (may be NULL).  HTTP/1 knows no such thing. */
enum http_reset http_stream_reset(
	const struct http_stream *s, uint32_t *ret_code);

/* The code to reset it with, if it is closed before both directions ended. */
void http_stream_set_reset(struct http_stream *s, uint32_t code);

/* ---- receiving on a stream ---- */

/*
 * The head received: server: the request; client: the response, NULL until it
 * is complete.  An interim response (1xx) shows as a head of its own until
 * http_stream_next_head() asks for the following one.
 */
const struct http_head *http_stream_head(const struct http_stream *s);
void http_stream_next_head(struct http_stream *s);

enum http_body { HTTP_WAIT, HTTP_DATA, HTTP_END, HTTP_BROKEN };

/*
 * The next piece of body: HTTP_DATA with some bytes in *ret (valid until
 * consumed or until `in` is written to or run); HTTP_WAIT for more input;
 * HTTP_END, and then the trailers; HTTP_BROKEN when it can never be complete.
 */
enum http_body http_stream_peek(struct http_stream *s, struct span *ret);

/* len: no more than the last peek showed. */
void http_stream_consume(struct http_stream *s, size_t len);

/* NULL: none, or not yet. */
const struct http_head *http_stream_trailers(const struct http_stream *s);

/* ---- sending on a stream ---- */

/*
 * Server only: a response head (interim ones as often as wanted, the final one
 * once).  The codec chooses the wire framing from h->framing, the request's
 * method and the peer's version (chunked to 1.1, until close to 1.0), and adds
 * Connection by itself.  0, -ENOBUFS (try when `out` has drained), -EMSGSIZE
 * when it can never fit, -ENOMEM.
 *
 * A 101 is a final head, and only for a request with a protocol (-EINVAL).
 * Behind it, sent or received, both directions begin again, as bytes
 * (HTTP_TUNNEL), whatever had ended before; what the peer has sent meanwhile
 * shows then, and not earlier.  Any other answer leaves them as they are.
 */
int http_stream_send_head(struct http_stream *s, const struct http_head *h);

/*
 * How many body bytes can be sent now; and send: takes at most that much,
 * returns how much (0: wait for room).  More than HTTP_LENGTH promised:
 * -EPROTO.  Where the answer has no body (HEAD, 204, 304), and where the peer
 * has said that it wants no more, the bytes are taken and dropped.
 */
size_t http_stream_room(const struct http_stream *s);
ssize_t http_stream_send(struct http_stream *s, const void *data, size_t len);

/* The body is complete (trailers may be NULL).  0; -ENOBUFS (again later);
 * -EMSGSIZE; -EPROTO when HTTP_LENGTH promised more. */
int http_stream_send_end(
	struct http_stream *s, const struct http_head *trailers);

bool http_stream_sent_head(const struct http_stream *s); /* a final one */
bool http_stream_send_ended(const struct http_stream *s);
bool http_stream_receive_ended(const struct http_stream *s);

/* After the last byte nothing else will be sent on this connection, ever,
 * while there may be more to receive: an HTTP/1 tunnel that has ended. */
bool http_conn_is_finished(const struct http_conn *c);

/* Done with it.  Before both directions have ended this spoils an HTTP/1
 * connection (http_conn_must_close() turns true) and resets an HTTP/2 stream.
 */
void http_stream_close(struct http_stream *s);

#endif
