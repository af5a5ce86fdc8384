#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "field.h"
#include "message.h"

static void
assert_span(struct span got, const char *expected)
{
	assert_int_equal(got.len, strlen(expected));
	assert_memory_equal(got.ptr, expected, got.len);
}

static void
test_what_may_be_added(void **state)
{
	static const struct {
		struct span name, value;
		int ret;
		const char *reason;
	} cases[] = {
#define ROW(name, value, ...) \
	{SPAN_LITERAL(name), SPAN_LITERAL(value), __VA_ARGS__}
		ROW("X", "y", 0, "plain"),
		ROW("X", "", 0, "empty value"),
		ROW("!#$%&'*+-.^_`|~09AZaz", "y", 0, "every tchar"),
		ROW("X", "a\tb \xff", 0, "tab, space, obs-text"),
		ROW("", "y", -EINVAL, "empty name"),
		ROW("X Y", "y", -EINVAL, "space in a name"),
		ROW("X:", "y", -EINVAL, "colon in a name"),
		ROW("X\xe9", "y", -EINVAL, "a name that is not ASCII"),
		ROW("X\r\nY", "y", -EINVAL, "CRLF in a name"),
		ROW("X", "a\r\nY: b", -EINVAL, "CRLF in a value"),
		ROW("X", "a\nb", -EINVAL, "LF in a value"),
		ROW("X", "a\rb", -EINVAL, "CR in a value"),
		ROW("X", "a\0b", -EINVAL, "NUL in a value"),
		ROW("X", "a\x7f", -EINVAL, "DEL in a value"),
	};
	struct http_head h;

	(void)state;
	http_head_init(&h);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int r = http_head_add(&h, cases[i].name, cases[i].value, false);

		if (r != cases[i].ret)
			fail_msg("%s: %d", cases[i].reason, r);
	}
	assert_int_equal(h.field_count, 4);
	http_head_done(&h);
}

/* The characters of a token, one by one, against RFC 9110 5.6.2's own list. */
static void
test_tokens(void **state)
{
	static const char others[] = "\"(),/:;<=>?@[\\]{}";

	(void)state;
	for (int c = 0; c < 256; c++) {
		char byte = (char)c;
		bool expected = c > ' ' && c < 0x7f && !strchr(others, c);

		assert_int_equal(
			http_is_token((struct span){&byte, 1}), expected);
	}
	assert_false(http_is_token(SPAN_LITERAL("")));
}

static void
test_known_names(void **state)
{
	static const struct {
		const char *name;
		enum http_known known, twin;
	} cases[] = {
		{"Host", HTTP_HOST, HTTP_HOST},
		{"CONNECTION", HTTP_CONNECTION, HTTP_CONNECTION},
		{"content-length", HTTP_CONTENT_LENGTH, HTTP_CONTENT_LENGTH},
		{"Content_Length", HTTP_OTHER, HTTP_CONTENT_LENGTH},
		{"Transfer-Encoding", HTTP_TRANSFER_ENCODING,
			HTTP_TRANSFER_ENCODING},
		{"transfer_encoding", HTTP_OTHER, HTTP_TRANSFER_ENCODING},
		{"TE", HTTP_TE, HTTP_TE},
		{"Trailer", HTTP_TRAILER, HTTP_TRAILER},
		{"Upgrade", HTTP_UPGRADE, HTTP_UPGRADE},
		{"Expect", HTTP_EXPECT, HTTP_EXPECT},
		{"Keep-Alive", HTTP_KEEP_ALIVE, HTTP_KEEP_ALIVE},
		{"Proxy-Connection", HTTP_PROXY_CONNECTION,
			HTTP_PROXY_CONNECTION},
		{"Proxy-Authorization", HTTP_PROXY_AUTHORIZATION,
			HTTP_PROXY_AUTHORIZATION},
		{"Proxy-Authenticate", HTTP_PROXY_AUTHENTICATE,
			HTTP_PROXY_AUTHENTICATE},
		{"Proxy-Status", HTTP_PROXY_OTHER, HTTP_PROXY_OTHER},
		{"proxy_status", HTTP_OTHER, HTTP_PROXY_OTHER},
		{"HTTP2-Settings", HTTP_HTTP2_SETTINGS, HTTP_HTTP2_SETTINGS},
		{"Sec-WebSocket-Key", HTTP_WEBSOCKET_KEY, HTTP_WEBSOCKET_KEY},
		{"Sec-WebSocket-Accept", HTTP_WEBSOCKET_ACCEPT,
			HTTP_WEBSOCKET_ACCEPT},
		{"sec_websocket_accept", HTTP_OTHER, HTTP_WEBSOCKET_ACCEPT},
		{"Sec-WebSocket-Accepts", HTTP_OTHER, HTTP_OTHER},
		{"Authorization", HTTP_AUTHORIZATION, HTTP_AUTHORIZATION},
		{"Cookie", HTTP_COOKIE, HTTP_COOKIE},
		{"Accept", HTTP_ACCEPT, HTTP_ACCEPT},
		{"Alt-Svc", HTTP_ALT_SVC, HTTP_ALT_SVC},
		{"Date", HTTP_DATE, HTTP_DATE},
		{"Via", HTTP_VIA, HTTP_VIA},
		{"Forwarded", HTTP_FORWARDED, HTTP_FORWARDED},
		{"X-Forwarded-For", HTTP_X_FORWARDED, HTTP_X_FORWARDED},
		{"X_FORWARDED_FOR", HTTP_OTHER, HTTP_X_FORWARDED},
		{"X-Forwarded-", HTTP_OTHER, HTTP_OTHER},
		{"X-Forwarde", HTTP_OTHER, HTTP_OTHER},
		{"Hosts", HTTP_OTHER, HTTP_OTHER},
		{"Hos", HTTP_OTHER, HTTP_OTHER},
		{"Hosu", HTTP_OTHER, HTTP_OTHER},
		{"A-name-that-is-longer-than-all", HTTP_OTHER, HTTP_OTHER},
		{"", HTTP_OTHER, HTTP_OTHER},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct span name = span_of(cases[i].name);

		if (http_known_of(name) != cases[i].known ||
			http_known_twin(name) != cases[i].twin)
			fail_msg("%s: %d %d", cases[i].name,
				http_known_of(name), http_known_twin(name));
	}
}

static void
test_lists(void **state)
{
	struct span list = SPAN_LITERAL(" ,a ,\t b c,,d"), member;

	(void)state;
	assert_true(http_list_next(&list, &member));
	assert_span(member, "a");
	assert_true(http_list_next(&list, &member));
	assert_span(member, "b c");
	assert_true(http_list_next(&list, &member));
	assert_span(member, "d");
	assert_false(http_list_next(&list, &member));
	assert_true(
		http_list_has(SPAN_LITERAL("x, CLOSE"), SPAN_LITERAL("close")));
	assert_false(http_list_has(SPAN_LITERAL("xclose, closex, close x"),
		SPAN_LITERAL("close")));
}

static void
test_remove_takes_what_looks_alike(void **state)
{
	static const char *const names[] = {
		"X-Api-Key", "x_api_key", "X-API_KEY", "X-Api-Keys", "XApiKey"};
	struct http_head h;

	(void)state;
	http_head_init(&h);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(http_head_add(&h, span_of(names[i]),
					 SPAN_LITERAL("v"), false),
			0);
	assert_int_equal(http_head_remove(&h, SPAN_LITERAL(" x-api-key\t")), 3);
	assert_int_equal(h.field_count, 2);
	assert_span(http_head_name(&h, &h.fields[0]), "X-Api-Keys");
	assert_span(http_head_name(&h, &h.fields[1]), "XApiKey");
	assert_int_equal(http_head_remove(&h, SPAN_LITERAL("y")), 0);
	assert_null(http_head_find_name(&h, SPAN_LITERAL("x-api-key")));
	assert_non_null(http_head_find_name(&h, SPAN_LITERAL("xapikey")));
	http_head_done(&h);
}

static void
test_parts_of_a_request(void **state)
{
	struct http_head h;

	(void)state;
	http_head_init(&h);
	assert_span(http_head_target(&h), "");
	assert_int_equal(http_head_set_method(&h, SPAN_LITERAL("GET")), 0);
	assert_int_equal(
		http_head_set_target(&h, SPAN_LITERAL("/a/b?c=d?e")), 0);
	assert_int_equal(
		http_head_set_authority(&h, SPAN_LITERAL("a.test:81")), 0);
	assert_span(http_head_method(&h), "GET");
	assert_span(http_head_target(&h), "/a/b?c=d?e");
	assert_span(http_head_path(&h), "/a/b");
	assert_span(http_head_authority(&h), "a.test:81");
	/* From its own text: growing it must not pull the ground away. */
	for (int i = 0; i < 200; i++)
		assert_int_equal(
			http_head_set_target(&h, http_head_target(&h)), 0);
	assert_span(http_head_target(&h), "/a/b?c=d?e");

	assert_int_equal(
		http_head_set_method(&h, SPAN_LITERAL("GE T")), -EINVAL);
	assert_int_equal(http_head_set_target(&h, SPAN_LITERAL("")), -EINVAL);
	assert_int_equal(
		http_head_set_target(&h, SPAN_LITERAL("/a b")), -EINVAL);
	assert_int_equal(
		http_head_set_target(&h, SPAN_LITERAL("/a#b")), -EINVAL);
	assert_int_equal(
		http_head_set_target(&h, SPAN_LITERAL("/\r\n")), -EINVAL);
	assert_int_equal(
		http_head_set_target(&h, SPAN_LITERAL("/\xe9")), -EINVAL);
	assert_int_equal(
		http_head_set_authority(&h, SPAN_LITERAL("a\n")), -EINVAL);
	assert_span(http_head_target(&h), "/a/b?c=d?e");
	http_head_done(&h);
}

static void
test_bounds(void **state)
{
	static char large[HTTP_HEAD_MAX];
	struct http_head h;

	(void)state;
	memset(large, 'x', sizeof(large));
	http_head_init(&h);
	for (int i = 0; i < HTTP_FIELDS_MAX; i++)
		assert_int_equal(http_head_add(&h, SPAN_LITERAL("X"),
					 SPAN_LITERAL("y"), false),
			0);
	assert_int_equal(
		http_head_add(&h, SPAN_LITERAL("X"), SPAN_LITERAL("y"), false),
		-E2BIG);
	assert_int_equal(h.field_count, HTTP_FIELDS_MAX);
	http_head_clear(&h);
	assert_int_equal(http_head_add(&h, SPAN_LITERAL("X"),
				 (struct span){large, HTTP_HEAD_MAX}, false),
		-E2BIG);
	assert_int_equal(h.text_len, 0);
	assert_int_equal(
		http_head_add(&h, SPAN_LITERAL("X"),
			(struct span){large, HTTP_HEAD_MAX - 1}, false),
		0);
	assert_int_equal(
		http_head_add(&h, SPAN_LITERAL("X"), SPAN_LITERAL(""), false),
		-E2BIG);
	assert_int_equal(h.text_size, HTTP_HEAD_MAX);
	http_head_done(&h);
}

static void
test_memory_is_kept_and_wiped(void **state)
{
	struct http_head h;
	const char *text;

	(void)state;
	http_head_init(&h);
	assert_int_equal(http_head_add(&h, SPAN_LITERAL("X-Key"),
				 SPAN_LITERAL("canary"), true),
		0);
	text = h.text;
	assert_true(h.fields[0].secret);
	http_head_clear(&h);
	assert_ptr_equal(h.text, text);
	assert_null(memmem(h.text, h.text_size, "canary", 6));

	/* Removed: its bytes go at once, the field's neighbours stay. */
	assert_int_equal(http_head_add(&h, SPAN_LITERAL("X-Key"),
				 SPAN_LITERAL("canary"), true),
		0);
	assert_int_equal(http_head_add(&h, SPAN_LITERAL("Y"),
				 SPAN_LITERAL("plain"), false),
		0);
	assert_int_equal(http_head_remove(&h, SPAN_LITERAL("x_key")), 1);
	assert_null(memmem(h.text, h.text_size, "canary", 6));
	assert_span(http_head_value(&h, &h.fields[0]), "plain");
	http_head_clear(&h);

	/* Replaced: secret from then on, at the same place. */
	assert_int_equal(http_head_add(&h, SPAN_LITERAL("X-Key"),
				 SPAN_LITERAL("stand-in"), false),
		0);
	assert_int_equal(http_head_add(&h, SPAN_LITERAL("Y"),
				 SPAN_LITERAL("plain"), false),
		0);
	assert_int_equal(
		http_head_replace(&h, 0, SPAN_LITERAL("bad\r\nX: y")), -EINVAL);
	assert_false(h.fields[0].secret);
	assert_int_equal(http_head_replace(&h, 0, SPAN_LITERAL(" canary ")), 0);
	assert_span(http_head_name(&h, &h.fields[0]), "X-Key");
	assert_span(http_head_value(&h, &h.fields[0]), "canary");
	assert_true(h.fields[0].secret);
	assert_false(h.fields[1].secret);
	http_head_clear(&h);
	assert_null(memmem(h.text, h.text_size, "canary", 6));

	/* So is a target that holds one. */
	h.secret_target = true;
	assert_int_equal(http_head_set_target(&h, SPAN_LITERAL("/canary")), 0);
	http_head_clear(&h);
	assert_false(h.secret_target);
	assert_null(memmem(h.text, h.text_size, "canary", 6));
	http_head_done(&h);
	assert_null(h.text);
	assert_null(h.fields);
}

/* Eight bytes are looked at together: each byte at each place of them. */
static void
test_every_byte_at_every_place(void **state)
{
	enum { LENGTH = 19 };

	(void)state;
	for (int c = 0; c < 256; c++) {
		bool value = (c >= ' ' && c != 0x7f) || c == '\t';
		bool visible = c > ' ' && c < 0x7f;

		for (size_t i = 0; i < LENGTH; i++) {
			char text[LENGTH];

			memset(text, 'a', LENGTH);
			text[i] = (char)c;
			assert_int_equal(
				http_is_value((struct span){text, LENGTH}),
				value);
			assert_int_equal(
				http_is_visible((struct span){text, LENGTH}),
				visible);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_may_be_added),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_known_names),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_remove_takes_what_looks_alike),
		cmocka_unit_test(test_parts_of_a_request),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_memory_is_kept_and_wiped),
		cmocka_unit_test(test_every_byte_at_every_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
