/*
 * For tests: HTTP of either version at the other end of a connection that is
 * ours at this end (peer.h), in TLS or without, never waiting.  It speaks what
 * ALPN came to, and HTTP/1 where that came to nothing.
 */
#ifndef SBX_TEST_SPEAKER_H
#define SBX_TEST_SPEAKER_H

#include <stdbool.h>

#include "buf.h"
#include "conn.h"
#include "peer.h"

struct speaker {
	struct peer peer;
	bool server, finished;
	struct http_conn *http; /* NULL: the handshake has not ended */
	struct buf in, out;
	size_t heard; /* bytes */
};

/* Takes the descriptor.  A server's end; or a client's, that offers HTTP/2 and
 * nothing else. */
void speaker_accept(struct speaker *s, int fd, SSL_CTX *context);
void speaker_connect(
	struct speaker *s, int fd, SSL_CTX *context, const char *name);

/* Without a word; accepts one that was never opened, if it is zeroed. */
void speaker_close(struct speaker *s);

/* Moves what can be moved, and what was done on the conn goes out. */
void speaker_run(struct speaker *s);

/* Nothing will come any more, or nothing that could be read. */
bool speaker_has_ended(const struct speaker *s);

#endif
