/*
 * What the HTTP/2 codec and its library ask of the heap.  The linker puts the
 * functions below in front of the allocator (--wrap); the library's own
 * requests come through the codec's, so that they are counted and fail too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <malloc.h>

#include "array.h"
#include "buf.h"
#include "conn.h"
#include "rules.h"

enum {
	/* A conn in the state in which most are: opened, used, shrunk.  16 KiB
	 * of it is the frame buffer that the library never gives back. */
	IDLE_MAX = 34 * 1024,
	NEVER = -1,
	BOUND = 16 * 1024,
};

static long asked, live, leaked, fails_at = NEVER;
static size_t bytes;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
void __wrap_free(void *block);

static bool
fails(void)
{
	return asked++ == fails_at;
}

static void *
counted(void *block)
{
	live += block != NULL;
	bytes += block != NULL ? malloc_usable_size(block) : 0;
	return block;
}

static void
uncounted(void *block)
{
	live -= block != NULL;
	bytes -= block != NULL ? malloc_usable_size(block) : 0;
}

void *
__wrap_malloc(size_t size)
{
	return fails() ? NULL : counted(__real_malloc(size));
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : counted(__real_calloc(count, size));
}

void *
__wrap_realloc(void *old, size_t size)
{
	if (fails())
		return NULL;
	uncounted(old);
	return counted(__real_realloc(old, size));
}

void *
__wrap_reallocarray(void *old, size_t count, size_t size)
{
	if (fails())
		return NULL;
	uncounted(old);
	return counted(__real_reallocarray(old, count, size));
}

/* Bytes that are longer in Huffman's code than as they are. */
static const char canary[] = "<~{|}^\\~>";

static bool
holds_canary(void *block)
{
	return memmem(block, malloc_usable_size(block), canary,
		       strlen(canary)) != NULL;
}

void
__wrap_free(void *block)
{
	leaked += block != NULL && holds_canary(block);
	uncounted(block);
	__real_free(block);
}

/* client conn, [server conn, rules, client conn], server conn */
enum { CLIENT, NEAR, FAR, ORIGIN, ENDS };

struct ends {
	struct buf in[ENDS], out[ENDS];
	struct http_conn *conn[ENDS];
	struct http_head head, built, tail;
};

static bool
open_ends(struct ends *e)
{
	bool fine = true;

	*e = (struct ends){.conn = {NULL}};
	http_head_init(&e->head);
	http_head_init(&e->built);
	http_head_init(&e->tail);
	for (int i = 0; i < ENDS; i++) {
		buf_init(&e->in[i], BOUND);
		buf_init(&e->out[i], BOUND);
		e->conn[i] =
			i % 2 ? http_server_new(HTTP_2, &e->in[i], &e->out[i])
			      : http_client_new(HTTP_2, &e->in[i], &e->out[i]);
		fine = fine && e->conn[i] != NULL;
	}
	return fine;
}

static void
close_ends(struct ends *e)
{
	for (int i = 0; i < ENDS; i++) {
		http_conn_free(e->conn[i]);
		buf_done(&e->in[i]);
		buf_done(&e->out[i]);
	}
	http_head_done(&e->head);
	http_head_done(&e->built);
	http_head_done(&e->tail);
}

/* Bytes go across, and are read. */
static bool
move(struct ends *e, int from, int to)
{
	struct span out = buf_span(&e->out[from]);

	if (buf_add(&e->in[to], out.ptr, out.len) < 0)
		return false;
	buf_consume(&e->out[from], out.len);
	return http_conn_run(e->conn[to], false) == 0;
}

static bool
pass_body(struct http_stream *from, struct http_stream *to)
{
	struct span piece;

	while (http_stream_peek(from, &piece) == HTTP_DATA) {
		ssize_t sent = http_stream_send(to, piece.ptr, piece.len);

		if (sent <= 0)
			return false;
		http_stream_consume(from, (size_t)sent);
	}
	return http_stream_receive_ended(from);
}

static struct http_stream *
begin(struct ends *e)
{
	struct http_stream *s;

	http_head_clear(&e->head);
	if (http_head_set_method(&e->head, SPAN_LITERAL("POST")) < 0 ||
		http_head_set_target(&e->head, SPAN_LITERAL("/a?b")) < 0 ||
		http_head_add(&e->head, SPAN_LITERAL("Host"),
			SPAN_LITERAL("a.test"), false) < 0 ||
		http_head_add(&e->head, SPAN_LITERAL("Cookie"),
			SPAN_LITERAL("a=1"), false) < 0)
		return NULL;
	e->head.framing = HTTP_CHUNKED;
	s = http_conn_request(e->conn[CLIENT], &e->head);
	if (s == NULL || http_stream_send(s, "hello", 5) != 5)
		return NULL;
	if (http_head_add(&e->tail, SPAN_LITERAL("X-Sum"), SPAN_LITERAL("1"),
		    false) < 0 ||
		http_stream_send_end(s, &e->tail) < 0)
		return NULL;
	return s;
}

static struct http_stream *
pass_request(struct ends *e, struct http_stream **ret)
{
	struct http_stream *s = http_conn_accept(e->conn[NEAR]), *t;
	const struct http_head *h = s != NULL ? http_stream_head(s) : NULL;

	if (h == NULL ||
		http_rules_request(h, http_head_authority(h), &e->built) < 0)
		return NULL;
	t = http_conn_request(e->conn[FAR], &e->built);
	if (t == NULL || !pass_body(s, t) ||
		http_rules_trailers(
			http_stream_trailers(s), NULL, 0, &e->tail) < 0 ||
		http_stream_send_end(t, &e->tail) < 0)
		return NULL;
	*ret = s;
	return t;
}

static bool
answer(struct ends *e)
{
	struct http_stream *s = http_conn_accept(e->conn[ORIGIN]);
	struct span piece;

	if (s == NULL || http_stream_head(s) == NULL)
		return false;
	while (http_stream_peek(s, &piece) == HTTP_DATA)
		http_stream_consume(s, piece.len);
	http_head_clear(&e->head);
	e->head.status = 103;
	if (http_stream_send_head(s, &e->head) < 0)
		return false;
	e->head.status = 200;
	e->head.framing = HTTP_CHUNKED;
	if (http_stream_send_head(s, &e->head) < 0 ||
		http_stream_send(s, "answer", 6) != 6 ||
		http_stream_send_end(s, NULL) < 0)
		return false;
	http_stream_close(s);
	return true;
}

static bool
pass_response(struct ends *e, struct http_stream *t, struct http_stream *s)
{
	const struct http_head *h = http_stream_head(t);

	while (h != NULL && h->status < 200) {
		if (http_rules_response(h, &e->built) < 0 ||
			http_stream_send_head(s, &e->built) < 0)
			return false;
		http_stream_next_head(t);
		h = http_stream_head(t);
	}
	return h != NULL && http_rules_response(h, &e->built) == 0 &&
	       http_stream_send_head(s, &e->built) == 0 && pass_body(t, s) &&
	       http_stream_send_end(s, NULL) == 0;
}

/* One exchange through all four; false: some memory was missing. */
static bool
exchange(struct ends *e)
{
	struct http_stream *asked_by = begin(e), *s, *t;
	const struct http_head *h;
	struct span piece;

	if (asked_by == NULL || !move(e, CLIENT, NEAR))
		return false;
	t = pass_request(e, &s);
	if (t == NULL || !move(e, FAR, ORIGIN) || !answer(e) ||
		!move(e, ORIGIN, FAR) || !pass_response(e, t, s))
		return false;
	http_stream_close(s);
	http_stream_close(t);
	if (!move(e, NEAR, CLIENT) || !move(e, CLIENT, NEAR) ||
		!move(e, FAR, ORIGIN))
		return false;
	while ((h = http_stream_head(asked_by)) != NULL && h->status < 200)
		http_stream_next_head(asked_by);
	while (http_stream_peek(asked_by, &piece) == HTTP_DATA)
		http_stream_consume(asked_by, piece.len);
	if (h == NULL || !http_stream_receive_ended(asked_by))
		return false;
	http_stream_close(asked_by);
	return true;
}

/* The library may find that its compressor has no memory. */
static void
judge_error(const struct http_conn *c)
{
	const char *error = c != NULL ? http_conn_error(c) : NULL;

	if (error == NULL)
		return;
	if (strcmp(error, "out of memory") != 0)
		assert_string_equal(error, "the codec gave up");
	assert_true(http_conn_error_status(c) == 503 ||
		    http_conn_error_status(c) == 502);
}

static void
test_every_allocation_may_fail(void **state)
{
	bool fine = false;
	long missing = 0;

	(void)state;
	for (long k = 0; !fine; k++) {
		struct ends e;
		long before = live;

		asked = 0;
		fails_at = k;
		fine = open_ends(&e) && exchange(&e);
		fails_at = NEVER;
		for (int i = 0; i < ENDS; i++)
			judge_error(e.conn[i]);
		close_ends(&e);
		assert_int_equal(live, before);
		missing += !fine;
	}
	assert_true(missing > 100);
}

static void
test_little_when_idle(void **state)
{
	struct ends e;
	size_t before = bytes;
	long blocks, warm;

	(void)state;
	assert_true(open_ends(&e));
	for (int i = 0; i < 10; i++)
		assert_true(exchange(&e));
	blocks = live;
	asked = 0;
	assert_true(exchange(&e));
	warm = asked;
	for (int i = 0; i < 100; i++)
		assert_true(exchange(&e));
	assert_int_equal(live, blocks);
	/* By the library: four streams, their frames, the fields' names.  By
	 * us: a head that is shown before the final one. */
	assert_in_range(warm, 1, 80);
	for (int i = 0; i < ENDS; i++) {
		assert_true(http_conn_is_idle(e.conn[i]));
		http_conn_shrink(e.conn[i]);
		buf_shrink(&e.in[i]);
		buf_shrink(&e.out[i]);
	}
	print_message("%zu bytes an idle connection, %ld allocations an "
		      "exchange over four\n",
		(bytes - before) / ENDS, warm);
	assert_in_range((bytes - before) / ENDS, 1, IDLE_MAX);
	close_ends(&e);
	assert_int_equal(bytes, before);
}

/* An exchange that somebody gives up after that many of its steps. */
static void
abort_after(struct ends *e, int steps)
{
	struct http_stream *asked_by = begin(e), *s = NULL, *t = NULL;

	assert_non_null(asked_by);
	if (steps > 0)
		assert_true(move(e, CLIENT, NEAR));
	if (steps > 1)
		t = pass_request(e, &s);
	if (steps > 2)
		assert_true(move(e, FAR, ORIGIN));
	if (steps > 3)
		assert_true(answer(e));
	if (steps > 4)
		assert_true(move(e, ORIGIN, FAR));
	http_stream_close(asked_by);
	if (t != NULL)
		http_stream_close(t);
	if (s != NULL)
		http_stream_close(s);
}

/* All that is on its way arrives, and is closed where it is found. */
static void
settle(struct ends *e)
{
	static const int ways[][2] = {{CLIENT, NEAR}, {NEAR, CLIENT},
		{FAR, ORIGIN}, {ORIGIN, FAR}, {CLIENT, NEAR}, {NEAR, CLIENT},
		{FAR, ORIGIN}, {ORIGIN, FAR}};
	struct http_stream *s;

	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		assert_true(move(e, ways[i][0], ways[i][1]));
		if (ways[i][1] % 2 == 0)
			continue;
		while ((s = http_conn_accept(e->conn[ways[i][1]])) != NULL)
			http_stream_close(s);
	}
	for (int i = 0; i < ENDS; i++)
		assert_true(http_conn_is_idle(e->conn[i]));
}

static void
test_aborts_leave_nothing(void **state)
{
	enum { STREAMS = 100 * 1000, WARM = 1000 };
	struct ends e;
	uint32_t random = 1;
	long blocks = 0;

	(void)state;
	assert_true(open_ends(&e));
	for (int i = 0; i < STREAMS; i++) {
		random = random * 1103515245 + 12345;
		for (int n = 0; n < ENDS; n++)
			http_conn_set_time(e.conn[n], i);
		abort_after(&e, (int)(random >> 16) % 6);
		settle(&e);
		http_head_clear(&e.tail);
		if (i == WARM)
			blocks = live;
	}
	assert_int_equal(live, blocks);
	close_ends(&e);
}

static void
test_no_secret_in_freed_memory(void **state)
{
	struct http_head h;
	struct buf in, out;
	struct http_conn *c;

	(void)state;
	buf_init(&in, BOUND);
	buf_init(&out, BOUND);
	out.secret = true;
	http_head_init(&h);
	c = http_client_new(HTTP_2, &in, &out);
	assert_int_equal(http_head_set_method(&h, SPAN_LITERAL("GET")), 0);
	assert_int_equal(http_head_set_target(&h, SPAN_LITERAL("/")), 0);
	assert_int_equal(http_head_add(&h, SPAN_LITERAL("Host"),
				 SPAN_LITERAL("a.test"), false),
		0);
	assert_int_equal(
		http_head_add(&h, SPAN_LITERAL("X-Key"), span_of(canary), true),
		0);
	assert_non_null(http_conn_request(c, &h));
	assert_true(memmem(buf_span(&out).ptr, out.len, canary,
			    strlen(canary)) != NULL);
	leaked = 0;
	http_head_done(&h);
	http_conn_free(c);
	buf_done(&in);
	buf_done(&out);
	assert_int_equal(leaked, 0);
}

/* Buffers' memory is kept for the next who asks (chunk.h): from here on
 * nothing is added to it. */
static int
warm_up(void **state)
{
	struct ends e;

	(void)state;
	assert_true(open_ends(&e) && exchange(&e));
	close_ends(&e);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_allocation_may_fail),
		cmocka_unit_test(test_little_when_idle),
		cmocka_unit_test(test_aborts_leave_nothing),
		cmocka_unit_test(test_no_secret_in_freed_memory),
	};

	return cmocka_run_group_tests(tests, warm_up, NULL);
}
