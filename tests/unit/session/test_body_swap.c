#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "body_swap.h"
#include "conn.h"
#include "secret.h"

#define MINE "ghp_Ab3dEf6h"
#define WRONG "npm_12345678"
#define VALUE "v\"alue"

enum { IS_MINE, IS_WRONG, GOT_MAX = 1024 * 1024, BOUND = 64 * 1024 };

static struct body_swap b;
static struct body_swap_want want;
static struct http_head head;
static struct buf in, out;
static struct http_conn *conn;
static struct http_stream *from;
static char *got;
static size_t got_len;

static int
set_up(void **state)
{
	static const struct span words[] = {
		SPAN_LITERAL(MINE), SPAN_LITERAL(WRONG)};

	(void)state;
	b = (struct body_swap){0};
	want = (struct body_swap_want){.wrong = 1 << IS_WRONG};
	assert_int_equal(swap_set_new(words, ARRAY_LEN(words), &want.set), 0);
	want.values[IS_MINE] = secret_new(VALUE, strlen(VALUE));
	http_head_init(&head);
	buf_init(&in, BOUND);
	buf_init(&out, BOUND);
	conn = http_server_new(HTTP_1, &in, &out);
	got = malloc(GOT_MAX);
	got_len = 0;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	body_swap_done(&b);
	http_conn_free(conn);
	buf_done(&in);
	buf_done(&out);
	http_head_done(&head);
	secret_unref(want.values[IS_MINE]);
	swap_set_unref(want.set);
	free(got);
	return 0;
}

static void
begin_again(void **state)
{
	tear_down(state);
	set_up(state);
}

static void
feed(struct span s)
{
	assert_int_equal(buf_add(&in, s.ptr, s.len), 0);
	http_conn_run(conn, false);
}

/* A request of that type; its body follows in chunks. */
static int
ask(const char *type)
{
	char text[256];

	snprintf(text, sizeof(text),
		"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Type: %s\r\n"
		"Transfer-Encoding: chunked\r\n\r\n",
		type);
	feed(span_of(text));
	from = http_conn_accept(conn);
	assert_non_null(from);
	http_head_add(
		&head, SPAN_LITERAL("Content-Type"), span_of(type), false);
	head.framing = HTTP_CHUNKED;
	return body_swap_open(&b, &want, &head);
}

static void
chunk(const char *text, size_t len)
{
	char size[16];

	if (len == 0)
		return;
	feed((struct span){
		size, (size_t)snprintf(size, sizeof(size), "%zx\r\n", len)});
	feed((struct span){text, len});
	feed(SPAN_LITERAL("\r\n"));
}

/* All that is shown, sent in pieces of at most `most` bytes. */
static enum http_body
take(size_t most)
{
	struct span data;
	enum http_body body;

	while ((body = body_swap_peek(&b, from, &data)) == HTTP_DATA) {
		size_t n = data.len < most ? data.len : most;

		assert_true(n > 0 && n <= GOT_MAX - got_len);
		memcpy(got + got_len, data.ptr, n);
		got_len += n;
		body_swap_consume(&b, from, n);
	}
	return body;
}

static void
assert_got(const char *text, const char *why)
{
	if (!span_equals((struct span){got, got_len}, span_of(text)))
		fail_msg("%s: %.*s", why, (int)got_len, got);
}

/* ---- which bodies ------------------------------------------------------- */

static const struct {
	const char *type, *encoding;
	enum body_swap_mode mode;
	const char *why;
} types[] = {
	{"application/json", NULL, BODY_SWAP_PUTS, "JSON"},
	{"Application/JSON ; charset=utf-8", NULL, BODY_SWAP_PUTS,
		"with a parameter"},
	{"application/vnd.api+json;v=1", NULL, BODY_SWAP_PUTS, "a kind of it"},
	{"application/x-www-form-urlencoded", NULL, BODY_SWAP_PUTS, "a form"},
	{"application/json", "identity", BODY_SWAP_PUTS, "encoded as it is"},
	{"application/json", "gzip", BODY_SWAP_OFF, "compressed"},
	{"application/json", "identity, br", BODY_SWAP_OFF, "both"},
	{"text/plain", "zstd", BODY_SWAP_OFF, "compressed, and no JSON"},
	{"multipart/form-data; boundary=x", NULL, BODY_SWAP_LOOKS,
		"a form of another kind"},
	{"text/plain", NULL, BODY_SWAP_LOOKS, "text"},
	{"application/json5", NULL, BODY_SWAP_LOOKS, "nearly JSON"},
	{"application/jsonx+", NULL, BODY_SWAP_LOOKS, "nearly, too"},
	{"", NULL, BODY_SWAP_LOOKS, "nothing was said"},
};

static void
test_types(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		http_head_add(&head, SPAN_LITERAL("content-type"),
			span_of(types[i].type), false);
		if (types[i].encoding != NULL)
			http_head_add(&head, SPAN_LITERAL("Content_Encoding"),
				span_of(types[i].encoding), false);
		head.framing = HTTP_LENGTH;
		head.content_length = 100;
		assert_int_equal(body_swap_open(&b, &want, &head), 0);
		if (b.mode != types[i].mode)
			fail_msg("%s: %d", types[i].why, (int)b.mode);
		/* The value is not as long as what stands for it. */
		if (b.mode == BODY_SWAP_PUTS)
			assert_int_equal(head.framing, HTTP_CHUNKED);
		else
			assert_int_equal(head.framing, HTTP_LENGTH);
		begin_again(state);
	}
}

static void
test_two_types_are_none(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		http_head_add(&head, SPAN_LITERAL("Content-Type"),
			SPAN_LITERAL("application/json"), false);
	head.framing = HTTP_CHUNKED;
	assert_int_equal(body_swap_open(&b, &want, &head), 0);
	assert_int_equal(b.mode, BODY_SWAP_LOOKS);
}

/* Nothing to look for, or nowhere to look. */
static void
test_off(void **state)
{
	struct body_swap_want none = {.set = NULL};

	http_head_add(&head, SPAN_LITERAL("Content-Type"),
		SPAN_LITERAL("application/json"), false);
	head.framing = HTTP_NO_BODY;
	assert_int_equal(body_swap_open(&b, &want, &head), 0);
	assert_int_equal(b.mode, BODY_SWAP_OFF);
	head.framing = HTTP_CHUNKED;
	assert_int_equal(body_swap_open(&b, &none, &head), 0);
	assert_int_equal(b.mode, BODY_SWAP_OFF);
	assert_int_equal(body_swap_wrong(&b), 0);
	begin_again(state);

	want.wrong = 0;
	assert_int_equal(ask("text/plain"), 0);
	assert_int_equal(b.mode, BODY_SWAP_OFF);
	chunk("a " WRONG, strlen("a " WRONG));
	feed(SPAN_LITERAL("0\r\n\r\n"));
	assert_int_equal(take(5), HTTP_END);
	assert_got("a " WRONG, "as it came");
}

/* The length that was said holds if nothing can change it. */
static void
test_length(void **state)
{
	static const struct {
		const char *value, *type;
		enum http_framing framing;
	} rows[] = {
		{"twelve-bytes", "application/json", HTTP_LENGTH},
		{"twelve\"bytes", "application/json", HTTP_CHUNKED},
		{"twelve\"bytes", "application/x-www-form-urlencoded",
			HTTP_CHUNKED},
		{"eleven\"byte", "application/json", HTTP_LENGTH},
		{"shorter", "application/json", HTTP_CHUNKED},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		secret_unref(want.values[IS_MINE]);
		want.values[IS_MINE] =
			secret_new(rows[i].value, strlen(rows[i].value));
		http_head_add(&head, SPAN_LITERAL("Content-Type"),
			span_of(rows[i].type), false);
		head.framing = HTTP_LENGTH;
		head.content_length = 100;
		assert_int_equal(body_swap_open(&b, &want, &head), 0);
		assert_int_equal(head.framing, rows[i].framing);
		begin_again(state);
	}
}

/* ---- on its way --------------------------------------------------------- */

static const struct {
	const char *type, *text, *sent;
	const char *why;
} bodies[] = {
	{"application/json", "{\"k\":\"" MINE "\"}", "{\"k\":\"v\\\"alue\"}",
		"JSON"},
	{"application/json", "{\"k\":\"" MINE MINE "\"}",
		"{\"k\":\"v\\\"aluev\\\"alue\"}", "twice"},
	{"application/x-www-form-urlencoded", "a=1&k=" MINE, "a=1&k=v%22alue",
		"a form, and its end"},
	{"application/json", "\"ghp_Ab3dEf6", "\"ghp_Ab3dEf6",
		"held back to the end"},
	{"text/plain", "a " MINE " b", "a " MINE " b", "only looked at"},
};

/* Cut into two chunks at each byte, each sent in pieces of several sizes, with
 * and without a look in between. */
static void
test_every_cut(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		size_t len = strlen(bodies[i].text);

		for (size_t n = 0; n < (len + 1) * 8; n++) {
			size_t cut = n / 8, most = 1 + n % 4;

			assert_int_equal(ask(bodies[i].type), 0);
			chunk(bodies[i].text, cut);
			if (n % 8 >= 4)
				assert_int_equal(take(most), HTTP_WAIT);
			chunk(bodies[i].text + cut, len - cut);
			assert_int_equal(take(most), HTTP_WAIT);
			feed(SPAN_LITERAL("0\r\n\r\n"));
			assert_int_equal(take(most), HTTP_END);
			assert_int_equal(body_swap_wrong(&b), 0);
			assert_got(bodies[i].sent, bodies[i].why);
			begin_again(state);
		}
	}
}

/* What would tell where it goes is not sent, however it is cut; and nothing
 * behind it. */
static void
test_threat_32_wrong_host(void **state)
{
	static const char text[] = "before " WRONG " behind";
	size_t len = strlen(text), end = strlen("before " WRONG);

	for (size_t n = 0; n < 2 * (len + 1) * 8; n++) {
		size_t cut = n / 16, most = 1 + n % 4;
		struct span data;

		assert_int_equal(
			ask(n % 2 == 0 ? "application/json" : "text/plain"), 0);
		chunk(text, cut);
		if (n % 16 >= 8)
			take(most);
		chunk(text + cut, len - cut);
		assert_int_equal(take(most), HTTP_BROKEN);
		assert_int_equal(body_swap_wrong(&b), 1 << IS_WRONG);
		assert_int_equal(body_swap_peek(&b, from, &data), HTTP_BROKEN);
		assert_null(memmem(got, got_len, WRONG, strlen(WRONG)));
		/* Nothing at all of the piece in which it ends. */
		assert_true(got_len <= (cut < end ? cut : 0));
		begin_again(state);
	}
}

/* Much more comes out than goes in, through the one buffer. */
static void
test_long_values(void **state)
{
	enum { LONG = 4000, COUNT = 100 };
	static char value[LONG];
	size_t n = 0;

	(void)state;
	memset(value, '"', sizeof(value));
	secret_unref(want.values[IS_MINE]);
	want.values[IS_MINE] = secret_new(value, sizeof(value));
	assert_int_equal(ask("application/json"), 0);
	for (int i = 0; i < COUNT; i++)
		chunk(MINE ",", strlen(MINE ","));
	feed(SPAN_LITERAL("0\r\n\r\n"));
	while (take(997) == HTTP_DATA)
		assert_true(b.out.size <= 16 * 1024);
	assert_int_equal(got_len, COUNT * (2 * LONG + 1));
	for (size_t i = 0; i < got_len; i++)
		n += got[i] == '"';
	assert_int_equal(n, COUNT * LONG);
}

/* The stream is told of what was taken from it, not of what was sent. */
static void
test_consumes_what_it_took(void **state)
{
	struct span data;

	(void)state;
	assert_int_equal(ask("application/json"), 0);
	chunk("a" MINE, strlen("a" MINE));
	assert_int_equal(body_swap_peek(&b, from, &data), HTTP_DATA);
	assert_int_equal(http_stream_peek(from, &data), HTTP_WAIT);
	assert_int_equal(body_swap_peek(&b, from, &data), HTTP_DATA);
	assert_int_equal(data.len, 1 + strlen("v\\\"alue"));
}

/* What is empty is wiped and given back. */
static void
test_threat_36_nothing_stays(void **state)
{
	(void)state;
	assert_int_equal(ask("application/json"), 0);
	chunk(MINE, strlen(MINE));
	assert_int_equal(take(100), HTTP_WAIT);
	assert_true(b.out.secret);
	assert_null(b.out.data);
}

/* Sent again: what follows goes on, with the same value or not at all. */
static void
test_open_again(void **state)
{
	struct secret *same = secret_new(VALUE, strlen(VALUE));

	(void)state;
	assert_int_equal(ask("application/json"), 0);
	chunk("\"" MINE "\", \"ghp_Ab3", strlen("\"" MINE "\", \"ghp_Ab3"));
	assert_int_equal(take(100), HTTP_WAIT);
	secret_unref(want.values[IS_MINE]);
	want.values[IS_MINE] = same;
	head.framing = HTTP_LENGTH;
	assert_int_equal(body_swap_open(&b, &want, &head), 0);
	assert_int_equal(head.framing, HTTP_CHUNKED);
	chunk("dEf6h\"", strlen("dEf6h\""));
	assert_int_equal(take(100), HTTP_WAIT);
	assert_got("\"v\\\"alue\", \"v\\\"alue\"", "once each");

	secret_unref(want.values[IS_MINE]);
	want.values[IS_MINE] = secret_new("other", 5);
	assert_int_equal(body_swap_open(&b, &want, &head), -ENOKEY);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_types),
		TEST(test_two_types_are_none),
		TEST(test_off),
		TEST(test_length),
		TEST(test_every_cut),
		TEST(test_threat_32_wrong_host),
		TEST(test_long_values),
		TEST(test_consumes_what_it_took),
		TEST(test_threat_36_nothing_stays),
		TEST(test_open_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
