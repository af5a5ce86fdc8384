/*
 * Bytes that are read from their front, in the numbers of QUIC (RFC 9000 16).
 * Reading past the end makes a cursor bad and empty, for good; so it is enough
 * to ask once, when all has been read.
 */
#ifndef SBX_QUIC_CURSOR_H
#define SBX_QUIC_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct quic_cursor {
	const uint8_t *at;
	size_t left;
	bool bad;
};

/* The next len bytes; NULL if there are fewer. */
static inline const uint8_t *
quic_cursor_bytes(struct quic_cursor *c, uint64_t len)
{
	const uint8_t *at = c->at;

	if (len > c->left) {
		c->bad = true;
		c->left = 0;
		return NULL;
	}
	c->at += len;
	c->left -= (size_t)len;
	return at;
}

/* A number of that many bytes, at most eight; 0 if there are fewer. */
static inline uint64_t
quic_cursor_number(struct quic_cursor *c, size_t bytes)
{
	const uint8_t *at = quic_cursor_bytes(c, bytes);
	uint64_t n = 0;

	for (size_t i = 0; at != NULL && i < bytes; i++)
		n = n << 8 | at[i];
	return n;
}

/* A number whose first two bits say how long it is. */
static inline uint64_t
quic_cursor_varint(struct quic_cursor *c)
{
	size_t bytes = c->left > 0 ? (size_t)1 << (c->at[0] >> 6) : 1;
	uint64_t length_bits = (uint64_t)3 << (8 * bytes - 2);

	return quic_cursor_number(c, bytes) & ~length_bits;
}

#endif
