#include "visitor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "torture_law.h"

void
visitor_open(struct visitor *v, int fd, SSL_CTX *trust, const char *name)
{
	memset(v, 0, sizeof(*v));
	speaker_connect(&v->speaker, fd, trust, name);
}

void
visitor_close(struct visitor *v)
{
	speaker_close(&v->speaker);
}

void
visitor_ask(struct visitor *v, const struct ask *asks, size_t count,
	const char *host, uint16_t port, unsigned first_path)
{
	assert_true(count <= VISITOR_ASKS);
	v->asks = asks;
	v->count = count;
	v->first_path = first_path;
	memset(v->asked, 0, sizeof(v->asked));
	snprintf(v->authority, sizeof(v->authority), "%s:%u", host, port);
}

/* ---- asking ---------------------------------------------------------------
 */

static const struct {
	const char *method;
	enum http_framing framing;
	bool upgrade;
} kinds[] = {
	[ASK_GET] = {"GET", HTTP_NO_BODY, false},
	[ASK_POST] = {"POST", HTTP_LENGTH, false},
	[ASK_WEBSOCKET] = {"GET", HTTP_TUNNEL, true},
};

static void
add(struct http_head *h, const char *name, const char *value)
{
	assert_int_equal(
		http_head_add(h, span_of(name), span_of(value), false), 0);
}

static void
make_head(struct http_head *h, const struct visitor *v, size_t i)
{
	enum ask_kind kind = v->asks[i].kind;
	char path[16];

	snprintf(path, sizeof(path), "/%u", v->first_path + (unsigned)i);
	http_head_init(h);
	assert_int_equal(
		http_head_set_method(h, span_of(kinds[kind].method)), 0);
	assert_int_equal(http_head_set_target(h, span_of(path)), 0);
	add(h, "Host", v->authority);
	h->framing = kinds[kind].framing;
	h->content_length = strlen("ping");
	if (!kinds[kind].upgrade)
		return;
	add(h, "Sec-WebSocket-Version", "13");
	assert_int_equal(
		http_head_set_protocol(h, SPAN_LITERAL("websocket")), 0);
}

/* Not before the other side has said how many at once it takes. */
static void
begin(struct visitor *v, size_t i)
{
	struct http_conn *http = v->speaker.http;
	struct http_head h;

	if (!http_conn_is_settled(http) || !http_conn_can_request(http))
		return;
	make_head(&h, v, i);
	v->asked[i].stream = http_conn_request(http, &h);
	assert_non_null(v->asked[i].stream);
	v->asked[i].begun = true;
	http_head_done(&h);
}

/* A WebSocket speaks when it is one. */
static void
speak(struct asked *a, enum ask_kind kind)
{
	if (a->spoke || kind == ASK_GET ||
		(kind == ASK_WEBSOCKET && a->status != 101))
		return;
	a->spoke = true;
	assert_int_equal(http_stream_send(a->stream, "ping", 4), 4);
	if (kind == ASK_POST)
		assert_int_equal(http_stream_send_end(a->stream, NULL), 0);
}

/* ---- hearing --------------------------------------------------------------
 */

static void
end(struct asked *a, bool whole)
{
	http_stream_close(a->stream);
	a->stream = NULL;
	a->whole = whole;
	a->over = true;
}

static bool
is_text(const struct asked *a, const char *text)
{
	return a->len == strlen(text) && memcmp(a->body, text, a->len) == 0;
}

static void
end_whole(struct asked *a)
{
	if (a->status == 200)
		assert_true(is_text(a, "hello"));
	else if (a->status != 101)
		assert_non_null(memmem(a->body, a->len, "\"reason\"", 8));
	end(a, true);
}

static void
hear_body(struct asked *a)
{
	enum http_body what;
	struct span data;

	while ((what = http_stream_peek(a->stream, &data)) == HTTP_DATA) {
		law_hold_clean(data);
		assert_true(data.len <= sizeof(a->body) - a->len);
		memcpy(a->body + a->len, data.ptr, data.len);
		a->len += data.len;
		http_stream_consume(a->stream, data.len);
	}
	if (a->status == 101 && is_text(a, "pong") &&
		!http_stream_send_ended(a->stream))
		assert_int_equal(http_stream_send_end(a->stream, NULL), 0);
	if (what == HTTP_END)
		end_whole(a);
	else if (what == HTTP_BROKEN)
		end(a, false);
}

static void
hear(struct asked *a)
{
	const struct http_head *head = http_stream_head(a->stream);
	int status;

	assert_null(http_stream_refused(a->stream, &status));
	if (head != NULL) {
		law_hold_clean_head(head);
		a->status = head->status;
		hear_body(a);
	} else if (http_stream_reset(a->stream, NULL) != HTTP_NOT_RESET) {
		end(a, false);
	}
}

static void
run_one(struct visitor *v, size_t i)
{
	struct asked *a = &v->asked[i];

	if (!a->begun)
		begin(v, i);
	if (a->stream == NULL)
		return;
	speak(a, v->asks[i].kind);
	hear(a);
}

void
visitor_run(struct visitor *v)
{
	if (v->speaker.peer.ssl == NULL)
		return;
	speaker_run(&v->speaker);
	if (v->speaker.http == NULL)
		return;
	for (size_t i = 0; i < v->count; i++)
		run_one(v, i);
	speaker_run(&v->speaker);
}

bool
visitor_is_lost(const struct visitor *v)
{
	return v->speaker.peer.ssl == NULL || speaker_has_ended(&v->speaker) ||
	       http_conn_must_close(v->speaker.http);
}

bool
visitor_is_over(const struct visitor *v)
{
	if (speaker_has_ended(&v->speaker))
		return true;
	for (size_t i = 0; i < v->count; i++) {
		if (!v->asked[i].over)
			return false;
	}
	return true;
}

void
visitor_assert_served(const struct visitor *v)
{
	for (size_t i = 0; i < v->count; i++) {
		const struct asked *a = &v->asked[i];

		if (!a->whole || a->status != v->asks[i].status ||
			(a->status == 101 && !is_text(a, "pong")))
			fail_msg("%s/%u: %d, not %d: %.*s", v->authority,
				v->first_path + (unsigned)i, a->status,
				v->asks[i].status, (int)a->len, a->body);
	}
	assert_false(speaker_has_ended(&v->speaker));
}
