/*
 * authority_bytes.c - an authority as bytes, and back
 *
 * Theory of operation
 *
 *	8 bytes		the magic
 *	3 times		4 bytes length, big endian, then that many bytes of DER:
 *			root certificate, root key, leaf key
 *
 * Nothing may follow.  What comes in is believed only as far as it can be
 * checked: both keys are P-256 pairs, not one and the same, and the root is
 * a CA certificate signed by the root key.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "authority.h"
#include "crypto_error.h"

enum {
	MAGIC_LEN = 8,
	LENGTH_LEN = 4,
	BYTES_MAX = 4096, /* ours are near 800 */
	GROUP_NAME_MAX = 32,
};

enum { PART_ROOT, PART_ROOT_KEY, PART_LEAF_KEY, PARTS };

struct part {
	const uint8_t *data;
	size_t len;
};

static const uint8_t magic[MAGIC_LEN] = {'s', 'b', 'x', 'c', 'a', 0, 0, 1};

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

int
ca_export(const struct ca *ca, uint8_t **ret, size_t *ret_len)
{
	unsigned char *der[PARTS] = {NULL};
	struct part parts[PARTS];
	int len[PARTS];
	int r = 0;

	len[PART_ROOT] = i2d_X509(ca->root, &der[PART_ROOT]);
	len[PART_ROOT_KEY] = i2d_PrivateKey(ca->root_key, &der[PART_ROOT_KEY]);
	len[PART_LEAF_KEY] = i2d_PrivateKey(ca->leaf_key, &der[PART_LEAF_KEY]);
	for (int i = 0; i < PARTS; i++) {
		if (len[i] < 0)
			r = crypto_error("cannot export", NULL, 0);
		parts[i] = (struct part){der[i], (size_t)len[i]};
	}
	if (r == 0)
		r = join(parts, ret, ret_len);
	for (int i = 0; i < PARTS; i++)
		OPENSSL_clear_free(der[i], len[i] > 0 ? (size_t)len[i] : 0);
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

static EVP_PKEY *
read_key(const struct part *part)
{
	const unsigned char *p = part->data;
	EVP_PKEY *key = d2i_PrivateKey(EVP_PKEY_EC, NULL, &p, (long)part->len);

	if (key != NULL && p == part->data + part->len)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

/* A P-256 key whose public half belongs to its private half. */
static bool
is_pair(EVP_PKEY *key)
{
	char group[GROUP_NAME_MAX];
	EVP_PKEY_CTX *ctx;
	size_t len;
	bool ok;

	if (EVP_PKEY_get_group_name(key, group, sizeof(group), &len) != 1 ||
		OBJ_txt2nid(group) != NID_X9_62_prime256v1)
		return false;
	ctx = EVP_PKEY_CTX_new(key, NULL);
	ok = ctx != NULL && EVP_PKEY_pairwise_check(ctx) == 1;
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
