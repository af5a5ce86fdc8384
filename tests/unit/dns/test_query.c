/* What a sandbox may send, byte by byte. */
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

/* id 0x1234; flags; 1 question, no answer, no authority, ar additional */
#define HEADER(flags, ar) "\x12\x34" flags "\0\1" "\0\0" "\0\0" "\0" ar
#define QUERY "\0\0"
#define QUERY_RD "\1\0"
#define NAME_X "\1x" "\4test" "\0"
#define A_IN "\0\1" "\0\1"
#define PLAIN HEADER(QUERY_RD, "\0") NAME_X A_IN
/* owner, type 41, size, ext. rcode, version, flags, no data */
#define OPT(size, version) "\0" "\0\x29" size "\0" version "\0\0" "\0\0"
/* labels of that many bytes */
#define TEXT_15 "aaaaaaaaaaaaaaa"
#define TEXT_60 TEXT_15 TEXT_15 TEXT_15 TEXT_15
#define L61 "\75" TEXT_60 "a"
#define L62 "\76" TEXT_60 "aa"
#define L63 "\77" TEXT_60 "aaa"

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

static const struct {
	const uint8_t *data;
	size_t len;
	int status;
	enum dns_rcode refusal;
	uint16_t type;
	uint16_t udp_size;
	const char *name; /* NULL: not looked at */
	const char *why;
} cases[] = {
	{BYTES(PLAIN), 0, 0, 1, 512, "x.test", "an ordinary query"},
	{BYTES(HEADER(QUERY, "\0") NAME_X "\0\x1c" "\0\1"),
		0, 0, 28, 512, "x.test", "AAAA, no recursion"},
	{BYTES(HEADER(QUERY_RD, "\0") "\0" "\0\2" "\0\1"),
		0, 0, 2, 512, "", "NS of the root"},
	{BYTES(HEADER(QUERY_RD, "\0") "\1X" "\4tEsT" "\0" A_IN),
		0, 0, 1, 512, "X.tEsT", "the case is kept (0x20)"},
	{BYTES(HEADER(QUERY_RD, "\0") "\2\x80\\" "\4test" "\0" A_IN),
		0, 0, 1, 512, "\x80\\.test", "any byte but dot and NUL"},
	{BYTES(HEADER("\1\x30", "\0") NAME_X A_IN),
		0, 0, 1, 512, "x.test", "AD and CD are no error"},
	{BYTES(HEADER(QUERY_RD, "\0") NAME_X "\0\xff" "\0\1"),
		0, 0, 255, 512, "x.test", "ANY is well-formed"},

	/* EDNS */
	{BYTES(HEADER(QUERY_RD, "\1") NAME_X A_IN OPT("\x10\0", "\0")),
		0, 0, 1, 1232, "x.test", "4096 offered, 1232 taken"},
	{BYTES(HEADER(QUERY_RD, "\1") NAME_X A_IN OPT("\2\x58", "\0")),
		0, 0, 1, 600, "x.test", "600 offered"},
	{BYTES(HEADER(QUERY_RD, "\1") NAME_X A_IN OPT("\0\0", "\0")),
		0, 0, 1, 512, "x.test", "less than 512 means 512"},
	{BYTES(HEADER(QUERY_RD, "\1") NAME_X A_IN OPT("\2\0", "\1")),
		-EPROTO, DNS_BADVERS, 1, 512, "x.test", "EDNS version 1"},
	{BYTES(HEADER(QUERY_RD, "\1") NAME_X A_IN
		"\0" "\0\x29" "\2\0" "\0\0\0\0" "\0\4" "\0\x0a\0\0"),
		0, 0, 1, 512, "x.test", "an option in it (a cookie)"},
	{BYTES(HEADER(QUERY_RD, "\2") NAME_X A_IN
		"\xc0\x0c" "\0\x10" "\0\1" "\0\0\0\0" "\0\1" "\0"
		OPT("\4\0", "\0")),
		0, 0, 1, 1024, "x.test", "another record before it"},
	{BYTES(HEADER(QUERY_RD, "\2") NAME_X A_IN OPT("\4\0", "\0")
		OPT("\4\0", "\0")),
		-EPROTO, DNS_FORMERR, 1, 1024, NULL, "two OPT records"},
	{BYTES(HEADER(QUERY_RD, "\1") NAME_X A_IN
		"\1x\0" "\0\x29" "\2\0" "\0\0\0\0" "\0\0"),
		-EPROTO, DNS_FORMERR, 1, 512, NULL, "OPT not at the root"},
	{BYTES(HEADER(QUERY_RD, "\1") NAME_X A_IN
		"\xc0\x12" "\0\x29" "\2\0" "\0\0\0\0" "\0\0"),
		-EPROTO, DNS_FORMERR, 1, 512, NULL, "nor through a pointer"},
	{BYTES(HEADER(QUERY_RD, "\1") NAME_X A_IN
		"\0" "\0\x29" "\2\0" "\0\0\0\0" "\0\1"),
		-EPROTO, DNS_FORMERR, 1, 512, NULL, "its data is missing"},
	{BYTES(HEADER(QUERY_RD, "\1") NAME_X A_IN "\0" "\0\x29" "\2\0"),
		-EPROTO, DNS_FORMERR, 1, 512, NULL, "ends inside it"},
	{BYTES(HEADER(QUERY_RD, "\1") NAME_X A_IN),
		-EPROTO, DNS_FORMERR, 1, 512, NULL, "promised, not there"},
	{BYTES(HEADER(QUERY_RD, "\1") NAME_X A_IN "\x41" "a"),
		-EPROTO, DNS_FORMERR, 1, 512, NULL, "an owner's label of 65"},
	{BYTES(HEADER(QUERY_RD, "\1") NAME_X A_IN "\xc0"),
		-EPROTO, DNS_FORMERR, 1, 512, NULL, "half a pointer"},
	{BYTES(HEADER(QUERY_RD, "\x9") NAME_X A_IN OPT("\2\0", "\0")),
		-EPROTO, DNS_FORMERR, 0, 512, NULL, "nine additional records"},

	/* the question */
	{BYTES(HEADER(QUERY_RD, "\0") "\xc0\x0c" A_IN),
		-EPROTO, DNS_FORMERR, 0, 512, NULL, "a pointer to itself"},
	{BYTES(HEADER(QUERY_RD, "\0") "\1x" "\xc0\x0c" A_IN),
		-EPROTO, DNS_FORMERR, 0, 512, NULL, "a pointer backwards"},
	{BYTES(HEADER(QUERY_RD, "\0") "\x41" "a" "\0" A_IN),
		-EPROTO, DNS_FORMERR, 0, 512, NULL, "the bits 01 (RFC 2673)"},
	{BYTES(HEADER(QUERY_RD, "\0") "\x41" TEXT_60 "aaaaa" "\0" A_IN),
		-EPROTO, DNS_FORMERR, 0, 512, NULL, "65 bytes behind them"},
	{BYTES(HEADER(QUERY_RD, "\0") "\xc0" TEXT_60 TEXT_60 TEXT_60
		"aaaaaaaaaaaa" "\0" A_IN),
		-EPROTO, DNS_FORMERR, 0, 512, NULL, "no label of 192 either"},
	{BYTES(HEADER(QUERY_RD, "\0") "\x81" "a" "\0" A_IN),
		-EPROTO, DNS_FORMERR, 0, 512, NULL, "the bits 10"},
	{BYTES(HEADER(QUERY_RD, "\0") "\3" "a.b" "\0" A_IN),
		-EPROTO, DNS_FORMERR, 0, 512, NULL, "a dot in a label"},
	{BYTES(HEADER(QUERY_RD, "\0") "\3" "a\0b" "\0" A_IN),
		-EPROTO, DNS_FORMERR, 0, 512, NULL, "a NUL in a label"},
	{BYTES(HEADER(QUERY_RD, "\0") L63 "\0" A_IN),
		0, 0, 1, 512, NULL, "a label of 63"},
	{BYTES(HEADER(QUERY_RD, "\0") L63 L63 L63 L61 "\0" A_IN),
		0, 0, 1, 512, NULL, "a name of 253 characters"},
	{BYTES(HEADER(QUERY_RD, "\0") L63 L63 L63 L62 "\0" A_IN),
		-EPROTO, DNS_FORMERR, 0, 512, NULL, "254 characters"},
	{BYTES(HEADER(QUERY_RD, "\0") L63 L63 L63 L63 "\0" A_IN),
		-EPROTO, DNS_FORMERR, 0, 512, NULL, "255 characters"},
	{BYTES(HEADER(QUERY_RD, "\0") "\1x" "\4tes"),
		-EPROTO, DNS_FORMERR, 0, 512, NULL, "ends inside a label"},
	{BYTES(HEADER(QUERY_RD, "\0") "\1x" "\4test"),
		-EPROTO, DNS_FORMERR, 0, 512, NULL, "a name without end"},
	{BYTES(HEADER(QUERY_RD, "\0") NAME_X "\0\1" "\0"),
		-EPROTO, DNS_FORMERR, 0, 512, NULL, "half a class"},
	{BYTES(HEADER(QUERY_RD, "\0")),
		-EPROTO, DNS_FORMERR, 0, 512, NULL, "no question at all"},
	{BYTES(PLAIN "\0"),
		-EPROTO, DNS_FORMERR, 1, 512, NULL, "a byte too many"},

	/* the header */
	{BYTES("\x12\x34" QUERY_RD "\0\0" "\0\0" "\0\0" "\0\0"),
		-EPROTO, DNS_FORMERR, 0, 512, NULL, "QDCOUNT 0"},
	{BYTES("\x12\x34" QUERY_RD "\0\2" "\0\0" "\0\0" "\0\0"
		NAME_X A_IN NAME_X A_IN),
		-EPROTO, DNS_FORMERR, 0, 512, NULL, "QDCOUNT 2"},
	{BYTES("\x12\x34" QUERY_RD "\0\1" "\0\1" "\0\0" "\0\0" NAME_X A_IN),
		-EPROTO, DNS_FORMERR, 0, 512, NULL, "ANCOUNT 1"},
	{BYTES("\x12\x34" QUERY_RD "\0\1" "\0\0" "\0\1" "\0\0" NAME_X A_IN),
		-EPROTO, DNS_FORMERR, 0, 512, NULL, "NSCOUNT 1"},
	{BYTES(HEADER("\x08\0", "\0") NAME_X A_IN),
		-EPROTO, DNS_NOTIMP, 0, 512, NULL, "opcode 1, IQUERY"},
	{BYTES(HEADER("\x28\0", "\0") NAME_X A_IN),
		-EPROTO, DNS_NOTIMP, 0, 512, NULL, "opcode 5, UPDATE"},
	{BYTES(HEADER("\x78\0", "\0")),
		-EPROTO, DNS_NOTIMP, 0, 512, NULL, "opcode 15, no question"},
	{BYTES(HEADER("\x80\0", "\0") NAME_X A_IN),
		-EINVAL, 0, 0, 0, NULL, "a response"},
	{BYTES(""), -EINVAL, 0, 0, 0, NULL, "nothing"},
	{BYTES("\x12\x34" "\1\0" "\0\1" "\0\0" "\0\0" "\0"),
		-EINVAL, 0, 0, 0, NULL, "eleven bytes"},
};
/* clang-format on */

static void
test_parse(void **state)
{
	struct dns_query q;
	int r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		memset(&q, 0x5a, sizeof(q));
		r = dns_query_parse(cases[i].data, cases[i].len, &q);
		if (r != cases[i].status)
			fail_msg("%s: %d", cases[i].why, r);
		if (r == -EINVAL) {
			assert_int_equal(q.id, 0x5a5a);
			continue;
		}
		if (q.id != 0x1234 || q.refusal != cases[i].refusal ||
			q.type != cases[i].type ||
			q.udp_size != cases[i].udp_size)
			fail_msg("%s: refusal %d, type %d, size %d",
				cases[i].why, q.refusal, q.type, q.udp_size);
		if (cases[i].name != NULL)
			assert_string_equal(q.name, cases[i].name);
	}
}

/* However it is cut, nothing is read beyond the end (ASan sees it), and none
 * of the pieces passes for a query. */
static void
test_every_prefix(void **state)
{
	static const char whole[] =
		HEADER(QUERY_RD, "\1") NAME_X A_IN OPT("\4\0", "\0");
	struct dns_query q;
	uint8_t *piece;

	(void)state;
	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		piece = test_malloc(len + 1);
		memcpy(piece, whole, len);
		assert_int_equal(dns_query_parse(piece, len, &q),
			len < 12 ? -EINVAL : -EPROTO);
		test_free(piece);
	}
}

static void
test_flags_and_question_are_kept(void **state)
{
	static const char data[] = HEADER("\1\x10", "\0") NAME_X A_IN;
	struct dns_query q;

	(void)state;
	assert_int_equal(dns_query_parse(BYTES(data), &q), 0);
	assert_true(q.recursion_desired);
	assert_true(q.checking_disabled);
	assert_false(q.has_edns);
	assert_int_equal(q.class, 1);
	assert_int_equal(q.question_len, sizeof(NAME_X A_IN) - 1);
	assert_memory_equal(q.question, NAME_X A_IN, q.question_len);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_every_prefix),
		cmocka_unit_test(test_flags_and_question_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
