#include "tls_alpn.h"

#include <string.h>

#include <openssl/ssl.h>

#include "array.h"

/* As a list of one, which is how OpenSSL wants what we would answer. */
static const struct span wire[] = {
	[TLS_ALPN_NONE] = {"", 0},
	[TLS_ALPN_HTTP1] = {"\x08http/1.1", 9},
	[TLS_ALPN_H2] = {"\x02h2", 3},
};

static const struct span offers[] = {
	[TLS_OFFER_HTTP1] = {"\x08http/1.1", 9},
	[TLS_OFFER_H2] = {"\x02h2", 3},
	[TLS_OFFER_H2_HTTP1] = {"\x02h2\x08http/1.1", 12},
	[TLS_OFFER_HTTP1_H2] = {"\x08http/1.1\x02h2", 12},
	[TLS_OFFER_NONE] = {"", 0},
};

enum tls_alpn
tls_alpn_selected(const SSL *ssl)
{
	const unsigned char *name;
	unsigned len;

	SSL_get0_alpn_selected(ssl, &name, &len);
	for (size_t i = TLS_ALPN_HTTP1; i < ARRAY_LEN(wire); i++) {
		if (len + 1 == wire[i].len &&
			memcmp(name, wire[i].ptr + 1, len) == 0)
			return (enum tls_alpn)i;
	}
	return TLS_ALPN_NONE;
}

bool
tls_alpn_offer(SSL *ssl, enum tls_offer offer)
{
	struct span list = offers[offer];

	return SSL_set_alpn_protos(ssl, (const unsigned char *)list.ptr,
		       (unsigned)list.len) == 0;
}

int
tls_alpn_answer(enum tls_alpn answer, const unsigned char **ret,
	unsigned char *ret_len, struct span offered)
{
	struct span ours = wire[answer];

	if (answer == TLS_ALPN_NONE)
		return SSL_TLSEXT_ERR_NOACK;
	if (SSL_select_next_proto((unsigned char **)ret, ret_len,
		    (const unsigned char *)ours.ptr, (unsigned)ours.len,
		    (const unsigned char *)offered.ptr,
		    (unsigned)offered.len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	return SSL_TLSEXT_ERR_OK;
}
