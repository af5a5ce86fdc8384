/*
 * public_half.c - a public key that X509_set_pubkey() takes at once
 *
 * Theory of operation
 *
 * OpenSSL 3 turns a key that lives in a provider into a SubjectPublicKeyInfo
 * through its encoder and reads the result back through its decoder: 260 us
 * each time, ten times the price of a signature.  A key that came from
 * d2i_PublicKey() takes the direct road (8 us), because it is held in the old
 * form.  So the public half is read once that way, and every certificate
 * refers to that one object, which also makes the check of certificate against
 * private key cheap.  The point of an EC key is taken out as a parameter,
 * without the encoder.  Nothing but speed hangs on it: should a later OpenSSL
 * treat all alike, the certificates are the same bytes.
 */
#include "public_half.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

enum { POINT_MAX = 1 + 2 * 32 }; /* of P-256, uncompressed: SEC 1, 2.3.3 */

/* An EC point is only half a key: it needs the parameters beneath it. */
static EVP_PKEY *
empty_like(const EVP_PKEY *key)
{
	EVP_PKEY *empty = EVP_PKEY_new();

	if (empty == NULL || EVP_PKEY_copy_parameters(empty, key) == 1)
		return empty;
	EVP_PKEY_free(empty);
	return NULL;
}

/* Takes base, which may be NULL. */
static EVP_PKEY *
read_half(int type, EVP_PKEY *base, const unsigned char *bytes, long len)
{
	const unsigned char *p = bytes;

	if (base != NULL && d2i_PublicKey(type, &base, &p, len) != NULL)
		return base;
	EVP_PKEY_free(base);
	return NULL;
}

static EVP_PKEY *
ec_half(const EVP_PKEY *key)
{
	unsigned char point[POINT_MAX];
	size_t len;

	if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point,
		    sizeof(point), &len) != 1)
		return NULL;
	return read_half(EVP_PKEY_EC, empty_like(key), point, (long)len);
}

static EVP_PKEY *
rsa_half(const EVP_PKEY *key)
{
	unsigned char *bytes = NULL;
	int len = i2d_PublicKey(key, &bytes);
	EVP_PKEY *half;

	if (len < 0)
		return NULL;
	half = read_half(EVP_PKEY_RSA, EVP_PKEY_new(), bytes, len);
	OPENSSL_free(bytes);
	return half;
}

EVP_PKEY *
public_half(const EVP_PKEY *key)
{
	return EVP_PKEY_is_a(key, "EC") ? ec_half(key) : rsa_half(key);
}
