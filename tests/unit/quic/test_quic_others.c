/* What is not read: other things than QUIC, and other versions of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "quic_opening.h"

#define BYTES(bytes) (bytes), sizeof(bytes) - 1
#define LONG(version, ids) "\xc3" version ids

/* Threats 11 and 13: what else comes to a port of QUIC. */
static const struct {
	const char *bytes;
	size_t len;
	size_t size; /* with zeros behind them */
	enum quic_result result;
	uint32_t version;
	const char *why;
} others[] = {
	{"", 0, 0, QUIC_NOT_QUIC, 0, "an empty datagram"},
	{BYTES("\x40"), 40, QUIC_NOT_QUIC, 0, "a short header"},
	{BYTES("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01"
	       "a"),
		30, QUIC_NOT_QUIC, 0, "DNS"},
	{BYTES("\x00\x01\x00\x00\x21\x12\xa4\x42"), 20, QUIC_NOT_QUIC, 0,
		"STUN"},
	{BYTES("\x16\xfe\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x40"), 77,
		QUIC_NOT_QUIC, 0, "a ClientHello of DTLS"},
	{BYTES("\x80\x60\x12\x34\x00\x00\x10\x00\x11\x22\x33\x44"), 172,
		QUIC_NOT_QUIC, 0, "RTP"},
	{BYTES("\xc0"), 1, QUIC_NOT_QUIC, 0, "one byte"},
	{BYTES("\xc0\x00\x00\x00"), 4, QUIC_NOT_QUIC, 0, "half a version"},
	{BYTES(LONG("\x0a\x1a\x2a\x3a", "\x08"
					"12345678")),
		100, QUIC_OTHER_VERSION, 0x0a1a2a3a, "greased"},
	{BYTES(LONG("\xff\x00\x00\x1d", "\x08"
					"12345678")),
		100, QUIC_OTHER_VERSION, 0xff00001d, "draft 29"},
	{BYTES(LONG("Q050", "\x08"
			    "12345678")),
		100, QUIC_OTHER_VERSION, 0x51303530, "of Google"},
	{BYTES(LONG("\xfa\xce\xb0\x02", "\x08"
					"12345678")),
		100, QUIC_OTHER_VERSION, 0xfaceb002, "of Facebook"},
	{BYTES(LONG("\x12\x34\x56\x78", "\x08"
					"12345678")),
		1200, QUIC_OTHER_VERSION, 0x12345678, "one of the future"},
	{BYTES(LONG("\x12\x34\x56\x78", "\x08"
					"12345678")),
		1199, QUIC_NOT_QUIC, 0, "too small to be one"},
	{BYTES(LONG("\x0a\x1a\x2a\x3a", "\x60")), 100, QUIC_NOT_QUIC, 0,
		"an id that leaves the datagram"},
	{BYTES(LONG("\x0a\x1a\x2a\x3a", "\xff")), 400, QUIC_OTHER_VERSION,
		0x0a1a2a3a, "other versions may have long ids"},
	{BYTES(LONG("\0\0\0\0", "\0\0\0\0\0\x01")), 11, QUIC_OTHER_VERSION, 0,
		"a negotiation of versions"},
	{BYTES(LONG("\0\0\0\0", "\0\0")), 7, QUIC_NOT_QUIC, 0,
		"a negotiation that names none"},
	{BYTES(LONG("\0\0\0\0", "\0\0\0\0\0\x01")), 12, QUIC_NOT_QUIC, 0,
		"a negotiation that names one and a quarter"},
};

static void
threat_13_what_is_not_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		struct quic_opening *o = quic_opening_new();
		uint8_t *bytes = malloc(others[i].size + 1);
		enum quic_result result;

		assert_non_null(bytes);
		memset(bytes, 0, others[i].size);
		memcpy(bytes, others[i].bytes, others[i].len);
		result = quic_opening_feed(o, bytes, others[i].size);
		if (result != others[i].result)
			fail_msg("%s: %d", others[i].why, result);
		assert_int_equal(quic_opening_version(o), others[i].version);
		assert_int_equal(
			quic_opening_why(o) != NULL, result == QUIC_NOT_QUIC);
		assert_null(quic_opening_hello(o));
		assert_int_equal(
			quic_opening_feed(o, bytes, others[i].size), result);
		quic_opening_free(o);
		free(bytes);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threat_13_what_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
