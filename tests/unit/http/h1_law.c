/*
 * h1_law.c
 *
 * Four ends in a row, as in the daemon and behind it:
 *
 *	input -> [near] == rules ==> [far] -> bytes -> [judge]
 *
 * For requests near and judge are servers and far is a client; for responses
 * the other way round.  What near showed and what judge shows must be equal.
 */
#include "h1_law.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "conn.h"
#include "message.h"
#include "rules.h"

enum {
	NEAR_BOUND = 4096,
	WIRE_BOUND = 8 * 1024 * 1024,
	PIECE_MAX = 64,
};

#define LAW(condition) \
	do { \
		if (!(condition)) \
			broken(#condition, __LINE__); \
	} while (0)

static void
broken(const char *condition, int line)
{
	fprintf(stderr, "h1_law.c:%d: the law is broken: %s\n", line,
		condition);
	abort();
}

struct end {
	struct buf in, out;
	struct http_conn *conn;
};

static void
open_end(struct end *e, bool server, size_t in_bound)
{
	buf_init(&e->in, in_bound);
	buf_init(&e->out, WIRE_BOUND);
	e->conn = server ? http_server_new(HTTP_1, &e->in, &e->out)
			 : http_client_new(HTTP_1, &e->in, &e->out);
	LAW(e->conn != NULL);
}

static void
close_end(struct end *e)
{
	http_conn_free(e->conn);
	buf_done(&e->in);
	buf_done(&e->out);
}

/* The input, in pieces of 1 to PIECE_MAX bytes. */
struct feeder {
	const uint8_t *data;
	size_t size, at;
	uint32_t random;
};

static struct feeder
feeder_of(const uint8_t *data, size_t size)
{
	struct feeder f = {.data = data, .size = size, .random = 1};

	for (size_t i = 0; i < size; i++)
		f.random = f.random * 31 + data[i];
	return f;
}

/* False at the end of the input. */
static bool
feed(struct feeder *f, struct end *e)
{
	size_t len = f->size - f->at;

	if (len == 0)
		return false;
	f->random = f->random * 1103515245 + 12345;
	if (len > 1 + (f->random >> 16) % PIECE_MAX)
		len = 1 + (f->random >> 16) % PIECE_MAX;
	len = buf_add_some(&e->in, f->data + f->at, len);
	LAW(len > 0);
	f->at += len;
	return true;
}

static bool
same_fields(const struct http_head *a, const struct http_head *b)
{
	if (a->field_count != b->field_count)
		return false;
	for (int i = 0; i < a->field_count; i++) {
		if (!span_equals(http_head_name(a, &a->fields[i]),
			    http_head_name(b, &b->fields[i])) ||
			!span_equals(http_head_value(a, &a->fields[i]),
				http_head_value(b, &b->fields[i])))
			return false;
	}
	return true;
}

/* What the codec itself has put on the wire is not a difference. */
static void
drop_framing(const struct http_head *in, struct http_head *out)
{
	http_head_clear(out);
	for (int i = 0; i < in->field_count; i++) {
		const struct http_field *f = &in->fields[i];

		if (f->known != HTTP_CONTENT_LENGTH &&
			f->known != HTTP_TRANSFER_ENCODING &&
			f->known != HTTP_CONNECTION && f->known != HTTP_UPGRADE)
			LAW(http_head_add(out, http_head_name(in, f),
				    http_head_value(in, f), f->secret) == 0);
	}
}

/* Reads a body to its end, passing it on where there is a stream to. */
static bool
relay_body(struct end *from, struct http_stream *s, struct feeder *f,
	struct http_stream *to, struct buf *copy)
{
	struct span piece;
	bool eof = false;

	for (;;) {
		switch (http_stream_peek(s, &piece)) {
		case HTTP_DATA:
			LAW(piece.len > 0);
			LAW(buf_add(copy, piece.ptr, piece.len) == 0);
			if (to != NULL)
				LAW(http_stream_send(to, piece.ptr,
					    piece.len) == (ssize_t)piece.len);
			http_stream_consume(s, piece.len);
			break;
		case HTTP_WAIT:
			LAW(!eof);
			eof = f == NULL || !feed(f, from);
			(void)http_conn_run(from->conn, eof);
			break;
		case HTTP_END:
			return true;
		case HTTP_BROKEN:
			LAW(http_conn_error(from->conn) != NULL);
			LAW(http_conn_must_close(from->conn));
			return false;
		}
	}
}

static void
send_end(struct http_stream *from, struct http_stream *to,
	struct http_head *trailers)
{
	const struct http_head *in = http_stream_trailers(from);

	http_head_clear(trailers);
	if (in != NULL)
		LAW(http_rules_trailers(in, NULL, 0, trailers) == 0);
	LAW(http_stream_send_end(to, trailers) == 0);
}

/* The judge reads what far has written and finds one message, the same. */
static void
judge(struct end *judge_end, struct http_stream *s,
	const struct http_head *built, struct buf *body, bool complete,
	const struct http_head *trailers)
{
	const struct http_head *seen = http_stream_head(s), *tail;
	struct http_head plain;
	struct buf copy;

	http_head_init(&plain);
	buf_init(&copy, WIRE_BOUND);
	drop_framing(seen, &plain);
	LAW(same_fields(&plain, built));
	LAW(seen->status == built->status);
	LAW(span_equals(http_head_method(seen), http_head_method(built)));
	LAW(span_equals(http_head_target(seen), http_head_target(built)));
	LAW(span_equals(http_head_authority(seen), http_head_authority(built)));
	LAW(span_equals(http_head_protocol(seen), http_head_protocol(built)));
	LAW(relay_body(judge_end, s, NULL, NULL, &copy) == complete);
	LAW(span_equals(buf_span(&copy), buf_span(body)));
	tail = http_stream_trailers(s);
	if (complete && tail != NULL)
		LAW(same_fields(tail, trailers));
	if (complete && tail == NULL && seen->framing == HTTP_CHUNKED)
		LAW(trailers->field_count == 0);
	LAW(judge_end->in.len == 0);
	http_head_done(&plain);
	buf_done(&copy);
}

/* What a request asks to become, and what a 101 becomes. */
static void
keep_protocol(const struct http_head *in, struct http_head *out)
{
	struct span protocol = http_head_protocol(in);

	if (protocol.len > 0 && http_head_protocol(out).len == 0)
		LAW(http_head_set_protocol(out, protocol) == 0);
}

static bool
law_one_request(struct end *near, struct http_stream *s, struct feeder *f)
{
	struct span authority = http_head_authority(http_stream_head(s));
	struct http_head built, trailers;
	struct http_stream *to;
	struct end far, last;
	struct buf body;
	bool complete;

	if (authority.len == 0)
		authority = SPAN_LITERAL("a.test");
	http_head_init(&built);
	http_head_init(&trailers);
	buf_init(&body, WIRE_BOUND);
	open_end(&far, false, 1);
	LAW(http_rules_request(http_stream_head(s), authority, &built) == 0);
	keep_protocol(http_stream_head(s), &built);
	to = http_conn_request(far.conn, &built);
	LAW(to != NULL);
	complete = relay_body(near, s, f, to, &body);
	if (complete)
		send_end(s, to, &trailers);

	open_end(&last, true, WIRE_BOUND);
	LAW(buf_add(&last.in, buf_span(&far.out).ptr, far.out.len) == 0);
	LAW(http_conn_run(last.conn, false) == 0);
	to = http_conn_accept(last.conn);
	LAW(to != NULL);
	LAW(http_stream_head(to)->framing == built.framing);
	LAW(http_stream_head(to)->content_length == built.content_length);
	judge(&last, to, &built, &body, complete, &trailers);
	LAW(http_conn_accept(last.conn) == NULL);

	close_end(&far);
	close_end(&last);
	http_head_done(&built);
	http_head_done(&trailers);
	buf_done(&body);
	return complete;
}

/* Any answer that lets the connection go on. */
static void
answer(struct http_stream *s)
{
	struct http_head ok;

	http_head_init(&ok);
	ok.status = 204;
	LAW(http_stream_send_head(s, &ok) == 0);
	http_stream_close(s);
}

/* A request that asks for it is switched: the rest of the input is bytes, none
 * of them lost, and nothing is read into them. */
static void
law_tunnel(struct end *near, struct http_stream *s, struct feeder *f)
{
	struct http_head switched;
	struct buf rest;

	http_head_init(&switched);
	buf_init(&rest, WIRE_BOUND);
	switched.status = 101;
	LAW(http_stream_send_head(s, &switched) == 0);
	LAW(http_stream_send_end(s, NULL) == 0);
	LAW(http_conn_is_finished(near->conn));
	LAW(relay_body(near, s, f, NULL, &rest));
	LAW(f->at == f->size && rest.len <= f->size);
	LAW(memcmp(buf_span(&rest).ptr, f->data + f->size - rest.len,
		    rest.len) == 0);
	LAW(rest.len == 0 || http_conn_error(near->conn) == NULL);
	http_stream_close(s);
	LAW(http_conn_accept(near->conn) == NULL);
	http_head_done(&switched);
	buf_done(&rest);
}

size_t
h1_law_request(const uint8_t *data, size_t size)
{
	struct feeder f = feeder_of(data, size);
	struct http_stream *s;
	struct end near;
	size_t done = 0;
	bool eof = false;
	int status;

	open_end(&near, true, NEAR_BOUND);
	while (http_conn_run(near.conn, eof) == 0 && !eof) {
		/* Nobody reads on: a last request was answered. */
		if (buf_room(&near.in) == 0)
			break;
		eof = !feed(&f, &near);
		s = http_conn_accept(near.conn);
		if (s == NULL)
			continue;
		if (http_stream_head(s) == NULL) {
			LAW(http_stream_refused(s, &status) != NULL);
			LAW(status == http_conn_error_status(near.conn));
			break;
		}
		if (http_rules_refuse(http_stream_head(s), &status) == NULL) {
			if (!law_one_request(&near, s, &f))
				break;
			done++;
		}
		if (http_head_protocol(http_stream_head(s)).len > 0) {
			law_tunnel(&near, s, &f);
			break;
		}
		answer(s);
		buf_consume(&near.out, near.out.len);
	}
	LAW((http_conn_error(near.conn) == NULL) ==
		(http_conn_error_status(near.conn) == 0));
	close_end(&near);
	return done;
}

/* The first byte of an input that is a response says what it answers. */
enum asked {
	ASKED_GET,
	ASKED_HEAD,
	ASKED_UPGRADE,
};

static struct http_stream *
ask(struct end *e, enum asked asked)
{
	struct http_head h;
	struct http_stream *s;

	http_head_init(&h);
	LAW(http_head_set_method(&h, asked == ASKED_HEAD
					     ? SPAN_LITERAL("HEAD")
					     : SPAN_LITERAL("GET")) == 0);
	if (asked == ASKED_UPGRADE)
		LAW(http_head_set_protocol(&h, SPAN_LITERAL("websocket")) == 0);
	LAW(http_head_set_target(&h, SPAN_LITERAL("/")) == 0);
	LAW(http_head_add(&h, SPAN_LITERAL("Host"), SPAN_LITERAL("a.test"),
		    false) == 0);
	s = http_conn_request(e->conn, &h);
	LAW(s != NULL);
	http_head_done(&h);
	return s;
}

/* The head that near shows now, written by far and read by the last client. */
static void
law_one_response(struct end *near, struct http_stream *s, struct feeder *f,
	enum asked request)
{
	struct http_head built, trailers;
	struct http_stream *to, *asked;
	struct end far, last;
	bool complete = true, final;
	struct buf body;

	http_head_init(&built);
	http_head_init(&trailers);
	buf_init(&body, WIRE_BOUND);
	open_end(&last, false, WIRE_BOUND);
	asked = ask(&last, request);
	open_end(&far, true, 4096);
	LAW(buf_add(&far.in, buf_span(&last.out).ptr, last.out.len) == 0);
	to = http_conn_accept(far.conn);
	LAW(to != NULL);

	LAW(http_rules_response(http_stream_head(s), &built) == 0);
	keep_protocol(http_stream_head(s), &built);
	final = built.status >= 200 || built.framing == HTTP_TUNNEL;
	LAW(http_stream_send_head(to, &built) == 0);
	if (final) {
		complete = relay_body(near, s, f, to, &body);
		if (complete)
			send_end(s, to, &trailers);
	}
	LAW(buf_add(&last.in, buf_span(&far.out).ptr, far.out.len) == 0);
	LAW(http_conn_run(last.conn, false) == 0);
	LAW(http_stream_head(asked) != NULL);
	if (final) {
		judge(&last, asked, &built, &body, complete, &trailers);
		LAW(http_conn_must_close(last.conn) ==
			(!complete || built.framing == HTTP_TUNNEL));
	}

	close_end(&far);
	close_end(&last);
	http_head_done(&built);
	http_head_done(&trailers);
	buf_done(&body);
}

size_t
h1_law_response(const uint8_t *data, size_t size)
{
	enum asked asked = ASKED_GET;
	struct feeder f;
	struct http_stream *s;
	struct end near;
	size_t done = 0;
	bool eof = false;

	if (size > 1 && data[0] == 'H' && data[1] == 'H')
		asked = ASKED_HEAD;
	else if (size > 1 && data[0] == 'U')
		asked = ASKED_UPGRADE;
	f = feeder_of(data + (asked != ASKED_GET), size - (asked != ASKED_GET));
	open_end(&near, false, NEAR_BOUND);
	s = ask(&near, asked);
	while (!eof && buf_room(&near.in) > 0 &&
		!http_stream_receive_ended(s)) {
		eof = !feed(&f, &near);
		if (http_conn_run(near.conn, eof) < 0)
			break;
		while (http_stream_head(s) != NULL && done < SIZE_MAX) {
			const struct http_head *h = http_stream_head(s);
			bool last =
				h->status >= 200 || h->framing == HTTP_TUNNEL;

			law_one_response(&near, s, &f, asked);
			done++;
			if (last)
				goto out;
			http_stream_next_head(s);
		}
	}
out:
	close_end(&near);
	return done;
}
