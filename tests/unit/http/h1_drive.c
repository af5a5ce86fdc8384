#include "h1_drive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "conn.h"

enum {
	IN_BOUND = 16 * 1024,
	SPLITS_MAX = 700, /* more than that are tried at every n-th place */
};

struct drive {
	struct buf in, out;
	struct http_conn *conn;
	struct http_stream *stream;
	FILE *text;
	struct outcome outcome;
	bool head_shown, body_begun, broken;
};

static void
print_span(struct drive *d, struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c < ' ' || c >= 0x7f)
			fprintf(d->text, "\\x%02x", c);
		else
			fputc(c, d->text);
	}
}

static void
print_fields(struct drive *d, const struct http_head *h)
{
	for (int i = 0; i < h->field_count; i++) {
		fputs(" | ", d->text);
		print_span(d, http_head_name(h, &h->fields[i]));
		fputs(": ", d->text);
		print_span(d, http_head_value(h, &h->fields[i]));
	}
}

static void
print_head(struct drive *d, const struct http_head *h)
{
	d->outcome.messages++;
	if (h->status != 0)
		fprintf(d->text, "%d", h->status);
	print_span(d, http_head_method(h));
	fputc(' ', d->text);
	print_span(d, http_head_target(h));
	fprintf(d->text, " (%u) at ", h->path_len);
	print_span(d, http_head_authority(h));
	fprintf(d->text, " 1.%d framing %d length %llu%s%s%s", h->minor,
		h->framing, (unsigned long long)h->content_length,
		h->keep_alive ? " keep" : "", h->te_trailers ? " te" : "",
		h->expect_continue ? " expect" : "");
	print_fields(d, h);
}

/* Takes what there is of the body; true when it has ended either way. */
static bool
read_body(struct drive *d)
{
	struct span piece;

	for (;;) {
		switch (http_stream_peek(d->stream, &piece)) {
		case HTTP_WAIT:
			return false;
		case HTTP_DATA:
			if (!d->body_begun)
				fputs(" > ", d->text);
			d->body_begun = true;
			print_span(d, piece);
			http_stream_consume(d->stream, piece.len);
			break;
		case HTTP_END:
			if (http_stream_trailers(d->stream) != NULL)
				print_fields(
					d, http_stream_trailers(d->stream));
			fputc('\n', d->text);
			return true;
		case HTTP_BROKEN:
			fputs(" broken\n", d->text);
			d->broken = true;
			return true;
		}
	}
}

static void
answer(struct drive *d)
{
	struct http_head ok;

	http_head_init(&ok);
	ok.status = 200;
	assert_int_equal(http_stream_send_head(d->stream, &ok), 0);
	http_head_done(&ok);
	assert_int_equal(http_stream_send_end(d->stream, NULL), 0);
	http_stream_close(d->stream);
	d->stream = NULL;
	d->body_begun = false;
	buf_consume(&d->out, d->out.len);
}

static void
step_server(struct drive *d, bool eof)
{
	while (!d->broken) {
		if (http_conn_run(d->conn, eof) < 0 && d->stream == NULL)
			return;
		if (d->stream == NULL) {
			d->stream = http_conn_accept(d->conn);
			if (d->stream == NULL)
				return;
			print_head(d, http_stream_head(d->stream));
		}
		if (!read_body(d) || d->broken)
			return;
		answer(d);
	}
}

static void
step_client(struct drive *d, bool eof)
{
	(void)http_conn_run(d->conn, eof);
	while (d->stream != NULL && !d->broken) {
		const struct http_head *h = http_stream_head(d->stream);

		if (h == NULL)
			return;
		if (h->status < 200) {
			print_head(d, h);
			fputc('\n', d->text);
			http_stream_next_head(d->stream);
			continue;
		}
		if (!d->head_shown)
			print_head(d, h);
		d->head_shown = true;
		if (!read_body(d) || d->broken)
			return;
		http_stream_close(d->stream);
		d->stream = NULL;
	}
}

static void
open_drive(struct drive *d, bool server)
{
	size_t size;

	*d = (struct drive){0};
	buf_init(&d->in, IN_BOUND);
	buf_init(&d->out, HTTP_HEAD_WIRE_MAX);
	d->conn = server ? http_server_new(HTTP_1, &d->in, &d->out)
			 : http_client_new(HTTP_1, &d->in, &d->out);
	assert_non_null(d->conn);
	d->text = open_memstream(&d->outcome.text, &size);
	assert_non_null(d->text);
}

static struct outcome
close_drive(struct drive *d)
{
	d->outcome.error = http_conn_error(d->conn);
	d->outcome.status = http_conn_error_status(d->conn);
	if (d->outcome.error != NULL)
		d->outcome.must_close = http_conn_must_close(d->conn);
	fprintf(d->text, "= %d %s close %d\n", d->outcome.status,
		d->outcome.error ? d->outcome.error : "fine",
		d->outcome.must_close);
	fclose(d->text);
	http_conn_free(d->conn);
	buf_done(&d->in);
	buf_done(&d->out);
	return d->outcome;
}

static void
feed(struct drive *d, struct span input, struct cut cut,
	void (*step)(struct drive *, bool))
{
	size_t at = 0;

	while (at < input.len) {
		size_t len = input.len - at;

		if (at < cut.first && len > cut.first - at)
			len = cut.first - at;
		if (cut.piece > 0 && len > cut.piece)
			len = cut.piece;
		if (len > buf_room(&d->in))
			len = buf_room(&d->in);
		/* Nobody reads any more. */
		if (len == 0)
			break;
		assert_int_equal(buf_add(&d->in, input.ptr + at, len), 0);
		at += len;
		step(d, false);
	}
	/* What the input alone has made of it: its end closes anything. */
	d->outcome.must_close = http_conn_must_close(d->conn);
	if (!cut.no_eof)
		step(d, true);
}

struct outcome
drive_server(struct span input, struct cut cut)
{
	struct drive d;

	open_drive(&d, true);
	feed(&d, input, cut, step_server);
	return close_drive(&d);
}

struct outcome
drive_client(const char *method, struct span input, struct cut cut)
{
	struct http_head request;
	struct drive d;

	open_drive(&d, false);
	http_head_init(&request);
	assert_int_equal(http_head_set_method(&request, span_of(method)), 0);
	assert_int_equal(http_head_set_target(&request, SPAN_LITERAL("/")), 0);
	assert_int_equal(http_head_add(&request, SPAN_LITERAL("Host"),
				 SPAN_LITERAL("a.test"), false),
		0);
	d.stream = http_conn_request(d.conn, &request);
	assert_non_null(d.stream);
	http_head_done(&request);
	feed(&d, input, cut, step_client);
	return close_drive(&d);
}

static struct outcome
drive(const char *method, struct span input, struct cut cut)
{
	return method != NULL ? drive_client(method, input, cut)
			      : drive_server(input, cut);
}

static struct outcome
every_way(const char *method, struct span input, const char *why)
{
	struct outcome whole = drive(method, input, (struct cut){0});
	size_t stride = 1 + input.len / SPLITS_MAX;

	for (size_t at = 0; at < input.len; at += stride) {
		/* Where no cut would be is the turn of single bytes. */
		struct cut cut = {.first = at, .piece = at == 0};
		struct outcome other = drive(method, input, cut);

		if (strcmp(whole.text, other.text) != 0)
			fail_msg("%s: cut at %zu of %zu:\n%s\nand whole:\n%s",
				why, at, input.len, other.text, whole.text);
		free(other.text);
	}
	return whole;
}

struct outcome
drive_server_every_way(struct span input, const char *why)
{
	return every_way(NULL, input, why);
}

struct outcome
drive_client_every_way(const char *method, struct span input, const char *why)
{
	return every_way(method, input, why);
}
