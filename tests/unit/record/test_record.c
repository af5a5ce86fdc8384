#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "array.h"
#include "record.h"

static const struct record plain = {
	.ts_us = 1763695501000042,
	.id = 0xA1,
	.kind = RECORD_REQUEST,
	.reason = RECORD_RULE_ALLOW,
	.dur_us = -1,
	.ttfb_us = -1,
};

/* The line as an object; fails the test when it is not one line of JSON. */
static json_t *
format(const struct record *r, char line[RECORD_LINE_MAX])
{
	size_t len = record_format(r, line, RECORD_LINE_MAX);
	json_error_t error;
	json_t *object;

	assert_in_range(len, 2, RECORD_LINE_MAX - 1);
	assert_int_equal(line[len], '\0');
	assert_int_equal(strlen(line), len);
	assert_ptr_equal(strchr(line, '\n'), line + len - 1);
	for (size_t i = 0; i < len - 1; i++)
		assert_true((unsigned char)line[i] >= ' ' && line[i] != 0x7F);
	object = json_loads(line, JSON_REJECT_DUPLICATES, &error);
	if (object == NULL)
		fail_msg("%s in: %s", error.text, line);
	return object;
}

static void
sa4(struct sockaddr_in *ret, const char *addr, uint16_t port)
{
	*ret = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port)};
	assert_int_equal(inet_pton(AF_INET, addr, &ret->sin_addr), 1);
}

static void
sa6(struct sockaddr_in6 *ret, const char *addr, uint16_t port)
{
	*ret = (struct sockaddr_in6){
		.sin6_family = AF_INET6, .sin6_port = htons(port)};
	assert_int_equal(inet_pton(AF_INET6, addr, &ret->sin6_addr), 1);
}

static void
test_every_key_in_the_order_of_the_design(void **state)
{
	struct sockaddr_in6 upstream;
	struct sockaddr_in src, dst;
	char line[RECORD_LINE_MAX];
	struct record r = plain;

	(void)state;
	sa4(&src, "10.77.1.2", 41234);
	sa4(&dst, "192.0.2.10", 443);
	sa6(&upstream, "2001:db8::1", 443);
	r.event = RECORD_OUTCOME;
	r.sandbox = "build-1";
	r.labels = "{\"team\":\"search\"}";
	r.src = (const struct sockaddr *)&src;
	r.dst = (const struct sockaddr *)&dst;
	r.dport = 443;
	r.proto = "tls";
	r.host = span_of("api.example.org");
	r.method = span_of("GET");
	r.path = span_of("/repos/a");
	r.rule = "agent.allow[0]";
	r.source = "agent.yaml:12";
	r.policy = "agent";
	r.generation = 3;
	r.via = "inspect";
	r.alpn = "http/1.1";
	r.upstream = (const struct sockaddr *)&upstream;
	r.status = 200;
	r.bytes_up = 310;
	r.bytes_down = UINT64_MAX;
	r.dur_us = 12345;
	r.ttfb_us = 6;
	r.injected = "github";
	r.skipped = "npm";
	r.handler = "redact";
	r.dst_mismatch = true;
	r.detail = "a \"word\"";
	r.count = 7;
	record_format(&r, line, sizeof(line));
	assert_string_equal(line,
		"{\"ts\":\"2025-11-21T03:25:01.000042Z\","
		"\"id\":\"00000000000000a1\",\"event\":\"outcome\","
		"\"kind\":\"request\",\"sandbox\":\"build-1\","
		"\"labels\":{\"team\":\"search\"},\"src\":\"10.77.1.2:41234\","
		"\"dst\":\"192.0.2.10\",\"dport\":443,\"proto\":\"tls\","
		"\"host\":\"api.example.org\",\"method\":\"GET\","
		"\"path\":\"/repos/a\",\"verdict\":\"allowed\","
		"\"reason\":\"rule_allow\",\"rule\":\"agent.allow[0]\","
		"\"source\":\"agent.yaml:12\",\"policy\":\"agent\","
		"\"generation\":3,\"via\":\"inspect\",\"alpn\":\"http/1.1\","
		"\"upstream\":\"[2001:db8::1]:443\",\"status\":200,"
		"\"bytes_up\":310,\"bytes_down\":9223372036854775807,"
		"\"dur_ms\":12.345,\"ttfb_ms\":0.006,\"injected\":\"github\","
		"\"skipped\":\"npm\",\"handler\":\"redact\","
		"\"dst_mismatch\":true,\"detail\":\"a \\\"word\\\"\","
		"\"count\":7}\n");
}

static void
test_nothing_known_leaves_the_keys_out(void **state)
{
	char line[RECORD_LINE_MAX];
	struct record r = plain;

	(void)state;
	r.count = 1;
	r.dur_us = r.ttfb_us = 0;
	json_decref(format(&r, line));
	assert_string_equal(line,
		"{\"ts\":\"2025-11-21T03:25:01.000042Z\","
		"\"id\":\"00000000000000a1\",\"event\":\"decision\","
		"\"kind\":\"request\",\"verdict\":\"allowed\","
		"\"reason\":\"rule_allow\"}\n");
	r.event = RECORD_OUTCOME;
	json_decref(format(&r, line));
	assert_non_null(strstr(line, "\"dur_ms\":0.000,\"ttfb_ms\":0.000}"));
}

static void
test_hostile_text(void **state)
{
#define BAD "\xEF\xBF\xBD"
	static const struct {
		const char *in;
		size_t len;
		const char *raw; /* as it stands in the line */
		const char *why;
	} cases[] = {
#define IN(s) s, sizeof(s) - 1
		{IN("/a b~"), "/a b~", "plain ASCII stays"},
		{IN("a\r\nb"), "a\\u000d\\u000ab", "no second line"},
		{IN("\x1B[2Jx"), "\\u001b[2Jx", "no ANSI escape"},
		{IN("a\0b"), "a" BAD "b", "NUL would end a string"},
		{IN("\",\"verdict\":\"allowed"),
			"\\\",\\\"verdict\\\":\\\"allowed", "no forged key"},
		{IN("\\"), "\\\\", "no escaped quote at the end"},
		{IN("\x7F\b"), "\\u007f\\u0008", "DEL and backspace"},
		{IN("\xC2\x9B"), "\\u009b", "8-bit CSI as UTF-8"},
		{IN("\x9B"), BAD, "8-bit CSI as a bare byte"},
		{IN("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"),
			"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80",
			"two, three, four bytes stay"},
		{IN("\xC0\xAF"), BAD BAD, "overlong slash, two bytes"},
		{IN("\xE0\x80\xAF"), BAD BAD BAD, "overlong, three bytes"},
		{IN("\xED\xA0\x80"), BAD BAD BAD, "a surrogate"},
		{IN("\xF4\x90\x80\x80"), BAD BAD BAD BAD, "over 10FFFF"},
		{IN("\xF8\x88\x80\x80\x80"), BAD BAD BAD BAD BAD, "five"},
		{IN("\xE2\x82"), BAD BAD, "cut in the middle"},
		{IN("\xE2\x82z"), BAD BAD "z", "the next byte is not eaten"},
		{IN("\xFF\xFE"), BAD BAD, "never in UTF-8"},
		{IN("\xE2\x80\xAEgro"), "\\u202egro", "text turned around"},
		{IN("\xE2\x80\xA8"), "\\u2028", "a line break to some"},
		{IN("\xF3\xA0\x80\xA1"), "\\udb40\\udc21", "invisible tags"},
		{IN("\xEF\xBF\xBF"), "\xEF\xBF\xBF", "a noncharacter is UTF-8"},
	};
	char line[RECORD_LINE_MAX], want[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct record r = plain;

		r.path = (struct span){cases[i].in, cases[i].len};
		json_decref(format(&r, line));
		snprintf(want, sizeof(want), "\"path\":\"%s\",\"verdict\"",
			cases[i].raw);
		if (strstr(line, want) == NULL)
			fail_msg("%s: %s", cases[i].why, line);
		assert_null(strstr(line, "truncated"));
	}
}

/* Eight bytes are looked at together: each byte, at each place among them. */
static void
test_one_bad_byte_among_good_ones(void **state)
{
	static const char good[] = " ~AZaz09!#[]^_`|";
	char text[sizeof(good)], line[RECORD_LINE_MAX], want[64];

	(void)state;
	for (size_t at = 0; at < sizeof(good) - 1; at++) {
		for (int byte = 0; byte < 256; byte++) {
			struct record r = plain;
			bool same = byte >= ' ' && byte < 0x7F && byte != '"' &&
				    byte != '\\';

			memcpy(text, good, sizeof(good));
			text[at] = (char)byte;
			r.host = (struct span){text, sizeof(good) - 1};
			json_decref(format(&r, line));
			snprintf(want, sizeof(want), "\"host\":\"%s\"", text);
			if ((strstr(line, want) != NULL) != same)
				fail_msg("%d at %zu: %s", byte, at, line);
		}
	}
}

/* Fills every text of r with the same bytes. */
static void
fill(struct record *r, const char *text)
{
	r->sandbox = r->rule = r->source = r->policy = text;
	r->proto = r->via = r->alpn = text;
	r->injected = r->skipped = r->handler = r->detail = text;
	r->host = r->method = r->path = span_of(text);
}

static void
test_caps_add_up(void **state)
{
	static const struct {
		const char *unit, *why;
	} cases[] = {
		{"x", "one byte each"},
		{"\x01", "six bytes each"},
		{"\"", "two bytes each"},
		{"\xFF", "three bytes for one"},
		{"\xF3\xA0\x80\xA1", "twelve bytes for four"},
		{"x\xC3\xA9", "a cut never halves a character"},
	};
	static const struct {
		const char *key;
		size_t cap;
	} caps[] = {
		{"host", 255},
		{"path", 1024},
		{"detail", 256},
		{"sandbox", 63},
		{"method", 32},
		{"rule", 128},
		{"source", 255},
		{"policy", 63},
		{"injected", 256},
		{"skipped", 256},
		{"handler", 64},
	};
	enum { REPEAT = 3000 };
	struct sockaddr_in6 in6;
	char line[RECORD_LINE_MAX];
	static char text[REPEAT * 4 + 1];
	char labels[513];

	(void)state;
	sa6(&in6, "1111:2222:3333:4444:5555:6666:7777:8888", 65535);
	snprintf(labels, sizeof(labels), "{\"k\":\"%0504d\"}", 0);
	assert_int_equal(strlen(labels), 512);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct record r = {UINT64_MAX, UINT64_MAX, RECORD_OUTCOME,
			RECORD_CONTROL, RECORD_ALLOWED,
			RECORD_CREDENTIAL_UNAVAILABLE, .labels = labels,
			.src = (const struct sockaddr *)&in6,
			.dst = (const struct sockaddr *)&in6,
			.upstream = (const struct sockaddr *)&in6,
			.dport = 65535, .generation = UINT64_MAX,
			.status = INT32_MAX, .bytes_up = UINT64_MAX,
			.bytes_down = UINT64_MAX, .dur_us = INT64_MAX,
			.ttfb_us = INT64_MAX, .dst_mismatch = true,
			.count = UINT32_MAX};
		json_t *object;
		size_t size;

		size = strlen(cases[i].unit);
		for (size_t n = 0; n < REPEAT; n++)
			memcpy(text + n * size, cases[i].unit, size + 1);
		fill(&r, text);
		object = format(&r, line);
		assert_true(json_is_true(json_object_get(object, "truncated")));
		assert_string_equal(
			json_string_value(json_object_get(object, "ts")),
			"9999-12-31T23:59:59.551615Z");
		for (size_t k = 0; k < ARRAY_LEN(caps); k++) {
			json_t *v = json_object_get(object, caps[k].key);

			assert_in_range(json_string_length(v), 2, caps[k].cap);
			if (i == 0)
				assert_int_equal(
					json_string_length(v), caps[k].cap);
		}
		json_decref(object);
	}
}

static void
test_labels_that_would_break_the_line(void **state)
{
	static const struct {
		const char *labels, *raw;
		bool truncated;
		const char *why;
	} cases[] = {
		{"{}", "\"labels\":{}", false, "none"},
		{"{\"a\":\"\xC3\xA9\"}", "{\"a\":\"\xC3\xA9\"}", false,
			"UTF-8"},
		{"{\"a\":1}\n{", "\"labels\":{}", true, "a second line"},
		{"{\"a\":\"\xFF\"}", "\"labels\":{}", true, "no UTF-8"},
		{"{\"a\":\"\xC2\x9B\"}", "\"labels\":{}", true, "C1"},
		{"", "\"labels\":{}", true, "no object"},
		{"[1]", "\"labels\":{}", true, "no object either"},
	};
	char line[RECORD_LINE_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct record r = plain;

		r.labels = cases[i].labels;
		json_decref(format(&r, line));
		if (strstr(line, cases[i].raw) == NULL)
			fail_msg("%s: %s", cases[i].why, line);
		assert_int_equal(
			strstr(line, "truncated") != NULL, cases[i].truncated);
	}
}

static void
check_address(const struct in6_addr *addr)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
		.sin6_addr = *addr,
		.sin6_port = htons(80)};
	struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(8)};
	char line[RECORD_LINE_MAX], text[INET6_ADDRSTRLEN], want[128];
	struct record r = plain;

	memcpy(&in4.sin_addr, addr->s6_addr + 12, 4);
	r.src = r.dst = (const struct sockaddr *)&in6;
	r.upstream = (const struct sockaddr *)&in4;
	json_decref(format(&r, line));
	inet_ntop(AF_INET6, addr, text, sizeof(text));
	snprintf(want, sizeof(want), "\"src\":\"[%s]:80\",\"dst\":\"%s\",",
		text, text);
	if (strstr(line, want) == NULL)
		fail_msg("want %s in %s", want, line);
	inet_ntop(AF_INET, addr->s6_addr + 12, text, sizeof(text));
	snprintf(want, sizeof(want), "\"upstream\":\"%s:8\"", text);
	if (strstr(line, want) == NULL)
		fail_msg("want %s in %s", want, line);
}

static void
test_addresses_read_as_inet_ntop_writes_them(void **state)
{
	static const char *const cases[] = {"::", "::1", "1::", "::1.2.3.4",
		"::ffff:192.0.2.1", "::ffff:0:1.2.3.4", "1:0:0:2:0:0:0:3",
		"1:0:0:2:3:0:0:4", "1:0:2:3:4:5:6:7", "0:0:2:3:4:5:6:7",
		"1:2:3:4:5:6:0:0", "fe80::1", "64:ff9b::c000:201", "::1:0:0:0",
		"::2:3", "0:0:0:0:0:0:1:0"};
	struct in6_addr addr;
	uint32_t seed = 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(inet_pton(AF_INET6, cases[i], &addr), 1);
		check_address(&addr);
	}
	/* Every pattern of zero and other groups, with random others. */
	for (unsigned int pattern = 0; pattern < 256; pattern++) {
		for (int i = 0; i < 16; i++) {
			seed = seed * 1664525 + 1013904223;
			addr.s6_addr[i] = pattern >> (i / 2) & 1
						  ? (uint8_t)(seed >> 24 >>
							      (seed >> 8 & 7))
						  : 0;
		}
		check_address(&addr);
	}
}

static void
test_other_families_are_empty(void **state)
{
	struct sockaddr sa = {.sa_family = AF_UNIX};
	char line[RECORD_LINE_MAX];
	struct record r = plain;

	(void)state;
	r.src = &sa;
	json_decref(format(&r, line));
	assert_non_null(strstr(line, "\"src\":\"\","));
}

static void
test_the_clock_text_is_made_anew_each_second(void **state)
{
	static const struct {
		uint64_t us;
		const char *want;
	} cases[] = {
		{0, "1970-01-01T00:00:00.000000Z"},
		{999999, "1970-01-01T00:00:00.999999Z"},
		{1000000, "1970-01-01T00:00:01.000000Z"},
		{1709164800000001, "2024-02-29T00:00:00.000001Z"},
		{1000000, "1970-01-01T00:00:01.000000Z"},
		{253402300799000000, "9999-12-31T23:59:59.000000Z"},
		{253402300800000000, "9999-12-31T23:59:59.000000Z"},
	};
	char line[RECORD_LINE_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct record r = plain;
		json_t *object;

		r.ts_us = cases[i].us;
		object = format(&r, line);
		assert_string_equal(
			json_string_value(json_object_get(object, "ts")),
			cases[i].want);
		json_decref(object);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_key_in_the_order_of_the_design),
		cmocka_unit_test(test_nothing_known_leaves_the_keys_out),
		cmocka_unit_test(test_hostile_text),
		cmocka_unit_test(test_one_bad_byte_among_good_ones),
		cmocka_unit_test(test_caps_add_up),
		cmocka_unit_test(test_labels_that_would_break_the_line),
		cmocka_unit_test(test_addresses_read_as_inet_ntop_writes_them),
		cmocka_unit_test(test_other_families_are_empty),
		cmocka_unit_test(test_the_clock_text_is_made_anew_each_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
