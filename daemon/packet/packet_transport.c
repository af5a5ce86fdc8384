/*
 * packet_transport.c - ports and types, by one table of protocols
 *
 * The first fragment has the whole header or is bad (RFC 1858, RFC 7112): else
 * the rest of the header would come in a packet that nobody can judge.  What a
 * header says about the length of the whole is held against it only where the
 * whole is at hand.
 */
#include <sys/socket.h>

#include "array.h"
#include "packet_part.h"

enum {
	TCP_LEAST = 20,
	UDP_HEADER = 8,
	DCCP_LEAST = 12,
	DCCP_LEAST_LONG = 16, /* with sequence numbers of 48 bits */
	DCCP_LONG = 1,
	SCTP_HEADER = 12,
	ICMP_HEADER = 8,
	WORD = 4,
};

static bool
is_whole(const struct packet *p)
{
	return !p->is_fragment;
}

/* Behind its fixed part the header goes on to len bytes in all. */
static const char *
take_options(struct packet *p, size_t taken, size_t least, size_t len)
{
	if (len < least || packet_take(p, len - taken) == NULL)
		return "a header of an impossible length";
	return NULL;
}

static const char *
read_tcp(struct packet *p, const uint8_t *h)
{
	return take_options(
		p, TCP_LEAST, TCP_LEAST, (size_t)(h[12] >> 4) * WORD);
}

static const char *
read_udp(struct packet *p, const uint8_t *h)
{
	size_t len = packet_get16(h + 4);

	if (len < UDP_HEADER)
		return "a UDP length below that of its header";
	if (!is_whole(p))
		return NULL;
	if (len - UDP_HEADER > p->payload_len)
		return "shorter than its UDP header says";
	p->payload_len = len - UDP_HEADER;
	return NULL;
}

/* Its length is how much the checksum covers; 0 is everything (RFC 3828). */
static const char *
read_udp_lite(struct packet *p, const uint8_t *h)
{
	size_t covered = packet_get16(h + 4);

	if (covered == 0)
		return NULL;
	if (covered < UDP_HEADER ||
		(is_whole(p) && covered - UDP_HEADER > p->payload_len))
		return "an impossible coverage of UDP-Lite";
	return NULL;
}

static const char *
read_dccp(struct packet *p, const uint8_t *h)
{
	size_t least = h[8] & DCCP_LONG ? DCCP_LEAST_LONG : DCCP_LEAST;

	return take_options(p, DCCP_LEAST, least, (size_t)h[4] * WORD);
}

static const char *
read_icmp(struct packet *p, const uint8_t *h)
{
	bool is_v6 = p->protocol == PACKET_ICMPV6;

	if (is_v6 != (p->family == AF_INET6))
		return "the ICMP of the other family";
	p->has_icmp = true;
	p->icmp_type = h[0];
	p->icmp_code = h[1];
	return NULL;
}

/* What has a header that is read; read may be NULL. */
static const struct transport {
	uint8_t protocol;
	uint8_t len; /* of its fixed part */
	bool has_ports;
	const char *(*read)(struct packet *p, const uint8_t *h);
} transports[] = {
	{PACKET_ICMP, ICMP_HEADER, false, read_icmp},
	{PACKET_TCP, TCP_LEAST, true, read_tcp},
	{PACKET_UDP, UDP_HEADER, true, read_udp},
	{PACKET_DCCP, DCCP_LEAST, true, read_dccp},
	{PACKET_ICMPV6, ICMP_HEADER, false, read_icmp},
	{PACKET_SCTP, SCTP_HEADER, true, NULL},
	{PACKET_UDP_LITE, UDP_HEADER, true, read_udp_lite},
};

static const struct transport *
find_transport(uint8_t protocol)
{
	for (size_t i = 0; i < ARRAY_LEN(transports); i++) {
		if (transports[i].protocol == protocol)
			return &transports[i];
	}
	return NULL;
}

const char *
packet_read_transport(struct packet *p)
{
	const struct transport *t = find_transport(p->protocol);
	const uint8_t *h;

	if (t == NULL || p->is_later_fragment)
		return NULL;
	h = packet_take(p, t->len);
	if (h == NULL)
		return is_whole(p) ? "shorter than the header of its protocol"
				   : "a first fragment without the whole "
				     "header of its protocol";
	if (t->has_ports) {
		p->has_ports = true;
		p->source_port = (uint16_t)packet_get16(h);
		p->destination_port = (uint16_t)packet_get16(h + 2);
	}
	return t->read != NULL ? t->read(p, h) : NULL;
}
