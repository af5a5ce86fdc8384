/*
 * HTTP as it is spoken with one client: the connection and the requests that
 * are open on it, one at a time over HTTP/1, several over HTTP/2.
 */
#ifndef SBX_SERVE_H
#define SBX_SERVE_H

#include <stdbool.h>

#include "conn.h"

struct flow;
struct serve;

/* wake(): something changed that is no event of the client's; never called
 * from inside a function here.  NULL: out of memory. */
struct serve *serve_new(struct flow *f, enum http_version version,
	void (*wake)(void *arg), void *arg);

/* Ends every request where it is, with its outcome.  Accepts NULL. */
void serve_free(struct serve *v);

enum serve_state {
	SERVE_WAITS,
	SERVE_AGAIN,  /* more can be done, after others had their turn */
	SERVE_OVER,   /* no more requests: what was answered must go out */
	SERVE_CLOSE,  /* at once */
	SERVE_BROKEN, /* … and half an answer must not look whole */
};

/* Goes as far as bytes and room allow. */
enum serve_state serve_run(struct serve *v);

/* The worker stops: no new requests.  Whether none is open and the answers
 * have gone out to the last byte. */
bool serve_finish(struct serve *v);

/* Policy has changed: ends what is no longer allowed. */
void serve_recheck(struct serve *v);

/* A credential was withdrawn. */
void serve_revoke(struct serve *v, const char *credential);

#endif
