#include "context.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "tls.h"
#include "tls_alpn.h"

enum {
	TICKET_KEYS = 80, /* what OpenSSL 3 wants: name, HMAC and AES keys */
	SECURITY_LEVEL = 2,
};

/* One context serves all clients of a sandbox; what each is answered was
 * decided when its session was made. */
static int
choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *outlen,
	const unsigned char *in, unsigned int inlen, void *arg)
{
	(void)arg;
	return tls_alpn_answer(tls_answer_of(ssl), out, outlen,
		(struct span){(const char *)in, inlen});
}

static void
set_common(SSL_CTX *ctx)
{
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(
		ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1);
}

/* The ticket keys: the secret stretched over what OpenSSL asks for. */
static int
set_ticket_keys(SSL_CTX *ctx, const uint8_t secret[32])
{
	uint8_t keys[TICKET_KEYS + EVP_MAX_MD_SIZE];
	unsigned len = 0;
	size_t have = 0;
	int ok = 1;

	for (uint8_t block = 1; have < TICKET_KEYS && ok; block++) {
		uint8_t input[33];

		memcpy(input, secret, 32);
		input[32] = block;
		ok = EVP_Digest(input, sizeof(input), keys + have, &len,
			EVP_sha256(), NULL);
		have += len;
		OPENSSL_cleanse(input, sizeof(input));
	}
	if (ok)
		ok = SSL_CTX_set_tlsext_ticket_keys(ctx, keys, TICKET_KEYS) ==
		     1;
	OPENSSL_cleanse(keys, sizeof(keys));
	return ok;
}

SSL_CTX *
context_accept(const uint8_t ticket_secret[32], const char *sandbox)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	uint8_t id[EVP_MAX_MD_SIZE];
	unsigned id_len;

	if (ctx == NULL)
		return NULL;
	set_common(ctx);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_max_early_data(ctx, 0);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
	if (!EVP_Digest(sandbox, strlen(sandbox), id, &id_len, EVP_sha256(),
		    NULL) ||
		!SSL_CTX_set_session_id_context(ctx, id, id_len) ||
		!set_ticket_keys(ctx, ticket_secret)) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

/* How many certificates of the bundle went into the store. */
static int
add_trust(X509_STORE *store, struct span trust)
{
	X509 *cert;
	BIO *bio;
	int n = 0;

	if (trust.len > INT_MAX)
		return 0;
	bio = BIO_new_mem_buf(trust.ptr, (int)trust.len);
	if (bio == NULL)
		return 0;
	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		/* OpenSSL reads a certificate's extensions when it first needs
		 * them, and for ever takes it for a bad one if there was no
		 * memory just then. */
		(void)X509_check_purpose(cert, -1, 0);
		n += X509_STORE_add_cert(store, cert) == 1;
		X509_free(cert);
	}
	ERR_clear_error(); /* the end of the bundle is an error to PEM */
	BIO_free(bio);
	return n;
}

int
context_connect(
	struct span trust, SSL_CTX **ret, char *reterr, size_t reterr_size)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL) {
		snprintf(reterr, reterr_size, "out of memory");
		return -ENOMEM;
	}
	set_common(ctx);
	SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(
		ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	if (add_trust(SSL_CTX_get_cert_store(ctx), trust) == 0) {
		SSL_CTX_free(ctx);
		snprintf(reterr, reterr_size,
			"upstream.ca_file holds no certificate: no origin "
			"could ever be verified");
		return -EINVAL;
	}
	*ret = ctx;
	return 0;
}
