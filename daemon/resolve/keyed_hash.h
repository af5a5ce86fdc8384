/*
 * A hash that only we can compute: SipHash-2-4 under a key drawn at start, so
 * that nobody who chooses names or addresses can choose collisions.
 * Pure, but for the key's one call to the kernel.
 */
#ifndef SBX_KEYED_HASH_H
#define SBX_KEYED_HASH_H

#include <stddef.h>
#include <stdint.h>

struct keyed_hash {
	uint64_t key[2];
};

/* Draws a key.  0 or -errno. */
int keyed_hash_init(struct keyed_hash *h);

uint64_t keyed_hash_of(
	const struct keyed_hash *h, const void *data, size_t len);

#endif
