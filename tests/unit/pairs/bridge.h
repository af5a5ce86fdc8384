/*
 * What the daemon does between its two legs, and no more: requests and answers
 * from one conn through the rules to another, of whichever versions.  Stands
 * in the middle of a pair (codec_pair.h).
 */
#ifndef SBX_TEST_BRIDGE_H
#define SBX_TEST_BRIDGE_H

#include <stdint.h>

#include "buf.h"
#include "conn.h"

struct bridge_leg {
	struct buf in, out;
	struct http_conn *conn;
	struct http_stream *stream;
};

struct bridge {
	struct bridge_leg near; /* a server: the client's */
	struct bridge_leg far;  /* a client: the server's */
};

void bridge_open(struct bridge *b, enum http_version near,
	enum http_version far, size_t in_bound, size_t out_bound);
void bridge_close(struct bridge *b);

/* As far as there is input and room; how much happened. */
uint64_t bridge_step(struct bridge *b);

bool bridge_is_idle(const struct bridge *b);

#endif
