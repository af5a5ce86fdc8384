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

/* Eight links are walked, nine are not. */
static void
the_chain_has_an_end(void **state)
{
	char payload[512] = "";
	struct plan plan = {V6, 60, 0, NULL, NULL, payload};

	(void)state;
	for (int links = 1; links <= 9; links++) {
		struct packet p;
		struct wire w;

		payload[0] = '\0';
		for (int i = 1; i < links; i++)
			strcat(payload, "3c00 0104 00000000");
		strcat(payload, "1100 0104 00000000" UDP_HEAD "61626364");
		w = wire_build(&plan);
		packet_parse(w.bytes, w.len, &p);
		if (links <= 8)
			assert_null(p.bad);
		else
			assert_string_equal(
				p.bad, "more than eight extension headers");
		assert_int_equal(p.has_ports, links <= 8);
		assert_true(p.has_options);
		free(w.bytes);
	}
}

static const struct {
	const char *address;
	bool told;
	const char *why;
} embedded[] = {
	{"00000000000000000000ffff0a000001", true, "mapped"},
	{"0000000000000000000000000a000001", true, "compatible"},
	{"0000000000000000ffff00000a000001", true, "translated"},
	{"00000000000000000000000000000000", false, "unspecified"},
	{"00000000000000000000000000000001", false, "loopback"},
	{"20010db8000000000000ffff0a000001", false, "some address"},
};

static void
addresses_that_embed_ipv4_are_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(embedded); i++) {
		char ends[80];
		struct plan plan = {V6, 59, 0, NULL, ends, ""};

		for (int destination = 0; destination < 2; destination++) {
			struct packet p;
			struct wire w;

			snprintf(ends, sizeof(ends), "%s%.32s%s",
				destination ? "" : embedded[i].address, V6_ENDS,
				destination ? embedded[i].address : "");
			w = wire_build(&plan);
			packet_parse(w.bytes, w.len, &p);
			if (p.has_embedded_v4 != embedded[i].told)
				fail_msg("%s", embedded[i].why);
			free(w.bytes);
		}
	}
}

static void
what_a_packet_has_is_told(void **state)
{
	struct plan plan = {V4, 17, 0, "01010101", NULL, UDP_HEAD "61626364"};
	struct wire w = wire_build(&plan);
	struct packet p;

	(void)state;
	packet_parse(w.bytes, w.len, &p);
	assert_null(p.bad);
	assert_int_equal(p.family, AF_INET);
	assert_int_equal(p.protocol, PACKET_UDP);
	assert_true(p.has_options && p.has_ports);
	assert_false(p.is_fragment || p.is_later_fragment || p.has_icmp ||
		     p.has_embedded_v4);
	assert_int_equal(p.source_port, 5000);
	assert_int_equal(p.destination_port, 443);
	assert_memory_equal(p.source, "\x0a\x4d\x01\x02\0\0\0\0", 8);
	assert_memory_equal(p.destination, "\xcb\x00\x71\x01\0\0\0\0", 8);
	assert_memory_equal(p.payload, "abcd", 4);
	free(w.bytes);
}

static void
a_name_is_of_one_protocol(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 256; i++) {
		const char *name = packet_protocol_name((uint8_t)i);

		for (unsigned j = 0; j < i && name != NULL; j++) {
			const char *other = packet_protocol_name((uint8_t)j);

			if (other != NULL)
				assert_string_not_equal(name, other);
		}
	}
	assert_string_equal(packet_protocol_name(PACKET_SCTP), "sctp");
	assert_null(packet_protocol_name(254));
}

/* The longest text there is fits; a smaller room has a cut, ended text. */
static void
a_text_is_cut_where_its_room_ends(void **state)
{
	struct plan plan = {V6, 136, 0, NULL,
		"fd77000111112222333344445555aaa2"
		"20010db8111122223333444455556661",
		"fffe fffe 0007 0000"};
	struct wire w = wire_build(&plan);
	char whole[PACKET_TEXT_SIZE], cut[PACKET_TEXT_SIZE];
	struct packet p;

	(void)state;
	packet_parse(w.bytes, w.len, &p);
	packet_describe(&p, whole, sizeof(whole));
	assert_in_range(strlen(whole), 100, sizeof(whole) - 2);
	for (size_t size = 1; size < sizeof(cut); size++) {
		memset(cut, 'x', sizeof(cut));
		packet_describe(&p, cut, size);
		assert_non_null(memchr(cut, '\0', size));
		assert_memory_equal(cut, whole, strlen(cut));
		assert_int_equal(cut[size], 'x');
	}
	free(w.bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_chain_has_an_end),
		cmocka_unit_test(addresses_that_embed_ipv4_are_told),
		cmocka_unit_test(what_a_packet_has_is_told),
		cmocka_unit_test(a_name_is_of_one_protocol),
		cmocka_unit_test(a_text_is_cut_where_its_room_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
