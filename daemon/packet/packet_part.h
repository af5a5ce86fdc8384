/*
 * What the files of this folder share, and nobody else.  p->payload is what has
 * not been read yet; each reader takes its header off it and returns NULL, or
 * why the packet is bad.
 */
#ifndef SBX_PACKET_PART_H
#define SBX_PACKET_PART_H

#include "packet.h"

/* All IPv6 headers up to what they carry, which p->protocol then names. */
const char *packet_read_ipv6(struct packet *p);

/* The header that p->protocol names, unless this is a later fragment. */
const char *packet_read_transport(struct packet *p);

/*
 * A fragment whose bytes belong at offset, and before which a whole packet
 * has that many bytes of headers that count for its length.
 */
const char *packet_read_fragment(
	struct packet *p, size_t offset, bool more, size_t headers);

static inline unsigned
packet_get16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* The next len bytes; NULL, and nothing taken, if there are fewer. */
static inline const uint8_t *
packet_take(struct packet *p, size_t len)
{
	const uint8_t *at = p->payload;

	if (len > p->payload_len)
		return NULL;
	p->payload += len;
	p->payload_len -= len;
	return at;
}

#endif
