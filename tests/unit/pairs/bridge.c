#include "bridge.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rules.h"

void
bridge_open(struct bridge *b, enum http_version near, enum http_version far,
	size_t in_bound, size_t out_bound)
{
	*b = (struct bridge){.near = {.stream = NULL}};
	buf_init(&b->near.in, in_bound);
	buf_init(&b->near.out, out_bound);
	buf_init(&b->far.in, in_bound);
	buf_init(&b->far.out, out_bound);
	b->near.conn = http_server_new(near, &b->near.in, &b->near.out);
	b->far.conn = http_client_new(far, &b->far.in, &b->far.out);
	assert_non_null(b->near.conn);
	assert_non_null(b->far.conn);
}

static void
close_leg(struct bridge_leg *l)
{
	http_conn_free(l->conn);
	buf_done(&l->in);
	buf_done(&l->out);
}

void
bridge_close(struct bridge *b)
{
	close_leg(&b->near);
	close_leg(&b->far);
}

bool
bridge_is_idle(const struct bridge *b)
{
	return http_conn_is_idle(b->near.conn) &&
	       http_conn_is_idle(b->far.conn);
}

static uint64_t
pass_end(struct http_stream *from, struct http_stream *to)
{
	const struct http_head *trailers = http_stream_trailers(from);
	struct http_head built;
	int r;

	if (http_stream_send_ended(to))
		return 0;
	http_head_init(&built);
	if (trailers != NULL)
		assert_int_equal(
			http_rules_trailers(trailers, NULL, 0, &built), 0);
	r = http_stream_send_end(to, trailers != NULL ? &built : NULL);
	http_head_done(&built);
	assert_true(r == 0 || r == -ENOBUFS);
	return r == 0;
}

/* Nothing is consumed before the other side has taken it. */
static uint64_t
pass_body(struct http_stream *from, struct http_stream *to)
{
	enum http_body got;
	struct span piece;
	uint64_t moved = 0;

	while ((got = http_stream_peek(from, &piece)) == HTTP_DATA) {
		ssize_t sent = http_stream_send(to, piece.ptr, piece.len);

		assert_true(sent >= 0);
		if (sent == 0)
			return moved;
		http_stream_consume(from, (size_t)sent);
		moved += (uint64_t)sent;
	}
	assert_int_not_equal(got, HTTP_BROKEN);
	return got == HTTP_END ? moved + pass_end(from, to) : moved;
}

static uint64_t
pass_request(struct bridge *b)
{
	const struct http_head *h;
	struct http_head built;
	int status;

	if (!http_conn_can_request(b->far.conn))
		return 0;
	h = http_stream_head(b->near.stream);
	assert_non_null(h);
	assert_null(http_rules_refuse(h, &status));
	http_head_init(&built);
	assert_int_equal(
		http_rules_request(h, http_head_authority(h), &built), 0);
	b->far.stream = http_conn_request(b->far.conn, &built);
	assert_true(b->far.stream != NULL || errno == ENOBUFS);
	http_head_done(&built);
	return b->far.stream != NULL;
}

static uint64_t
pass_response(struct bridge *b)
{
	const struct http_head *h = http_stream_head(b->far.stream);
	struct http_head built;
	int r;

	if (h == NULL)
		return 0;
	if (http_stream_sent_head(b->near.stream))
		return pass_body(b->far.stream, b->near.stream);
	http_head_init(&built);
	assert_int_equal(http_rules_response(h, &built), 0);
	r = http_stream_send_head(b->near.stream, &built);
	http_head_done(&built);
	assert_true(r == 0 || r == -ENOBUFS);
	if (r == 0 && h->status < 200)
		http_stream_next_head(b->far.stream);
	return r == 0;
}

static bool
has_ended(struct http_stream *s)
{
	return http_stream_send_ended(s) && http_stream_receive_ended(s);
}

uint64_t
bridge_step(struct bridge *b)
{
	uint64_t moved = 0;

	assert_int_equal(http_conn_run(b->near.conn, false), 0);
	assert_int_equal(http_conn_run(b->far.conn, false), 0);
	if (b->near.stream == NULL)
		b->near.stream = http_conn_accept(b->near.conn);
	if (b->near.stream != NULL && b->far.stream == NULL)
		moved += pass_request(b);
	if (b->far.stream == NULL)
		return moved;
	moved += pass_body(b->near.stream, b->far.stream);
	moved += pass_response(b);
	if (has_ended(b->near.stream) && has_ended(b->far.stream)) {
		http_stream_close(b->near.stream);
		http_stream_close(b->far.stream);
		b->near.stream = b->far.stream = NULL;
		moved++;
	}
	return moved;
}
