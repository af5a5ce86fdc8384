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
 * side (we receive requests), a client conn the origin's (we send them).  What
 * is done on a stream is in http_stream.h.
 */
#ifndef SBX_HTTP_CONN_H
#define SBX_HTTP_CONN_H

#include <stdbool.h>

#include "http_stream.h"
#include "message.h"

struct buf;
struct http_conn;

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
 * close (after a server conn has sent its 400, if no response was begun, and
 * after `out` was written: HTTP/2 says why in it).  Messages that are complete
 * can still be read to their end.
 * Call it again after http_stream_close(), for the next request may be waiting
 * in `in`, and when `out` has been drained.  Any call may add to `out`.
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

/* 400, 414, 417, 431, 501, 505; 502 on a client conn; on either 503 when it was
 * memory of ours that ran out; 0 without error. */
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
/* … how many, and whether the peer has said how many it takes at once: until
 * then one, to be sure. */
unsigned http_conn_request_room(const struct http_conn *c);
bool http_conn_is_settled(const struct http_conn *c);
/* … and one that asks for another protocol (http_head_protocol()). */
bool http_conn_can_upgrade(const struct http_conn *c);
struct http_stream *http_conn_request(
	struct http_conn *c, const struct http_head *h);

/* No stream open, nothing half parsed, nothing in `in`, and the connection may
 * be used again.  The end of what was sent may still be in `out`. */
bool http_conn_is_idle(const struct http_conn *c);

/* After the streams that are open, the connection must be closed. */
bool http_conn_must_close(const struct http_conn *c);

/* Make it so ("Connection: close" if a head is yet to be sent, GOAWAY). */
void http_conn_set_close(struct http_conn *c);

/* After the last byte nothing else will be sent on this connection, ever,
 * while there may be more to receive: an HTTP/1 tunnel that has ended. */
bool http_conn_is_finished(const struct http_conn *c);

/* Idle: give all memory back that can be.  Else does nothing. */
void http_conn_shrink(struct http_conn *c);

#endif
