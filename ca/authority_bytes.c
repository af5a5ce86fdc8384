/*
 * authority_bytes.c - an authority as bytes, and back
 *
 * Theory of operation
 *
 *	8 bytes		the magic
 *	3 times		4 bytes length, big endian, then that many bytes:
 *			root certificate (DER), root key, leaf key
 *
 * A key is its scalar and its uncompressed point (SEC 1, 2.3), because OpenSSL
 * writes and reads these ten times as fast as DER, which goes through its
 * encoders and decoders.
 *
 * Nothing may follow.  What comes in is believed only as far as it can be
 * checked: both keys are P-256 pairs, not one and the same, and the root is
 * a CA certificate signed by the root key.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "authority.h"
#include "crypto_error.h"

enum {
	MAGIC_LEN = 8,
	LENGTH_LEN = 4,
	BYTES_MAX = 4096, /* ours are near 700 */
	SCALAR = 32,
	KEY = SCALAR + 1 + 2 * 32,
};

enum { PART_ROOT, PART_ROOT_KEY, PART_LEAF_KEY, PARTS };

struct part {
	const uint8_t *data;
	size_t len;
};

static const uint8_t magic[MAGIC_LEN] = {'s', 'b', 'x', 'c', 'a', 0, 0, 2};

static uint8_t *
put_part(uint8_t *p, const struct part *part)
{
	for (int i = 0; i < LENGTH_LEN; i++)
		*p++ = (uint8_t)(part->len >> 8 * (LENGTH_LEN - 1 - i));
	memcpy(p, part->data, part->len);
	return p + part->len;
}

static int
join(const struct part parts[PARTS], uint8_t **ret, size_t *ret_len)
{
	size_t len = MAGIC_LEN;
	uint8_t *data, *p;

	for (int i = 0; i < PARTS; i++)
		len += LENGTH_LEN + parts[i].len;
	data = malloc(len);
	if (data == NULL)
		return -ENOMEM;
	memcpy(data, magic, MAGIC_LEN);
	p = data + MAGIC_LEN;
	for (int i = 0; i < PARTS; i++)
		p = put_part(p, &parts[i]);
	*ret = data;
	*ret_len = len;
	return 0;
}

static bool
write_key(const EVP_PKEY *key, uint8_t ret[KEY])
{
	BIGNUM *scalar = NULL;
	size_t len;
	bool ok;

	ok = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &scalar) ==
		     1 &&
	     BN_bn2binpad(scalar, ret, SCALAR) == SCALAR &&
	     EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY,
		     ret + SCALAR, KEY - SCALAR, &len) == 1 &&
	     len == KEY - SCALAR;
	BN_clear_free(scalar);
	return ok;
}

int
ca_export(const struct ca *ca, uint8_t **ret, size_t *ret_len)
{
	uint8_t root_key[KEY], leaf_key[KEY];
	unsigned char *root = NULL;
	int len = i2d_X509(ca->root, &root), r;

	if (len < 0 || !write_key(ca->root_key, root_key) ||
		!write_key(ca->leaf_key, leaf_key)) {
		r = crypto_error("cannot export", NULL, 0);
	} else {
		const struct part parts[PARTS] = {
			[PART_ROOT] = {root, (size_t)len},
			[PART_ROOT_KEY] = {root_key, KEY},
			[PART_LEAF_KEY] = {leaf_key, KEY},
		};

		r = join(parts, ret, ret_len);
	}
	OPENSSL_cleanse(root_key, sizeof(root_key));
	OPENSSL_cleanse(leaf_key, sizeof(leaf_key));
	OPENSSL_free(root);
	return r;
}

/* Looks at the parts without believing a length. */
static bool
split(const uint8_t *data, size_t len, struct part ret[PARTS])
{
	if (len < MAGIC_LEN || memcmp(data, magic, MAGIC_LEN) != 0)
		return false;
	data += MAGIC_LEN;
	len -= MAGIC_LEN;
	for (int i = 0; i < PARTS; i++) {
		size_t part = 0;

		if (len < LENGTH_LEN)
			return false;
		for (int n = 0; n < LENGTH_LEN; n++)
			part = part << 8 | *data++;
		len -= LENGTH_LEN;
		if (part > len)
			return false;
		ret[i] = (struct part){data, part};
		data += part;
		len -= part;
	}
	return len == 0;
}

static X509 *
read_root(const struct part *part)
{
	const unsigned char *p = part->data;
	X509 *root = d2i_X509(NULL, &p, (long)part->len);

	if (root != NULL && p == part->data + part->len)
		return root;
	X509_free(root);
	return NULL;
}

/* OpenSSL wipes them only if it has a secure heap. */
static void
wipe(OSSL_PARAM *params)
{
	OSSL_PARAM *p = params != NULL ? OSSL_PARAM_locate(params,
						 OSSL_PKEY_PARAM_PRIV_KEY)
				       : NULL;

	if (p != NULL)
		OPENSSL_cleanse(p->data, p->data_size);
}

static EVP_PKEY *
make_key(const BIGNUM *scalar, const uint8_t *point)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (build != NULL &&
		OSSL_PARAM_BLD_push_utf8_string(
			build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
		OSSL_PARAM_BLD_push_BN(
			build, OSSL_PKEY_PARAM_PRIV_KEY, scalar) == 1 &&
		OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY,
			point, KEY - SCALAR) == 1)
		params = OSSL_PARAM_BLD_to_param(build);
	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
		key = NULL;
	wipe(params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static EVP_PKEY *
read_key(const struct part *part)
{
	EVP_PKEY *key = NULL;
	BIGNUM *scalar;

	if (part->len != KEY)
		return NULL;
	scalar = BN_bin2bn(part->data, SCALAR, NULL);
	if (scalar != NULL)
		key = make_key(scalar, part->data + SCALAR);
	BN_clear_free(scalar);
	return key;
}

/* Whether its public half belongs to its private half. */
static bool
is_pair(EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	bool ok = ctx != NULL && EVP_PKEY_pairwise_check(ctx) == 1;

	EVP_PKEY_CTX_free(ctx);
	return ok;
}

/* Why the three do not belong together, or NULL. */
static const char *
find_fault(X509 *root, EVP_PKEY *root_key, EVP_PKEY *leaf_key)
{
	if (root == NULL)
		return "no root certificate";
	if (root_key == NULL || !is_pair(root_key))
		return "no P-256 root key";
	if (leaf_key == NULL || !is_pair(leaf_key))
		return "no P-256 leaf key";
	if (EVP_PKEY_eq(root_key, leaf_key) == 1)
		return "root and leaf share one key";
	if (X509_check_private_key(root, root_key) != 1)
		return "the root is of another key";
	if (X509_verify(root, root_key) != 1 || X509_check_ca(root) != 1)
		return "the root is no authority";
	return NULL;
}

bool
ca_is_export(const uint8_t *data, size_t len)
{
	struct part parts[PARTS];

	return len <= BYTES_MAX && split(data, len, parts);
}

int
ca_import(const uint8_t *data, size_t len, struct ca **ret, char *reterr,
	size_t reterr_size)
{
	struct part parts[PARTS];
	EVP_PKEY *root_key, *leaf_key;
	const char *fault;
	X509 *root;

	if (len > BYTES_MAX || !split(data, len, parts)) {
		snprintf(reterr, reterr_size, "not an exported authority");
		return -EINVAL;
	}
	root = read_root(&parts[PART_ROOT]);
	root_key = read_key(&parts[PART_ROOT_KEY]);
	leaf_key = read_key(&parts[PART_LEAF_KEY]);
	fault = find_fault(root, root_key, leaf_key);
	if (fault != NULL) {
		X509_free(root);
		EVP_PKEY_free(root_key);
		EVP_PKEY_free(leaf_key);
		crypto_error("", NULL, 0);
		snprintf(reterr, reterr_size, "bad authority: %s", fault);
		return -EINVAL;
	}
	if (authority_assemble(root, root_key, leaf_key, ret) == 0)
		return 0;
	return crypto_error("cannot import", reterr, reterr_size);
}
