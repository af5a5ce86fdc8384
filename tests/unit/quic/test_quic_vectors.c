/*
 * Vectors of the RFCs, and what real clients sent: each file of the corpus has
 * the first datagrams of one, their lengths before them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "hello.h"
#include "quic_keys.h"
#include "quic_opening.h"
#include "quic_sealer.h"

static size_t
from_hex(const char *hex, uint8_t *ret)
{
	size_t len = strlen(hex) / 2;

	for (size_t i = 0; i < len; i++) {
		char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

		ret[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return len;
}

static void
assert_hex(const uint8_t *bytes, const char *hex)
{
	uint8_t expected[64];
	size_t len = from_hex(hex, expected);

	assert_memory_equal(bytes, expected, len);
}

#define RFC_ID "\x83\x94\xc8\xf0\x3e\x51\x57\x08"

/* RFC 9001 A.1 and RFC 9369 A.1. */
static void
keys_of_the_rfcs(void **state)
{
	static const struct {
		uint32_t version;
		const char *key, *iv, *hp;
	} cases[] = {
		{SEAL_V1, "1f369613dd76d5467730efcbe3b1a22d",
			"fa044b2f42a3fd3b46fb255c",
			"9f50449e04a0e810283a1e9933adedd2"},
		{SEAL_V2, "8b1a0bc121284290a29e0971b5cd045d",
			"91f73e2351d8fa91660e909f",
			"45b95e15235d6f45a6b19cbcb0294ba9"},
	};
	struct quic_id id = {RFC_ID, 8};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct quic_version *version;
		struct quic_keys keys;

		version = quic_version_find(cases[i].version);
		assert_non_null(version);
		assert_int_equal(quic_keys_derive(version, &id, &keys), 0);
		assert_hex(keys.key, cases[i].key);
		assert_hex(keys.iv, cases[i].iv);
		assert_hex(keys.hp, cases[i].hp);
	}
}

/* The ClientHello of RFC 9001 A.2, which RFC 9369 A.2 seals as well. */
static const char rfc_crypto[] =
	"060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe"
	"3a47f06a2b69484c00000413011302010000c000000010000e00000b6578616d706c"
	"652e636f6dff01000100000a00080006001d0017001800100007000504616c706e00"
	"0500050100000000003300260024001d00209370b2c9caa47fbabaf4559fedba753d"
	"e171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e0403050306"
	"030203080408050806002d00020101001c00024001003900320408ffffffffffffff"
	"ff05048000ffff07048000ffff0801100104800075300901100f088394c8f03e5157"
	"0806048000ffff";

/* How the sealed packets begin, and how the first of them ends. */
static const struct {
	uint32_t version;
	const char *begin, *end;
} rfc_packets[] = {
	{SEAL_V1,
		"c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8"
		"ec11d242b123dc9bd8bab936b47d92ec356c0bab7df5976d27cd449f6330",
		"e221af44860018ab0856972e194cd934"},
	{SEAL_V2,
		"d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298"
		"b485dd04de806071bf03dceebfa162e75d6c96058bdbfb127cdfcbf90338",
		""},
};

static void
packets_of_the_rfcs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rfc_packets); i++) {
		struct initial initial = initial_usual();
		static struct datagram d;
		static struct frames f;
		struct quic_opening *o = quic_opening_new();
		const struct hello *hello;
		size_t end = strlen(rfc_packets[i].end) / 2;

		initial.version = rfc_packets[i].version;
		initial.keys = initial.destination = RFC_ID;
		initial.source = "";
		initial.number = 2;
		initial.number_len = 4;
		d.len = 0;
		f.len = from_hex(rfc_crypto, f.bytes);
		datagram_add(&d, &initial, &f);
		assert_int_equal(d.len, 1200);
		assert_hex(d.bytes, rfc_packets[i].begin);
		assert_hex(d.bytes + d.len - end, rfc_packets[i].end);
		assert_int_equal(
			quic_opening_feed(o, d.bytes, d.len), QUIC_NAME);
		hello = quic_opening_hello(o);
		assert_string_equal(hello->name, "example.com");
		assert_string_equal(hello->protocol, "alpn");
		quic_opening_free(o);
	}
}

static const struct {
	const char *file;
	enum quic_result result; /* after the last datagram */
	unsigned more;           /* datagrams that were not enough */
	uint32_t version;
	const char *name, *protocol;
	bool ech;
} real[] = {
	{"chromium", QUIC_NAME, 1, SEAL_V1, "browser.example.org", "h3", true},
	{"ngtcp2-v1", QUIC_NAME, 0, SEAL_V1, "ngtcp2.example.org", "h3", false},
	{"chromium-v2", QUIC_NAME, 1, SEAL_V2, "browser2.example.org", "h3",
		true},
	{"ngtcp2-draft-of-v2", QUIC_OTHER_VERSION, 0, 0x709a50c4, NULL, NULL,
		false},
	{"quic-go-no-name", QUIC_NO_NAME, 0, SEAL_V1, "", "h3", false},
	{"ngtcp2-draft-29", QUIC_OTHER_VERSION, 0, 0xff00001d, NULL, NULL,
		false},
	{"ngtcp2-greased", QUIC_OTHER_VERSION, 0, 0x1a2a3a4a, NULL, NULL,
		false},
	{"ngtcp2-with-retry", QUIC_NAME, 0, SEAL_V1, "retry.example.org", "h3",
		false},
	{"ngtcp2-behind-retry", QUIC_NAME, 0, SEAL_V1, "retry.example.org",
		"h3", false},
	{"quic-go", QUIC_NAME, 0, SEAL_V1, "go.example.org", "h3", false},
};

static size_t
read_corpus(const char *name, uint8_t *ret, size_t size)
{
	char path[128];
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "fuzz/corpus/quic/%s", name);
	file = fopen(path, "rb");
	assert_non_null(file);
	len = fread(ret, 1, size, file);
	fclose(file);
	return len;
}

static void
real_clients(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(real); i++) {
		struct quic_opening *o = quic_opening_new();
		enum quic_result result = QUIC_MORE;
		const struct hello *hello;
		uint8_t wire[8192];
		size_t len = read_corpus(real[i].file, wire, sizeof(wire));
		unsigned more = 0;

		for (size_t at = 0; result == QUIC_MORE && at + 2 < len;) {
			size_t size = (size_t)wire[at] << 8 | wire[at + 1];

			result = quic_opening_feed(o, wire + at + 2, size);
			more += result == QUIC_MORE;
			at += 2 + size;
		}
		if (result != real[i].result || more != real[i].more)
			fail_msg("%s: %d after %u: %s", real[i].file, result,
				more, quic_opening_why(o));
		assert_int_equal(quic_opening_version(o), real[i].version);
		hello = quic_opening_hello(o);
		assert_int_equal(hello != NULL, real[i].name != NULL);
		if (hello != NULL) {
			assert_string_equal(hello->name, real[i].name);
			assert_string_equal(hello->protocol, real[i].protocol);
			assert_int_equal(hello->has_ech, real[i].ech);
		}
		quic_opening_free(o);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_of_the_rfcs),
		cmocka_unit_test(packets_of_the_rfcs),
		cmocka_unit_test(real_clients),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
