/*
 * codec_pair.c
 *
 * Each turn lets both ends do what they can and moves some bytes each way.  A
 * turn in which nothing changed, anywhere, is a deadlock and fails the test.
 */
#include "codec_pair.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "bridge.h"
#include "buf.h"

enum {
	PIECE = 700, /* what an end sends at a time at most */
	LARGE = PAIR_LARGE,
};

const struct plan plans[] = {
	{"GET", NONE, NONE, 200, 0, false, false, "nothing either way"},
	{"GET", NONE, {HTTP_LENGTH, 1, false}, 200, 0, false, false, "a byte"},
	{"GET", NONE, {HTTP_LENGTH, LARGE, false}, 200, 0, false, false,
		"a large length down"},
	{"GET", NONE, {HTTP_CHUNKED, LARGE, false}, 200, 0, false, false,
		"many chunks down"},
	{"GET", NONE, {HTTP_CHUNKED, 0, false}, 200, 0, false, false,
		"no chunk but the last"},
	{"GET", NONE, {HTTP_CHUNKED, 5, true}, 200, 0, false, false,
		"trailers down"},
	{"GET", NONE, {HTTP_CHUNKED, 0, true}, 200, 0, false, false,
		"nothing but trailers"},
	{"POST", NONE, NONE, 204, 0, false, false, "204"},
	{"GET", NONE, NONE, 304, 0, false, false, "304"},
	{"HEAD", NONE, NONE, 200, 0, false, false, "HEAD"},
	{"PUT", {HTTP_LENGTH, LARGE, false}, NONE, 201, 0, false, false,
		"a large length up"},
	{"PUT", {HTTP_CHUNKED, LARGE, true}, NONE, 201, 0, false, false,
		"many chunks and trailers up"},
	{"POST", {HTTP_LENGTH, LARGE, false}, {HTTP_LENGTH, LARGE, false}, 200,
		0, true, false, "both ways at once"},
	{"POST", {HTTP_CHUNKED, LARGE, true}, {HTTP_CHUNKED, LARGE, true}, 200,
		0, true, false, "both ways in chunks"},
	{"POST", {HTTP_LENGTH, 10, false}, {HTTP_CHUNKED, 10, false}, 200, 16,
		false, false, "as many interim heads as may be"},
	{"POST", {HTTP_CHUNKED, LARGE, false}, {HTTP_LENGTH, 9, false}, 200, 2,
		true, false, "an early answer"},
};

const size_t plan_count = ARRAY_LEN(plans);

struct side {
	struct buf in, out;
	struct http_conn *conn;
	struct http_stream *stream;
	size_t sent, received;
	int interims;
	bool head_sent, head_seen, eof;
};

struct pair {
	struct side client, server;
	struct bridge bridge;
	bool bridged; /* the bridge stands between the two */
	struct bounds bounds;
	uint64_t moved; /* grows with all that happens */
};

static char
byte_at(size_t i)
{
	return (char)(i * 131 + (i >> 8));
}

static void
open_side(
	struct side *s, enum http_version version, struct bounds b, bool server)
{
	buf_init(&s->in, b.in);
	buf_init(&s->out, b.out);
	s->conn = server ? http_server_new(version, &s->in, &s->out)
			 : http_client_new(version, &s->in, &s->out);
	assert_non_null(s->conn);
}

struct pair *
pair_new(enum http_version version, struct bounds bounds)
{
	struct pair *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->bounds = bounds;
	open_side(&p->client, version, bounds, false);
	open_side(&p->server, version, bounds, true);
	return p;
}

struct pair *
pair_new_bridged(
	enum http_version near, enum http_version far, struct bounds bounds)
{
	struct pair *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->bounds = bounds;
	p->bridged = true;
	open_side(&p->client, near, bounds, false);
	bridge_open(&p->bridge, near, far, bounds.in, bounds.out);
	open_side(&p->server, far, bounds, true);
	return p;
}

static void
close_side(struct side *s)
{
	http_conn_free(s->conn);
	buf_done(&s->in);
	buf_done(&s->out);
}

void
pair_free(struct pair *p)
{
	close_side(&p->client);
	close_side(&p->server);
	if (p->bridged)
		bridge_close(&p->bridge);
	free(p);
}

bool
pair_is_idle(const struct pair *p)
{
	return http_conn_is_idle(p->client.conn) &&
	       http_conn_is_idle(p->server.conn) &&
	       (!p->bridged || bridge_is_idle(&p->bridge));
}

static void
move(struct pair *p, struct buf *from, struct buf *to)
{
	size_t len = from->len < p->bounds.move ? from->len : p->bounds.move;

	len = buf_add_some(to, buf_span(from).ptr, len);
	buf_consume(from, len);
	p->moved += len;
	assert_true(from->size <= p->bounds.out || from->size <= 2048);
	assert_true(to->size <= p->bounds.in || to->size <= 2048);
}

static void
move_all(struct pair *p)
{
	struct buf *c_out = &p->client.out, *s_out = &p->server.out;

	if (!p->bridged) {
		move(p, c_out, &p->server.in);
		move(p, s_out, &p->client.in);
		return;
	}
	move(p, c_out, &p->bridge.near.in);
	move(p, &p->bridge.near.out, &p->client.in);
	p->moved += bridge_step(&p->bridge);
	move(p, &p->bridge.far.out, &p->server.in);
	move(p, s_out, &p->bridge.far.in);
}

static void
set_framing(struct http_head *h, const struct load *load)
{
	h->framing = load->framing;
	h->content_length = load->framing == HTTP_LENGTH ? load->body : 0;
}

static void
add_field(struct http_head *h, const char *name, const char *value)
{
	assert_int_equal(
		http_head_add(h, span_of(name), span_of(value), false), 0);
}

/* Body and end of one direction, as far as there is room. */
static void
send_body(struct pair *p, struct side *s, const struct load *load)
{
	struct http_head trailers;
	char piece[PIECE];
	ssize_t sent;
	int r;

	while (s->sent < load->body) {
		size_t len = load->body - s->sent;

		len = len < sizeof(piece) ? len : sizeof(piece);
		if (len > http_stream_room(s->stream))
			len = http_stream_room(s->stream);
		if (len == 0)
			return;
		for (size_t i = 0; i < len; i++)
			piece[i] = byte_at(s->sent + i);
		sent = http_stream_send(s->stream, piece, len);
		assert_int_equal(sent, len);
		s->sent += (size_t)sent;
		p->moved++;
	}
	if (http_stream_send_ended(s->stream))
		return;
	http_head_init(&trailers);
	add_field(&trailers, "X-Sum", "1");
	r = http_stream_send_end(s->stream, load->trailers ? &trailers : NULL);
	http_head_done(&trailers);
	assert_true(r == 0 || r == -ENOBUFS);
	p->moved += r == 0;
}

static void
receive_body(struct pair *p, struct side *s, const struct load *load)
{
	const struct http_head *trailers;
	struct span piece;
	enum http_body got;

	/* A tunnel is not there before its 101. */
	if (load->framing == HTTP_TUNNEL &&
		http_stream_head(s->stream)->framing != HTTP_TUNNEL) {
		assert_int_equal(http_stream_peek(s->stream, &piece), HTTP_END);
		return;
	}
	while ((got = http_stream_peek(s->stream, &piece)) == HTTP_DATA) {
		/* Less than there is, so that consuming in parts is seen. */
		if (piece.len > 3)
			piece.len -= piece.len / 3;
		for (size_t i = 0; i < piece.len; i++)
			assert_int_equal(
				piece.ptr[i], byte_at(s->received + i));
		s->received += piece.len;
		http_stream_consume(s->stream, piece.len);
		p->moved++;
	}
	assert_int_not_equal(got, HTTP_BROKEN);
	if (got != HTTP_END)
		return;
	assert_true(http_stream_receive_ended(s->stream));
	assert_int_equal(s->received, load->body);
	trailers = http_stream_trailers(s->stream);
	assert_int_equal(trailers != NULL, load->trailers);
	if (trailers != NULL)
		assert_non_null(
			http_head_find_name(trailers, SPAN_LITERAL("x-sum")));
}

static void
step_client(struct pair *p, const struct plan *plan)
{
	struct side *s = &p->client;
	const struct http_head *h;

	assert_int_equal(http_conn_run(s->conn, s->eof), 0);
	if (s->stream == NULL)
		return;
	send_body(p, s, &plan->up);
	h = http_stream_head(s->stream);
	if (h == NULL)
		return;
	if (h->status < 200 && h->framing != HTTP_TUNNEL) {
		assert_int_equal(h->status, 103);
		s->interims++;
		p->moved++;
		http_stream_next_head(s->stream);
		return;
	}
	assert_int_equal(h->status, plan->status);
	assert_int_equal(s->interims, plan->interims);
	receive_body(p, s, &plan->down);
}

/* False: no room yet. */
static bool
send_head(struct pair *p, const struct plan *plan)
{
	struct side *s = &p->server;
	struct http_head h;
	int r;

	http_head_init(&h);
	h.status = s->interims < plan->interims ? 103 : plan->status;
	if (h.status == plan->status)
		set_framing(&h, &plan->down);
	add_field(&h, "X-Answer", "yes");
	r = http_stream_send_head(s->stream, &h);
	http_head_done(&h);
	assert_true(r == 0 || r == -ENOBUFS);
	if (r < 0)
		return false;
	p->moved++;
	if (s->interims < plan->interims)
		s->interims++;
	else
		s->head_sent = true;
	return true;
}

static void
step_server(struct pair *p, const struct plan *plan)
{
	struct side *s = &p->server;

	assert_int_equal(http_conn_run(s->conn, s->eof), 0);
	if (s->stream == NULL)
		s->stream = http_conn_accept(s->conn);
	if (s->stream == NULL)
		return;
	receive_body(p, s, &plan->up);
	if (!plan->early && !http_stream_receive_ended(s->stream))
		return;
	while (!s->head_sent) {
		if (!send_head(p, plan))
			return;
	}
	send_body(p, s, &plan->down);
}

static void
begin(struct pair *p, const struct plan *plan)
{
	struct http_head h;

	http_head_init(&h);
	assert_int_equal(http_head_set_method(&h, span_of(plan->method)), 0);
	assert_int_equal(http_head_set_target(&h, SPAN_LITERAL("/a?b")), 0);
	add_field(&h, "Host", "a.test");
	if (plan->up.framing == HTTP_TUNNEL)
		http_head_set_protocol(&h, SPAN_LITERAL("websocket"));
	else
		set_framing(&h, &plan->up);
	p->client.stream = http_conn_request(p->client.conn, &h);
	assert_non_null(p->client.stream);
	http_head_done(&h);
}

static bool
has_ended(const struct side *s)
{
	return s->stream != NULL && http_stream_send_ended(s->stream) &&
	       http_stream_receive_ended(s->stream);
}

static void
end(struct side *s)
{
	http_stream_close(s->stream);
	s->stream = NULL;
	s->sent = s->received = 0;
	s->interims = 0;
	s->head_sent = false;
}

/* What is finished may be half-closed. */
static void
pass_end(struct pair *p, const struct side *from, struct side *to)
{
	if (to->eof || from->out.len > 0 || !http_conn_is_finished(from->conn))
		return;
	to->eof = true;
	p->moved++;
}

/* What is still on its way when the streams are closed. */
static void
settle(struct pair *p)
{
	struct side *c = &p->client, *s = &p->server;
	uint64_t before;

	do {
		before = p->moved;
		assert_int_equal(http_conn_run(c->conn, c->eof), 0);
		assert_int_equal(http_conn_run(s->conn, s->eof), 0);
		move_all(p);
	} while (p->moved != before);
	assert_int_equal(http_conn_run(c->conn, c->eof), 0);
	assert_int_equal(http_conn_run(s->conn, s->eof), 0);
}

void
pair_run(struct pair *p, const struct plan *plan)
{
	struct side *c = &p->client, *s = &p->server;
	bool done = false;

	begin(p, plan);
	while (!done) {
		uint64_t before = p->moved;

		step_client(p, plan);
		step_server(p, plan);
		move_all(p);
		if (plan->half_close && !s->eof && c->out.len == 0 &&
			http_stream_send_ended(c->stream)) {
			s->eof = true;
			p->moved++;
		}
		pass_end(p, c, s);
		pass_end(p, s, c);
		/* A body until close ends with the server's end of output. */
		if (!c->eof && has_ended(s) && s->out.len == 0 &&
			http_conn_must_close(s->conn)) {
			c->eof = true;
			p->moved++;
		}
		done = has_ended(c) && has_ended(s) && s->out.len == 0;
		if (!done && p->moved == before)
			fail_msg("%s: nothing moves: up %zu of %zu, down %zu "
				 "of %zu",
				plan->reason, s->received, plan->up.body,
				c->received, plan->down.body);
	}
	end(c);
	end(s);
	settle(p);
}
