/*
 * A Java key store (JKS) that holds trusted certificates and no key: the one
 * format that every Java reads, whatever its version, and that needs no
 * password to be read.
 */
#ifndef SBX_KEYSTORE_H
#define SBX_KEYSTORE_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

struct keystore {
	uint8_t *data;
	size_t len, size;
	uint32_t count;
};

void keystore_init(struct keystore *k);
void keystore_done(struct keystore *k);

/* 0, -ENOMEM, or -E2BIG beyond 16 MiB in all. */
int keystore_add(struct keystore *k, X509 *certificate);

/* Completes data and len: what a file of that format holds. */
int keystore_finish(struct keystore *k);

#endif
