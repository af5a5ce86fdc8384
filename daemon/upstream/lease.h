/*
 * A request's share of a connection to an origin: all of it over HTTP/1, one
 * stream of many over HTTP/2.  Taken from the pool, which shares a connection
 * only among requests of one sandbox with the same key.
 */
#ifndef SBX_LEASE_H
#define SBX_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conn.h"
#include "origin.h"

struct lease;
struct pool;

struct lease_want {
	/* The strings are borrowed for the life of the lease.  credentials
	 * NULL: not known yet, whoever has some may have it next. */
	struct origin_key key;
	enum http_version wish; /* what the sandbox speaks */
	bool only_http2;        /* lease_refused_http1() */
	bool upgrade;           /* the request asks for another protocol */
	bool fresh; /* it could not be sent a second time: no connection that
		     * the origin may have closed meanwhile */
	bool anew;  /* no connection that anybody has used */
};

/*
 * A share of a connection that exists, or of a new one.  changed() is called
 * when its state has, and when something may have on its stream; never from
 * inside a function here.  It may end leases.  NULL: out of memory.
 */
struct lease *pool_lease(struct pool *p, const struct lease_want *want,
	void (*changed)(void *arg), void *arg);

/* The stream is closed, the connection goes back to the pool if it can serve
 * again.  Accepts NULL. */
void lease_end(struct lease *l);

/* changed NULL: nobody listens. */
void lease_own(struct lease *l, void (*changed)(void *arg), void *arg);

enum lease_state { LEASE_WAITS, LEASE_READY, LEASE_FAILED };
enum lease_state lease_state(const struct lease *l);

/* When it has failed. */
enum origin_failure lease_failure(const struct lease *l);
const char *lease_why(const struct lease *l);

/* Where it is or was connected to; NULL: nowhere. */
const struct sockaddr *lease_address(const struct lease *l);

/* Ready: what is spoken. */
struct http_conn *lease_http(const struct lease *l);

/* Sends the head.  NULL with errno as http_conn_request(): EBUSY: all streams
 * are taken; take another lease. */
struct http_stream *lease_request(
	struct lease *l, const struct http_head *head, bool secret);

/* As http_stream_send_end(); trailers fit, whatever waits there already. */
int lease_request_end(struct lease *l, const struct http_head *trailers);

/* Reads what has come, if that is the lease's own business (HTTP/1).  Whether
 * something had. */
bool lease_fill(struct lease *l);

/* The stream was read from or written to: what is due goes out, and what can
 * come is waited for. */
void lease_settle(struct lease *l);

/* Nothing that still comes will be read, if that is the lease's own business:
 * the origin waits, and its end goes unnoticed. */
void lease_rest(struct lease *l);

/* The origin hears what is sent. */
bool lease_takes(const struct lease *l);

/* Nothing more will come. */
bool lease_is_over(const struct lease *l);

/* The origin chose no protocol when HTTP/1.1 was all that was offered, and hung
 * up without a word: perhaps it speaks only HTTP/2. */
bool lease_refused_http1(const struct lease *l);

/* The connection was given up because there was no memory to read into. */
bool lease_has_no_memory(const struct lease *l);

/* The connection had served before and ended without a word about this
 * request. */
bool lease_was_stale(const struct lease *l);

#endif
