/*
 * SipHash-2-4 as its authors published it (Aumasson and Bernstein, 2012): four
 * words of state, two rounds for each word of input, four at the end.
 */
#include "keyed_hash.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

int
keyed_hash_init(struct keyed_hash *h)
{
	ssize_t n = getrandom(h->key, sizeof(h->key), 0);

	if (n < 0)
		return -errno;
	return n == (ssize_t)sizeof(h->key) ? 0 : -EIO;
}

static inline uint64_t
rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void
rounds(uint64_t v[4], unsigned count)
{
	while (count-- > 0) {
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
keyed_hash_of(const struct keyed_hash *h, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t v[4] = {
		h->key[0] ^ 0x736f6d6570736575,
		h->key[1] ^ 0x646f72616e646f6d,
		h->key[0] ^ 0x6c7967656e657261,
		h->key[1] ^ 0x7465646279746573,
	};
	size_t left = len;
	uint64_t word;

	for (; left >= sizeof(word); left -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		word = le64toh(word);
		v[3] ^= word;
		rounds(v, 2);
		v[0] ^= word;
	}
	word = (uint64_t)len << 56;
	for (size_t i = 0; i < left; i++)
		word |= (uint64_t)p[i] << (8 * i);
	v[3] ^= word;
	rounds(v, 2);
	v[0] ^= word;
	v[2] ^= 0xff;
	rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
