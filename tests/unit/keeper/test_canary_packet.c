#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "canary_packet.h"

static const uint8_t src[16] = {192, 0, 0, 8, 5, 6, 7, 8};
static const uint8_t dst[16] = {198, 51, 100, 77, 9};

static uint16_t
ones(uint32_t sum, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* What a receiver does: the sum over all, checksum included, is all ones. */
static bool
payload_adds_up(const struct canary_packet *p, const uint8_t *bytes, size_t len)
{
	bool v4 = p->family == AF_INET;
	size_t head = v4 ? 20 : 40, size = v4 ? 4 : 16;
	uint8_t next = bytes[v4 ? 9 : 6];
	uint32_t sum = 0;

	if (next == IPPROTO_GRE)
		return true;
	if (next != IPPROTO_ICMP) {
		sum = ones((uint32_t)(len - head) + next, src, size);
		sum = ones(sum, dst, size);
	}
	return ones(sum, bytes + head, len - head) == 0xffff;
}

static void
test_written_as_a_receiver_wants_it(void **state)
{
	static const enum canary_kind kinds[] = {
		CANARY_SYN, CANARY_RST, CANARY_UDP, CANARY_ECHO, CANARY_GRE};
	static const int families[] = {AF_INET, AF_INET6};
	uint8_t bytes[CANARY_PACKET_MAX];
	(void)state;

	for (size_t f = 0; f < 2; f++) {
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
			struct canary_packet p = {
				kinds[i], families[f], src, dst, 50000, 443};
			size_t len = canary_packet_write(&p, bytes);

			assert_in_range(len, 28, CANARY_PACKET_MAX);
			assert_int_equal(bytes[0] >> 4, f == 0 ? 4 : 6);
			if (f == 0)
				assert_int_equal(ones(0, bytes, 20), 0xffff);
			else
				assert_int_equal(
					bytes[4] << 8 | bytes[5], len - 40);
			if (!payload_adds_up(&p, bytes, len))
				fail_msg("kind %zu of family %zu", i, f);
		}
	}
}

static const struct {
	const char *why;
	enum canary_answer want;
	size_t len;
	uint8_t bytes[64];
} answers[] = {
	{"SYN, ACK", CANARY_ACCEPTED, 40,
		{0x45, [9] = IPPROTO_TCP, [32] = 0x50, [33] = 0x12}},
	{"RST, ACK", CANARY_REFUSED, 40,
		{0x45, [9] = IPPROTO_TCP, [32] = 0x50, [33] = 0x14}},
	{"data", CANARY_STRAY, 40,
		{0x45, [9] = IPPROTO_TCP, [32] = 0x50, [33] = 0x18}},
	{"half of TCP", CANARY_STRAY, 30, {0x45, [9] = IPPROTO_TCP}},
	{"a head that is all", CANARY_STRAY, 20, {0x45, [9] = IPPROTO_ICMP}},
	{"a head too short", CANARY_STRAY, 40, {0x44, [9] = IPPROTO_TCP}},
	{"a head too long", CANARY_STRAY, 40, {0x4f, [9] = IPPROTO_TCP}},
	{"unreachable", CANARY_REFUSED, 28,
		{0x45, [9] = IPPROTO_ICMP, [20] = 3}},
	{"an echo's answer", CANARY_STRAY, 28, {0x45, [9] = IPPROTO_ICMP}},
	{"a datagram", CANARY_STRAY, 30, {0x45, [9] = IPPROTO_UDP}},
	{"IGMP", CANARY_NOISE, 28, {0x46, [9] = IPPROTO_IGMP}},
	{"v6: SYN, ACK", CANARY_ACCEPTED, 60,
		{0x60, [6] = IPPROTO_TCP, [52] = 0x50, [53] = 0x12}},
	{"v6: unreachable", CANARY_REFUSED, 48,
		{0x60, [6] = IPPROTO_ICMPV6, [40] = 1}},
	{"v6: an echo's answer", CANARY_STRAY, 48,
		{0x60, [6] = IPPROTO_ICMPV6, [40] = 129}},
	{"v6: looks for a neighbour", CANARY_NOISE, 48,
		{0x60, [6] = IPPROTO_ICMPV6, [40] = 135}},
	{"v6: MLD behind a router alert", CANARY_NOISE, 56,
		{0x60, [40] = IPPROTO_ICMPV6, [48] = 143}},
	{"v6: options and no more", CANARY_STRAY, 48, {0x60}},
	{"v6: cut", CANARY_STRAY, 40, {0x60, [6] = IPPROTO_ICMPV6}},
	{"nothing", CANARY_STRAY, 0, {0}},
	{"no IP", CANARY_STRAY, 4, {0x50}},
};

static void
test_what_comes_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (canary_answer_read(answers[i].bytes, answers[i].len) !=
			answers[i].want)
			fail_msg("%s", answers[i].why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written_as_a_receiver_wants_it),
		cmocka_unit_test(test_what_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
