/*
 * For tests with a loop: the other end of a connection that is ours at this
 * end, speaking HTTP of either version, in TLS or without; a server's end or a
 * client's.
 *
 * It reads all that comes, but of a body only what the test asks for: that is
 * how it is slow.  What waits here fails with the name of what it waited for.
 */
#ifndef SBX_TEST_HTTP_END_H
#define SBX_TEST_HTTP_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conn.h"
#include "stream.h"
#include "tls_alpn.h"

struct ca;

struct http_end {
	struct stream stream;
	struct http_conn *http; /* NULL: not yet, or the handshake failed */
	bool server, open, failed;
	bool cannot_upgrade; /* a server's SETTINGS say so */
	struct buf held;
};

/* Takes fd. */
void http_end_open(struct http_end *e, struct turn *turn, struct ev_loop *loop,
	int fd, bool server);

/* Follow with one of these.  Without TLS: */
void http_end_speak(struct http_end *e, enum http_version v);

/* A server that shows a certificate of ca for name and agrees on answer. */
void http_end_accept(struct http_end *e, SSL_CTX *context, struct ca *ca,
	const char *name, enum tls_alpn answer);

/* A client that offers that. */
void http_end_connect(struct http_end *e, SSL_CTX *context, const char *name,
	enum tls_offer offer);

/* Without a word, not even TLS's; accepts one that is closed. */
void http_end_close(struct http_end *e);

/* Until HTTP is spoken, or the handshake has failed: whether it has not. */
bool http_end_is_ready(struct http_end *e);

/* Before anything was sent: what its first SETTINGS say. */
void http_end_set(struct http_end *e, uint16_t setting, uint32_t value);

/* What was done on the conn or a stream goes out; raw bytes between frames. */
void http_end_push(struct http_end *e);
void http_end_say(struct http_end *e, const void *bytes, size_t len);
void http_end_goaway(struct http_end *e, int32_t last, uint32_t code);

/* Until the other side has ended the connection, whatever it says before. */
void http_end_wait_end(struct http_end *e);

#endif
