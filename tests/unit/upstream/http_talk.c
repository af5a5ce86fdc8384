#include "http_talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "loop_until.h"

struct http_head
talk_head(const char *method, const char *host, const char *path,
	const char *fields)
{
	struct http_head h;

	http_head_init(&h);
	assert_int_equal(http_head_set_method(&h, span_of(method)), 0);
	assert_int_equal(http_head_set_target(&h, span_of(path)), 0);
	assert_int_equal(
		http_head_add(&h, SPAN_LITERAL("Host"), span_of(host), false),
		0);
	while (fields != NULL && *fields != '\0') {
		const char *colon = strstr(fields, ": ");
		const char *end = strchr(fields, '\n');

		assert_true(colon != NULL && end != NULL);
		assert_int_equal(
			http_head_add(&h,
				(struct span){fields, (size_t)(colon - fields)},
				(struct span){
					colon + 2, (size_t)(end - colon - 2)},
				false),
			0);
		fields = end + 1;
	}
	return h;
}

struct http_stream *
talk_send(struct http_end *e, const struct http_head *h)
{
	struct http_stream *s = http_conn_request(e->http, h);

	assert_non_null(s);
	http_end_push(e);
	return s;
}

struct http_stream *
talk_ask(struct http_end *e, const char *host, const char *path)
{
	struct http_head h = talk_head("GET", host, path, NULL);
	struct http_stream *s = talk_send(e, &h);

	http_head_done(&h);
	return s;
}

struct listener {
	struct http_end *end;
	struct http_stream *stream;
	uint32_t code;
};

static bool
has_asked(void *arg)
{
	struct listener *l = arg;

	if (l->stream == NULL)
		l->stream = http_conn_accept(l->end->http);
	return l->stream != NULL;
}

struct http_stream *
talk_hear(struct http_end *e)
{
	struct listener l = {.end = e};

	loop_until(e->stream.loop, has_asked, &l, "a request");
	assert_non_null(http_stream_head(l.stream));
	return l.stream;
}

bool
talk_is_path(const struct http_stream *s, const char *path)
{
	return span_equals(
		http_head_target(http_stream_head(s)), span_of(path));
}

static void
send_head(struct http_end *e, struct http_stream *s, int status)
{
	struct http_head h;

	http_head_init(&h);
	h.status = status;
	h.framing = HTTP_CHUNKED;
	assert_int_equal(http_stream_send_head(s, &h), 0);
	http_head_done(&h);
	http_end_push(e);
}

void
talk_begin(struct http_end *e, struct http_stream *s, int status)
{
	send_head(e, s, status);
}

void
talk_say(struct http_end *e, struct http_stream *s, const char *text)
{
	assert_int_equal(http_stream_send(s, text, strlen(text)), strlen(text));
	http_end_push(e);
}

void
talk_end(struct http_end *e, struct http_stream *s)
{
	assert_int_equal(http_stream_send_end(s, NULL), 0);
	http_end_push(e);
}

void
talk_answer(
	struct http_end *e, struct http_stream *s, int status, const char *body)
{
	send_head(e, s, status);
	talk_say(e, s, body);
	talk_end(e, s);
	http_stream_close(s);
	http_end_push(e);
}

static bool
has_answer(void *arg)
{
	struct listener *l = arg;
	struct span rest;

	return http_stream_head(l->stream) != NULL ||
	       http_stream_peek(l->stream, &rest) == HTTP_BROKEN;
}

int
talk_status(struct http_end *e, struct http_stream *s)
{
	struct listener l = {.end = e, .stream = s};

	loop_until(e->stream.loop, has_answer, &l, "an answer");
	return http_stream_head(s) != NULL ? http_stream_head(s)->status : 0;
}

static bool
has_body(void *arg)
{
	struct listener *l = arg;
	struct span rest;

	return http_stream_peek(l->stream, &rest) != HTTP_WAIT;
}

const char *
talk_read(struct http_end *e, struct http_stream *s, const char *text)
{
	struct listener l = {.end = e, .stream = s};
	static char got[8192];
	enum http_body what;
	struct span data;
	size_t len = 0;

	got[0] = '\0';
	while (text[0] == '\0' || strstr(got, text) == NULL) {
		loop_until(e->stream.loop, has_body, &l,
			text[0] != '\0' ? text : "the end of a body");
		what = http_stream_peek(s, &data);
		if (what == HTTP_BROKEN)
			return NULL;
		if (what != HTTP_DATA)
			break;
		assert_true(len + data.len < sizeof(got));
		memcpy(got + len, data.ptr, data.len);
		len += data.len;
		got[len] = '\0';
		http_stream_consume(s, data.len);
		http_end_push(e);
	}
	if (text[0] != '\0' && strstr(got, text) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", text, got);
	return got;
}

static bool
was_reset(void *arg)
{
	struct listener *l = arg;

	return http_stream_reset(l->stream, &l->code) != HTTP_NOT_RESET;
}

uint32_t
talk_wait_reset(struct http_end *e, struct http_stream *s)
{
	struct listener l = {.end = e, .stream = s};

	loop_until(e->stream.loop, was_reset, &l, "a reset");
	return l.code;
}

void
talk_close(struct http_end *e, struct http_stream *s, uint32_t code)
{
	http_stream_set_reset(s, code);
	http_stream_close(s);
	http_end_push(e);
}
