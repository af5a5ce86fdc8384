/*
 * The packets that the canary sends, and what those that come back are.  Pure.
 */
#ifndef SBX_CANARY_PACKET_H
#define SBX_CANARY_PACKET_H

#include <stddef.h>
#include <stdint.h>

enum { CANARY_PACKET_MAX = 128 };

enum canary_kind {
	CANARY_SYN,  /* a TCP connection begins */
	CANARY_RST,  /* … and ends */
	CANARY_UDP,  /* a datagram; port 53: a DNS question */
	CANARY_ECHO, /* an ICMP echo request */
	CANARY_GRE,  /* a protocol that nobody here speaks */
};

struct canary_packet {
	enum canary_kind kind;
	int family;               /* AF_INET or AF_INET6 */
	const uint8_t *src, *dst; /* 4 or 16 bytes */
	uint16_t sport, dport;
};

/* Writes it, with its checksums; its length. */
size_t canary_packet_write(
	const struct canary_packet *p, uint8_t ret[static CANARY_PACKET_MAX]);

enum canary_answer {
	CANARY_NOISE,    /* the host looks for neighbours or routers */
	CANARY_ACCEPTED, /* SYN and ACK: a listener took it */
	CANARY_REFUSED,  /* RST, or ICMP says no */
	CANARY_STRAY,    /* anything else */
};

enum canary_answer canary_answer_read(const uint8_t *bytes, size_t len);

#endif
