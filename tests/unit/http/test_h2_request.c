/*
 * Requests as an HTTP/2 server conn takes them: the model that comes of them,
 * and each way in which one can break the rules.
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
#include "h2_wire.h"

static struct wire wire;

static const struct {
	const char *fields;
	uint8_t flags;
	const char *model;
	const char *reason;
} taken[] = {
	{GET_FIELDS, END, "GET / at a.test framing 0 length 0 []", "a GET"},
	{GET_FIELDS "accept=*/*\nx-a=1\nx-a=2\n", END,
		"GET / at a.test framing 0 length 0 "
		"[accept=*/*;x-a=1;x-a=2;]",
		"fields in order"},
	{POST_FIELDS "content-length=5\n", 0,
		"POST / at a.test framing 1 length 5 [content-length=5;]",
		"a length"},
	{POST_FIELDS, 0, "POST / at a.test framing 2 length 0 []",
		"no length is chunks"},
	{POST_FIELDS "content-length=0\n", END,
		"POST / at a.test framing 0 length 0 [content-length=0;]",
		"a length of 0 is no body"},
	{POST_FIELDS "content-length=0\ntrailer=x\n", 0,
		"POST / at a.test framing 2 length 0 "
		"[content-length=0;trailer=x;]",
		"unless trailers may follow"},
	{":method=GET\n:scheme=http\n:path=/a?b\nhost=a.test:8080\n", END,
		"GET /a?b at a.test:8080 framing 0 length 0 []",
		"Host alone, and no field of it"},
	{GET_FIELDS "host=A.test\n", END,
		"GET / at a.test framing 0 length 0 []",
		"Host and :authority, the same"},
	{GET_FIELDS "cookie=a=1\nx=y\ncookie=b=2\ncookie=c=3\n", END,
		"GET / at a.test framing 0 length 0 "
		"[x=y;cookie=a=1; b=2; c=3;]",
		"crumbs are one cookie"},
	{GET_FIELDS "!authorization=Basic x\n", END,
		"GET / at a.test framing 0 length 0 [!authorization=Basic x;]",
		"never-indexed is kept as secret"},
	{GET_FIELDS "cookie=a=1\n!cookie=b=2\n", END,
		"GET / at a.test framing 0 length 0 [!cookie=a=1; b=2;]",
		"one secret crumb makes the cookie secret"},
	{POST_FIELDS "te=trailers\n", 0,
		"POST / at a.test framing 2 length 0 te [te=trailers;]",
		"te: trailers"},
	{POST_FIELDS "expect=100-continue\n", 0,
		"POST / at a.test framing 2 length 0 expect "
		"[expect=100-continue;]",
		"expect"},
	{GET_FIELDS "expect=100-continue\n", END,
		"GET / at a.test framing 0 length 0 [expect=100-continue;]",
		"expect without a body is ignored"},
	{":method=OPTIONS\n:scheme=https\n:authority=a.test\n:path=*\n", END,
		"OPTIONS * at a.test framing 0 length 0 []", "OPTIONS *"},
	{":method=CONNECT\n:protocol=websocket\n:scheme=https\n"
	 ":authority=a.test\n:path=/ws\nsec-websocket-version=13\n",
		0,
		"GET /ws at a.test framing 4 length 0 protocol websocket "
		"[sec-websocket-version=13;]",
		"an extended CONNECT is a GET that asks for a protocol"},
};

/* Till then it might still turn out to have one. */
static void
test_a_length_of_0_is_taken_when_it_has_ended(void **state)
{
	struct http_stream *s;

	(void)state;
	wire_open(&wire, true);
	wire_headers(&wire, 0, 1, POST_FIELDS "content-length=0\n");
	assert_int_equal(wire_run(&wire), 0);
	assert_null(http_conn_accept(wire.conn));
	wire_data(&wire, END, 1, 0);
	assert_int_equal(wire_run(&wire), 0);
	s = http_conn_accept(wire.conn);
	assert_non_null(s);
	assert_true(http_stream_receive_ended(s));
	wire_close(&wire);

	wire_open(&wire, true);
	wire_headers(&wire, 0, 1, POST_FIELDS "content-length=0\n");
	wire_data(&wire, END, 1, 1);
	assert_int_equal(wire_run(&wire), 0);
	s = http_conn_accept(wire.conn);
	assert_non_null(s);
	assert_null(http_stream_head(s));
	wire_close(&wire);
}

/* … or trailers, which are no less an end. */
static void
test_a_length_of_0_is_taken_when_trailers_have_come(void **state)
{
	char fields[8 * (HTTP_FIELDS_MAX + 1) + 1] = "";
	struct http_stream *s;
	int status;

	(void)state;
	wire_open(&wire, true);
	wire_headers(&wire, 0, 1, POST_FIELDS "content-length=0\n");
	assert_int_equal(wire_run(&wire), 0);
	assert_null(http_conn_accept(wire.conn));
	wire_headers(&wire, END, 1, "x-late=1\n");
	assert_int_equal(wire_run(&wire), 0);
	s = http_conn_accept(wire.conn);
	assert_non_null(s);
	assert_string_equal(wire_print(&wire, http_stream_head(s)),
		"POST / at a.test framing 2 length 0 [content-length=0;]");
	assert_true(http_stream_receive_ended(s));
	assert_int_equal(http_stream_trailers(s)->field_count, 1);
	assert_null(http_conn_accept(wire.conn));
	wire_close(&wire);

	wire_open(&wire, true);
	wire_headers(&wire, 0, 1, POST_FIELDS "content-length=0\n");
	for (size_t i = 0; i <= HTTP_FIELDS_MAX; i++)
		memcpy(fields + 6 * i, "x-a=1\n", sizeof("x-a=1\n"));
	wire_headers(&wire, END, 1, fields);
	assert_int_equal(wire_run(&wire), 0);
	s = http_conn_accept(wire.conn);
	assert_non_null(s);
	assert_null(http_stream_head(s));
	assert_non_null(http_stream_refused(s, &status));
	assert_int_equal(status, 431);
	wire_close(&wire);
}

static void
test_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
		struct http_stream *s;
		const char *model;

		wire_open(&wire, true);
		wire_headers(&wire, taken[i].flags, 1, taken[i].fields);
		assert_int_equal(wire_run(&wire), 0);
		s = http_conn_accept(wire.conn);
		if (s == NULL)
			fail_msg("%s: not accepted", taken[i].reason);
		model = wire_print(&wire, http_stream_head(s));
		if (strcmp(model, taken[i].model) != 0)
			fail_msg("%s: %s", taken[i].reason, model);
		assert_int_equal(http_stream_receive_ended(s),
			(taken[i].flags & END) != 0);
		assert_ptr_equal(http_conn_next_ready(wire.conn), s);
		assert_null(http_conn_next_ready(wire.conn));
		assert_null(http_conn_accept(wire.conn));
		wire_close(&wire);
	}
}

static const struct {
	const char *fields;
	const char *text;
	int status;
	bool answerable; /* the stream is still open for the answer */
	const char *reason;
} refused[] = {
	{GET_FIELDS "host=b.test\n",
		":authority and Host name different authorities", 400, true,
		"threat 4"},
	{":method=GET\n:scheme=https\n:path=/\n", "malformed message", 400,
		false, "no authority"},
	{":method=GET\n:scheme=https\n:authority=u@a.test\n:path=/\n",
		":authority is not host[:port]", 400, true, "userinfo"},
	{":method=GET\n:scheme=https\n:authority=\nhost=\n:path=/\n",
		"malformed message", 400, false, "empty authority"},
	{":method=GET\n:scheme=https\n:path=/\nhost=a.test:0\n",
		":authority is not host[:port]", 400, true, "port 0"},
	{":method=GET\n:scheme=ftp\n:authority=a.test\n:path=/\n",
		"the scheme is not http or https", 400, true, "scheme"},
	{":method=GET\n:scheme=https\n:authority=a.test\n:path=/a#b\n",
		"malformed target", 400, true, "a fragment"},
	{":method=GET\n:scheme=https\n:authority=a.test\n:path=a\n",
		"malformed message", 400, false, "a path without slash"},
	{":method=GET\n:scheme=https\n:authority=a.test\n:path=*\n",
		"malformed message", 400, false, "* without OPTIONS"},
	{":method=CONNECT\n:authority=a.test:443\n",
		"CONNECT is not carried: tunnels would not be inspected", 405,
		true, "CONNECT"},
	{GET_FIELDS ":protocol=websocket\n", "malformed message", 400, false,
		":protocol without CONNECT"},
	{GET_FIELDS ":method=GET\n", "malformed message", 400, false,
		"two methods"},
	{GET_FIELDS "x=1\n:path=/\n", "malformed message", 400, false,
		"a pseudo field behind others"},
	{GET_FIELDS ":status=200\n", "malformed message", 400, false,
		"a response's pseudo field"},
	{GET_FIELDS "X-A=1\n", "malformed message", 400, false,
		"an upper-case name (threat 22)"},
	{GET_FIELDS "x a=1\n", "malformed field", 400, true,
		"a space in a name"},
	{GET_FIELDS "x-a=1\r2\n", "malformed field", 400, true,
		"CR in a value"},
	{GET_FIELDS "x-a= 1\n", "malformed field", 400, true,
		"a blank before a value"},
	{GET_FIELDS "connection=close\n", "malformed message", 400, false,
		"connection"},
	{GET_FIELDS "transfer-encoding=chunked\n", "malformed message", 400,
		false, "transfer-encoding"},
	{GET_FIELDS "upgrade=h2c\n", "malformed message", 400, false,
		"upgrade"},
	{GET_FIELDS "te=gzip\n", "malformed message", 400, false, "te"},
	{GET_FIELDS "expect=200-maybe\n",
		"an expectation other than 100-continue", 417, true, "expect"},
	{GET_FIELDS "content-length=00\n",
		"Content-Length is not one plain "
		"number",
		400, true, "a length with zeroes"},
	{GET_FIELDS "content-length=5\n", "malformed message", 400, false,
		"a length and no body"},
	{GET_FIELDS "content-length=0\ncontent-length=0\n", "malformed message",
		400, false, "two lengths"},
};

static void
test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct http_head no = wire_response_head(400, "");
		struct http_stream *s;
		const char *text, *said;
		int status = 0;

		wire_open(&wire, true);
		wire_headers(&wire, END, 1, refused[i].fields);
		assert_int_equal(wire_run(&wire), 0);
		s = http_conn_accept(wire.conn);
		if (s == NULL)
			fail_msg("%s: not shown", refused[i].reason);
		assert_null(http_stream_head(s));
		text = http_stream_refused(s, &status);
		if (text == NULL || strcmp(text, refused[i].text) != 0 ||
			status != refused[i].status)
			fail_msg("%s: %d %s", refused[i].reason, status, text);
		assert_null(http_conn_accept(wire.conn));

		assert_int_equal(http_stream_send_head(s, &no), 0);
		assert_int_equal(http_stream_send_end(s, NULL), 0);
		http_stream_close(s);
		said = wire_said(&wire);
		if (strcmp(said, refused[i].answerable
					 ? "HEADERS(1,end)[:status=400;]"
					 : "RST(1,1)") != 0)
			fail_msg("%s: %s", refused[i].reason, said);

		/* And the connection is good for the next. */
		wire_headers(&wire, END, 3, GET_FIELDS);
		assert_int_equal(wire_run(&wire), 0);
		assert_non_null(http_conn_accept(wire.conn));
		wire_close(&wire);
	}
}

/* ---- bounds ---- */

static char *
many_fields(size_t count, size_t value_len)
{
	size_t line = strlen("x-0000=\n") + value_len;
	char *text = calloc(1, strlen(GET_FIELDS) + count * line + 1);
	char *at = text;

	assert_non_null(text);
	at = stpcpy(at, GET_FIELDS);
	for (size_t i = 0; i < count; i++) {
		at += sprintf(at, "x-%04zu=", i % 10000);
		memset(at, 'v', value_len);
		at += value_len;
		*at++ = '\n';
	}
	return text;
}

static const struct {
	size_t count, value_len;
	int status; /* 0: taken */
	const char *reason;
} bounds[] = {
	{128, 1, 0, "as many fields as may be"},
	{129, 1, 431, "one more"},
	{10000, 1, 431, "very many (threat 47)"},
	{1, 60000, 0, "a large value"},
	{2, 33000, 431, "two values too large"},
	{100, 1000, 431, "many large values"},
};

static void
test_bounds(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
		char *fields =
			many_fields(bounds[i].count, bounds[i].value_len);
		struct http_stream *s;
		int status = 0;

		wire_open(&wire, true);
		wire_headers(&wire, END, 1, fields);
		free(fields);
		assert_int_equal(wire_run(&wire), 0);
		s = http_conn_accept(wire.conn);
		assert_non_null(s);
		(void)http_stream_refused(s, &status);
		if (status != bounds[i].status)
			fail_msg("%s: %d", bounds[i].reason, status);
		/* The table of the connection is as the peer knows it. */
		wire_headers(&wire, END, 3, GET_FIELDS);
		assert_int_equal(wire_run(&wire), 0);
		s = http_conn_accept(wire.conn);
		assert_non_null(s);
		assert_non_null(http_stream_head(s));
		wire_close(&wire);
	}
}

static void
test_crumbs_without_number(void **state)
{
	size_t count = 3000;
	char *fields = calloc(1, strlen(GET_FIELDS) + count * 12 + 1), *at;
	struct http_stream *s;

	(void)state;
	assert_non_null(fields);
	at = stpcpy(fields, GET_FIELDS);
	for (size_t i = 0; i < count; i++)
		at = stpcpy(at, "cookie=a=b\n");
	wire_open(&wire, true);
	wire_headers(&wire, END, 1, fields);
	free(fields);
	assert_int_equal(wire_run(&wire), 0);
	s = http_conn_accept(wire.conn);
	assert_non_null(s);
	assert_non_null(http_stream_head(s));
	assert_int_equal(http_stream_head(s)->field_count, 1);
	assert_int_equal(
		http_stream_head(s)->fields[0].value_len, count * 5 - 2);
	wire_close(&wire);
}

static void
test_long_target(void **state)
{
	char fields[20 * 1024];
	struct http_stream *s;
	int status = 0;

	(void)state;
	sprintf(fields,
		":method=GET\n:scheme=https\n:authority=a\n:path=/%*d\n", 17000,
		1);
	for (char *at = fields; *at != '\0'; at++) {
		if (*at == ' ')
			*at = 'p';
	}
	wire_open(&wire, true);
	wire_headers(&wire, END, 1, fields);
	assert_int_equal(wire_run(&wire), 0);
	s = http_conn_accept(wire.conn);
	assert_non_null(s);
	(void)http_stream_refused(s, &status);
	assert_int_equal(status, 414);
	wire_close(&wire);
}

/* The owner need not run the conn to be given what is in `in`. */
static void
test_accept_reads(void **state)
{
	(void)state;
	wire_open(&wire, true);
	wire_headers(&wire, END, 1, GET_FIELDS);
	assert_non_null(http_conn_accept(wire.conn));
	wire_close(&wire);
}

/* A body that is not as long as was said. */
static void
test_length_and_data(void **state)
{
	static const size_t lens[] = {4, 6};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		struct http_stream *s;
		struct span piece;

		wire_open(&wire, true);
		wire_headers(&wire, 0, 1, POST_FIELDS "content-length=5\n");
		assert_int_equal(wire_run(&wire), 0);
		s = http_conn_accept(wire.conn);
		assert_non_null(s);
		assert_non_null(http_stream_head(s));
		wire_data(&wire, END, 1, lens[i]);
		assert_int_equal(wire_run(&wire), 0);
		assert_int_equal(http_stream_peek(s, &piece), HTTP_BROKEN);
		assert_string_equal(wire_said(&wire), "RST(1,1)");
		http_stream_close(s);
		wire_close(&wire);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_a_length_of_0_is_taken_when_it_has_ended),
		cmocka_unit_test(
			test_a_length_of_0_is_taken_when_trailers_have_come),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_crumbs_without_number),
		cmocka_unit_test(test_long_target),
		cmocka_unit_test(test_accept_reads),
		cmocka_unit_test(test_length_and_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
