/*
 * control_session.c - one client of the control socket
 *
 * Theory of operation
 *
 *	READING    a head, then its body, which is collected: bodies are small
 *	           and documents are compiled as a whole
 *	WAITING    the keeper asks its workers; nothing is read meanwhile
 *	ANSWERING  head and body go to `out` as there is room
 *	OVER       after an error, or when the peer wants it so
 *
 * The keeper may answer after the client has gone, so what it holds is a
 * ticket, which outlives the session and then points nowhere.
 */
#include "control_session.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "conn.h"
#include "control_proto.h"
#include "control_routes.h"

struct control_ticket {
	struct control_session *session; /* NULL: it has gone */
};

struct control_session {
	struct keeper *keeper;
	enum control_right right;
	enum control_phase phase;
	struct buf in, out;
	struct http_conn *conn;
	struct http_stream *stream; /* NULL: between requests */
	bool said_continue;
	bool head_sent;
	struct buf body; /* of the request */
	struct control_reply reply;
	size_t reply_sent;             /* of its body */
	struct control_ticket *ticket; /* while the keeper has it */
	bool running;
	void (*wake)(void *arg);
	void *arg;
};

struct control_session *
control_session_new(struct keeper *keeper, enum control_right right,
	void (*wake)(void *arg), void *arg)
{
	struct control_session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	*s = (struct control_session){.keeper = keeper,
		.right = right,
		.phase = CONTROL_READING,
		.wake = wake,
		.arg = arg};
	buf_init(&s->in, CONTROL_BUFFER);
	buf_init(&s->out, CONTROL_BUFFER);
	/* One more, for the end of the text. */
	buf_init(&s->body, CONTROL_QUESTION_MAX + 1);
	s->conn = http_server_new(HTTP_1, &s->in, &s->out);
	if (s->conn == NULL) {
		control_session_free(s);
		return NULL;
	}
	return s;
}

void
control_session_free(struct control_session *s)
{
	if (s == NULL)
		return;
	if (s->ticket != NULL)
		s->ticket->session = NULL;
	http_conn_free(s->conn);
	buf_done(&s->in);
	buf_done(&s->out);
	buf_done(&s->body);
	control_reply_done(&s->reply);
	free(s);
}

struct buf *
control_session_in(struct control_session *s)
{
	return &s->in;
}

struct buf *
control_session_out(struct control_session *s)
{
	return &s->out;
}

enum control_phase
control_session_phase(const struct control_session *s)
{
	return s->phase;
}

static void
refuse(struct control_session *s, int status, const char *code,
	const char *message)
{
	control_reply_error(&s->reply, status, code, message, NULL);
	/* What is left of the request would be read for nothing. */
	http_conn_set_close(s->conn);
	s->phase = CONTROL_ANSWERING;
}

static json_t *
done(const char *text, const json_t *receipt)
{
	json_t *ret = json_pack("{s:b, s:o}", "ok", 1, "text",
		control_reply_string(text != NULL ? text : ""));

	if (receipt != NULL)
		json_object_update(ret, (json_t *)receipt);
	return ret;
}

void
control_ticket_done(
	void *arg, int status, const char *text, const json_t *receipt)
{
	struct control_ticket *ticket = arg;
	struct control_session *s = ticket->session;

	free(ticket);
	if (s == NULL)
		return;
	assert(s->phase == CONTROL_WAITING);
	s->ticket = NULL;
	if (status < 0)
		control_reply_failure(&s->reply, status, text);
	else
		control_reply_json(&s->reply, 200, done(text, receipt));
	s->phase = CONTROL_ANSWERING;
	/* Called back at once: whoever runs us goes on by itself. */
	if (!s->running)
		s->wake(s->arg);
}

static struct span
field_of(const struct http_head *head, struct span name)
{
	const struct http_field *f = http_head_find_name(head, name);

	return f != NULL ? http_head_value(head, f) : (struct span){NULL, 0};
}

/* The request is complete. */
static void
dispatch(struct control_session *s)
{
	const struct http_head *head = http_stream_head(s->stream);
	struct span target = http_head_target(head);
	struct span path = http_head_path(head);
	struct control_request request = {.keeper = s->keeper};

	if (s->right == CONTROL_NOTHING) {
		refuse(s, 403, "forbidden",
			"you are in neither of the control groups");
		return;
	}
	if (buf_add(&s->body, "", 1) < 0) {
		refuse(s, 500, "failed", strerror(ENOMEM));
		return;
	}
	request.body = buf_span(&s->body).ptr;
	request.body_len = s->body.len - 1;
	if (strlen(request.body) != request.body_len) {
		refuse(s, 400, "bad_request", "the body holds a NUL");
		return;
	}
	request.if_match = field_of(head, SPAN_LITERAL("If-Match"));
	request.if_none_match = field_of(head, SPAN_LITERAL("If-None-Match"));
	if (target.len > path.len)
		request.query = (struct span){
			target.ptr + path.len + 1, target.len - path.len - 1};
	s->ticket = calloc(1, sizeof(*s->ticket));
	if (s->ticket == NULL) {
		refuse(s, 500, "failed", strerror(ENOMEM));
		return;
	}
	s->ticket->session = s;
	s->phase = CONTROL_WAITING;
	if (control_routes_run(http_head_method(head), path, s->right, &request,
		    &s->reply, s->ticket)) {
		free(s->ticket);
		s->ticket = NULL;
		s->phase = CONTROL_ANSWERING;
	}
}

/* True when there is more to do at once. */
static bool
read_body(struct control_session *s)
{
	const struct http_head *head = http_stream_head(s->stream);
	size_t most = control_routes_body_max(
		http_head_method(head), http_head_path(head));
	struct span piece;

	if (head->framing == HTTP_LENGTH && head->content_length > most) {
		refuse(s, 413, "too_large", "the body is too large");
		return true;
	}
	if (head->expect_continue && !s->said_continue) {
		struct http_head interim;

		http_head_init(&interim);
		interim.status = 100;
		interim.framing = HTTP_NO_BODY;
		s->said_continue =
			http_stream_send_head(s->stream, &interim) == 0;
		http_head_done(&interim);
	}
	for (;;) {
		switch (http_stream_peek(s->stream, &piece)) {
		case HTTP_WAIT:
			return false;
		case HTTP_BROKEN:
			s->phase = CONTROL_OVER;
			return false;
		case HTTP_END:
			dispatch(s);
			return s->phase == CONTROL_ANSWERING;
		case HTTP_DATA:
			if (piece.len > most - s->body.len ||
				buf_add(&s->body, piece.ptr, piece.len) < 0) {
				refuse(s, 413, "too_large",
					"the body is too large");
				return true;
			}
			http_stream_consume(s->stream, piece.len);
			break;
		}
	}
}

static bool
read_request(struct control_session *s, bool eof)
{
	const char *why = NULL;
	int status;

	(void)http_conn_run(s->conn, eof);
	if (s->stream == NULL) {
		s->stream = http_conn_accept(s->conn);
		if (s->stream != NULL)
			why = http_stream_refused(s->stream, &status);
	}
	if (why != NULL) {
		refuse(s, status, "bad_request", why);
		return true;
	}
	if (s->stream != NULL)
		return read_body(s);
	if (eof || http_conn_must_close(s->conn))
		s->phase = CONTROL_OVER;
	return false;
}

static int
send_head(struct control_session *s)
{
	struct http_head head;
	int e;

	http_head_init(&head);
	head.status = s->reply.status;
	head.framing = s->reply.len > 0 ? HTTP_LENGTH : HTTP_NO_BODY;
	head.content_length = s->reply.len;
	e = http_head_add(&head, SPAN_LITERAL("Content-Type"),
		span_of(s->reply.type), false);
	if (e == 0)
		e = http_head_add(&head, SPAN_LITERAL("Cache-Control"),
			SPAN_LITERAL("no-store"), false);
	if (e == 0 && s->reply.tag[0] != '\0')
		e = http_head_add(&head, SPAN_LITERAL("ETag"),
			span_of(s->reply.tag), false);
	if (e == 0)
		e = http_stream_send_head(s->stream, &head);
	http_head_done(&head);
	s->head_sent = e == 0;
	return e;
}

/* The answer is out: the next request, or the end. */
static void
next_request(struct control_session *s)
{
	http_stream_close(s->stream);
	s->stream = NULL;
	s->said_continue = s->head_sent = false;
	s->reply_sent = 0;
	control_reply_done(&s->reply);
	buf_done(&s->body);
	s->phase =
		http_conn_must_close(s->conn) ? CONTROL_OVER : CONTROL_READING;
}

/* True when the answer is all in `out`. */
static bool
send_reply(struct control_session *s)
{
	ssize_t n;
	int e = s->head_sent ? 0 : send_head(s);

	if (e == 0 && s->reply_sent < s->reply.len) {
		n = http_stream_send(s->stream, s->reply.body + s->reply_sent,
			s->reply.len - s->reply_sent);
		if (n < 0)
			e = (int)n;
		else
			s->reply_sent += (size_t)n;
	}
	if (e == 0 && s->reply_sent < s->reply.len)
		return false;
	if (e == 0)
		e = http_stream_send_end(s->stream, NULL);
	if (e == -ENOBUFS)
		return false;
	if (e < 0) {
		s->phase = CONTROL_OVER;
		return false;
	}
	next_request(s);
	return true;
}

enum control_phase
control_session_run(struct control_session *s, bool eof)
{
	bool more = true;

	s->running = true;
	while (more) {
		switch (s->phase) {
		case CONTROL_READING:
			more = read_request(s, eof);
			break;
		case CONTROL_ANSWERING:
			more = send_reply(s);
			break;
		case CONTROL_WAITING:
		case CONTROL_OVER:
			more = false;
			break;
		}
	}
	s->running = false;
	return s->phase;
}
