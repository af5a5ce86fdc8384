/*
 * For tests: the other end of a connection that is ours at this end: plain or
 * TLS, never waiting.  What it says is given to it at once, what it hears is
 * kept as text.
 */
#ifndef SBX_TEST_PEER_H
#define SBX_TEST_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/types.h>

enum { PEER_TEXT = 4096, PEER_SAY = 2048 };

struct peer {
	int fd; /* -1: none */
	SSL *ssl;
	bool ended; /* nothing more will come */
	char say[PEER_SAY];
	size_t say_len;
	char text[PEER_TEXT]; /* terminated */
	size_t len;
};

/* Takes the descriptor; name: what a client asks for, NULL: the server's end.
 * context NULL: plain. */
void peer_open(struct peer *p, int fd, SSL_CTX *context, const char *name);
void peer_close(struct peer *p);

/* Said as soon as it can be. */
void peer_say(struct peer *p, const void *data, size_t len);

/* What was heard is done with. */
void peer_forget(struct peer *p);

/* Moves what can be moved. */
void peer_run(struct peer *p);

#endif
