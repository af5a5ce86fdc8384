/* What we answer, byte by byte. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "query.h"

/* A line is a field of the message. */
/* clang-format off */
#define HEADER "\x12\x34" "\1\0" "\0\1" "\0\0" "\0\0"
#define QNAME "\1X" "\4test" "\0"
#define A_IN "\0\1" "\0\1"
#define PLAIN_A HEADER "\0\0" QNAME A_IN
#define PLAIN_AAAA HEADER "\0\0" QNAME "\0\x1c" "\0\1"
#define PLAIN_TXT HEADER "\0\0" QNAME "\0\x10" "\0\1"
#define OPT "\0" "\0\x29" "\4\xd0" "\0\0\0\0" "\0\0"
#define EDNS_A HEADER "\0\1" QNAME A_IN OPT
#define EDNS_1 HEADER "\0\1" QNAME A_IN \
	"\0" "\0\x29" "\2\0" "\0\1\0\0" "\0\0"
#define UPDATE "\x12\x34" "\x28\0" "\0\1" "\0\0" "\0\0" "\0\0" QNAME A_IN

/* pointer to the question, type, IN, TTL 0x01020304, length */
#define RR_A "\xc0\x0c" "\0\1" "\0\1" "\1\2\3\4" "\0\4"
#define RR_AAAA "\xc0\x0c" "\0\x1c" "\0\1" "\1\2\3\4" "\0\x10"

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

static const uint8_t addresses[3][16] = {
	{192, 0, 2, 1, 0xee},
	{192, 0, 2, 2, 0xee},
	{0x20, 1, 0xd, 0xb8, [15] = 3},
};

static const struct {
	const uint8_t *query;
	size_t query_len;
	enum dns_rcode rcode;
	size_t count;
	size_t size;
	const uint8_t *answer;
	size_t answer_len;
	const char *why;
} cases[] = {
	{BYTES(PLAIN_A), DNS_NOERROR, 2, 512,
		BYTES("\x12\x34" "\x81\x80" "\0\1" "\0\2" "\0\0" "\0\0"
			QNAME A_IN RR_A "\xc0\0\2\1" RR_A "\xc0\0\2\2"),
		"two addresses; not authoritative; the case as asked"},
	{BYTES(PLAIN_AAAA), DNS_NOERROR, 1, 512,
		BYTES("\x12\x34" "\x81\x80" "\0\1" "\0\1" "\0\0" "\0\0"
			QNAME "\0\x1c" "\0\1"
			RR_AAAA "\xc0\0\2\1\xee\0\0\0\0\0\0\0\0\0\0\0"),
		"AAAA takes sixteen bytes of each"},
	{BYTES(PLAIN_A), DNS_NOERROR, 0, 512,
		BYTES("\x12\x34" "\x81\x80" "\0\1" "\0\0" "\0\0" "\0\0"
			QNAME A_IN), "NODATA"},
	{BYTES(PLAIN_TXT), DNS_NOERROR, 2, 512,
		BYTES("\x12\x34" "\x81\x80" "\0\1" "\0\0" "\0\0" "\0\0"
			QNAME "\0\x10" "\0\1"), "other types have no data"},
	{BYTES(PLAIN_A), DNS_NXDOMAIN, 2, 512,
		BYTES("\x12\x34" "\x81\x83" "\0\1" "\0\0" "\0\0" "\0\0"
			QNAME A_IN), "an error carries no addresses"},
	{BYTES(PLAIN_A), DNS_REFUSED, 0, 512,
		BYTES("\x12\x34" "\x81\x85" "\0\1" "\0\0" "\0\0" "\0\0"
			QNAME A_IN), "refused"},
	{BYTES(EDNS_A), DNS_NOERROR, 1, 512,
		BYTES("\x12\x34" "\x81\x80" "\0\1" "\0\1" "\0\0" "\0\1"
			QNAME A_IN RR_A "\xc0\0\2\1" OPT),
		"OPT is answered with OPT"},
	{BYTES(EDNS_1), DNS_BADVERS, 0, 512,
		BYTES("\x12\x34" "\x81\x80" "\0\1" "\0\0" "\0\0" "\0\1"
			QNAME A_IN
			"\0" "\0\x29" "\4\xd0" "\1\0\0\0" "\0\0"),
		"BADVERS is 16: its upper bits stand in OPT"},
	{BYTES(UPDATE), DNS_NOTIMP, 0, 512,
		BYTES("\x12\x34" "\xa8\x84" "\0\0" "\0\0" "\0\0" "\0\0"),
		"the opcode comes back; the question was not read"},

	/* 12 + 12 for header and question, 16 for each address */
	{BYTES(PLAIN_A), DNS_NOERROR, 2, 56,
		BYTES("\x12\x34" "\x81\x80" "\0\1" "\0\2" "\0\0" "\0\0"
			QNAME A_IN RR_A "\xc0\0\2\1" RR_A "\xc0\0\2\2"),
		"fits exactly"},
	{BYTES(PLAIN_A), DNS_NOERROR, 2, 55,
		BYTES("\x12\x34" "\x83\x80" "\0\1" "\0\1" "\0\0" "\0\0"
			QNAME A_IN RR_A "\xc0\0\2\1"), "one is left out: TC"},
	{BYTES(PLAIN_A), DNS_NOERROR, 2, 24,
		BYTES("\x12\x34" "\x83\x80" "\0\1" "\0\0" "\0\0" "\0\0"
			QNAME A_IN), "all are left out: TC"},
	{BYTES(EDNS_A), DNS_NOERROR, 2, 66,
		BYTES("\x12\x34" "\x83\x80" "\0\1" "\0\1" "\0\0" "\0\1"
			QNAME A_IN RR_A "\xc0\0\2\1" OPT),
		"OPT has its place before the addresses"},
	{BYTES(PLAIN_A), DNS_NOERROR, 2, 23, BYTES(""), "no room for it"},
	{BYTES(EDNS_A), DNS_NOERROR, 2, 34, BYTES(""), "no room for OPT"},
};
/* clang-format on */

static void
test_answers(void **state)
{
	struct dns_content given = {.addresses = addresses, .ttl = 0x01020304};
	struct dns_query q;
	uint8_t *answer;
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		(void)!dns_query_parse(cases[i].query, cases[i].query_len, &q);
		given.count = cases[i].count;
		answer = test_malloc(cases[i].size);
		len = dns_answer(
			&q, cases[i].rcode, &given, answer, cases[i].size);
		if (len != cases[i].answer_len ||
			memcmp(answer, cases[i].answer, len) != 0)
			fail_msg("%s: %zu bytes", cases[i].why, len);
		test_free(answer);
	}
}

/* Texts of 2, 0 and 4 bytes, as a resolver hands them over. */
#define TEXTS \
	"\0\3\2hi" \
	"\0\1\0" \
	"\0\5\4four"
#define RR_TXT \
	"\xc0\x0c" \
	"\0\x10" \
	"\0\1" \
	"\0\0\0\x3c"
#define TXT \
	"\0\x10" \
	"\0\1"

static void
test_records_of_other_types(void **state)
{
	static const struct {
		size_t records_len, size;
		const uint8_t *answer;
		size_t answer_len;
		const char *why;
	} rows[] = {
		{15, 512,
			BYTES("\x12\x34\x81\x80\0\1\0\3\0\0\0\0" QNAME TXT
					RR_TXT "\0\3\2hi" RR_TXT "\0\1\0" RR_TXT
			      "\0\5\4four"),
			"all of them"},
		{15, 24 + 15 + 13 + 16,
			BYTES("\x12\x34\x83\x80\0\1\0\2\0\0\0\0" QNAME TXT
					RR_TXT "\0\3\2hi" RR_TXT "\0\1\0"),
			"no room for the last: TC"},
		{14, 512,
			BYTES("\x12\x34\x83\x80\0\1\0\2\0\0\0\0" QNAME TXT
					RR_TXT "\0\3\2hi" RR_TXT "\0\1\0"),
			"one that is cut is left out"},
		{6, 512,
			BYTES("\x12\x34\x83\x80\0\1\0\1\0\0\0\0" QNAME TXT
					RR_TXT "\0\3\2hi"),
			"half a length"},
	};
	struct dns_content given = {
		.ttl = 60, .records = (const uint8_t *)TEXTS};
	uint8_t answer[512];
	struct dns_query q;
	size_t len;

	(void)state;
	assert_int_equal(dns_query_parse(BYTES(PLAIN_TXT), &q), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		given.records_len = rows[i].records_len;
		len = dns_answer(&q, DNS_NOERROR, &given, answer, rows[i].size);
		if (len != rows[i].answer_len ||
			memcmp(answer, rows[i].answer, len) != 0)
			fail_msg("%s: %zu bytes", rows[i].why, len);
	}
}

static void
test_refuse_says_what_parsing_found(void **state)
{
	uint8_t answer[DNS_UDP_LEAST], expected[DNS_UDP_LEAST];
	struct dns_query q;
	size_t len;

	(void)state;
	assert_int_equal(dns_query_parse(BYTES(EDNS_1), &q), -EPROTO);
	len = dns_refuse(&q, answer, sizeof(answer));
	assert_int_equal(
		dns_answer(&q, DNS_BADVERS, NULL, expected, sizeof(expected)),
		len);
	assert_memory_equal(answer, expected, len);
}

/* The largest question and OPT fit into the least datagram. */
static void
test_least_datagram_is_enough(void **state)
{
	struct dns_query q = {.question_len = DNS_QUESTION,
		.type = DNS_TYPE_A,
		.has_edns = true};
	struct dns_content given = {
		.addresses = addresses, .count = 3, .ttl = 5};
	uint8_t answer[DNS_UDP_LEAST];

	(void)state;
	assert_int_equal(
		dns_answer(&q, DNS_NOERROR, &given, answer, sizeof(answer)),
		12 + DNS_QUESTION + 3 * 16 + 11);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_records_of_other_types),
		cmocka_unit_test(test_refuse_says_what_parsing_found),
		cmocka_unit_test(test_least_datagram_is_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
