/*
 * One request and its response on a connection (conn.h): what the peer sends is
 * looked at where it lies and consumed, what it is sent goes as far as there is
 * room.  A stream belongs to its connection; http_stream_close() gives it back.
 */
#ifndef SBX_HTTP_STREAM_H
#define SBX_HTTP_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "message.h"
#include "span.h"

struct http_stream;

/* The owner's own; NULL at first. */
void http_stream_set_owner(struct http_stream *s, void *owner);
void *http_stream_owner(const struct http_stream *s);

/* Why there is no head and never will be, and the status to answer with, as
 * http_conn_error_status(); NULL while the message is fine.  On a client conn
 * also why there is no more of a body, if it is our memory.  Static text. */
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

/* Server: what is still to come of the request will not be read. */
void http_stream_ignore_rest(struct http_stream *s);

/* The code to reset it with, if it is closed before both directions ended. */
void http_stream_set_reset(struct http_stream *s, uint32_t code);

/* ---- receiving on a stream ---- */

/*
 * The head received: server: the request; client: the response, NULL until it
 * is complete.  An interim response (1xx but 101) shows as a head of its own
 * until http_stream_next_head() asks for the following one.
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

/* Whether the len bytes that were peeked at are known to be all that is left,
 * with no trailers behind them. */
bool http_stream_is_last(const struct http_stream *s, size_t len);

/* Sends such bytes, and the end with them if all were taken: one frame in
 * HTTP/2 instead of two.  Returns as http_stream_send(). */
ssize_t http_stream_send_last(
	struct http_stream *s, const void *data, size_t len);

/* The body is complete (trailers may be NULL).  0; -ENOBUFS (again later);
 * -EMSGSIZE; -EPROTO when HTTP_LENGTH promised more. */
int http_stream_send_end(
	struct http_stream *s, const struct http_head *trailers);

bool http_stream_sent_head(const struct http_stream *s); /* a final one */
bool http_stream_send_ended(const struct http_stream *s);
bool http_stream_receive_ended(const struct http_stream *s);

/* Done with it.  Before both directions have ended this spoils an HTTP/1
 * connection (http_conn_must_close() turns true) and resets an HTTP/2 stream.
 */
void http_stream_close(struct http_stream *s);

#endif
