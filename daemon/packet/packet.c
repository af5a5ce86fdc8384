/*
 * packet.c - whose packet is it? IPv4, and what both families share
 *
 * Theory of operation
 *
 * p->payload is the part that has not been read yet.  It begins as the whole
 * packet; the header of IP cuts off what is behind its own length (padding of
 * the link), and every header then takes its bytes off the front.  So no
 * length that a packet names is ever added to an address: it is compared with
 * what is left.
 *
 * A later fragment ends the walk: what is in it only the first one can say.
 */
#include "packet.h"

#include <string.h>
#include <sys/socket.h>

#include "packet_part.h"

enum {
	IPV4_HEADER = 20,
	IPV4_MORE_FRAGMENTS = 0x2000,
	IPV4_OFFSET_MASK = 0x1fff,
	FRAGMENT_UNIT = 8,
	TOTAL_MAX = 65535,
};

enum {
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_LOOSE_ROUTE = 131,
	OPTION_STRICT_ROUTE = 137,
};

const char *
packet_read_fragment(struct packet *p, size_t offset, bool more, size_t headers)
{
	p->is_fragment = true;
	p->is_later_fragment = offset > 0;
	if (p->payload_len == 0)
		return "an empty fragment";
	if (more && p->payload_len % FRAGMENT_UNIT != 0)
		return "a fragment with a length that only the last may have";
	if (headers + offset + p->payload_len > TOTAL_MAX)
		return "a fragment that ends beyond 65,535 bytes";
	return NULL;
}

/* A source route names other destinations than the one that is judged. */
static const char *
read_options(const uint8_t *at, size_t left)
{
	while (left > 0 && at[0] != OPTION_END) {
		size_t len = 1;

		if (at[0] == OPTION_LOOSE_ROUTE || at[0] == OPTION_STRICT_ROUTE)
			return "a source route";
		if (at[0] != OPTION_NOP) {
			if (left < 2 || at[1] < 2 || at[1] > left)
				return "a malformed IPv4 option";
			len = at[1];
		}
		at += len;
		left -= len;
	}
	return NULL;
}

static const char *
read_ipv4(struct packet *p)
{
	const uint8_t *h = p->payload;
	size_t header, total, offset;
	const char *why;
	bool more;

	if (p->payload_len < IPV4_HEADER)
		return "shorter than an IPv4 header";
	p->family = AF_INET;
	memcpy(p->source, h + 12, 4);
	memcpy(p->destination, h + 16, 4);
	p->protocol = h[9];
	header = (size_t)(h[0] & 0xf) * 4;
	total = packet_get16(h + 2);
	if (header < IPV4_HEADER || header > total)
		return "an IPv4 header of an impossible length";
	if (total > p->payload_len)
		return "shorter than its IPv4 header says";
	p->payload_len = total;
	packet_take(p, header);
	p->has_options = header > IPV4_HEADER;
	why = read_options(h + IPV4_HEADER, header - IPV4_HEADER);
	if (why != NULL)
		return why;
	more = packet_get16(h + 6) & IPV4_MORE_FRAGMENTS;
	offset = (size_t)(packet_get16(h + 6) & IPV4_OFFSET_MASK) *
		 FRAGMENT_UNIT;
	if (more || offset > 0)
		return packet_read_fragment(p, offset, more, header);
	return NULL;
}

static const char *
read_internet(struct packet *p)
{
	if (p->payload_len == 0)
		return "no bytes at all";
	switch (p->payload[0] >> 4) {
	case 4:
		return read_ipv4(p);
	case 6:
		return packet_read_ipv6(p);
	default:
		return "neither IPv4 nor IPv6";
	}
}

void
packet_parse(const uint8_t *data, size_t len, struct packet *ret)
{
	*ret = (struct packet){
		.family = AF_UNSPEC, .payload = data, .payload_len = len};
	ret->bad = read_internet(ret);
	if (ret->bad == NULL)
		ret->bad = packet_read_transport(ret);
}
