#include "leaf_mould.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "extension.h"
#include "public_half.h"

/* Bit numbers of keyUsage, RFC 5280 4.2.1.3. */
enum {
	DIGITAL_SIGNATURE = 0,
	KEY_ENCIPHERMENT = 2,
	USAGE_END = -1,
};

static const int ec_usage[] = {DIGITAL_SIGNATURE, USAGE_END};
static const int rsa_usage[] = {DIGITAL_SIGNATURE, KEY_ENCIPHERMENT, USAGE_END};

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

void
leaf_mould_init(struct leaf_mould *mould, EVP_PKEY *key)
{
	*mould = (struct leaf_mould){.key = key};
	EVP_PKEY_up_ref(key);
}

static bool
make_extensions(struct leaf_mould *mould, const X509 *issuer)
{
	bool is_rsa = EVP_PKEY_is_a(mould->key, "RSA");
	size_t n = 0;

	mould->extensions[n++] = extension_constraints(false);
	mould->extensions[n++] =
		extension_key_usage(is_rsa ? rsa_usage : ec_usage);
	mould->extensions[n++] = extension_server_auth();
	mould->extensions[n++] = subject_id(mould->public_key);
	mould->extensions[n++] = extension_authority_id(issuer);
	while (n > 0) {
		if (mould->extensions[--n] == NULL)
			return false;
	}
	return true;
}

static void
drop_parts(struct leaf_mould *mould)
{
	for (size_t i = 0; i < LEAF_MOULD_EXTENSIONS; i++) {
		X509_EXTENSION_free(mould->extensions[i]);
		mould->extensions[i] = NULL;
	}
	EVP_PKEY_free(mould->public_key);
	mould->public_key = NULL;
}

bool
leaf_mould_build(struct leaf_mould *mould, const X509 *issuer)
{
	if (mould->public_key != NULL)
		return true;
	mould->public_key = public_half(mould->key);
	if (mould->public_key != NULL && make_extensions(mould, issuer))
		return true;
	drop_parts(mould);
	return false;
}

void
leaf_mould_done(struct leaf_mould *mould)
{
	drop_parts(mould);
	EVP_PKEY_free(mould->key);
	mould->key = NULL;
}
