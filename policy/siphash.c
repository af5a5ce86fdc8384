#include "siphash.h"

#include <assert.h>
#include <endian.h>
#include <string.h>
#include <sys/auxv.h>

enum {
	ROUNDS = 1,       /* for each word of data */
	FINAL_ROUNDS = 3, /* at the end */
};

struct siphash_key
siphash_process_key(void)
{
	/*
	 * glibc makes its stack canary of the same 16 bytes.  A SipHash key
	 * does not show in the hashes, and the hashes never leave the process.
	 */
	const void *random = (const void *)getauxval(AT_RANDOM);
	struct siphash_key key;

	assert(random != NULL);
	memcpy(&key, random, sizeof(key));
	return key;
}

static uint64_t
rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void
mix(uint64_t v[4], int rounds)
{
	for (int i = 0; i < rounds; i++) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

uint64_t
siphash(struct siphash_key key, const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t v[4] = {key.k0 ^ 0x736f6d6570736575,
		key.k1 ^ 0x646f72616e646f6d, key.k0 ^ 0x6c7967656e657261,
		key.k1 ^ 0x7465646279746573};
	uint64_t last = (uint64_t)len << 56;
	size_t left = len;

	for (; left >= 8; left -= 8, p += 8) {
		uint64_t word;

		memcpy(&word, p, sizeof(word));
		word = le64toh(word);
		v[3] ^= word;
		mix(v, ROUNDS);
		v[0] ^= word;
	}
	for (size_t i = 0; i < left; i++)
		last |= (uint64_t)p[i] << (8 * i);
	v[3] ^= last;
	mix(v, ROUNDS);
	v[0] ^= last;
	v[2] ^= 0xff;
	mix(v, FINAL_ROUNDS);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
