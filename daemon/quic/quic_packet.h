/*
 * One packet with a long header, as it lies in a datagram (RFC 8999 5, RFC 9000
 * 17.2): where it ends and what stands in the clear.  Pure.
 */
#ifndef SBX_QUIC_PACKET_H
#define SBX_QUIC_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quic_version.h"

enum {
	QUIC_ID_MAX = 20,           /* of the versions that are read */
	QUIC_DATAGRAM_LEAST = 1200, /* with an Initial in it */
};

struct quic_id {
	uint8_t bytes[QUIC_ID_MAX];
	size_t len;
};

enum quic_form {
	QUIC_FORM_LONG,  /* a packet of a version that is read */
	QUIC_FORM_OTHER, /* of another one, or a negotiation: only version */
	QUIC_FORM_NONE,  /* no long header, or nothing that makes sense */
};

struct quic_packet {
	uint32_t number; /* of the version */
	const struct quic_version *version;
	enum quic_type type;
	struct quic_id destination, source;
	bool has_token;       /* of an Initial */
	const uint8_t *start; /* borrowed from the datagram */
	size_t number_at;     /* where the packet number is, from start */
	size_t len;           /* where the next packet is */
};

/*
 * The packet at the front of data.  QUIC_FORM_LONG fills *ret; *ret_why is then
 * NULL, or what makes it one that no server accepts.
 */
enum quic_form quic_packet_parse(const uint8_t *data, size_t len,
	struct quic_packet *ret, const char **ret_why);

bool quic_id_equals(const struct quic_id *a, const struct quic_id *b);

#endif
