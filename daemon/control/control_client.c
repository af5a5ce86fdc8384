/*
 * control_client.c - asks the daemon
 *
 * Theory of operation
 *
 * One question at a time over two bounded buffers and the HTTP codec: pour the
 * question into `out` as there is room, write, read, let the codec parse, pour
 * the answer's body into memory; poll() in between, until the deadline.  The
 * other end is the daemon, yet bounded like everybody.
 */
#include "control_client.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "conn.h"
#include "control_proto.h"

struct control_client {
	int fd;
	bool peer_done; /* it has finished sending */
	struct buf in, out;
	struct http_conn *conn;
};

/* One question on its way. */
struct asking {
	struct control_client *client;
	struct http_stream *stream;
	const struct control_question *question;
	size_t sent; /* of the question's body */
	bool asked;  /* all of it is in `out` */
	struct buf body;
	int status; /* of the answer, 0 before */
	bool complete;
};

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int
no_daemon(const char *path, int e, char *reterr, size_t size)
{
	if (e == -ENOENT || e == -ECONNREFUSED)
		snprintf(reterr, size,
			"no daemon at %s (start sbx-netd, or name its runtime "
			"directory with --runtime-dir)",
			path);
	else if (e == -EACCES)
		snprintf(reterr, size,
			"no access to %s: you are not in the control group",
			path);
	else
		snprintf(reterr, size, "%s: %s", path, strerror(-e));
	return e;
}

int
control_client_open(const char *socket_path, struct control_client **ret,
	char *reterr, size_t size)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	struct control_client *c;
	int e;

	if (strlen(socket_path) >= sizeof(name.sun_path))
		return no_daemon(socket_path, -ENAMETOOLONG, reterr, size);
	memcpy(name.sun_path, socket_path, strlen(socket_path));
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return no_daemon(socket_path, -ENOMEM, reterr, size);
	buf_init(&c->in, CONTROL_BUFFER);
	buf_init(&c->out, CONTROL_BUFFER);
	c->conn = http_client_new(HTTP_1, &c->in, &c->out);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->conn == NULL || c->fd < 0 ||
		connect(c->fd, (struct sockaddr *)&name, sizeof(name)) < 0) {
		e = c->conn == NULL ? -ENOMEM : -errno;
		control_client_close(c);
		return no_daemon(socket_path, e, reterr, size);
	}
	*ret = c;
	return 0;
}

void
control_client_close(struct control_client *c)
{
	if (c == NULL)
		return;
	http_conn_free(c->conn);
	buf_done(&c->in);
	buf_done(&c->out);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

static int
begin(struct asking *a)
{
	const struct control_question *q = a->question;
	struct http_head head;
	int e;

	http_head_init(&head);
	e = http_head_set_method(&head, span_of(q->method));
	if (e == 0)
		e = http_head_set_target(&head, span_of(q->target));
	if (e == 0)
		e = http_head_add(&head, SPAN_LITERAL("Host"),
			SPAN_LITERAL("localhost"), false);
	if (e == 0)
		e = http_head_add(&head, SPAN_LITERAL("Accept"),
			SPAN_LITERAL("application/json"), false);
	if (e == 0 && q->if_match != NULL)
		e = http_head_add(&head, SPAN_LITERAL("If-Match"),
			span_of(q->if_match), false);
	if (e == 0 && q->if_none_match != NULL)
		e = http_head_add(&head, SPAN_LITERAL("If-None-Match"),
			span_of(q->if_none_match), false);
	head.framing = q->body != NULL ? HTTP_LENGTH : HTTP_NO_BODY;
	head.content_length = q->body_len;
	if (e == 0) {
		a->stream = http_conn_request(a->client->conn, &head);
		e = a->stream == NULL ? -errno : 0;
	}
	http_head_done(&head);
	return e;
}

/* As much of the question as fits `out`. */
static int
pour_question(struct asking *a)
{
	const struct control_question *q = a->question;
	ssize_t n;
	int e;

	if (a->asked)
		return 0;
	if (a->sent < q->body_len) {
		n = http_stream_send(
			a->stream, q->body + a->sent, q->body_len - a->sent);
		if (n < 0)
			return (int)n;
		a->sent += (size_t)n;
	}
	if (a->sent < q->body_len)
		return 0;
	e = http_stream_send_end(a->stream, NULL);
	if (e == -ENOBUFS)
		return 0;
	a->asked = e == 0;
	return e;
}

/* As much of the answer as is there. */
static int
take_answer(struct asking *a)
{
	const struct http_head *head = http_stream_head(a->stream);
	struct span piece;
	int e;

	while (head != NULL && head->status < 200) {
		http_stream_next_head(a->stream);
		head = http_stream_head(a->stream);
	}
	if (head == NULL)
		return 0;
	a->status = head->status;
	for (;;) {
		switch (http_stream_peek(a->stream, &piece)) {
		case HTTP_WAIT:
			return 0;
		case HTTP_BROKEN:
			return -EPIPE;
		case HTTP_END:
			a->complete = true;
			return 0;
		case HTTP_DATA:
			e = buf_add(&a->body, piece.ptr, piece.len);
			if (e < 0)
				return e;
			http_stream_consume(a->stream, piece.len);
			break;
		}
	}
}

static int
write_some(struct control_client *c)
{
	struct span bytes = buf_span(&c->out);
	ssize_t n;

	if (bytes.len == 0)
		return 0;
	n = send(c->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	buf_consume(&c->out, (size_t)n);
	return 0;
}

static int
read_some(struct control_client *c)
{
	size_t room;
	char *tail;
	ssize_t n;

	if (c->peer_done || buf_room(&c->in) == 0)
		return 0;
	tail = buf_reserve(&c->in, 1, &room);
	if (tail == NULL)
		return -ENOMEM;
	n = recv(c->fd, tail, room, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	c->peer_done = n == 0;
	buf_commit(&c->in, (size_t)n);
	return 0;
}

static int
wait_until(struct control_client *c, int64_t deadline)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};
	int64_t left = deadline - now_ms();

	if (left <= 0)
		return -ETIMEDOUT;
	if (c->out.len > 0)
		p.events |= POLLOUT;
	if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
		return -errno;
	return 0;
}

static int
step(struct asking *a, int64_t deadline)
{
	struct control_client *c = a->client;
	int e = pour_question(a);

	if (e == 0)
		e = write_some(c);
	/* A daemon that refuses early may close before it has read all. */
	if (e == -EPIPE || e == -ECONNRESET)
		e = 0;
	if (e == 0)
		e = wait_until(c, deadline);
	if (e == 0)
		e = read_some(c);
	if (e == 0)
		e = http_conn_run(c->conn, c->peer_done);
	if (e == 0)
		e = take_answer(a);
	if (e == 0 && c->peer_done && !a->complete)
		e = -EPIPE;
	return e;
}

static int
give(struct asking *a, struct control_answer *ret)
{
	struct span body = buf_span(&a->body);
	char *text = malloc(body.len + 1);

	if (text == NULL)
		return -ENOMEM;
	if (body.len > 0)
		memcpy(text, body.ptr, body.len);
	text[body.len] = '\0';
	*ret = (struct control_answer){a->status, text, body.len};
	return 0;
}

int
control_client_ask(struct control_client *c,
	const struct control_question *question, struct control_answer *ret,
	char *reterr, size_t size)
{
	struct asking a = {.client = c, .question = question};
	int64_t deadline = now_ms() + (int64_t)question->seconds * 1000;
	int e;

	buf_init(&a.body, CONTROL_ANSWER_MAX);
	e = begin(&a);
	while (e == 0 && !a.complete)
		e = step(&a, deadline);
	if (e == 0)
		e = give(&a, ret);
	if (e < 0)
		snprintf(reterr, size, "%s %s: %s", question->method,
			question->target,
			e == -EPROTO      ? http_conn_error(c->conn)
			: e == -ETIMEDOUT ? "the daemon does not answer"
			: e == -EPIPE     ? "the daemon has hung up"
					  : strerror(-e));
	if (a.stream != NULL)
		http_stream_close(a.stream);
	buf_done(&a.body);
	return e;
}

bool
control_answer_is_ok(const struct control_answer *a)
{
	return a->status >= 200 && a->status < 300;
}

void
control_answer_done(struct control_answer *a)
{
	free(a->body);
	*a = (struct control_answer){0};
}

char *
control_escape(const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~";
	static const char hex[] = "0123456789ABCDEF";
	char *ret = malloc(3 * strlen(text) + 1);
	char *p = ret;

	if (ret == NULL)
		return NULL;
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (strchr(plain, c) != NULL) {
			*p++ = (char)c;
			continue;
		}
		*p++ = '%';
		*p++ = hex[c >> 4];
		*p++ = hex[c & 15];
	}
	*p = '\0';
	return ret;
}
