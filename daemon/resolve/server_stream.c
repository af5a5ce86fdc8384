/*
 * server_stream.c - questions in one pipe, answers in any order
 *
 * Theory of operation
 *
 *	CLOSED      no descriptor; the next question opens one
 *	CONNECTING  until the socket is writable
 *	HANDSHAKE   TLS only
 *	OPEN        frames go out of `out` and come in through `in`
 *	DOOMED      it failed where nobody may be called back; the timer, which
 *	            is set to fire at once, ends it
 *
 * Questions are put into `out` whatever the state is, and leave when it is
 * OPEN.  Where the connection ends, for whatever reason, each question that
 * waits has failed, and whoever asked tries again, here (which opens anew) or
 * elsewhere: nothing is sent twice by us.  There is no way from TLS to plain.
 *
 * A connection nobody waits for is closed after a while by the same timer.
 */
#include "server_stream.h"

#include <errno.h>
#include <ev.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "buf.h"
#include "monotonic.h"
#include "question_wire.h"
#include "server_list.h"
#include "tls.h"

enum {
	PREFIX = 2,
	FRAME_MOST = PREFIX + 65535,
	IN_MOST = 2 * FRAME_MOST,
	OUT_MOST = 65536,
	READ_SIZE = 16384,
	READS_A_TURN = 8,
};

static const double idle_seconds = 10;

enum state { CLOSED, CONNECTING, HANDSHAKE, OPEN, DOOMED };

struct server_stream {
	struct ev_loop *loop;
	const struct server_stream_ops *ops;
	struct name_server_address server;
	SSL_CTX *context;
	enum state state;
	struct tls *tls;
	struct ev_io io;
	struct ev_timer timer;
	struct buf in, out;
	double heard; /* when bytes came last */
	const char *why;
	TAILQ_HEAD(stream_questions, stream_question) questions;
};

static void
close_down(struct server_stream *s)
{
	ev_io_stop(s->loop, &s->io);
	ev_timer_stop(s->loop, &s->timer);
	if (s->tls != NULL && s->state == OPEN)
		(void)tls_shutdown(s->tls);
	tls_free(s->tls);
	s->tls = NULL;
	if (s->io.fd >= 0)
		close(s->io.fd);
	ev_io_set(&s->io, -1, EV_READ);
	buf_done(&s->in);
	buf_done(&s->out);
	s->state = CLOSED;
}

/* Closed first: those who hear of it may ask anew. */
static void
fail_all(struct server_stream *s)
{
	struct stream_questions gone = TAILQ_HEAD_INITIALIZER(gone);
	struct stream_question *q;
	const char *why = s->why;

	close_down(s);
	TAILQ_CONCAT(&gone, &s->questions, link);
	while ((q = TAILQ_FIRST(&gone)) != NULL) {
		TAILQ_REMOVE(&gone, q, link);
		s->ops->failed(q, why);
	}
}

/* Outside of a callback of ours nobody may be called back. */
static void
doom(struct server_stream *s, const char *why)
{
	s->why = why;
	s->state = DOOMED;
	ev_io_stop(s->loop, &s->io);
	ev_timer_stop(s->loop, &s->timer);
	ev_timer_set(&s->timer, 0., 0.);
	ev_timer_start(s->loop, &s->timer);
}

static void
on_timer(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct server_stream *s = w->data;

	(void)loop, (void)revents;
	if (s->state == DOOMED)
		fail_all(s);
	else
		close_down(s); /* it was idle */
}

/* What the state waits for. */
static int
events_of(const struct server_stream *s)
{
	if (s->state == CONNECTING)
		return EV_WRITE;
	if (s->state == HANDSHAKE)
		return tls_wants_write(s->tls) ? EV_WRITE : EV_READ;
	return s->out.len > 0 ? EV_READ | EV_WRITE : EV_READ;
}

static void
watch(struct server_stream *s)
{
	int events = events_of(s);

	if (s->state == CLOSED || s->state == DOOMED)
		return;
	if (ev_is_active(&s->io) && s->io.events == events)
		return;
	ev_io_stop(s->loop, &s->io);
	ev_io_set(&s->io, s->io.fd, events);
	ev_io_start(s->loop, &s->io);
}

static void
rest(struct server_stream *s)
{
	if (!TAILQ_EMPTY(&s->questions) || s->state != OPEN ||
		ev_is_active(&s->timer))
		return;
	ev_timer_set(&s->timer, idle_seconds, 0.);
	ev_timer_start(s->loop, &s->timer);
}

/* ---- bytes ------------------------------------------------------------- */

static ssize_t
receive(struct server_stream *s, void *data, size_t len)
{
	ssize_t n;

	if (s->tls != NULL)
		return tls_read(s->tls, data, len);
	n = recv(s->io.fd, data, len, 0);
	return n < 0 ? -errno : n;
}

static ssize_t
transmit(struct server_stream *s, struct span data)
{
	ssize_t n;

	if (s->tls != NULL)
		return tls_write(s->tls, data.ptr, data.len);
	n = send(s->io.fd, data.ptr, data.len, MSG_NOSIGNAL);
	return n < 0 ? -errno : n;
}

/* 0 or -errno. */
static int
flush(struct server_stream *s)
{
	ssize_t n;

	while (s->out.len > 0) {
		n = transmit(s, buf_span(&s->out));
		if (n == -EAGAIN || n == -EINTR)
			return 0;
		if (n < 0)
			return (int)n;
		buf_consume(&s->out, (size_t)n);
	}
	return 0;
}

static void
take_message(struct server_stream *s, struct span message)
{
	struct stream_question *q;

	TAILQ_FOREACH(q, &s->questions, link) {
		if (question_wire_echo(q->wire, (const uint8_t *)message.ptr,
			    message.len) != ECHO_NONE)
			break;
	}
	if (q == NULL)
		return; /* too late, or never asked */
	TAILQ_REMOVE(&s->questions, q, link);
	s->ops->replied(q, message);
}

/* Who hears of a message may ask, which touches `out` only. */
static void
take_messages(struct server_stream *s)
{
	struct span have;
	size_t len;

	for (;;) {
		have = buf_span(&s->in);
		if (have.len < PREFIX)
			return;
		len = (size_t)((uint8_t)have.ptr[0] << 8 |
			       (uint8_t)have.ptr[1]);
		if (have.len < PREFIX + len)
			return;
		take_message(s, (struct span){have.ptr + PREFIX, len});
		buf_consume(&s->in, PREFIX + len);
	}
}

/* 1: some came; 0: there is nothing now; -errno, also at the end. */
static int
fill(struct server_stream *s)
{
	char data[READ_SIZE];
	ssize_t n = receive(s, data, sizeof(data));

	if (n == -EAGAIN || n == -EINTR)
		return 0;
	if (n <= 0)
		return n < 0 ? (int)n : -ECONNRESET;
	s->heard = monotonic_now();
	if (buf_add(&s->in, data, (size_t)n) < 0)
		return -ENOBUFS;
	return 1;
}

static int
read_all(struct server_stream *s)
{
	int r = 1;

	if (s->tls != NULL)
		tls_readable(s->tls);
	for (int i = 0; r > 0 && i < READS_A_TURN; i++) {
		r = fill(s);
		if (r > 0)
			take_messages(s);
	}
	/* What OpenSSL holds no event announces. */
	if (r > 0 && s->tls != NULL)
		ev_feed_event(s->loop, &s->io, EV_READ);
	return r < 0 ? r : 0;
}

/* ---- steps ------------------------------------------------------------- */

static const char *
finish_connect(struct server_stream *s)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(s->io.fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 ||
		error != 0)
		return "the name server cannot be reached";
	if (!s->server.tls) {
		s->state = OPEN;
		return NULL;
	}
	s->tls = tls_connect(
		s->context, s->io.fd, s->server.name, NULL, TLS_OFFER_NONE);
	if (s->tls == NULL)
		return "out of memory";
	s->state = HANDSHAKE;
	return NULL;
}

static const char *
step(struct server_stream *s, int revents)
{
	const char *why = NULL;
	int r;

	if (s->state == CONNECTING)
		why = finish_connect(s);
	if (why == NULL && s->state == HANDSHAKE) {
		if (revents & EV_READ)
			tls_readable(s->tls);
		r = tls_handshake(s->tls);
		if (r < 0)
			return "TLS with the name server failed";
		if (r > 0)
			s->state = OPEN;
	}
	if (why != NULL || s->state != OPEN)
		return why;
	if (flush(s) < 0 || (revents & EV_READ && read_all(s) < 0))
		return "the name server closed the connection";
	return NULL;
}

static void
on_io(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct server_stream *s = w->data;

	(void)loop;
	s->why = step(s, revents);
	if (s->why != NULL) {
		fail_all(s);
		return;
	}
	rest(s);
	watch(s);
}

static const char *
open_up(struct server_stream *s)
{
	const struct sockaddr *to = (const struct sockaddr *)&s->server.address;
	int fd, on = 1;

	if (s->server.tls && s->context == NULL)
		return "there are no authorities to verify it with";
	fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		IPPROTO_TCP);
	if (fd < 0)
		return "no socket can be had";
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	ev_io_set(&s->io, fd, EV_WRITE);
	s->state = CONNECTING;
	if (connect(fd, to, s->server.address_len) < 0 && errno != EINPROGRESS)
		return "the name server cannot be reached";
	return NULL;
}

void
server_stream_ask(struct server_stream *s, struct stream_question *q)
{
	const char *why = NULL;

	TAILQ_INSERT_TAIL(&s->questions, q, link);
	q->asked = monotonic_now();
	if (s->state == DOOMED)
		return;
	if (s->state == OPEN)
		ev_timer_stop(s->loop, &s->timer);
	if (s->state == CLOSED)
		why = open_up(s);
	if (why == NULL &&
		buf_add(&s->out, q->wire->framed, PREFIX + q->wire->len) < 0)
		why = "too many questions wait for the name server";
	if (why != NULL)
		doom(s, why);
	else
		watch(s);
}

void
server_stream_give_up(struct server_stream *s, struct stream_question *q)
{
	TAILQ_REMOVE(&s->questions, q, link);
	if (s->state != DOOMED && s->heard < q->asked)
		doom(s, "the name server does not answer");
	else
		rest(s);
}

void
server_stream_set_tls(struct server_stream *s, SSL_CTX *context)
{
	s->context = context;
}

struct server_stream *
server_stream_new(struct ev_loop *loop,
	const struct name_server_address *server,
	const struct server_stream_ops *ops)
{
	struct server_stream *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->loop = loop;
	s->ops = ops;
	s->server = *server;
	TAILQ_INIT(&s->questions);
	buf_init(&s->in, IN_MOST);
	buf_init(&s->out, OUT_MOST);
	ev_io_init(&s->io, on_io, -1, EV_READ);
	ev_timer_init(&s->timer, on_timer, 0., 0.);
	s->io.data = s->timer.data = s;
	return s;
}

void
server_stream_free(struct server_stream *s)
{
	if (s == NULL)
		return;
	close_down(s);
	free(s);
}
