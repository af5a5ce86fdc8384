/*
 * h2_law.c
 *
 *	input -> [near, HTTP/2] == rules ==> [far, HTTP/1] -> bytes -> [judge]
 *
 * with a far and a judge for each stream of near.  Streams are read as they
 * become ready, not always at once, so that bodies pile up in between.
 */
#include "h2_law.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "buf.h"
#include "conn.h"
#include "message.h"
#include "rules.h"

enum {
	IN_BOUND = 4096,
	OUT_BOUND = 70 * 1024,
	WIRE_BOUND = 8 * 1024 * 1024,
	PIECE_MAX = 600,
	/* A megabyte is the larger of the two connections' windows. */
	HELD_MAX = 1024 * 1024,
	ASKED = 3,
};

#define LAW(condition) \
	do { \
		if (!(condition)) \
			broken(#condition, __LINE__); \
	} while (0)

static void
broken(const char *condition, int line)
{
	fprintf(stderr, "h2_law.c:%d: the law is broken: %s\n", line,
		condition);
	abort();
}

struct end {
	struct buf in, out;
	struct http_conn *conn;
};

static void
open_end(struct end *e, enum http_version v, bool server, size_t bound)
{
	buf_init(&e->in, bound);
	buf_init(&e->out, bound == IN_BOUND ? OUT_BOUND : WIRE_BOUND);
	e->conn = server ? http_server_new(v, &e->in, &e->out)
			 : http_client_new(v, &e->in, &e->out);
	LAW(e->conn != NULL);
}

static void
close_end(struct end *e)
{
	http_conn_free(e->conn);
	buf_done(&e->in);
	buf_done(&e->out);
}

/* What one stream of near is carried by. */
struct carrier {
	struct end far;
	struct http_stream *to;
	struct http_head built, trailers;
	struct buf body;
	bool to_head;
};

static void
make_request(struct http_head *h, const char *method)
{
	http_head_init(h);
	LAW(http_head_set_method(h, span_of(method)) == 0);
	LAW(http_head_set_target(h, SPAN_LITERAL("/")) == 0);
	LAW(http_head_add(h, SPAN_LITERAL("Host"), SPAN_LITERAL("a.test"),
		    false) == 0);
}

static struct http_stream *
ask(struct http_conn *c, const char *method, enum http_framing framing)
{
	struct http_stream *s;
	struct http_head h;

	make_request(&h, method);
	h.framing = framing;
	s = http_conn_request(c, &h);
	http_head_done(&h);
	return s;
}

static struct carrier *
carrier_new(bool server)
{
	struct carrier *c = calloc(1, sizeof(*c));

	LAW(c != NULL);
	http_head_init(&c->built);
	http_head_init(&c->trailers);
	buf_init(&c->body, WIRE_BOUND);
	open_end(&c->far, HTTP_1, server, WIRE_BOUND);
	return c;
}

static void
carrier_free(struct carrier *c)
{
	if (c == NULL)
		return;
	close_end(&c->far);
	http_head_done(&c->built);
	http_head_done(&c->trailers);
	buf_done(&c->body);
	free(c);
}

static const char *
method_of(const struct carrier *c)
{
	return c->to_head ? "HEAD" : "GET";
}

/* The judge's side of a response has asked, or it would not listen. */
static void
begin_response(struct carrier *c, const struct http_head *h)
{
	struct http_stream *s;
	struct end client;

	open_end(&client, HTTP_1, false, WIRE_BOUND);
	s = ask(client.conn, method_of(c), HTTP_NO_BODY);
	LAW(s != NULL);
	LAW(buf_add(&c->far.in, buf_span(&client.out).ptr, client.out.len) ==
		0);
	close_end(&client);
	LAW(http_conn_run(c->far.conn, false) == 0);
	c->to = http_conn_accept(c->far.conn);
	LAW(c->to != NULL);
	LAW(http_rules_response(h, &c->built) == 0);
	LAW(http_stream_send_head(c->to, &c->built) == 0);
}

static bool
same_fields(const struct http_head *seen, const struct http_head *built)
{
	int n = 0;

	for (int i = 0; i < seen->field_count; i++) {
		const struct http_field *f = &seen->fields[i], *g;

		if (f->known == HTTP_CONTENT_LENGTH ||
			f->known == HTTP_TRANSFER_ENCODING ||
			f->known == HTTP_CONNECTION)
			continue;
		if (n == built->field_count)
			return false;
		g = &built->fields[n++];
		if (!span_equals(http_head_name(seen, f),
			    http_head_name(built, g)) ||
			!span_equals(http_head_value(seen, f),
				http_head_value(built, g)))
			return false;
	}
	return n == built->field_count;
}

/* The HTTP/1 parser knows a list of methods and takes 16 KiB of start line;
 * HTTP/2 has neither bound. */
static bool
is_beyond_parser(const struct http_conn *c)
{
	int status = http_conn_error_status(c);

	return status == 414 || status == 501;
}

/* One message, the same, and nothing behind it. */
static void
judge(struct carrier *c, bool request)
{
	const struct http_head *seen;
	struct http_stream *s = NULL;
	struct end last;
	struct span piece = {"", 0};
	size_t at = 0;

	open_end(&last, HTTP_1, request, WIRE_BOUND);
	if (!request)
		s = ask(last.conn, method_of(c), HTTP_NO_BODY);
	LAW(buf_add(&last.in, buf_span(&c->far.out).ptr, c->far.out.len) == 0);
	if (http_conn_run(last.conn, false) < 0) {
		LAW(request && is_beyond_parser(last.conn));
		close_end(&last);
		return;
	}
	if (request)
		s = http_conn_accept(last.conn);
	LAW(s != NULL);
	seen = http_stream_head(s);
	LAW(seen != NULL);
	LAW(seen->status == c->built.status);
	LAW(span_equals(http_head_method(seen), http_head_method(&c->built)));
	LAW(span_equals(http_head_target(seen), http_head_target(&c->built)));
	LAW(same_fields(seen, &c->built));
	while (http_stream_peek(s, &piece) == HTTP_DATA) {
		LAW(at + piece.len <= c->body.len);
		LAW(memcmp(piece.ptr, buf_span(&c->body).ptr + at, piece.len) ==
			0);
		at += piece.len;
		http_stream_consume(s, piece.len);
	}
	LAW(http_stream_peek(s, &piece) == HTTP_END);
	LAW(at == c->body.len);
	if (http_stream_trailers(s) != NULL)
		LAW(same_fields(http_stream_trailers(s), &c->trailers));
	LAW(last.in.len == 0);
	close_end(&last);
}

/* ---- reading near ---- */

struct law {
	struct end near;
	const uint8_t *data;
	size_t size, at, done;
	uint32_t random;
	bool server;
};

static uint32_t
roll(struct law *l, uint32_t sides)
{
	l->random = l->random * 1103515245 + 12345;
	return (l->random >> 16) % sides;
}

static bool
feed(struct law *l)
{
	size_t len = 1 + roll(l, PIECE_MAX);

	if (l->at == l->size)
		return false;
	if (len > l->size - l->at)
		len = l->size - l->at;
	LAW(buf_add(&l->near.in, l->data + l->at, len) == 0);
	l->at += len;
	return true;
}

/* Some answer, as far as there is room for one. */
static void
answer(struct law *l, struct http_stream *s)
{
	struct http_head ok;

	http_head_init(&ok);
	ok.status = roll(l, 4) ? 200 : 204;
	ok.framing = roll(l, 2) ? HTTP_CHUNKED : HTTP_NO_BODY;
	if (http_stream_send_head(s, &ok) == 0 && roll(l, 4) != 0) {
		if (!http_stream_send_ended(s))
			(void)http_stream_send(
				s, "0123456789", 1 + roll(l, 10));
		(void)http_stream_send_end(s, NULL);
	}
	http_head_done(&ok);
}

static void
finish(struct http_stream *s)
{
	carrier_free(http_stream_owner(s));
	http_stream_close(s);
}

/* The message is whole: it is judged, and the stream is done. */
static void
end_stream(struct law *l, struct http_stream *s, struct carrier *c)
{
	const struct http_head *t = http_stream_trailers(s);

	if (c->to != NULL && c->built.framing != HTTP_TUNNEL &&
		!http_stream_send_ended(c->to)) {
		if (t != NULL)
			LAW(http_rules_trailers(t, NULL, 0, &c->trailers) == 0);
		LAW(http_stream_send_end(c->to, &c->trailers) == 0);
	}
	if (c->to != NULL && c->built.framing != HTTP_TUNNEL) {
		judge(c, l->server);
		l->done++;
	}
	if (l->server && !http_stream_sent_head(s))
		answer(l, s);
	finish(s);
}

/* The head of a final response, or none yet. */
static void
take_head(struct http_stream *s, struct carrier *c)
{
	const struct http_head *h = http_stream_head(s);

	while (h != NULL && h->status < 200 && h->status != 101) {
		http_stream_next_head(s);
		h = http_stream_head(s);
	}
	if (h == NULL || h->status == 101 || c->to != NULL)
		return;
	begin_response(c, h);
}

static void
read_stream(struct law *l, struct http_stream *s)
{
	struct carrier *c = http_stream_owner(s);
	struct span piece;
	enum http_body got;

	if (!l->server)
		take_head(s, c);
	while ((got = http_stream_peek(s, &piece)) == HTTP_DATA) {
		size_t len = 1 + roll(l, (uint32_t)piece.len);

		LAW(piece.len > 0 && piece.len <= HELD_MAX);
		LAW(buf_add(&c->body, piece.ptr, len) == 0);
		if (c->to != NULL && c->built.framing != HTTP_TUNNEL)
			LAW(http_stream_send(c->to, piece.ptr, len) ==
				(ssize_t)len);
		http_stream_consume(s, len);
	}
	if (got == HTTP_END)
		end_stream(l, s, c);
	else if (got == HTTP_BROKEN)
		finish(s);
}

static void
take_request(struct law *l, struct http_stream *s)
{
	const struct http_head *h = http_stream_head(s);
	struct carrier *c;
	int status;

	if (h == NULL) {
		LAW(http_stream_refused(s, &status) != NULL);
		LAW(status >= 400 && status <= 599);
		answer(l, s);
		http_stream_close(s);
		return;
	}
	c = carrier_new(false);
	http_stream_set_owner(s, c);
	if (http_rules_refuse(h, &status) != NULL)
		return;
	LAW(http_rules_request(h, http_head_authority(h), &c->built) == 0);
	if (h->framing == HTTP_TUNNEL)
		return;
	c->to = http_conn_request(c->far.conn, &c->built);
	LAW(c->to != NULL);
}

static void
step(struct law *l, bool eof)
{
	struct http_stream *s;

	(void)http_conn_run(l->near.conn, eof);
	while (l->server && (s = http_conn_accept(l->near.conn)) != NULL)
		take_request(l, s);
	while ((s = http_conn_next_ready(l->near.conn)) != NULL)
		read_stream(l, s);
	LAW(l->near.in.len == 0 || http_conn_error(l->near.conn) != NULL);
	LAW(l->near.out.len <= OUT_BOUND);
	if (eof || roll(l, 3) == 0)
		buf_consume(&l->near.out, l->near.out.len);
}

static void
begin(struct law *l, const uint8_t *data, size_t size, bool server)
{
	*l = (struct law){
		.data = data, .size = size, .random = 1, .server = server};
	for (size_t i = 0; i < size; i++)
		l->random = l->random * 31 + data[i];
	open_end(&l->near, HTTP_2, server, IN_BOUND);
}

static size_t
end(struct law *l)
{
	while (http_conn_error(l->near.conn) == NULL && feed(l))
		step(l, false);
	step(l, true);
	step(l, true);
	LAW(http_conn_must_close(l->near.conn));
	return l->done;
}

size_t
h2_law_server(const uint8_t *data, size_t size)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	struct law l;
	size_t done;

	begin(&l, data, size, true);
	LAW(buf_add(&l.near.in, preface, sizeof(preface) - 1) == 0);
	step(&l, false);
	done = end(&l);
	close_end(&l.near);
	return done;
}

size_t
h2_law_client(const uint8_t *data, size_t size)
{
	static const char *const methods[ASKED] = {"GET", "HEAD", "POST"};
	struct law l;
	size_t done;

	begin(&l, data, size, false);
	for (int i = 0; i < ASKED; i++) {
		struct http_stream *s = ask(l.near.conn, methods[i],
			i == 2 ? HTTP_CHUNKED : HTTP_NO_BODY);
		struct carrier *c = carrier_new(true);

		LAW(s != NULL);
		c->to_head = i == 1;
		http_stream_set_owner(s, c);
	}
	done = end(&l);
	close_end(&l.near);
	return done;
}
