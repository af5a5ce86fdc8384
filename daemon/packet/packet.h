/*
 * One packet of layer 3, as NFQUEUE gives it: who sends what to whom.
 *
 * Reads the headers of IPv4 (RFC 791) and IPv6 (RFC 8200) and the first words
 * of what they carry.  Only looks: nothing is put together out of fragments,
 * tunnels are not opened, no checksum is added up (the kernel has done it, or a
 * device will).  What could be read in two ways is bad, because another reader
 * behind us may choose the other one.  Pure, fuzzed.
 */
#ifndef SBX_PACKET_H
#define SBX_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PACKET_TEXT_SIZE = 256, /* holds whatever packet_describe() says */
};

/* Numbers of IANA that have a meaning here. */
enum packet_protocol {
	PACKET_ICMP = 1,
	PACKET_TCP = 6,
	PACKET_UDP = 17,
	PACKET_DCCP = 33,
	PACKET_ICMPV6 = 58,
	PACKET_SCTP = 132,
	PACKET_UDP_LITE = 136,
};

struct packet {
	int family; /* AF_INET, AF_INET6; AF_UNSPEC: bad, and nothing known */
	uint8_t source[16]; /* of IPv4 the first four bytes, the others 0 */
	uint8_t destination[16];
	uint8_t protocol; /* of the last header; of a later fragment: what it
			     says it is a part of */
	bool is_fragment; /* the first or a later one, or one that is whole */
	bool is_later_fragment; /* neither ports nor type are in it */
	bool has_options;       /* of IPv4, or extension headers of IPv6 */
	bool has_embedded_v4;   /* an address is IPv4 written as IPv6: mapped,
				   compatible, ::ffff:0:a.b.c.d */
	bool has_ports;
	uint16_t source_port, destination_port;
	bool has_icmp;
	uint8_t icmp_type, icmp_code;
	const uint8_t *payload; /* behind the last header that was read;
				   borrowed from the packet */
	size_t payload_len;
	const char *bad; /* NULL; or why no rule may let it pass: malformed, a
			    source route, a jumbogram.  A static text; the
			    fields above hold what was read until then */
};

/* Never fails: *ret says what is wrong.  data outlives ret->payload. */
void packet_parse(const uint8_t *data, size_t len, struct packet *ret);

/*
 * For people: "udp 10.77.1.2:5000 > 203.0.113.1:443",
 * "icmp 10.77.1.2 > 203.0.113.1 type 8 code 0".  Printable ASCII, always
 * terminated, cut if size is below PACKET_TEXT_SIZE.
 */
void packet_describe(const struct packet *p, char *ret, size_t size);

/* "udp"; each name is of one protocol only.  NULL: it has none. */
const char *packet_protocol_name(uint8_t protocol);

#endif
