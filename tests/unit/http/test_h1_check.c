/*
 * The rules of a complete head alone, over heads that llhttp would not have let
 * come so far: each of the two has to hold without the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "buf.h"
#include "h1.h"

struct pairs {
	const char *name, *value;
};

static const struct {
	const char *target;
	struct pairs fields[3];
	enum h1_refused why;
	const char *reason;
} cases[] = {
	{"/", {{NULL, NULL}}, H1_FINE, "nothing wrong"},
	{"/", {{"Content-Length", "1"}, {"Content-Length", "1"}},
		H1_TWO_LENGTHS, "two lengths"},
	{"/", {{"Content-Length", "1"}, {"Transfer-Encoding", "chunked"}},
		H1_LENGTH_AND_TE, "both"},
	{"/",
		{{"Transfer-Encoding", "chunked"},
			{"Transfer-Encoding", "chunked"}},
		H1_TWO_TE, "two codings"},
	{"/", {{"Transfer-Encoding", "chunked, x"}}, H1_BAD_TE, "not last"},
	{"/", {{"Transfer-Encoding", "x y, chunked"}}, H1_BAD_TE, "no token"},
	{"/", {{"Transfer-Encoding", "x, chunked"}}, H1_UNKNOWN_TE, "another"},
	{"/", {{"Content-Length", ""}}, H1_BAD_LENGTH, "empty"},
	{"/", {{"Content-Length", "1,1"}}, H1_BAD_LENGTH, "a list"},
	{"/", {{"Content-Length", "01"}}, H1_BAD_LENGTH, "a zero before"},
	{"/", {{"Content-Length", "1 "}}, H1_FINE, "blanks are cut"},
	{"/", {{"Content-Length", "9223372036854775808"}}, H1_BAD_LENGTH,
		"2^63"},
	{"/", {{"Content-Length", "99999999999999999999999"}}, H1_BAD_LENGTH,
		"more than 64 bits"},
	{"/", {{"Host", "b.test"}}, H1_TWO_HOSTS, "two hosts"},
	{"a.test:80", {{NULL, NULL}}, H1_TARGET_FORM, "authority form"},
	{"ftp://a.test/", {{NULL, NULL}}, H1_TARGET_SCHEME, "scheme"},
	{"http://", {{NULL, NULL}}, H1_TARGET_SCHEME, "no authority"},
	{"*", {{NULL, NULL}}, H1_TARGET_FORM, "asterisk"},
};

static void
test_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct pairs *p = cases[i].fields;
		enum h1_refused why;
		struct http_head h;

		http_head_init(&h);
		http_head_set_method(&h, SPAN_LITERAL("GET"));
		http_head_set_target(&h, span_of(cases[i].target));
		http_head_add(&h, SPAN_LITERAL("Host"), SPAN_LITERAL("a.test"),
			false);
		for (; p < cases[i].fields + 3 && p->name != NULL; p++)
			assert_int_equal(http_head_add(&h, span_of(p->name),
						 span_of(p->value), false),
				0);
		why = h1_check_request(&h);
		if (why != cases[i].why)
			fail_msg("%s: %s", cases[i].reason,
				why ? h1_refusal(why)->text : "fine");
		http_head_done(&h);
	}
}

/* Every row of the table of refusals is there and fits an answer. */
static void
test_refusals_have_words(void **state)
{
	(void)state;
	for (int i = H1_FINE + 1; i < H1_REFUSED_COUNT; i++) {
		const struct h1_refusal *r = h1_refusal((enum h1_refused)i);

		assert_non_null(r->text);
		assert_in_range(r->status, 400, 505);
	}
}

/* Bytes that come between a response and the close are not the next one's. */
static void
test_late_bytes_spoil_the_connection(void **state)
{
	static const char response[] =
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	struct http_head h;
	struct http_stream *s;
	struct http_conn *c;
	struct buf in, out;

	(void)state;
	buf_init(&in, 1024);
	buf_init(&out, 1024);
	http_head_init(&h);
	http_head_set_method(&h, SPAN_LITERAL("GET"));
	http_head_set_target(&h, SPAN_LITERAL("/"));
	http_head_add(&h, SPAN_LITERAL("Host"), SPAN_LITERAL("a.test"), false);
	c = http_client_new(HTTP_1, &in, &out);
	s = http_conn_request(c, &h);
	assert_non_null(s);
	assert_int_equal(buf_add(&in, response, sizeof(response) - 1), 0);
	assert_int_equal(http_conn_run(c, false), 0);
	assert_true(http_stream_receive_ended(s));
	assert_int_equal(buf_add(&in, response, sizeof(response) - 1), 0);
	http_stream_close(s);
	assert_true(http_conn_must_close(c));
	assert_false(http_conn_can_request(c));
	http_conn_free(c);

	/* And on a connection that was never used. */
	c = http_client_new(HTTP_1, &in, &out);
	assert_false(http_conn_can_request(c));
	assert_int_equal(http_conn_run(c, false), 0);
	assert_true(http_conn_must_close(c));
	http_conn_free(c);
	http_head_done(&h);
	buf_done(&in);
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_refusals_have_words),
		cmocka_unit_test(test_late_bytes_spoil_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
