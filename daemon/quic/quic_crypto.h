/*
 * The bytes of CRYPTO frames, put where they belong (RFC 9000 19.6).  Frames
 * may come in any order, in any pieces and again, as long as all of them say
 * the same about each byte.  A map has a bit for each byte, so that no number
 * of pieces costs more memory.  Pure.
 */
#ifndef SBX_QUIC_CRYPTO_H
#define SBX_QUIC_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

enum {
	QUIC_CRYPTO_MAX = 16384,
};

struct quic_crypto {
	uint8_t bytes[QUIC_CRYPTO_MAX];
	uint8_t have[QUIC_CRYPTO_MAX / 8];
	size_t whole; /* bytes from the first one on without a gap */
};

/* NULL, or why these bytes are refused (static); then *c may have some. */
const char *quic_crypto_add(struct quic_crypto *c, uint64_t offset,
	const uint8_t *data, size_t len);

#endif
