/*
 * The frames of a client's Initial packet: CRYPTO is kept, the others that may
 * be there (RFC 9000 17.2.2) are passed over, any that may not be is refused.
 * Pure.
 */
#ifndef SBX_QUIC_FRAMES_H
#define SBX_QUIC_FRAMES_H

#include <stddef.h>
#include <stdint.h>

struct quic_crypto;

/* NULL, or why the packet is refused (static); then *c may have some of it. */
const char *quic_frames_read(
	const uint8_t *frames, size_t len, struct quic_crypto *c);

#endif
