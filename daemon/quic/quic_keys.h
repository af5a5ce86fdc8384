/*
 * The keys of a client's Initial packets, and a packet opened with them (RFC
 * 9001 5).  They come from a connection id that is on the wire, so that anyone
 * on the path has them: they are not secret and never wiped.  Pure; OpenSSL
 * does the cryptography.
 */
#ifndef SBX_QUIC_KEYS_H
#define SBX_QUIC_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "quic_packet.h"

enum {
	QUIC_KEY_LEN = 16,
	QUIC_IV_LEN = 12,
	QUIC_TAG_LEN = 16,
	QUIC_PLAIN_MAX = 16384, /* a longer packet is not opened */
};

struct quic_keys {
	uint8_t key[QUIC_KEY_LEN];
	uint8_t iv[QUIC_IV_LEN];
	uint8_t hp[QUIC_KEY_LEN];
};

/* What was under the protection of a packet. */
struct quic_plain {
	uint64_t number;  /* of the packet */
	uint8_t reserved; /* bits that have to be 0 */
	size_t len;
	uint8_t frames[QUIC_PLAIN_MAX];
};

/* 0; -ENOMEM: OpenSSL could not. */
int quic_keys_derive(const struct quic_version *version,
	const struct quic_id *client, struct quic_keys *ret);

/*
 * Opens a packet that parsed well.  expected is the number behind the highest
 * one seen, from which the bits follow that a packet leaves out.  0;
 * -EBADMSG: not sealed with these keys, or not a length that can be opened,
 * *ret then is garbage; -ENOMEM.
 */
int quic_keys_open(const struct quic_keys *k, const struct quic_packet *p,
	uint64_t expected, struct quic_plain *ret);

#endif
