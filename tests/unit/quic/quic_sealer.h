/*
 * Datagrams of a QUIC client, made for tests: the other direction of
 * daemon/quic, and written without it (HKDF by hand out of HMAC), so that one
 * mistake is not made twice.
 */
#ifndef SBX_QUIC_SEALER_H
#define SBX_QUIC_SEALER_H

#include <stddef.h>
#include <stdint.h>

enum {
	SEAL_V1 = 0x00000001,
	SEAL_V2 = 0x6b3343cf,
	SEAL_INITIAL = 0, /* types, as version 1 numbers them */
	SEAL_ZERO_RTT = 1,
	SEAL_HANDSHAKE = 2,
	SEAL_RETRY = 3,
	FRAMES_MAX = 20000,
	DATAGRAM_MAX = 65535,
	QUIC_HELLO_PADDING = 17000,
};

/* Connection ids are text here; an empty one has no bytes. */
struct initial {
	uint32_t version;
	unsigned type;
	const char *keys; /* the id that the keys come from */
	const char *destination, *source;
	size_t token_len;
	uint64_t number;
	size_t number_len;
	uint8_t flip;  /* of the first byte, before it is protected */
	size_t pad_to; /* PADDING until the packet is that long */
};

struct frames {
	uint8_t bytes[FRAMES_MAX];
	size_t len;
};

struct datagram {
	uint8_t bytes[DATAGRAM_MAX];
	size_t len;
};

/* Version 1, packet 0, ids of eight and five bytes, 1,200 bytes long. */
struct initial initial_usual(void);

/* A frame behind those that are there. */
void frames_crypto(
	struct frames *f, uint64_t offset, const uint8_t *data, size_t len);
void frames_put(struct frames *f, const void *bytes, size_t len);

/* A packet behind those that are there.  f gets its PADDING. */
void datagram_add(
	struct datagram *d, const struct initial *i, struct frames *f);

/* A ClientHello with ALPN h3; no name: NULL.  Its length. */
size_t make_hello(const char *name, size_t padding, uint8_t *ret);

#endif
