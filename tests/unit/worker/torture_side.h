/*
 * For tests: an origin, and what it does with whatever reaches it: hold it
 * against the law (torture_law.h), read it to its end and answer.
 *
 * "hello" is the answer to each request; to a WebSocket, "pong" to its "ping".
 */
#ifndef SBX_TEST_TORTURE_SIDE_H
#define SBX_TEST_TORTURE_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "speaker.h"

struct session_lab;

enum { SIDE_PEERS = 8, SIDE_STREAMS = 4, SIDE_BODY = 32 };

struct heard { /* a request */
	struct http_stream *stream;
	char body[SIDE_BODY];
	size_t len;
	bool answered;
};

struct caller { /* a connection */
	struct speaker speaker;
	struct heard heard[SIDE_STREAMS];
};

struct place {
	const char *host, *address, *certified;
	bool http2;  /* it speaks that, too */
	bool opened; /* our TLS is at the other end, not the client's */
};

struct side {
	const struct place *place;
	const struct session_lab *lab;
	int listener;
	uint16_t port;
	SSL_CTX *context;
	struct caller callers[SIDE_PEERS];
	size_t count; /* connections so far */
};

void side_open(struct side *side, const struct session_lab *lab,
	const struct place *place);
void side_close(struct side *side);

/* Takes new connections, and moves what can be moved on all. */
void side_run(struct side *side);

#endif
