#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "message.h"
#include "rules.h"

enum {
	TEXT_MAX = 1024,
};

/* "Name: value\n…" into a head, and back. */
static void
add_fields(struct http_head *h, const char *text)
{
	while (*text != '\0') {
		const char *colon = strchr(text, ':');
		const char *end = strchr(text, '\n');
		struct span name = {text, (size_t)(colon - text)};
		struct span value = {colon + 2, (size_t)(end - colon) - 2};

		assert_int_equal(http_head_add(h, name, value, false), 0);
		text = end + 1;
	}
}

static void
print_fields(const struct http_head *h, char text[static TEXT_MAX])
{
	size_t at = 0;

	text[0] = '\0';
	for (int i = 0; i < h->field_count; i++) {
		struct span name = http_head_name(h, &h->fields[i]);
		struct span value = http_head_value(h, &h->fields[i]);

		at += (size_t)snprintf(text + at, TEXT_MAX - at, "%.*s: %.*s\n",
			(int)name.len, name.ptr, (int)value.len, value.ptr);
		assert_true(at < TEXT_MAX);
	}
}

struct pass {
	const char *in, *out, *reason;
};

static void
start_request(struct http_head *h, const char *fields)
{
	http_head_init(h);
	assert_int_equal(http_head_set_method(h, SPAN_LITERAL("GET")), 0);
	assert_int_equal(http_head_set_target(h, SPAN_LITERAL("/x?y")), 0);
	add_fields(h, fields);
}

static const struct pass requests[] = {
	{"", "", "nothing but Host"},
	{"A: 1\nB: 2\nA: 3\n", "A: 1\nB: 2\nA: 3\n",
		"order and repetition stay"},
	{"X: y\nHost: evil.test\n", "X: y\n",
		"Host is the one that was decided on"},
	{"Connection: keep-alive\nKeep-Alive: timeout=5\n"
	 "Proxy-Connection: keep-alive\n",
		"", "hop-by-hop"},
	{"Connection: x-a , X-B\nX-A: 1\nx-b: 2\nX-C: 3\n", "X-C: 3\n",
		"what Connection names"},
	{"Connection: X-A\nX-A: 1\nConnection: X-B\nX-B: 2\n", "",
		"two Connection fields"},
	{"Connection: authorization, host, content-length\n"
	 "Authorization: Bearer t\n",
		"Authorization: Bearer t\n",
		"Authorization cannot be named away (threat 20)"},
	{"Connection: a\nConnection: a\nConnection: a\nConnection: a\n"
	 "Connection: a\nConnection: a\nConnection: a\nConnection: a\n"
	 "Connection: X-A\nX-A: 1\nX-B: 2\nAuthorization: t\n",
		"Authorization: t\n",
		"more lists than are read: all that could be named"},
	{"Transfer-Encoding: chunked\nContent-Length: 5\n", "",
		"framing is the codec's"},
	{"transfer_encoding: chunked\nContent_Length: 5\nHOST: b\n"
	 "proxy_authorization: x\nx_forwarded_for: y\nCo_okie: z\n",
		"Co_okie: z\n", "twins of known fields (threat 21)"},
	{"authorization_: x\nX_Api_Key: y\n",
		"authorization_: x\nX_Api_Key: y\n",
		"other underscores are the injector's business"},
	{"Upgrade: h2c\nHTTP2-Settings: AAA\n"
	 "Connection: Upgrade, HTTP2-Settings\n",
		"", "no upgrade (threat 25)"},
	{"Upgrade: websocket\nSec-WebSocket-Key: k\nSec_WebSocket_Key: k\n"
	 "Sec-WebSocket-Accept: a\n",
		"", "nor this one, and its key is this leg's"},
	{"Sec-WebSocket-Version: 13\nSec-WebSocket-Protocol: chat\n"
	 "Sec-WebSocket-Extensions: x\n",
		"Sec-WebSocket-Version: 13\nSec-WebSocket-Protocol: chat\n"
		"Sec-WebSocket-Extensions: x\n",
		"what the ends of a WebSocket agree on"},
	{"Proxy-Authorization: Basic x\nProxy-Foo: y\n"
	 "Proxy-Authenticate: z\n",
		"", "all of Proxy-*"},
	{"Forwarded: for=1\nX-Forwarded-For: 1\nX-Forwarded-Host: h\n"
	 "X-Forwarded-Proto: p\nVia: 1.1 x\nX-Real-IP: 1\n",
		"X-Real-IP: 1\n", "who forwarded what (threat 19)"},
	{"TE: gzip\nTrailer: X-Sum\n", "Trailer: X-Sum\n", "TE is hop-by-hop"},
	{"Expect: 100-continue\n", "", "Expect is written anew"},
	{"Cookie: a=b\nCookie: c=d\nAccept: */*\nDate: now\n"
	 "Alt-Svc: x\n",
		"Cookie: a=b\nCookie: c=d\nAccept: */*\nDate: now\n"
		"Alt-Svc: x\n",
		"known, and end to end"},
};

static void
test_requests(void **state)
{
	char text[TEXT_MAX], expected[TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		struct http_head in, out;

		start_request(&in, requests[i].in);
		http_head_init(&out);
		assert_int_equal(http_rules_request(
					 &in, SPAN_LITERAL("a.test:81"), &out),
			0);
		print_fields(&out, text);
		snprintf(expected, sizeof(expected), "Host: a.test:81\n%s",
			requests[i].out);
		if (strcmp(text, expected) != 0)
			fail_msg("%s: got\n%s", requests[i].reason, text);
		http_head_done(&in);
		http_head_done(&out);
	}
}

static void
test_what_else_a_request_carries(void **state)
{
	struct http_head in, out;
	char text[TEXT_MAX];

	(void)state;
	start_request(&in, "TE: trailers, gzip\nExpect: 100-continue\n");
	in.te_trailers = in.expect_continue = true;
	in.framing = HTTP_LENGTH;
	in.content_length = 7;
	in.minor = 0;
	assert_int_equal(http_head_add(&in, SPAN_LITERAL("X-Key"),
				 SPAN_LITERAL("v"), true),
		0);
	http_head_init(&out);
	assert_int_equal(
		http_rules_request(&in, SPAN_LITERAL("a.test"), &out), 0);
	print_fields(&out, text);
	assert_string_equal(text, "Host: a.test\nX-Key: v\nTE: trailers\n"
				  "Expect: 100-continue\n");
	assert_true(out.fields[1].secret);
	assert_true(out.te_trailers && out.expect_continue);
	assert_int_equal(out.framing, HTTP_LENGTH);
	assert_int_equal(out.content_length, 7);
	assert_int_equal(out.minor, 1);
	assert_true(
		span_equals(http_head_authority(&out), SPAN_LITERAL("a.test")));
	assert_true(span_equals(http_head_target(&out), SPAN_LITERAL("/x?y")));
	assert_true(span_equals(http_head_path(&out), SPAN_LITERAL("/x")));
	assert_int_equal(
		http_rules_request(&in, SPAN_LITERAL("u@a.test"), &out),
		-EINVAL);
	http_head_done(&in);
	http_head_done(&out);
}

static void
test_responses(void **state)
{
	static const struct pass cases[] = {
		{"Content-Type: t\nSet-Cookie: a\nSet-Cookie: b\n",
			"Content-Type: t\nSet-Cookie: a\nSet-Cookie: b\n",
			"end to end"},
		{"Alt-Svc: h3=\":443\"\nalt_svc: h3\n", "",
			"no way around by HTTP/3"},
		{"Connection: close, X-A\nX-A: 1\nKeep-Alive: x\n"
		 "Transfer-Encoding: chunked\nContent-Length: 5\nUpgrade: h2\n",
			"", "hop-by-hop and framing"},
		{"Proxy-Authenticate: Basic\nProxy-Status: x\n", "",
			"the sandbox knows no proxy"},
		{"Via: 1.1 cdn\nTrailer: X-Sum\nDate: now\n",
			"Via: 1.1 cdn\nTrailer: X-Sum\nDate: now\n",
			"what the origin says about itself"},
	};
	char text[TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_head in, out;

		http_head_init(&in);
		http_head_init(&out);
		in.status = 206;
		in.framing = HTTP_UNTIL_CLOSE;
		add_fields(&in, cases[i].in);
		assert_int_equal(http_rules_response(&in, &out), 0);
		print_fields(&out, text);
		if (strcmp(text, cases[i].out) != 0)
			fail_msg("%s: got\n%s", cases[i].reason, text);
		assert_int_equal(out.status, 206);
		assert_int_equal(out.framing, HTTP_UNTIL_CLOSE);
		http_head_done(&in);
		http_head_done(&out);
	}
}

static void
test_trailers(void **state)
{
	static const struct span injected[] = {
		{"X-Api-Key", 9},
		{"X-Token", 7},
	};
	static const struct pass cases[] = {
		{"X-Sum: 1\ngrpc-status: 0\n", "X-Sum: 1\ngrpc-status: 0\n",
			"what trailers are for"},
		{"Host: a\nContent-Length: 1\nTransfer-Encoding: x\n"
		 "Connection: x\nTrailer: y\nTE: z\nhost: b\n",
			"", "framing and routing"},
		{"Authorization: x\nCookie: y\nProxy-Authorization: z\n"
		 "Set-Cookie: a\nWWW-Authenticate: b\n",
			"", "credentials"},
		{"Via: x\nForwarded: y\nX-Forwarded-For: z\nExpect: a\n"
		 "Content-Type: b\ncontent_encoding: c\n",
			"", "what would change how the message is read"},
		{"x-api-key: 1\nX_Api_Key: 2\nX-TOKEN: 3\nX-Tokens: 4\n",
			"X-Tokens: 4\n", "what is injected, in any spelling"},
	};
	char text[TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_head in, out;

		http_head_init(&in);
		http_head_init(&out);
		add_fields(&in, cases[i].in);
		assert_int_equal(http_rules_trailers(&in, injected,
					 ARRAY_LEN(injected), &out),
			0);
		print_fields(&out, text);
		if (strcmp(text, cases[i].out) != 0)
			fail_msg("%s: got\n%s", cases[i].reason, text);
		http_head_done(&in);
		http_head_done(&out);
	}
}

static void
test_authorities(void **state)
{
	static const struct {
		struct span text;
		const char *host; /* NULL: -EINVAL */
		const char *reason;
		uint16_t port;
	} cases[] = {
#define ROW(text, ...) {SPAN_LITERAL(text), __VA_ARGS__}
		ROW("a.test", "a.test", "a name", 0),
		ROW("A_b-c.test.", "A_b-c.test.", "not normalised here", 0),
		ROW("a.test:1", "a.test", "lowest port", 1),
		ROW("a.test:65535", "a.test", "highest port", 65535),
		ROW("192.0.2.1:80", "192.0.2.1", "IPv4", 80),
		ROW("[2001:db8::1]", "2001:db8::1", "IPv6", 0),
		ROW("[::ffff:192.0.2.1]:80", "::ffff:192.0.2.1", "IPv4 in IPv6",
			80),
		ROW("", NULL, "empty", 0),
		ROW(":80", NULL, "empty host", 0),
		ROW("a.test:", NULL, "empty port", 0),
		ROW("a.test:0", NULL, "port 0", 0),
		ROW("a.test:65536", NULL, "port too large", 0),
		ROW("a.test:000080", NULL, "too many digits", 0),
		ROW("a.test:+80", NULL, "sign", 0),
		ROW("a.test:80:80", NULL, "two ports", 0),
		ROW("u@a.test", NULL, "userinfo", 0),
		ROW("u:p@a.test", NULL, "userinfo with password", 0),
		ROW("a.test/", NULL, "path", 0),
		ROW("a.test ", NULL, "space", 0),
		ROW("a,b", NULL, "list", 0),
		ROW("a\0b", NULL, "NUL", 0),
		ROW("a%2eb", NULL, "percent", 0),
		ROW("\xc3\xa9.test", NULL, "U-label", 0),
		ROW("2001:db8::1", NULL, "IPv6 without brackets", 0),
		ROW("[2001:db8::1", NULL, "no end", 0),
		ROW("[]", NULL, "nothing in brackets", 0),
		ROW("[fe80::1%eth0]", NULL, "zone", 0),
		ROW("[192.0.2.1]", NULL, "IPv4 in brackets", 0),
		ROW("[::1]x", NULL, "more behind it", 0),
		ROW("[::1\0]", NULL, "NUL in brackets", 0),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct span host = {"", 0};
		uint16_t port = 0;
		int r = http_rules_authority(cases[i].text, &host, &port);

		if (r != (cases[i].host != NULL ? 0 : -EINVAL))
			fail_msg("%s: %d", cases[i].reason, r);
		if (r == 0 && (!span_equals(host, span_of(cases[i].host)) ||
				      port != cases[i].port))
			fail_msg("%s: %.*s %u", cases[i].reason, (int)host.len,
				host.ptr, port);
	}
}

static void
test_methods(void **state)
{
	static const struct {
		const char *method;
		int status;
	} cases[] = {
		{"GET", 0},
		{"POST", 0},
		{"PROPFIND", 0},
		{"OPTIONS", 0},
		{"CONNECT", 405},
		{"TRACE", 405},
		{"TRACK", 405},
		{"connect", 405},
		{"Trace", 405},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_head h;
		const char *why;
		int status = 0;

		http_head_init(&h);
		assert_int_equal(
			http_head_set_method(&h, span_of(cases[i].method)), 0);
		assert_int_equal(
			http_head_set_target(&h, SPAN_LITERAL("/")), 0);
		why = http_rules_refuse(&h, &status);
		if (status != cases[i].status || (why != NULL) != (status != 0))
			fail_msg("%s: %d", cases[i].method, status);
		http_head_done(&h);
	}
}

static void
test_fields_that_go_on_are_found(void **state)
{
	static const struct pass cases[] = {
		{"X-A: 1\nX-B: 2\nx-a: 3\n", "1|3|", "each line, in any case"},
		{"X-A: 1\nX_A: 2\n", "1|2|", "and the twin"},
		{"X-Ab: 1\nX: 2\n", "", "another name"},
		{"X-A: 1\nConnection: a, x-A\n", "", "named by Connection"},
		{"X_A: 1\nX-A: 2\nConnection: x-a\n", "1|", "but not its twin"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct http_field *f;
		char got[TEXT_MAX] = "";
		struct http_head h;
		size_t next = 0;

		start_request(&h, cases[i].in);
		while ((f = http_rules_find(&h, SPAN_LITERAL("x-a"), &next))) {
			struct span value = http_head_value(&h, f);

			strncat(got, value.ptr, value.len);
			strcat(got, "|");
		}
		if (strcmp(got, cases[i].out) != 0)
			fail_msg("%s: %s", cases[i].reason, got);
		http_head_done(&h);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_what_else_a_request_carries),
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_trailers),
		cmocka_unit_test(test_authorities),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_fields_that_go_on_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
