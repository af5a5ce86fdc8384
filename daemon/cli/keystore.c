/*
 * keystore.c - certificates as a Java key store
 *
 * Theory of operation
 *
 *	magic version count { tag alias time type length DER }... digest
 *
 * all big-endian.  The digest is SHA-1 over the password as UTF-16, a fixed
 * phrase and everything before: a checksum rather than a seal.  The password is
 * the one that everybody uses, so that programs that insist on checking it
 * find it right.
 */
#include "keystore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

enum {
	KEYSTORE_FIRST = 64 * 1024, /* bytes; doubled as it grows */
	KEYSTORE_MAX = 16 * 1024 * 1024,
	KEYSTORE_VERSION = 2,
	TAG_TRUSTED_CERTIFICATE = 2,
	COUNT_OFFSET = 8,
	DIGEST_SIZE = 20,
};

static const uint8_t magic[] = {0xfe, 0xed, 0xfe, 0xed};
static const char password[] = "changeit";
static const char phrase[] = "Mighty Aphrodite";
static const char certificate_type[] = "X.509";

void
keystore_init(struct keystore *k)
{
	*k = (struct keystore){0};
}

void
keystore_done(struct keystore *k)
{
	free(k->data);
	keystore_init(k);
}

static int
put(struct keystore *k, const void *data, size_t len)
{
	size_t size = k->size > 0 ? k->size : KEYSTORE_FIRST;
	uint8_t *grown;

	if (len > KEYSTORE_MAX - k->len)
		return -E2BIG;
	while (size < k->len + len)
		size *= 2;
	if (size != k->size) {
		grown = realloc(k->data, size);
		if (grown == NULL)
			return -ENOMEM;
		k->data = grown;
		k->size = size;
	}
	memcpy(k->data + k->len, data, len);
	k->len += len;
	return 0;
}

static void
store_number(uint8_t *at, uint64_t n, size_t size)
{
	while (size > 0) {
		at[--size] = (uint8_t)n;
		n >>= 8;
	}
}

static int
put_number(struct keystore *k, uint64_t n, size_t size)
{
	uint8_t bytes[8];

	store_number(bytes, n, size);
	return put(k, bytes, size);
}

static int
put_text(struct keystore *k, const char *text)
{
	int e = put_number(k, strlen(text), 2);

	return e < 0 ? e : put(k, text, strlen(text));
}

static int
put_head(struct keystore *k)
{
	int e = put(k, magic, sizeof(magic));

	if (e == 0)
		e = put_number(k, KEYSTORE_VERSION, 4);
	return e < 0 ? e : put_number(k, 0, 4);
}

int
keystore_add(struct keystore *k, X509 *certificate)
{
	unsigned char *der = NULL;
	char alias[32];
	int len = i2d_X509(certificate, &der);
	int e = 0;

	if (len <= 0)
		return -ENOMEM;
	if (k->len == 0)
		e = put_head(k);
	snprintf(alias, sizeof(alias), "sbx-net-%u", ++k->count);
	if (e == 0)
		e = put_number(k, TAG_TRUSTED_CERTIFICATE, 4);
	if (e == 0)
		e = put_text(k, alias);
	if (e == 0)
		e = put_number(k, 0, 8); /* when it was added: nobody asks */
	if (e == 0)
		e = put_text(k, certificate_type);
	if (e == 0)
		e = put_number(k, (uint64_t)len, 4);
	if (e == 0)
		e = put(k, der, (size_t)len);
	OPENSSL_free(der);
	return e;
}

int
keystore_finish(struct keystore *k)
{
	uint8_t digest[EVP_MAX_MD_SIZE], wide[2 * (sizeof(password) - 1)];
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	int e = md == NULL ? -ENOMEM : 0;

	if (e == 0 && k->len == 0)
		e = put_head(k);
	for (size_t i = 0; i < sizeof(password) - 1; i++)
		store_number(wide + 2 * i, (uint8_t)password[i], 2);
	if (e == 0) {
		store_number(k->data + COUNT_OFFSET, k->count, 4);
		if (EVP_DigestInit_ex(md, EVP_sha1(), NULL) != 1 ||
			EVP_DigestUpdate(md, wide, sizeof(wide)) != 1 ||
			EVP_DigestUpdate(md, phrase, sizeof(phrase) - 1) != 1 ||
			EVP_DigestUpdate(md, k->data, k->len) != 1 ||
			EVP_DigestFinal_ex(md, digest, NULL) != 1)
			e = -ENOMEM;
	}
	if (e == 0)
		e = put(k, digest, DIGEST_SIZE);
	EVP_MD_CTX_free(md);
	return e;
}
