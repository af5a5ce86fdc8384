/*
 * What the codec asks of the heap.  The linker puts the functions below in
 * front of the allocator (--wrap), so that each request for memory is counted
 * and any one of them can be made to fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "conn.h"
#include "reply.h"
#include "rules.h"
#include "websocket.h"

enum {
	IDLE_MAX = 1536, /* bytes of an idle connection */
	NEVER = -1,
};

static long asked, live, fails_at = NEVER;
static size_t largest;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
void __wrap_free(void *block);
void *__wrap_chunk_alloc(size_t size);
void __wrap_chunk_free(void *chunk, size_t size);

static bool
fails(size_t size)
{
	if (asked++ == fails_at)
		return true;
	live++;
	if (size > largest)
		largest = size;
	return false;
}

void *
__wrap_malloc(size_t size)
{
	return fails(size) ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return fails(count * size) ? NULL : __real_calloc(count, size);
}

void *
__wrap_reallocarray(void *old, size_t count, size_t size)
{
	if (fails(count * size))
		return NULL;
	live -= old != NULL;
	return __real_reallocarray(old, count, size);
}

void
__wrap_free(void *block)
{
	live -= block != NULL;
	__real_free(block);
}

/* What is kept for the next one who asks would count as in use. */
void *
__wrap_chunk_alloc(size_t size)
{
	return __wrap_malloc(size);
}

void
__wrap_chunk_free(void *chunk, size_t size)
{
	(void)size;
	__wrap_free(chunk);
}

static const char request[] =
	"POST http://a.test?q HTTP/1.1\r\nHost: a.test\r\n"
	"A:1\r\nB:2\r\nC:3\r\nD:4\r\nE:5\r\nF:6\r\nG:7\r\nH:8\r\nI:9\r\nJ:1\r\n"
	"K:1\r\nL:2\r\nM:3\r\nN:4\r\nO:5\r\nP:6\r\nQ:7\r\nR:8\r\nS:9\r\nT:1\r\n"
	"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n";

#define PAD_64 \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PAD_256 PAD_64 PAD_64 PAD_64 PAD_64

/* Its text fills what a head begins with to a few bytes, so that the protocol
 * that follows from it needs more. */
static const char upgrade[] =
	"GET /chat HTTP/1.1\r\nHost: a.test\r\n"
	"A: " PAD_256 "\r\nB: " PAD_256 "\r\nC: " PAD_256 "\r\n"
	"D: " PAD_64 PAD_64 "012\r\n"
	"Sec-WebSocket-Version: 13\r\n"
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly";

struct ends {
	struct buf in, out, up_in, up_out, body;
	struct http_conn *conn, *up;
	struct http_head built, tail, reply;
};

static bool
open_ends(struct ends *e)
{
	*e = (struct ends){0};
	buf_init(&e->in, 4096);
	buf_init(&e->out, 4096);
	buf_init(&e->up_in, 4096);
	buf_init(&e->up_out, 4096);
	buf_init(&e->body, 4096);
	http_head_init(&e->built);
	http_head_init(&e->tail);
	http_head_init(&e->reply);
	e->conn = http_server_new(HTTP_1, &e->in, &e->out);
	e->up = http_client_new(HTTP_1, &e->up_in, &e->up_out);
	return e->conn != NULL && e->up != NULL;
}

static void
close_ends(struct ends *e)
{
	http_conn_free(e->conn);
	http_conn_free(e->up);
	buf_done(&e->in);
	buf_done(&e->out);
	buf_done(&e->up_in);
	buf_done(&e->up_out);
	buf_done(&e->body);
	http_head_done(&e->built);
	http_head_done(&e->tail);
	http_head_done(&e->reply);
}

/* Up to the end of the request on the other leg. */
static bool
pass_on(struct ends *e, struct http_stream *s)
{
	const struct http_head *h = http_stream_head(s);
	struct http_stream *to;
	struct span piece;

	if (http_rules_request(h, http_head_authority(h), &e->built) < 0)
		return false;
	to = http_conn_request(e->up, &e->built);
	if (to == NULL)
		return false;
	while (http_stream_peek(s, &piece) == HTTP_DATA) {
		ssize_t sent = http_stream_send(to, piece.ptr, piece.len);

		if (sent <= 0)
			return false;
		http_stream_consume(s, (size_t)sent);
	}
	if (!http_stream_receive_ended(s))
		return false;
	h = http_stream_trailers(s);
	assert_non_null(h);
	if (http_rules_trailers(h, NULL, 0, &e->tail) < 0 ||
		http_stream_send_end(to, &e->tail) < 0)
		return false;
	http_stream_close(to);
	return true;
}

static bool
answer(struct ends *e, struct http_stream *s)
{
	const struct http_reply denied = {
		.status = 403, .error = "e", .reason = "r", .id = "1"};

	if (http_reply_build(
		    &denied, http_stream_head(s), &e->reply, &e->body) < 0 ||
		http_stream_send_head(s, &e->reply) < 0)
		return false;
	return http_stream_send(s, buf_span(&e->body).ptr, e->body.len) ==
	       (ssize_t)e->body.len;
}

/* One request through all of the module; false: some memory was missing. */
static bool
scenario(struct ends *e)
{
	struct http_stream *s;

	if (buf_add(&e->in, request, sizeof(request) - 1) < 0)
		return false;
	if (http_conn_run(e->conn, false) < 0) {
		assert_string_equal(http_conn_error(e->conn), "out of memory");
		assert_int_equal(http_conn_error_status(e->conn), 503);
		return false;
	}
	s = http_conn_accept(e->conn);
	assert_non_null(s);
	return pass_on(e, s) && answer(e, s);
}

/* The origin's 101, to the very key that it was sent. */
static bool
switch_up(struct ends *e, struct http_stream *to, const struct websocket *w)
{
	struct http_head *switched = &e->tail;
	char text[512];
	struct span accept;
	int len;

	http_head_clear(switched);
	if (http_head_add(switched, SPAN_LITERAL("Sec-WebSocket-Key"),
		    span_of(w->key), false) < 0 ||
		websocket_answer(switched, HTTP_1, switched) < 0)
		return false;
	accept = http_head_value(switched, &switched->fields[1]);
	len = snprintf(text, sizeof(text),
		"HTTP/1.1 101 Go\r\nConnection: Upgrade\r\n"
		"Upgrade: websocket\r\nSec-WebSocket-Accept: %.*s\r\n\r\nyes",
		(int)accept.len, accept.ptr);
	if (buf_add(&e->up_in, text, (size_t)len) < 0)
		return false;
	if (http_conn_run(e->up, false) < 0) {
		assert_string_equal(http_conn_error(e->up), "out of memory");
		return false;
	}
	assert_non_null(http_stream_head(to));
	return true;
}

/* The bytes that wait at one end, to the other. */
static bool
pass_bytes(struct http_stream *from, struct http_stream *to)
{
	struct span piece;
	ssize_t sent;

	assert_int_equal(http_stream_peek(from, &piece), HTTP_DATA);
	sent = http_stream_send(to, piece.ptr, piece.len);
	if (sent <= 0)
		return false;
	http_stream_consume(from, (size_t)sent);
	return true;
}

/* An upgrade from its request to the bytes behind it. */
static bool
upgrade_scenario(struct ends *e)
{
	struct websocket w = {""};
	struct http_stream *s, *to;
	const char *why;

	if (buf_add(&e->in, upgrade, sizeof(upgrade) - 1) < 0)
		return false;
	if (http_conn_run(e->conn, false) < 0) {
		assert_string_equal(http_conn_error(e->conn), "out of memory");
		return false;
	}
	s = http_conn_accept(e->conn);
	assert_non_null(s);
	if (http_rules_request(http_stream_head(s), SPAN_LITERAL("a.test"),
		    &e->built) < 0 ||
		websocket_ask(&w, HTTP_1, &e->built) < 0)
		return false;
	to = http_conn_request(e->up, &e->built);
	if (to == NULL || !switch_up(e, to, &w))
		return false;
	why = websocket_check(&w, http_stream_head(to));
	if (why != NULL) {
		assert_string_equal(why, "out of memory");
		return false;
	}
	if (http_rules_response(http_stream_head(to), &e->reply) < 0 ||
		websocket_answer(http_stream_head(s), HTTP_1, &e->reply) < 0 ||
		http_stream_send_head(s, &e->reply) < 0)
		return false;
	return pass_bytes(s, to) && pass_bytes(to, s);
}

static long
fail_each(bool (*run)(struct ends *e))
{
	bool fine = false;
	long missing = 0;

	for (long k = 0; !fine; k++) {
		struct ends e;
		long before = live;

		asked = 0;
		fails_at = k;
		fine = open_ends(&e) && run(&e);
		fails_at = NEVER;
		close_ends(&e);
		assert_int_equal(live, before);
		missing += !fine;
	}
	return missing;
}

static void
test_threat_51_every_allocation_may_fail(void **state)
{
	(void)state;
	/* conns, buffers, texts, fields, their growth */
	assert_true(fail_each(scenario) >= 12);
}

static void
test_threat_51_every_allocation_of_an_upgrade_may_fail(void **state)
{
	(void)state;
	assert_true(fail_each(upgrade_scenario) >= 12);
}

static void
exchange(struct http_conn *c, struct buf *in, struct buf *out)
{
	struct http_stream *s;
	struct http_head ok;
	struct span piece;

	assert_int_equal(buf_add(in, request, sizeof(request) - 1), 0);
	assert_int_equal(http_conn_run(c, false), 0);
	s = http_conn_accept(c);
	assert_non_null(s);
	while (http_stream_peek(s, &piece) == HTTP_DATA)
		http_stream_consume(s, piece.len);
	http_head_init(&ok);
	ok.status = 204;
	assert_int_equal(http_stream_send_head(s, &ok), 0);
	http_stream_close(s);
	buf_consume(out, out->len);
}

static void
test_none_once_warm_and_little_when_idle(void **state)
{
	struct http_conn *c;
	struct buf in, out;
	long before = live;

	(void)state;
	buf_init(&in, 4096);
	buf_init(&out, 4096);
	largest = 0;
	c = http_server_new(HTTP_1, &in, &out);
	assert_non_null(c);
	exchange(c, &in, &out);
	asked = 0;
	for (int i = 0; i < 100; i++)
		exchange(c, &in, &out);
	assert_int_equal(asked, 0);

	assert_true(http_conn_is_idle(c));
	http_conn_shrink(c);
	buf_shrink(&in);
	buf_shrink(&out);
	/* The conn itself, and nothing else. */
	assert_int_equal(live, before + 1);
	http_conn_free(c);
	assert_int_equal(live, before);

	largest = 0;
	c = http_server_new(HTTP_1, &in, &out);
	assert_in_range(largest, 1, IDLE_MAX);
	http_conn_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threat_51_every_allocation_may_fail),
		cmocka_unit_test(
			test_threat_51_every_allocation_of_an_upgrade_may_fail),
		cmocka_unit_test(test_none_once_warm_and_little_when_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
