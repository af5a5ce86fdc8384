/*
 * quic_packet.c - what a packet with a long header says in the clear
 *
 * Theory of operation
 *
 * First what all versions have in common: the form, the version and two
 * connection ids (RFC 8999).  Only if the version is one that is read, the rest
 * is looked at: a token, the length, and where the packet number begins.
 *
 * A number that no pattern knows can be a version all the same.  It is believed
 * to be one if the datagram has the size that any first one has, for else it
 * could not be answered with a negotiation (RFC 9000 6).
 */
#include "quic_packet.h"

#include <string.h>

#include "quic_cursor.h"

enum {
	LONG_HEADER = 0x80,
	FIXED_BIT = 0x40,
	TYPE_SHIFT = 4,
	TYPE_MASK = 3,
	VERSION_LEN = 4,
};

static const char cut_short[] = "a QUIC packet that is cut short";

bool
quic_id_equals(const struct quic_id *a, const struct quic_id *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static bool
take_id(struct quic_cursor *c, struct quic_id *ret)
{
	uint64_t len = quic_cursor_number(c, 1);
	const uint8_t *bytes = quic_cursor_bytes(c, len);

	if (bytes == NULL || len > QUIC_ID_MAX)
		return false;
	memcpy(ret->bytes, bytes, (size_t)len);
	ret->len = (size_t)len;
	return true;
}

/* Behind the version: two ids of any length, and of a negotiation a list. */
static bool
looks_like_quic(struct quic_cursor c, uint32_t number)
{
	bool full = c.left + 1 + VERSION_LEN >= QUIC_DATAGRAM_LEAST;

	quic_cursor_bytes(&c, quic_cursor_number(&c, 1));
	quic_cursor_bytes(&c, quic_cursor_number(&c, 1));
	if (c.bad)
		return false;
	if (number == QUIC_NEGOTIATION)
		return c.left > 0 && c.left % VERSION_LEN == 0;
	return full || quic_version_is_known(number);
}

static const char *
read_rest(struct quic_cursor c, struct quic_packet *p)
{
	uint64_t length;

	if ((p->start[0] & FIXED_BIT) == 0)
		return "a QUIC packet without its fixed bit";
	if (!take_id(&c, &p->destination) || !take_id(&c, &p->source))
		return c.bad ? cut_short
			     : "a connection id of more than 20 bytes";
	p->type = p->version->types[p->start[0] >> TYPE_SHIFT & TYPE_MASK];
	if (p->type == QUIC_RETRY)
		return "a packet that only servers send";
	if (p->type == QUIC_INITIAL) {
		length = quic_cursor_varint(&c);
		p->has_token = length > 0;
		quic_cursor_bytes(&c, length);
	}
	length = quic_cursor_varint(&c);
	p->number_at = (size_t)(c.at - p->start);
	quic_cursor_bytes(&c, length);
	p->len = (size_t)(c.at - p->start);
	return c.bad ? cut_short : NULL;
}

enum quic_form
quic_packet_parse(const uint8_t *data, size_t len, struct quic_packet *ret,
	const char **ret_why)
{
	struct quic_cursor c = {data, len, false};
	uint64_t first = quic_cursor_number(&c, 1);
	struct quic_packet p = {.start = data};

	p.number = (uint32_t)quic_cursor_number(&c, VERSION_LEN);
	if (c.bad || (first & LONG_HEADER) == 0)
		return QUIC_FORM_NONE;
	p.version = quic_version_find(p.number);
	if (p.version == NULL) {
		if (!looks_like_quic(c, p.number))
			return QUIC_FORM_NONE;
		*ret = p;
		return QUIC_FORM_OTHER;
	}
	*ret_why = read_rest(c, &p);
	*ret = p;
	return QUIC_FORM_LONG;
}
