/*
 * Both ends of TLS over a socketpair: our accepting end with a leaf of a
 * sandbox's authority, our connecting end that trusts it.
 */
#ifndef SBX_TEST_TLS_PAIR_H
#define SBX_TEST_TLS_PAIR_H

#include "buf.h"
#include "ca.h"
#include "tls.h"

struct tls_pair {
	struct ca *ca;
	SSL_CTX *accept, *connect;
	struct ca_leaf *leaf;
	int fds[2];
	struct buf held;
	struct tls *server, *client;
	enum tls_alpn answer; /* the server's */
	enum tls_offer offer; /* the client's */
};

/* What is asked for and answered is HTTP/1.1 until a test says otherwise. */
void tls_pair_open(struct tls_pair *p, const char *host);
void tls_pair_close(struct tls_pair *p);

/* A new connection between the two. */
void tls_pair_begin(
	struct tls_pair *p, const char *expected, SSL_SESSION *session);
void tls_pair_end(struct tls_pair *p);

/* A server end, or NULL; p->held is borrowed. */
struct tls *tls_pair_accept(struct tls_pair *p);

/* Both handshakes by turns; *ret_client, *ret_server: 1 or -EPROTO, 0 when the
 * other's failure ended it. */
void tls_pair_shake(struct tls_pair *p, int *ret_client, int *ret_server);

#endif
