/*
 * The opening handshake of a WebSocket across two legs (RFC 6455 4 and RFC 8441
 * section 5).
 *
 * A leg over HTTP/1 proves with a key and an answer to it that both ends mean
 * what they say; a leg over HTTP/2 needs none.  The legs' versions are
 * independent, so no key travels: we answer that of the sandbox, and send the
 * origin one of our own.  What the two agree on beyond that passes
 * (Sec-WebSocket-Protocol, -Extensions, -Version).
 *
 * For a request with a protocol, in this order, beside http_rules_*():
 *
 *	websocket_refuse()  before the decision: is it one that we carry?
 *	websocket_ask()     behind http_rules_request(), for each attempt
 *	websocket_check()   the origin's 101, before anything is made of it
 *	websocket_answer()  behind http_rules_response() of that 101
 *
 * Pure but for the random key.
 */
#ifndef SBX_HTTP_WEBSOCKET_H
#define SBX_HTTP_WEBSOCKET_H

#include "conn.h"

enum {
	WEBSOCKET_KEY_LEN = 24, /* 16 bytes in base64 */
};

/* Our end of the origin's leg.  Zero it first. */
struct websocket {
	char key[WEBSOCKET_KEY_LEN + 1]; /* "": a leg without one */
};

/*
 * Why this request cannot become a WebSocket, in words, and the status to
 * answer with in *ret_status (400, 426, 501); NULL when it can.  down: the
 * version of the leg it came on.
 */
const char *websocket_refuse(const struct http_head *request,
	enum http_version down, int *ret_status);

/* A 426 says which version would do.  0, -E2BIG, -ENOMEM. */
int websocket_add_version(struct http_head *refusal);

/*
 * Makes out, which has everything else, ask the origin over a leg of version
 * up, with a key of its own.  0, -E2BIG, -ENOMEM, -EIO without randomness.
 */
int websocket_ask(
	struct websocket *w, enum http_version up, struct http_head *out);

/* Why the origin's 101 is no answer to what was asked (502); NULL: it is. */
const char *websocket_check(
	const struct websocket *w, const struct http_head *response);

/* Adds to out, our 101, what answers the sandbox's request on a leg of version
 * down; websocket_refuse() has seen it.  0, -E2BIG, -ENOMEM. */
int websocket_answer(const struct http_head *request, enum http_version down,
	struct http_head *out);

#endif
