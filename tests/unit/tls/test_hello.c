#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hello.h"

/*
 * Builds a ClientHello: extensions are written by the caller, the rest is what
 * any client sends.
 */
struct builder {
	uint8_t message[40000];
	size_t len;
};

static void
put(struct builder *b, const void *data, size_t len)
{
	memcpy(b->message + b->len, data, len);
	b->len += len;
}

static void
put_number(struct builder *b, size_t n, size_t bytes)
{
	while (bytes-- > 0)
		b->message[b->len++] = (uint8_t)(n >> 8 * bytes);
}

static void
put_extension(struct builder *b, unsigned type, const void *data, size_t len)
{
	put_number(b, type, 2);
	put_number(b, len, 2);
	put(b, data, len);
}

static void
put_name(struct builder *b, unsigned type, const char *name, size_t len)
{
	put_number(b, 0, 2);
	put_number(b, len + 5, 2);
	put_number(b, len + 3, 2);
	put_number(b, type, 1);
	put_number(b, len, 2);
	put(b, name, len);
}

static const uint8_t suites_13_and_ecdsa[] = {0x13, 0x01, 0xc0, 0x2b};
static const uint8_t suites_rsa_only[] = {0xc0, 0x2f, 0x00, 0x9c};
static size_t extensions_at;

static void
begin(struct builder *b, const uint8_t *suites, size_t len)
{
	b->len = 0;
	put_number(b, 1, 1); /* ClientHello */
	put_number(b, 0, 3); /* length, later */
	put_number(b, 0x0303, 2);
	for (int i = 0; i < 32; i++)
		put_number(b, 0x5a, 1);
	put_number(b, 0, 1); /* session id */
	put_number(b, len, 2);
	put(b, suites, len);
	put_number(b, 0x0100, 2); /* compression: null */
	extensions_at = b->len;
	put_number(b, 0, 2);
}

static void
end(struct builder *b)
{
	size_t n = b->len - 4, e = b->len - extensions_at - 2;

	b->message[1] = (uint8_t)(n >> 16);
	b->message[2] = (uint8_t)(n >> 8);
	b->message[3] = (uint8_t)n;
	b->message[extensions_at] = (uint8_t)(e >> 8);
	b->message[extensions_at + 1] = (uint8_t)e;
}

/* Cuts the message into records of at most `piece` bytes. */
static size_t
into_records(const struct builder *b, size_t piece, uint8_t *wire)
{
	size_t at = 0, n = 0;

	while (at < b->len) {
		size_t len = b->len - at < piece ? b->len - at : piece;

		wire[n++] = 22;
		wire[n++] = 3;
		wire[n++] = 1;
		wire[n++] = (uint8_t)(len >> 8);
		wire[n++] = (uint8_t)len;
		memcpy(wire + n, b->message + at, len);
		n += len;
		at += len;
	}
	return n;
}

static void
typical(struct builder *b, const char *name)
{
	static const uint8_t alpn[] = "\x00\x0c\x02h2\x08http/1.1";
	static const uint8_t algorithms[] = {0, 4, 4, 3, 8, 4};

	begin(b, suites_13_and_ecdsa, sizeof(suites_13_and_ecdsa));
	put_name(b, 0, name, strlen(name));
	put_extension(b, 16, alpn, sizeof(alpn) - 1);
	put_extension(b, 13, algorithms, sizeof(algorithms));
	end(b);
}

static struct builder b;
static uint8_t wire[200000];

static enum hello_result
parse(size_t len, struct hello *ret, const char **why)
{
	*why = NULL;
	return hello_parse(wire, len, ret, why);
}

static void
test_reads_what_a_client_says(void **state)
{
	struct hello h;
	const char *why;
	size_t len;

	(void)state;
	typical(&b, "api.example.org");
	len = into_records(&b, 16384, wire);
	assert_int_equal(parse(len, &h, &why), HELLO_OK);
	assert_string_equal(h.name, "api.example.org");
	assert_true(h.has_name && h.has_alpn);
	assert_true(h.offers_http1 && h.offers_h2 && !h.offers_alien);
	assert_true(h.offers_ecdsa);
	assert_false(h.has_ech);
}

/* Threat 11: nothing is decided on a part, however it is cut. */
static void
test_threat_11_any_cut_of_segments_and_records(void **state)
{
	static const size_t pieces[] = {1, 2, 3, 7, 100, 16384};
	struct hello h;
	const char *why;

	(void)state;
	typical(&b, "api.example.org");
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		size_t len = into_records(&b, pieces[i], wire);

		for (size_t have = 0; have < len; have++)
			assert_int_equal(parse(have, &h, &why), HELLO_MORE);
		assert_int_equal(parse(len, &h, &why), HELLO_OK);
		assert_string_equal(h.name, "api.example.org");
	}
}

static void
test_threat_11_more_than_16_kib_is_refused(void **state)
{
	static const uint8_t padding[16500];
	struct hello h;
	const char *why;
	size_t len;

	(void)state;
	begin(&b, suites_13_and_ecdsa, sizeof(suites_13_and_ecdsa));
	put_name(&b, 0, "a.test", 6);
	put_extension(&b, 21, padding, sizeof(padding));
	end(&b);
	len = into_records(&b, 16384, wire);
	assert_int_equal(parse(len, &h, &why), HELLO_BAD);
	assert_non_null(strstr(why, "16 KiB"));
	/* … and already when its length is announced. */
	assert_int_equal(parse(100, &h, &why), HELLO_BAD);
	/* Records of one byte would be six times the wire. */
	typical(&b, "a.test");
	for (int i = 0; i < 4000; i++)
		put_number(&b, 0, 1);
	b.message[2] = 0x20;
	len = into_records(&b, 1, wire);
	assert_int_equal(parse(HELLO_WIRE_MAX, &h, &why), HELLO_BAD);
}

enum twist {
	TWO_EXTENSIONS,
	TWO_NAMES,
	NAME_TYPE,
	EMPTY_NAME,
	LONG_NAME,
	CUT_NAME,
	BAD_ALPN,
	BAD_LENGTH,
	TRAILING,
	NOT_HELLO,
	EMPTY_RECORD,
	ALERT_INSIDE,
};

static const struct {
	enum twist twist;
	const char *why, *reason;
} twists[] = {
	{TWO_EXTENSIONS, "two server_name", "which one would policy see?"},
	{TWO_NAMES, "more than one", "which one would the origin see?"},
	{NAME_TYPE, "no host name", "only host_name is defined"},
	{EMPTY_NAME, "empty or oversized", "RFC 6066: 1..2^16-1"},
	{LONG_NAME, "empty or oversized", "no host is that long"},
	{CUT_NAME, "malformed", "length beyond the extension"},
	{BAD_ALPN, "malformed ALPN", "length beyond the extension"},
	{BAD_LENGTH, "malformed", "extensions beyond the message"},
	{TRAILING, "malformed", "bytes behind the extensions"},
	{NOT_HELLO, "no ClientHello", "a ServerHello from a client"},
	{EMPTY_RECORD, "empty or oversized TLS", "costs us, says nothing"},
	{ALERT_INSIDE, "no handshake", "another record type in the middle"},
};

static size_t
twisted(enum twist twist)
{
	static const char two[] = "\x00\x12\x00\x00\x06"
				  "a.test\x00\x00\x06"
				  "b.test";
	char longest[256];
	size_t len;

	memset(longest, 'a', sizeof(longest));
	begin(&b, suites_13_and_ecdsa, sizeof(suites_13_and_ecdsa));
	if (twist == TWO_NAMES)
		put_extension(&b, 0, two, 20);
	else if (twist == EMPTY_NAME)
		put_name(&b, 0, "", 0);
	else if (twist == LONG_NAME)
		put_name(&b, 0, longest, sizeof(longest));
	else if (twist == CUT_NAME)
		put_extension(&b, 0, "\x00\x05\x00\x00\x09xy", 7);
	else
		put_name(&b, twist == NAME_TYPE, "a.test", 6);
	if (twist == TWO_EXTENSIONS)
		put_name(&b, 0, "b.test", 6);
	if (twist == BAD_ALPN)
		put_extension(&b, 16, "\x00\x03\x09h2", 5);
	end(&b);
	if (twist == BAD_LENGTH)
		b.message[extensions_at + 1]++;
	if (twist == TRAILING) {
		put_number(&b, 0, 2);
		b.message[3] += 2;
	}
	if (twist == NOT_HELLO)
		b.message[0] = 2;
	len = into_records(&b, 10, wire);
	if (twist == EMPTY_RECORD)
		wire[15 + 4] = 0;
	if (twist == ALERT_INSIDE)
		wire[15] = 21;
	return len;
}

static void
test_what_is_ambiguous_is_refused(void **state)
{
	struct hello h;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(twists) / sizeof(twists[0]); i++) {
		size_t len = twisted(twists[i].twist);
		enum hello_result r = parse(len, &h, &why);

		if (r != HELLO_BAD || strstr(why, twists[i].why) == NULL)
			fail_msg("%s: got %d, %s", twists[i].reason, r,
				why != NULL ? why : "(none)");
	}
}

static void
test_tells_tls_by_its_first_bytes(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		enum hello_result result;
		const char *reason;
	} cases[] = {
		{"", 0, HELLO_MORE, "nothing yet"},
		{"\x16", 1, HELLO_MORE, "may be"},
		{"G", 1, HELLO_NOT_TLS, "HTTP"},
		{"\x16G", 2, HELLO_NOT_TLS, "no version of TLS"},
		{"\x16\x03", 2, HELLO_MORE, "may be"},
		{"\x80\x2e\x01\x03\x01", 5, HELLO_NOT_TLS, "SSLv2 hello"},
	};
	struct hello h;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (hello_parse((const uint8_t *)cases[i].bytes, cases[i].len,
			    &h, &why) != cases[i].result)
			fail_msg("%s", cases[i].reason);
	}
}

static void
test_sees_what_keeps_a_p256_leaf_away(void **state)
{
	static const uint8_t rsa[] = {0, 2, 8, 4};
	struct hello h;
	const char *why;

	(void)state;
	begin(&b, suites_rsa_only, sizeof(suites_rsa_only));
	put_name(&b, 0, "a.test", 6);
	end(&b);
	assert_int_equal(
		parse(into_records(&b, 999, wire), &h, &why), HELLO_OK);
	assert_false(h.offers_ecdsa);

	begin(&b, suites_13_and_ecdsa, sizeof(suites_13_and_ecdsa));
	put_extension(&b, 13, rsa, sizeof(rsa));
	end(&b);
	assert_int_equal(
		parse(into_records(&b, 999, wire), &h, &why), HELLO_OK);
	assert_false(h.offers_ecdsa);
	assert_false(h.has_name);
}

static const struct {
	struct {
		const char *bytes;
		size_t len;
	} list; /* len 0: no extension */
	bool http1, h2, alien;
	const char *protocol;
	const char *reason;
} offers[] = {
	{{"", 0}, false, false, false, "", "no extension: nothing asked"},
	{{"\x08http/1.1", 9}, true, false, false, "http/1.1", "HTTP/1.1 only"},
	{{"\x02h2", 3}, false, true, false, "h2", "HTTP/2 only"},
	{{"\x02h2\x08http/1.1", 12}, true, true, false, "h2", "both"},
	{{"\x08http/1.1\x02h2", 12}, true, true, false, "http/1.1",
		"other order"},
	{{"\x08grpc-exp\x02h2", 12}, false, true, false, "grpc-exp",
		"one known"},
	{{"\x08grpc-exp", 9}, false, false, true, "grpc-exp", "unknown only"},
	{{"\x02H2", 3}, false, false, true, "H2", "identifiers are bytes"},
	{{"\x03h2c", 4}, false, false, true, "h2c", "longer than h2"},
	{{"\x01h", 2}, false, false, true, "h", "shorter than h2"},
	{{"\x08http/1.0", 9}, false, false, true, "http/1.0",
		"another version"},
	{{"\x08HTTP/1.1", 9}, false, false, true, "HTTP/1.1", "bytes, again"},
	{{"\x09http/1.1x", 10}, false, false, true, "http/1.1x", "longer"},
	{{"\x0bh2\x08http/1.1", 12}, false, false, true, "h2\x08http/1.1",
		"names inside a name"},
	{{"\x02\x1a\x1a\x02h2", 6}, false, true, false, "h2", "GREASE"},
	{{"\x02\x1a\x2a\x02h2", 6}, false, true, false, "\x1a\x2a",
		"not quite GREASE"},
	{{"\x20"
	  "12345678901234567890123456789012"
	  "\x02h3",
		 36},
		false, false, true, "h3", "too long to be kept"},
	{{"\x1f"
	  "1234567890123456789012345678901"
	  "\x02h3",
		 35},
		false, false, true, "1234567890123456789012345678901",
		"the longest that is kept"},
};

static void
test_sees_which_protocols_are_offered(void **state)
{
	struct hello h;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
		uint8_t list[64] = {0, (uint8_t)offers[i].list.len};

		memcpy(list + 2, offers[i].list.bytes, offers[i].list.len);
		begin(&b, suites_13_and_ecdsa, sizeof(suites_13_and_ecdsa));
		if (offers[i].list.len > 0)
			put_extension(&b, 16, list, offers[i].list.len + 2);
		end(&b);
		if (parse(into_records(&b, 999, wire), &h, &why) != HELLO_OK)
			fail_msg("%s: %s", offers[i].reason, why);
		if (h.offers_http1 != offers[i].http1 ||
			h.offers_h2 != offers[i].h2 ||
			h.offers_alien != offers[i].alien ||
			h.has_alpn != (offers[i].list.len > 0) ||
			strlen(offers[i].protocol) != h.protocol_len ||
			strcmp(h.protocol, offers[i].protocol) != 0)
			fail_msg("%s: %d %d %d %s", offers[i].reason,
				h.offers_http1, h.offers_h2, h.offers_alien,
				h.protocol);
	}
}

static void
test_threat_10_sees_an_encrypted_hello(void **state)
{
	struct hello h;
	const char *why;

	(void)state;
	begin(&b, suites_13_and_ecdsa, sizeof(suites_13_and_ecdsa));
	put_name(&b, 0, "outer.test", 10);
	put_extension(&b, 0xfe0d, "\x00\x00", 2);
	end(&b);
	assert_int_equal(
		parse(into_records(&b, 999, wire), &h, &why), HELLO_OK);
	assert_true(h.has_ech);
	assert_string_equal(h.name, "outer.test");
}

/* `test_hello --seeds DIR` writes the corpus that the fuzzer starts from. */
static int
write_seeds(const char *dir)
{
	for (int i = 0; i < 16; i++) {
		char path[512];
		size_t len;
		FILE *f;

		typical(&b, "api.example.org");
		len = i < 4 ? into_records(
				      &b, (size_t[]){1, 7, 50, 9999}[i], wire)
			    : twisted((enum twist)(i - 4));
		snprintf(path, sizeof(path), "%s/seed-%02d", dir, i);
		f = fopen(path, "wb");
		if (f == NULL || fwrite(wire, 1, len, f) != len)
			return 1;
		fclose(f);
	}
	return 0;
}

/* QUIC carries the same message, and no records. */
static void
test_threat_11_a_message_without_records(void **state)
{
	struct hello h;
	const char *why;

	(void)state;
	typical(&b, "api.example.org");
	for (size_t len = 0; len < b.len; len++) {
		uint8_t *part = malloc(len + 1);

		assert_non_null(part);
		memcpy(part, b.message, len);
		assert_int_equal(
			hello_parse_message(part, len, &h, &why), HELLO_MORE);
		free(part);
	}
	assert_int_equal(
		hello_parse_message(b.message, b.len, &h, &why), HELLO_OK);
	assert_string_equal(h.name, "api.example.org");
	assert_true(h.offers_http1 && h.offers_h2 && h.offers_ecdsa);
	/* What is behind the message is of another one. */
	memset(b.message + b.len, 0xff, 100);
	assert_int_equal(hello_parse_message(b.message, b.len + 100, &h, &why),
		HELLO_OK);

	b.message[1] = 1; /* 64 KiB */
	assert_int_equal(
		hello_parse_message(b.message, 4, &h, &why), HELLO_BAD);
	assert_non_null(strstr(why, "16 KiB"));
	b.message[0] = 22;
	assert_int_equal(
		hello_parse_message(b.message, 1, &h, &why), HELLO_BAD);
	assert_non_null(strstr(why, "no ClientHello"));
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_what_a_client_says),
		cmocka_unit_test(
			test_threat_11_any_cut_of_segments_and_records),
		cmocka_unit_test(test_threat_11_more_than_16_kib_is_refused),
		cmocka_unit_test(test_what_is_ambiguous_is_refused),
		cmocka_unit_test(test_tells_tls_by_its_first_bytes),
		cmocka_unit_test(test_sees_what_keeps_a_p256_leaf_away),
		cmocka_unit_test(test_sees_which_protocols_are_offered),
		cmocka_unit_test(test_threat_11_a_message_without_records),
		cmocka_unit_test(test_threat_10_sees_an_encrypted_hello),
	};

	if (argc == 3 && strcmp(argv[1], "--seeds") == 0)
		return write_seeds(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
