/*
 * authority.c - one sandbox's root and what is derived from it
 *
 * Theory of operation
 *
 * An authority is its root certificate and two private keys, either made by
 * ca_new() or read back by ca_import().  Both end in authority_assemble(),
 * which derives the PEM text and the ticket secret.  What leaves are made with
 * (the signing context, a mould for each type of key) comes with the first leaf
 * of its type, so that the keeper, which makes none, does not pay for it.  The
 * RSA key comes later, when the keeper has one to spare, and may never come.
 */
#include "authority.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "crypto_error.h"
#include "root.h"

enum {
	DEFAULT_MINTS_PER_SECOND = 50,
	SCALAR_LEN = 32, /* of a P-256 private key */
};

static bool
keep_pem(struct ca *ca)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	if (bio != NULL && PEM_write_bio_X509(bio, ca->root) == 1) {
		len = BIO_get_mem_data(bio, &text);
		ca->pem = strndup(text, (size_t)len);
	}
	BIO_free(bio);
	return ca->pem != NULL;
}

bool
authority_prepare(struct ca *ca, enum ca_key_type type)
{
	if (!leaf_mould_build(&ca->moulds[type], ca->root))
		return false;
	if (ca->signer != NULL)
		return true;
	ca->signer = EVP_MD_CTX_new();
	if (ca->signer != NULL &&
		EVP_DigestSignInit(ca->signer, NULL, EVP_sha256(), NULL,
			ca->root_key) == 1)
		return true;
	EVP_MD_CTX_free(ca->signer);
	ca->signer = NULL;
	return false;
}

static bool
expand(const uint8_t scalar[SCALAR_LEN], uint8_t ret[CA_TICKET_SECRET])
{
	static char digest[] = "SHA256";
	static char label[] = "sbx-net ticket keys";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
			OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_KEY, (void *)scalar, SCALAR_LEN),
		OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_INFO, label, sizeof(label) - 1),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = hkdf != NULL ? EVP_KDF_CTX_new(hkdf) : NULL;
	bool ok = ctx != NULL &&
		  EVP_KDF_derive(ctx, ret, CA_TICKET_SECRET, params) == 1;

	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(hkdf);
	return ok;
}

static bool
derive_ticket_secret(struct ca *ca)
{
	uint8_t scalar[SCALAR_LEN];
	BIGNUM *number = NULL;
	bool ok;

	ok = EVP_PKEY_get_bn_param(
		     ca->root_key, OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1 &&
	     BN_bn2binpad(number, scalar, SCALAR_LEN) == SCALAR_LEN &&
	     expand(scalar, ca->ticket_secret);
	BN_clear_free(number);
	OPENSSL_cleanse(scalar, sizeof(scalar));
	return ok;
}

static bool
read_time(const ASN1_TIME *from, time_t *ret)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(from, &tm) != 1)
		return false;
	*ret = timegm(&tm);
	return true;
}

int
authority_assemble(
	X509 *root, EVP_PKEY *root_key, EVP_PKEY *leaf_key, struct ca **ret)
{
	struct ca *ca = calloc(1, sizeof(*ca));

	if (ca == NULL) {
		X509_free(root);
		EVP_PKEY_free(root_key);
		EVP_PKEY_free(leaf_key);
		return -ENOMEM;
	}
	ca->root = root;
	ca->root_key = root_key;
	ca->leaf_key = leaf_key;
	mint_budget_init(&ca->budget, DEFAULT_MINTS_PER_SECOND);
	if (root == NULL || root_key == NULL || leaf_key == NULL ||
		!read_time(X509_get0_notBefore(root), &ca->not_before) ||
		!read_time(X509_get0_notAfter(root), &ca->not_after) ||
		!keep_pem(ca) || !derive_ticket_secret(ca)) {
		ca_free(ca);
		return -EIO;
	}
	leaf_mould_init(&ca->moulds[CA_KEY_EC], leaf_key);
	*ret = ca;
	return 0;
}

/* Plain characters only: a cut in the middle of one must not be possible. */
static bool
is_plain(const char *name)
{
	for (const char *p = name; *p != '\0'; p++) {
		if (*p <= ' ' || *p > '~')
			return false;
	}
	return *name != '\0';
}

int
ca_new(const char *sandbox, time_t now, struct ca **ret, char *reterr,
	size_t reterr_size)
{
	EVP_PKEY *root_key;
	X509 *root = NULL;

	if (!is_plain(sandbox)) {
		snprintf(reterr, reterr_size, "bad name of a sandbox");
		return -EINVAL;
	}
	root_key = EVP_EC_gen("P-256");
	if (root_key != NULL)
		root = root_new(root_key, sandbox, now);
	if (authority_assemble(root, root_key, EVP_EC_gen("P-256"), ret) == 0)
		return 0;
	return crypto_error("cannot make an authority", reterr, reterr_size);
}

void
ca_free(struct ca *ca)
{
	if (ca == NULL)
		return;
	leaf_cache_clear(&ca->cache);
	for (size_t i = 0; i < sizeof(ca->moulds) / sizeof(ca->moulds[0]); i++)
		leaf_mould_done(&ca->moulds[i]);
	EVP_MD_CTX_free(ca->signer);
	EVP_PKEY_free(ca->leaf_key);
	EVP_PKEY_free(ca->root_key);
	X509_free(ca->root);
	free(ca->pem);
	OPENSSL_cleanse(ca, sizeof(*ca));
	free(ca);
}

const char *
ca_pem(const struct ca *ca)
{
	return ca->pem;
}

void
ca_set_rsa_key(struct ca *ca, EVP_PKEY *key)
{
	struct leaf_mould *mould = &ca->moulds[CA_KEY_RSA];

	assert(EVP_PKEY_is_a(key, "RSA"));
	/* Leaves of the key before must not be handed out any more. */
	if (mould->key != NULL)
		leaf_cache_clear(&ca->cache);
	leaf_mould_done(mould);
	leaf_mould_init(mould, key);
}

void
ca_set_budget(struct ca *ca, unsigned per_second)
{
	mint_budget_init(&ca->budget, per_second);
}

void
ca_ticket_secret(const struct ca *ca, uint8_t ret[CA_TICKET_SECRET])
{
	memcpy(ret, ca->ticket_secret, CA_TICKET_SECRET);
}
