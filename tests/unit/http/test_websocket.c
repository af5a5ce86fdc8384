/* The keys of both legs of a WebSocket, and who is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "rules.h"
#include "websocket.h"

/* RFC 6455 1.3. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

struct field {
	const char *name, *value;
};

enum {
	FIELDS_MAX = 4,
};

static void
fill(struct http_head *h, const struct field *fields)
{
	http_head_init(h);
	for (int i = 0; i < FIELDS_MAX && fields[i].name != NULL; i++)
		assert_int_equal(http_head_add(h, span_of(fields[i].name),
					 span_of(fields[i].value), false),
			0);
}

static void
fill_request(struct http_head *h, const struct field *fields)
{
	fill(h, fields);
	assert_int_equal(http_head_set_method(h, SPAN_LITERAL("GET")), 0);
	assert_int_equal(http_head_set_target(h, SPAN_LITERAL("/chat")), 0);
}

static struct span
value_of(const struct http_head *h, const char *name)
{
	const struct http_field *f = http_head_find_name(h, span_of(name));

	return f != NULL ? http_head_value(h, f) : SPAN_LITERAL("");
}

#define K "Sec-WebSocket-Key"
#define V "Sec-WebSocket-Version"

static const struct {
	const char *protocol;
	struct field fields[FIELDS_MAX];
	enum http_version down;
	int status; /* 0: fine */
	const char *why;
	const char *reason;
} requests[] = {
	{"websocket", {{K, KEY}, {V, "13"}}, HTTP_1, 0, NULL, "as it should"},
	{"websocket",
		{{"sec-websocket-key", KEY}, {"sec-websocket-version", "13"}},
		HTTP_1, 0, NULL, "names in any case"},
	{"websocket", {{K, "++//++//++//++//++//+/=="}, {V, "13"}}, HTTP_1, 0,
		NULL, "all of the alphabet"},
	{"websocket", {{V, "13"}}, HTTP_1, 400, "no Sec-WebSocket-Key field",
		"no key"},
	{"websocket", {{K, KEY}, {K, KEY}, {V, "13"}}, HTTP_1, 400,
		"two Sec-WebSocket-Key fields", "two keys"},
	{"websocket", {{K, ""}, {V, "13"}}, HTTP_1, 400,
		"Sec-WebSocket-Key is not 16 bytes", "an empty key"},
	{"websocket", {{K, "dGhlIHNhbXBsZSBub25jZQ="}, {V, "13"}}, HTTP_1, 400,
		"Sec-WebSocket-Key is not 16 bytes", "a character less"},
	{"websocket", {{K, "dGhlIHNhbXBsZSBub25jZQ==="}, {V, "13"}}, HTTP_1,
		400, "Sec-WebSocket-Key is not 16 bytes", "a character more"},
	{"websocket", {{K, "dGhlIHNhbXBsZSBub25jZTE="}, {V, "13"}}, HTTP_1, 400,
		"Sec-WebSocket-Key is not 16 bytes", "17 bytes"},
	{"websocket", {{K, "dGhlIHNhbXBsZSBub25jZTEy"}, {V, "13"}}, HTTP_1, 400,
		"Sec-WebSocket-Key is not 16 bytes", "18 bytes"},
	{"websocket", {{K, "dGhlIHNhbXBsZSBubw=="}, {V, "13"}}, HTTP_1, 400,
		"Sec-WebSocket-Key is not 16 bytes", "13 bytes, padded"},
	{"websocket", {{K, "dGhlIHNhbXBsZSBub25jZTEyMw=="}, {V, "13"}}, HTTP_1,
		400, "Sec-WebSocket-Key is not 16 bytes", "19 bytes, padded"},
	{"websocket", {{K, "dGhlIHNhbXBsZSBub25j-Q=="}, {V, "13"}}, HTTP_1, 400,
		"Sec-WebSocket-Key is not 16 bytes", "another alphabet"},
	{"websocket", {{K, "=GhlIHNhbXBsZSBub25jZQ=="}, {V, "13"}}, HTTP_1, 400,
		"Sec-WebSocket-Key is not 16 bytes", "padding in front"},
	{"websocket", {{K, KEY}}, HTTP_1, 400, "no Sec-WebSocket-Version field",
		"no version"},
	{"websocket", {{K, KEY}, {V, "13"}, {V, "13"}}, HTTP_1, 400,
		"two Sec-WebSocket-Version fields", "two versions"},
	{"websocket", {{K, KEY}, {V, "8"}}, HTTP_1, 426,
		"a version of WebSocket other than 13", "an older version"},
	{"websocket", {{K, KEY}, {V, "13, 8"}}, HTTP_1, 426,
		"a version of WebSocket other than 13", "a list"},
	{"websocket", {{K, KEY}, {V, "013"}}, HTTP_1, 426,
		"a version of WebSocket other than 13", "another spelling"},
	{"websocket", {{K, KEY}, {V, ""}}, HTTP_1, 426,
		"a version of WebSocket other than 13", "an empty one"},
	{"websocket", {{V, "13"}}, HTTP_2, 0, NULL, "HTTP/2 needs no key"},
	{"websocket", {{K, "x"}, {V, "13"}}, HTTP_2, 0, NULL,
		"… and does not look at one"},
	{"websocket", {{NULL, NULL}}, HTTP_2, 400,
		"no Sec-WebSocket-Version field", "a version it needs"},
	{"websocket", {{V, "12"}}, HTTP_2, 426,
		"a version of WebSocket other than 13", "… and which"},
	{"connect-udp", {{K, KEY}, {V, "13"}}, HTTP_2, 501,
		"a protocol other than websocket", "another protocol"},
	{"connect-udp", {{V, "13"}}, HTTP_1, 501,
		"a protocol other than websocket", "… comes first"},
};

static void
test_who_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		struct http_head h;
		const char *why;
		int status = 0;

		fill_request(&h, requests[i].fields);
		http_head_set_protocol(&h, span_of(requests[i].protocol));
		why = websocket_refuse(&h, requests[i].down, &status);
		if (status != requests[i].status ||
			(why == NULL) != (requests[i].why == NULL) ||
			(why != NULL && strcmp(why, requests[i].why) != 0))
			fail_msg("%s: %d %s", requests[i].reason, status,
				why != NULL ? why : "fine");
		http_head_done(&h);
	}
}

static void
test_the_rfc_own_key(void **state)
{
	static const struct field asked[FIELDS_MAX] = {{K, KEY}};
	struct http_head request, out;

	(void)state;
	fill_request(&request, asked);
	http_head_init(&out);
	assert_int_equal(websocket_answer(&request, HTTP_1, &out), 0);
	assert_int_equal(out.field_count, 1);
	assert_true(span_equals(
		value_of(&out, "Sec-WebSocket-Accept"), SPAN_LITERAL(ACCEPT)));
	http_head_clear(&out);
	assert_int_equal(websocket_answer(&request, HTTP_2, &out), 0);
	assert_int_equal(out.field_count, 0);
	http_head_done(&request);
	http_head_done(&out);
}

static const struct {
	struct field fields[FIELDS_MAX];
	const char *why; /* NULL: fine */
	const char *reason;
} answers[] = {
	{{{"Sec-WebSocket-Accept", ACCEPT}}, NULL, "the answer to this key"},
	{{{"sec-websocket-accept", " " ACCEPT " "}}, NULL, "blanks around it"},
	{{{NULL, NULL}}, "a 101 without Sec-WebSocket-Accept", "none"},
	{{{"Sec-WebSocket-Accept", ACCEPT}, {"Sec-WebSocket-Accept", ACCEPT}},
		"a 101 with two Sec-WebSocket-Accept fields", "two"},
	{{{"Sec-WebSocket-Accept", "S3pPLMBiTxaQ9kYGzzhZRbK+xOo="}},
		"Sec-WebSocket-Accept does not answer our key", "case"},
	{{{"Sec-WebSocket-Accept", ""}},
		"Sec-WebSocket-Accept does not answer our key", "empty"},
	{{{"Sec-WebSocket-Accept", KEY}},
		"Sec-WebSocket-Accept does not answer our key", "an echo"},
	{{{"Sec-WebSocket-Accept", ACCEPT ", " ACCEPT}},
		"Sec-WebSocket-Accept does not answer our key", "a list"},
};

/* Threat 26: a 101 that answers no key of ours. */
static void
test_threat_26_the_origin_must_answer_our_key(void **state)
{
	const struct websocket asked = {KEY}, none = {""};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct http_head h;
		const char *why;

		fill(&h, answers[i].fields);
		h.status = 101;
		why = websocket_check(&asked, &h);
		if ((why == NULL) != (answers[i].why == NULL) ||
			(why != NULL && strcmp(why, answers[i].why) != 0))
			fail_msg("%s: %s", answers[i].reason,
				why != NULL ? why : "fine");
		/* Over HTTP/2 nothing was asked that it could answer. */
		assert_null(websocket_check(&none, &h));
		http_head_done(&h);
	}
}

/* All the way: no key of one leg is seen on the other, and each is answered. */
static void
test_each_leg_has_its_own_key(void **state)
{
	static const struct field asked[FIELDS_MAX] = {
		{K, KEY}, {V, "13"}, {"Sec-WebSocket-Protocol", "chat"}};
	static const struct field claimed[FIELDS_MAX] = {
		{"Sec-WebSocket-Accept", ACCEPT},
		{"Sec-WebSocket-Protocol", "chat"}};
	struct http_head request, up, switched, down;
	struct websocket first = {""}, second = {""};
	int status;

	(void)state;
	fill_request(&request, asked);
	http_head_set_protocol(&request, SPAN_LITERAL("websocket"));
	http_head_init(&up);
	http_head_init(&down);
	for (int i = 0; i < 2; i++) {
		struct websocket *w = i == 0 ? &first : &second;

		assert_int_equal(http_rules_request(
					 &request, SPAN_LITERAL("a.test"), &up),
			0);
		assert_int_equal(http_head_protocol(&up).len, 0);
		assert_int_equal(websocket_ask(w, HTTP_1, &up), 0);
		assert_true(span_equals(
			http_head_protocol(&up), SPAN_LITERAL("websocket")));
		assert_true(span_equals(value_of(&up, K), span_of(w->key)));
		assert_true(span_equals(value_of(&up, "Sec-WebSocket-Protocol"),
			SPAN_LITERAL("chat")));
		/* What goes up is what we would let through ourselves. */
		assert_null(websocket_refuse(&up, HTTP_1, &status));
	}
	assert_string_not_equal(first.key, KEY);
	assert_string_not_equal(first.key, second.key);

	/* The answer to the sandbox's key is none to ours. */
	fill(&switched, claimed);
	switched.status = 101;
	assert_non_null(websocket_check(&second, &switched));
	http_head_clear(&switched);
	switched.status = 101;
	assert_int_equal(websocket_answer(&up, HTTP_1, &switched), 0);
	assert_null(websocket_check(&second, &switched));
	assert_non_null(websocket_check(&first, &switched));

	assert_int_equal(http_rules_response(&switched, &down), 0);
	assert_int_equal(value_of(&down, "Sec-WebSocket-Accept").len, 0);
	assert_int_equal(websocket_answer(&request, HTTP_1, &down), 0);
	assert_true(span_equals(
		value_of(&down, "Sec-WebSocket-Accept"), SPAN_LITERAL(ACCEPT)));

	http_head_done(&request);
	http_head_done(&up);
	http_head_done(&switched);
	http_head_done(&down);
}

static void
test_a_leg_over_http2_has_none(void **state)
{
	static const struct field asked[FIELDS_MAX] = {{K, KEY}, {V, "13"}};
	struct websocket w = {KEY};
	struct http_head request, up;

	(void)state;
	fill_request(&request, asked);
	http_head_init(&up);
	assert_int_equal(
		http_rules_request(&request, SPAN_LITERAL("a.test"), &up), 0);
	assert_int_equal(websocket_ask(&w, HTTP_2, &up), 0);
	assert_string_equal(w.key, "");
	assert_int_equal(value_of(&up, K).len, 0);
	assert_true(span_equals(value_of(&up, V), SPAN_LITERAL("13")));
	assert_true(span_equals(
		http_head_protocol(&up), SPAN_LITERAL("websocket")));
	http_head_done(&request);
	http_head_done(&up);
}

static void
test_a_426_says_what_would_do(void **state)
{
	struct http_head h;

	(void)state;
	http_head_init(&h);
	assert_int_equal(websocket_add_version(&h), 0);
	assert_true(span_equals(value_of(&h, V), SPAN_LITERAL("13")));
	http_head_done(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_is_refused),
		cmocka_unit_test(test_the_rfc_own_key),
		cmocka_unit_test(test_threat_26_the_origin_must_answer_our_key),
		cmocka_unit_test(test_each_leg_has_its_own_key),
		cmocka_unit_test(test_a_leg_over_http2_has_none),
		cmocka_unit_test(test_a_426_says_what_would_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
