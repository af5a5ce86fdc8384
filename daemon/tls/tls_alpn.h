/*
 * The protocols that we speak inside TLS, and how the two ends agree on one
 * (RFC 7301): what our connecting end offers, what our accepting end answers.
 */
#ifndef SBX_TLS_ALPN_H
#define SBX_TLS_ALPN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "span.h"

enum tls_alpn {
	TLS_ALPN_NONE, /* nothing was agreed on */
	TLS_ALPN_HTTP1,
	TLS_ALPN_H2,
};

/* What a ClientHello of ours offers, the protocol liked best first. */
enum tls_offer {
	TLS_OFFER_HTTP1,
	TLS_OFFER_H2,
	TLS_OFFER_H2_HTTP1,
	TLS_OFFER_HTTP1_H2,
	TLS_OFFER_NONE, /* no extension: what is spoken goes without saying */
};

/* What was agreed on, in a handshake that is done. */
enum tls_alpn tls_alpn_selected(const SSL *ssl);

/* Before the handshake of a connecting end.  False: out of memory. */
bool tls_alpn_offer(SSL *ssl, enum tls_offer offer);

/*
 * What the callback of SSL_CTX_set_alpn_select_cb() returns to answer with
 * this protocol: no extension for NONE, the alert no_application_protocol
 * when the client's list does not have it.
 */
int tls_alpn_answer(enum tls_alpn answer, const unsigned char **ret,
	unsigned char *ret_len, struct span offered);

#endif
