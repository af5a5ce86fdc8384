#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "array.h"
#include "packet.h"
#include "packet_wire.h"

enum { LOOSE = 70 }; /* bytes behind a packet that are not its own */

#define NONE "3b00 0000 0000 0000"

static const struct {
	struct plan plan;
	const char *text;
	size_t payload;
	const char *why;
} golden[] = {
	{{V4, 17, 0, NULL, NULL, UDP_HEAD "61626364"},
		"udp 10.77.1.2:5000 > 203.0.113.1:443", 4, "the usual case"},
	{{V6, 17, 0, NULL, NULL, UDP_HEAD "61626364"},
		"udp [fd77:1::2]:5000 > [2001:db8::1]:443", 4, "its twin"},
	{{V4, 17, 0, NULL, NULL, "1388 01bb 0008 0000 61626364"},
		"udp 10.77.1.2:5000 > 203.0.113.1:443", 0,
		"what is behind a datagram is not of it"},
	{{V4, 6, 0, NULL, NULL, TCP_HEAD "0102"},
		"tcp 10.77.1.2:5000 > 203.0.113.1:443", 2, "TCP"},
	{{V4, 6, 0, NULL, NULL,
		 "1388 01bb 00000001 00000000 6002 ffff 00000000 020405b4 01"},
		"tcp 10.77.1.2:5000 > 203.0.113.1:443", 1, "TCP options"},
	{{V4, 132, 0, NULL, NULL, "1388 01bb 00000000 00000000 01"},
		"sctp 10.77.1.2:5000 > 203.0.113.1:443", 1, "SCTP"},
	{{V4, 33, 0, NULL, NULL, "1388 01bb 03 00 0000 02 000000"},
		"dccp 10.77.1.2:5000 > 203.0.113.1:443", 0, "DCCP"},
	{{V4, 33, 0, NULL, NULL,
		 "1388 01bb 05 00 0000 01 00 0000 00000000 00000000 aa"},
		"dccp 10.77.1.2:5000 > 203.0.113.1:443", 1, "DCCP, 48 bits"},
	{{V4, 136, 0, NULL, NULL, "1388 01bb 0000 0000 0102"},
		"udp-lite 10.77.1.2:5000 > 203.0.113.1:443", 2,
		"UDP-Lite: all is covered"},
	{{V4, 136, 0, NULL, NULL, "1388 01bb 0008 0000 0102"},
		"udp-lite 10.77.1.2:5000 > 203.0.113.1:443", 2,
		"UDP-Lite: its header is covered"},
	{{V4, 1, 0, NULL, NULL, "08 00 0000 0001 0001 6162"},
		"icmp 10.77.1.2 > 203.0.113.1 type 8 code 0", 2, "ping"},
	{{V6, 58, 0, NULL, NULL, "80 00 0000 0001 0001 6162"},
		"icmpv6 fd77:1::2 > 2001:db8::1 type 128 code 0", 2, "ping 6"},
	{{V4, 47, 0, NULL, NULL, "0000 0800"}, "gre 10.77.1.2 > 203.0.113.1", 4,
		"a tunnel stays closed"},
	{{V4, 50, 0, NULL, NULL, "00000001"}, "esp 10.77.1.2 > 203.0.113.1", 4,
		"nobody can read ESP"},
	{{V4, 51, 0, NULL, NULL, "11 01 0000 00000000 00000000" UDP_HEAD},
		"ah 10.77.1.2 > 203.0.113.1", 20,
		"conntrack does not look behind AH of IPv4, so do not we"},
	{{V4, 253, 0, NULL, NULL, "00"}, "protocol 253 10.77.1.2 > 203.0.113.1",
		1, "no name"},
	{{V4, 2, 0, "94040000", NULL, "16 00 0000 e0000001"},
		"igmp 10.77.1.2 > 203.0.113.1", 8, "router alert"},
	{{V4, 17, 0, "01010100", NULL, UDP_HEAD "61626364"},
		"udp 10.77.1.2:5000 > 203.0.113.1:443", 4, "NOPs and an end"},
	{{V4, 17, 0, "00ffffff", NULL, UDP_HEAD "61626364"},
		"udp 10.77.1.2:5000 > 203.0.113.1:443", 4,
		"nothing counts behind the end of options"},
	{{V4, 17, 0x4000, NULL, NULL, UDP_HEAD "61626364"},
		"udp 10.77.1.2:5000 > 203.0.113.1:443", 4, "do not fragment"},
	{{V4, 17, MORE, NULL, NULL, "1388 01bb 1000 0000 0000000000000000"},
		"udp 10.77.1.2:5000 > 203.0.113.1:443 fragment", 8,
		"a first fragment, shorter than the datagram"},
	{{V4, 136, MORE, NULL, NULL, "1388 01bb 0100 0000 0000000000000000"},
		"udp-lite 10.77.1.2:5000 > 203.0.113.1:443 fragment", 8,
		"what is covered goes on in the next"},
	{{V4, 17, 2, NULL, NULL, "0102030405"},
		"udp 10.77.1.2 > 203.0.113.1 later fragment", 5,
		"a last fragment has no ports"},
	{{V6, 44, 0, NULL, NULL, "1100 0001 00000001 1388 01bb 1000 0000"},
		"udp [fd77:1::2]:5000 > [2001:db8::1]:443 fragment", 0,
		"a first fragment"},
	{{V6, 44, 0, NULL, NULL, "1100 0008 00000001 1388 01bb"},
		"udp fd77:1::2 > 2001:db8::1 later fragment", 4,
		"a last fragment"},
	{{V6, 44, 0, NULL, NULL, "1100 fff0 00000001 0000000000000000"},
		"udp fd77:1::2 > 2001:db8::1 later fragment", 8,
		"the last that may be"},
	{{V6, 44, 0, NULL, NULL, "3c00 0008 00000001 1388 01bb"},
		"ipv6-opts fd77:1::2 > 2001:db8::1 later fragment", 4,
		"a last fragment of options is not walked"},
	{{V6, 44, 0, NULL, NULL, "1100 0000 00000001 1388 01bb 0008 0000"},
		"udp [fd77:1::2]:5000 > [2001:db8::1]:443 fragment", 0,
		"an atomic fragment"},
	{{V6, 0, 0, NULL, NULL,
		 "3c00 0502 0000 0100 1100 0104 00000000" UDP_HEAD "61626364"},
		"udp [fd77:1::2]:5000 > [2001:db8::1]:443", 4,
		"hop-by-hop, destination options"},
	{{V6, 43, 0, NULL, NULL, "1100 0000 00000000" UDP_HEAD "61626364"},
		"udp [fd77:1::2]:5000 > [2001:db8::1]:443", 4,
		"a routing header that has been walked"},
	{{V6, 51, 0, NULL, NULL,
		 "1101 0000 00000000 00000000" UDP_HEAD "61626364"},
		"udp [fd77:1::2]:5000 > [2001:db8::1]:443", 4, "AH"},
	{{V6, 59, 0, NULL, NULL, ""}, "ipv6-nonxt fd77:1::2 > 2001:db8::1", 0,
		"nothing at all"},
	{{V6, 135, 0, NULL, NULL, NONE}, "mobility fd77:1::2 > 2001:db8::1", 8,
		"Linux does not walk it, so do not we"},

	/* Bad ones. */
	{{V4, 17, 0, "83070404040404 00", NULL, UDP_HEAD "61626364"},
		"udp 10.77.1.2 > 203.0.113.1: a source route", 12, "loose"},
	{{V4, 17, 0, "01 89070404040404", NULL, UDP_HEAD "61626364"},
		"udp 10.77.1.2 > 203.0.113.1: a source route", 12,
		"strict, behind a NOP"},
	{{V4, 17, 0, "94010000", NULL, UDP_HEAD "61626364"},
		"udp 10.77.1.2 > 203.0.113.1: a malformed IPv4 option", 12,
		"an option of length 1"},
	{{V4, 17, 0, "01010194", NULL, UDP_HEAD "61626364"},
		"udp 10.77.1.2 > 203.0.113.1: a malformed IPv4 option", 12,
		"an option without a length"},
	{{V4, 253, 0, "01010194", NULL, ""},
		"protocol 253 10.77.1.2 > 203.0.113.1: a malformed IPv4 option",
		0, "nothing is behind it to take a length from"},
	{{V4, 17, 0, "94050000", NULL, UDP_HEAD "61626364"},
		"udp 10.77.1.2 > 203.0.113.1: a malformed IPv4 option", 12,
		"an option that leaves the header"},
	{{V4, 17, 0, NULL, NULL, "1388 01bb 000d 0000 61626364"},
		"udp 10.77.1.2:5000 > 203.0.113.1:443: shorter than its UDP "
		"header says",
		4, "a byte is missing"},
	{{V4, 17, 0, NULL, NULL, "1388 01bb 0007 0000"},
		"udp 10.77.1.2:5000 > 203.0.113.1:443: a UDP length below that "
		"of its header",
		0, "7"},
	{{V6, 17, 0, NULL, NULL, "1388 01bb 0000 0000"},
		"udp [fd77:1::2]:5000 > [2001:db8::1]:443: a UDP length below "
		"that of its header",
		0, "0 is for jumbograms"},
	{{V4, 6, 0, NULL, NULL,
		 "1388 01bb 00000001 00000000 4002 ffff 00000000"},
		"tcp 10.77.1.2:5000 > 203.0.113.1:443: a header of an "
		"impossible length",
		0, "TCP with 16 bytes"},
	{{V4, 6, 0, NULL, NULL,
		 "1388 01bb 00000001 00000000 6002 ffff 00000000 0000"},
		"tcp 10.77.1.2:5000 > 203.0.113.1:443: a header of an "
		"impossible length",
		2, "half an option"},
	{{V4, 33, 0, NULL, NULL, "1388 01bb 03 00 0000 01 000000 00000000"},
		"dccp 10.77.1.2:5000 > 203.0.113.1:443: a header of an "
		"impossible length",
		4, "DCCP, 48 bits in 12 bytes"},
	{{V4, 136, 0, NULL, NULL, "1388 01bb 0007 0000"},
		"udp-lite 10.77.1.2:5000 > 203.0.113.1:443: an impossible "
		"coverage of UDP-Lite",
		0, "not even the header"},
	{{V4, 136, 0, NULL, NULL, "1388 01bb 0009 0000"},
		"udp-lite 10.77.1.2:5000 > 203.0.113.1:443: an impossible "
		"coverage of UDP-Lite",
		0, "more than there is"},
	{{V4, 58, 0, NULL, NULL, "80 00 0000 0001 0001"},
		"icmpv6 10.77.1.2 > 203.0.113.1: the ICMP of the other family",
		0, "ICMPv6 in IPv4"},
	{{V6, 1, 0, NULL, NULL, "08 00 0000 0001 0001"},
		"icmp fd77:1::2 > 2001:db8::1: the ICMP of the other family", 0,
		"ICMP in IPv6"},
	{{V4, 17, 0, NULL, NULL, "1388 01bb 0008"},
		"udp 10.77.1.2 > 203.0.113.1: shorter than the header of its "
		"protocol",
		6, "6 bytes of UDP"},
	{{V4, 6, MORE, NULL, NULL, "1388 01bb 00000001"},
		"tcp 10.77.1.2 > 203.0.113.1 fragment: a first fragment "
		"without the whole header of its protocol",
		8, "the flags would come later"},
	{{V4, 17, MORE, NULL, NULL, UDP_HEAD "01"},
		"udp 10.77.1.2 > 203.0.113.1 fragment: a fragment with a "
		"length that only the last may have",
		9, "9 bytes, and more"},
	{{V4, 17, 1, NULL, NULL, ""},
		"udp 10.77.1.2 > 203.0.113.1 later fragment: an empty fragment",
		0, "nothing"},
	{{V4, 17, 0x1fff, NULL, NULL, "00"},
		"udp 10.77.1.2 > 203.0.113.1 later fragment: a fragment that "
		"ends beyond 65,535 bytes",
		1, "the ping of death"},
	{{V6, 44, 0, NULL, NULL, "1100 fff8 00000001 0000000000000000"},
		"udp fd77:1::2 > 2001:db8::1 later fragment: a fragment that "
		"ends beyond 65,535 bytes",
		8, "its twin"},
	{{V6, 60, 0, NULL, NULL,
		 "2c00 0104 00000000 1100 fff0 00000001 0000000000000000"},
		"udp fd77:1::2 > 2001:db8::1 later fragment: a fragment that "
		"ends beyond 65,535 bytes",
		8, "what is before it counts as well"},
	{{V6, 44, 0, NULL, NULL,
		 "2c00 0001 00000001 1100 0001 00000001" UDP_HEAD},
		"udp fd77:1::2 > 2001:db8::1 fragment: a fragment of a "
		"fragment",
		8, "two fragment headers"},
	{{V6, 44, 0, NULL, NULL, "3c00 0001 00000001 1101 0104 00000000"},
		"ipv6-opts fd77:1::2 > 2001:db8::1 fragment: an extension "
		"header that is cut short",
		8, "the first fragment ends within the chain"},
	{{V6, 43, 0, NULL, NULL,
		 "1102 0001 00000000"
		 "20010db8000000000000000000000002" UDP_HEAD},
		"udp fd77:1::2 > 2001:db8::1: a source route", 8, "type 0"},
	{{V6, 60, 0, NULL, NULL,
		 "1102 c910 20010db8000000000000000000000002"
		 "0102 0000" UDP_HEAD},
		"udp fd77:1::2 > 2001:db8::1: a home address besides the "
		"source",
		8, "mobile IPv6"},
	{{V6, 0, 0, NULL, NULL, "1100 c204 00010000" UDP_HEAD},
		"udp fd77:1::2 > 2001:db8::1: a jumbogram", 8,
		"the option, with a length"},
	{{V6, 0, 0, NULL, NULL, "1100 0105 00000000" UDP_HEAD},
		"udp fd77:1::2 > 2001:db8::1: a malformed IPv6 option", 8,
		"an option that leaves the header"},
	{{V6, 60, 0, NULL, NULL, "1100 0102 0000 0005" UDP_HEAD},
		"udp fd77:1::2 > 2001:db8::1: a malformed IPv6 option", 8,
		"the option's length is behind the header"},
	{{V6, 60, 0, NULL, NULL,
		 "0000 0104 00000000 1100 0104 00000000" UDP_HEAD},
		"hopopt fd77:1::2 > 2001:db8::1: a hop-by-hop header that is "
		"not the first",
		16, "hop-by-hop behind another"},
	{{V6, 51, 0, NULL, NULL, "1100 0000 00000000" UDP_HEAD},
		"ah fd77:1::2 > 2001:db8::1: an extension header that is cut "
		"short",
		16, "AH without a sequence number"},
};

static void
threat_13_any_protocol_and_fragment(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(golden); i++) {
		struct wire w = wire_build(&golden[i].plan);
		char text[PACKET_TEXT_SIZE];
		struct packet p;

		packet_parse(w.bytes, w.len, &p);
		packet_describe(&p, text, sizeof(text));
		if (strcmp(text, golden[i].text) != 0 ||
			p.payload_len != golden[i].payload)
			fail_msg("%s: got \"%s\", %zu bytes", golden[i].why,
				text, p.payload_len);
		assert_true(p.payload + p.payload_len <= w.bytes + w.len);
		free(w.bytes);
	}
}

/* What a link adds behind a packet is not of it. */
static void
padding_of_the_link_changes_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(golden); i++) {
		struct wire w = wire_build(&golden[i].plan);
		uint8_t *longer = calloc(1, w.len + LOOSE);
		char text[PACKET_TEXT_SIZE];
		struct packet p;

		assert_non_null(longer);
		memcpy(longer, w.bytes, w.len);
		packet_parse(longer, w.len + LOOSE, &p);
		packet_describe(&p, text, sizeof(text));
		assert_string_equal(text, golden[i].text);
		assert_int_equal(p.payload_len, golden[i].payload);
		free(longer);
		free(w.bytes);
	}
}

static void
a_packet_cut_short_is_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(golden); i++) {
		struct wire w = wire_build(&golden[i].plan);

		for (size_t len = 0; len < w.len; len++) {
			uint8_t *cut = malloc(len > 0 ? len : 1);
			struct packet p;

			assert_non_null(cut);
			memcpy(cut, w.bytes, len);
			packet_parse(cut, len, &p);
			if (p.bad == NULL)
				fail_msg("%s: %zu of %zu bytes", golden[i].why,
					len, w.len);
			free(cut);
		}
		free(w.bytes);
	}
}

static const struct {
	const char *hex;
	const char *text;
	const char *why;
} raw[] = {
	{"", "no packet: no bytes at all", "empty"},
	{"00", "no packet: neither IPv4 nor IPv6", "version 0"},
	{"50", "no packet: neither IPv4 nor IPv6", "version 5"},
	{"45", "no packet: shorter than an IPv4 header", "one byte"},
	{"60", "no packet: shorter than an IPv6 header", "one byte"},
	{"44000014 00000000 4011 0000 0a4d0102 cb007101",
		"udp 10.77.1.2 > 203.0.113.1: an IPv4 header of an impossible "
		"length",
		"IHL 4"},
	{"46000014 00000000 4011 0000 0a4d0102 cb007101",
		"udp 10.77.1.2 > 203.0.113.1: an IPv4 header of an impossible "
		"length",
		"longer than the packet says it is"},
	{"45000000 00000000 4011 0000 0a4d0102 cb007101",
		"udp 10.77.1.2 > 203.0.113.1: an IPv4 header of an impossible "
		"length",
		"total length 0"},
	{"45000015 00000000 4011 0000 0a4d0102 cb007101",
		"udp 10.77.1.2 > 203.0.113.1: shorter than its IPv4 header "
		"says",
		"one byte is missing"},
	{"6000000000000040 fd770001000000000000000000000002"
	 "20010db8000000000000000000000001",
		"hopopt fd77:1::2 > 2001:db8::1: a jumbogram",
		"no length, and options"},
	{"6000000000013b40 fd770001000000000000000000000002"
	 "20010db8000000000000000000000001",
		"ipv6-nonxt fd77:1::2 > 2001:db8::1: shorter than its IPv6 "
		"header says",
		"one byte is missing"},
};

static void
headers_that_lie(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(raw); i++) {
		uint8_t bytes[64];
		size_t len = wire_put_hex(bytes, raw[i].hex);
		char text[PACKET_TEXT_SIZE];
		struct packet p;

		packet_parse(bytes, len, &p);
		packet_describe(&p, text, sizeof(text));
		if (strcmp(text, raw[i].text) != 0)
			fail_msg("%s: got \"%s\"", raw[i].why, text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threat_13_any_protocol_and_fragment),
		cmocka_unit_test(padding_of_the_link_changes_nothing),
		cmocka_unit_test(a_packet_cut_short_is_bad),
		cmocka_unit_test(headers_that_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
