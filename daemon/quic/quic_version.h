/*
 * The versions of QUIC: what is different about those that are read, and what
 * the numbers of others look like.
 */
#ifndef SBX_QUIC_VERSION_H
#define SBX_QUIC_VERSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	QUIC_SALT_LEN = 20,
	QUIC_NEGOTIATION = 0, /* where a version would stand */
};

/* Types of packets with a long header. */
enum quic_type {
	QUIC_INITIAL,
	QUIC_ZERO_RTT,
	QUIC_HANDSHAKE,
	QUIC_RETRY,
};

struct quic_version {
	uint32_t number;
	uint8_t salt[QUIC_SALT_LEN];
	const char *key_label;
	const char *iv_label;
	const char *hp_label;
	enum quic_type types[4]; /* by the two bits in the first byte */
};

/* NULL: not one that is read. */
const struct quic_version *quic_version_find(uint32_t number);

/*
 * A number that was made to be one of QUIC's: greased (RFC 9000 15), a draft,
 * one of Google's.  Others can be versions as well.
 */
bool quic_version_is_known(uint32_t number);

#endif
