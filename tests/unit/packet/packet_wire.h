/* Packets of IPv4 and IPv6 out of a few words, for the tests of this folder. */
#ifndef SBX_PACKET_WIRE_H
#define SBX_PACKET_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define UDP_HEAD "1388 01bb 000c 0000" /* and four bytes */
#define TCP_HEAD "1388 01bb 00000001 00000000 5002 ffff 0000 0000"

enum {
	V4 = 4,
	V6 = 6,
	MORE = 0x2000, /* IPv4 flags */
};

/* From 10.77.1.2 or fd77:1::2 to 203.0.113.1 or 2001:db8::1. */
#define V4_ENDS "0a4d0102 cb007101"
#define V6_ENDS \
	"fd770001000000000000000000000002" \
	"20010db8000000000000000000000001"

struct wire {
	uint8_t *bytes;
	size_t len;
};

/* What differs between two packets; the lengths of IP come by themselves. */
struct plan {
	int version;
	unsigned protocol;   /* of IPv6: the first next header */
	unsigned fragment;   /* of IPv4: flags and offset in units of eight */
	const char *options; /* of IPv4 */
	const char *ends;    /* NULL: the usual ones */
	const char *payload; /* of IPv6: extension headers, too */
};

/* Hexadecimal digits, spaces anywhere between two pairs. */
size_t wire_put_hex(uint8_t *to, const char *hex);

/* In memory of exactly its size, so that ASan sees each byte too many; the
 * caller frees ret.bytes. */
struct wire wire_build(const struct plan *plan);

#endif
