/*
 * quic_crypto.c - a stream that comes in pieces
 *
 * Two frames that contradict each other are refused rather than one of them
 * believed: the server may believe the other one.
 */
#include "quic_crypto.h"

#include <stdbool.h>

static bool
has_byte(const struct quic_crypto *c, size_t at)
{
	return c->have[at / 8] & 1 << at % 8;
}

const char *
quic_crypto_add(
	struct quic_crypto *c, uint64_t offset, const uint8_t *data, size_t len)
{
	if (offset > QUIC_CRYPTO_MAX || len > QUIC_CRYPTO_MAX - offset)
		return "more than 16 KiB of CRYPTO";
	for (size_t i = 0; i < len; i++) {
		size_t at = (size_t)offset + i;

		if (has_byte(c, at) && c->bytes[at] != data[i])
			return "CRYPTO frames that contradict each other";
		c->bytes[at] = data[i];
		c->have[at / 8] |= (uint8_t)(1 << at % 8);
	}
	while (c->whole < QUIC_CRYPTO_MAX && has_byte(c, c->whole))
		c->whole++;
	return NULL;
}
