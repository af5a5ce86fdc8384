/*
 * leaf_mould.c - the part of a leaf that is made once a key
 *
 * Theory of operation
 *
 * OpenSSL 3 turns a key that lives in a provider into a SubjectPublicKeyInfo
 * through its encoder and reads the result back through its decoder: 260 us
 * each time, ten times the price of the signature.  A key that came from
 * d2i_PublicKey() takes the direct road (8 us), because it is held in the old
 * form.  So the public half is read once that way, and every certificate
 * refers to that one object, which also makes the check of certificate against
 * private key cheap.  Nothing but speed hangs on it: should a later OpenSSL
 * treat both alike, the certificates are the same bytes.
 */
#include "leaf_mould.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "extension.h"

/* Bit numbers of keyUsage, RFC 5280 4.2.1.3. */
enum {
	DIGITAL_SIGNATURE = 0,
	KEY_ENCIPHERMENT = 2,
	USAGE_END = -1,
};

static const int ec_usage[] = {DIGITAL_SIGNATURE, USAGE_END};
static const int rsa_usage[] = {DIGITAL_SIGNATURE, KEY_ENCIPHERMENT, USAGE_END};

/* An EC point is only half a key: it needs the parameters beneath it. */
static EVP_PKEY *
empty_like(const EVP_PKEY *key)
{
	EVP_PKEY *empty = EVP_PKEY_new();

	if (empty == NULL || EVP_PKEY_missing_parameters(key) ||
		EVP_PKEY_copy_parameters(empty, key) == 1)
		return empty;
	EVP_PKEY_free(empty);
	return NULL;
}

static EVP_PKEY *
public_half(const EVP_PKEY *key)
{
	int type = EVP_PKEY_get_base_id(key);
	unsigned char *bytes = NULL;
	const unsigned char *p;
	EVP_PKEY *half = NULL;
	EVP_PKEY *base;
	int len;

	len = i2d_PublicKey(key, &bytes);
	if (len < 0)
		return NULL;
	base = type == EVP_PKEY_EC ? empty_like(key) : EVP_PKEY_new();
	p = bytes;
	if (base != NULL && d2i_PublicKey(type, &base, &p, len) != NULL)
		half = base;
	else
		EVP_PKEY_free(base);
	OPENSSL_free(bytes);
	return half;
}

/* The identifier is computed from a certificate, so one is lent the key. */
static X509_EXTENSION *
subject_id(EVP_PKEY *public_key)
{
	X509 *x = X509_new();
	X509_EXTENSION *extension = NULL;

	if (x != NULL && X509_set_pubkey(x, public_key))
		extension = extension_subject_id(x);
	X509_free(x);
	return extension;
}

bool
leaf_mould_init(struct leaf_mould *mould, EVP_PKEY *key, const X509 *issuer)
{
	bool is_rsa = EVP_PKEY_is_a(key, "RSA");
	size_t n = 0;

	*mould = (struct leaf_mould){.key = key};
	EVP_PKEY_up_ref(key);
	mould->public_key = public_half(key);
	if (mould->public_key == NULL)
		goto fail;
	mould->extensions[n++] = extension_constraints(false);
	mould->extensions[n++] =
		extension_key_usage(is_rsa ? rsa_usage : ec_usage);
	mould->extensions[n++] = extension_server_auth();
	mould->extensions[n++] = subject_id(mould->public_key);
	mould->extensions[n++] = extension_authority_id(issuer);
	while (n > 0) {
		if (mould->extensions[--n] == NULL)
			goto fail;
	}
	return true;
fail:
	leaf_mould_done(mould);
	return false;
}

void
leaf_mould_done(struct leaf_mould *mould)
{
	for (size_t i = 0; i < LEAF_MOULD_EXTENSIONS; i++)
		X509_EXTENSION_free(mould->extensions[i]);
	EVP_PKEY_free(mould->public_key);
	EVP_PKEY_free(mould->key);
	*mould = (struct leaf_mould){.key = NULL};
}
