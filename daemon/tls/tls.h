/*
 * One TLS session over a non-blocking socket, either end.
 *
 * The bytes that were read before it was known to be TLS are handed in and
 * drained before the socket is read.  Knows the socket only to send and
 * receive on it: no loop, no clock, and it never closes it.
 */
#ifndef SBX_TLS_H
#define SBX_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <openssl/ssl.h>

#include "buf.h"
#include "tls_alpn.h"

struct tls;

/* What we answer a ClientHello with.  Borrowed for the call. */
struct tls_answer {
	X509 *certificate;
	EVP_PKEY *key;
	enum tls_alpn protocol; /* NONE: no ALPN extension in the answer */
};

/*
 * Our end of a client's connection.  held: its first bytes, borrowed until
 * they are drained, which is before the handshake ends.  Takes references to
 * certificate and key.  A client with an ALPN extension that does not offer
 * the answer's protocol gets an alert.  NULL: out of memory.
 */
struct tls *tls_accept(SSL_CTX *context, int fd, struct buf *held,
	const struct tls_answer *answer);

/*
 * Our end of a connection to an origin whose certificate must be for host.
 * session: one to resume, or NULL; takes no reference.  An origin that agrees
 * on a protocol that was not offered has failed the handshake.
 */
struct tls *tls_connect(SSL_CTX *context, int fd, const char *host,
	SSL_SESSION *session, enum tls_offer offer);

/* Accepts NULL.  Sends nothing: see tls_shutdown(). */
void tls_free(struct tls *t);

/* 1: done; 0: wait as tls_wants_write() says; -EPROTO: tls_why(). */
int tls_handshake(struct tls *t);

/*
 * As read(2) and write(2) on a non-blocking socket: -EAGAIN; 0 at the end of
 * reading (close_notify or, if truncated, -ECONNRESET); -EPROTO.
 */
ssize_t tls_read(struct tls *t, void *data, size_t len);
ssize_t tls_write(struct tls *t, const void *data, size_t len);

/* What is written from now on is the last, and tls_shutdown() follows it. */
void tls_set_last(struct tls *t);

/*
 * Says close_notify: 0, -EAGAIN when the socket is full.  The caller shuts down
 * or closes the socket next, which takes it along: until then it may be held
 * back.
 */
int tls_shutdown(struct tls *t);

/* What the last -EAGAIN (or 0 of the handshake) waits for. */
bool tls_wants_write(const struct tls *t);

/* The socket became readable: the next read may ask it again. */
void tls_readable(struct tls *t);

/* Decrypted or received bytes are held that no event will announce. */
bool tls_has_pending(const struct tls *t);

/* Why the handshake failed; valid as long as t. */
const char *tls_why(struct tls *t);

/* The handshake failed because the peer speaks none of what was offered: the
 * alert no_application_protocol. */
bool tls_refused_protocols(const struct tls *t);

/* What both agreed on; NONE before the end of the handshake. */
enum tls_alpn tls_alpn(const struct tls *t);

/* For session callbacks: what tls_set_owner() was given. */
void tls_set_owner(struct tls *t, void *owner);
void *tls_owner(const SSL *ssl);

/* For the ALPN callback: the answer's protocol. */
enum tls_alpn tls_answer_of(const SSL *ssl);

bool tls_resumed(const struct tls *t);

#endif
