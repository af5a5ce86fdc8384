/*
 * asker.c - who is asked, how, and how often
 *
 * Theory of operation
 *
 * A question goes through attempts: each server in turn, a number of rounds,
 * each round twice as patient as the one before.  An attempt ends with
 *
 *	a reply       that is an answer, even "there is none": the question ends
 *	a refusal     (SERVFAIL, REFUSED …), an error, silence: the next attempt
 *	truncation    the same server again, over its stream
 *	FORMERR       the same server again, without EDNS
 *
 * By UDP each attempt has a socket, and so a port, of its own, connected, so
 * that the kernel drops what others send; id, question and the case of its
 * letters have to be those that were sent.  Somebody who guesses at them shows:
 * after a few datagrams that do not fit the question goes over TCP, where he
 * would have to see us.  So does one whose reply is right but for the case: it
 * is either a forger's or of a server that does not keep it.
 *
 * Nothing fails inside asker_ask(): what does is found by the question's timer,
 * which is then set to fire at once.
 */
#include "asker.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "array.h"
#include "resolver_answer.h"
#include "server_list.h"

enum {
	ASKER_TIMEOUT_MS = 2000,
	ASKER_TRIES = 3,
	FORGERIES_MOST = 8,
	DATAGRAM_MOST = 4096, /* no server may send more than EDNS said */
	DATAGRAMS_A_TURN = 16,
	RCODE_MASK = 0xf,
	FLAG_TC = 0x02,
};

enum rcode {
	NOERROR = 0,
	FORMERR = 1,
	NXDOMAIN = 3,
};

static const char nobody[] =
	"no name server can be reached or is willing to answer";

struct asker {
	struct ev_loop *loop;
	asker_replied *replied;
	void *arg;
	struct server_list servers;
	struct server_stream *streams[SERVER_LIST_MAX];
	SSL_CTX *tls;
	unsigned timeout_ms;
	unsigned tries;
	TAILQ_HEAD(, asker_question) questions;
	struct resolver_records records; /* of the reply being read */
};

static void attempt(struct asker_question *q);

/* ---- ends --------------------------------------------------------------- */

/* Ends the attempt, whatever it was. */
static void
stop(struct asker_question *q)
{
	struct asker *a = q->asker;

	ev_timer_stop(a->loop, &q->timer);
	ev_io_stop(a->loop, &q->io);
	if (q->io.fd >= 0)
		close(q->io.fd);
	ev_io_set(&q->io, -1, EV_READ);
	if (q->by == BY_STREAM)
		server_stream_give_up(a->streams[q->server], &q->stream);
	q->by = BY_NOTHING;
}

static void
finish(struct asker_question *q, const struct resolver_answer *answer)
{
	struct asker *a = q->asker;

	stop(q);
	TAILQ_REMOVE(&a->questions, q, link);
	a->replied(a->arg, q, answer);
}

/* The next attempt, or the end with what the last one came to. */
static void
next_attempt(struct asker_question *q, int status, const char *text)
{
	struct resolver_answer answer;
	struct asker *a = q->asker;

	stop(q);
	q->forgeries = 0;
	if (++q->server == a->servers.count) {
		q->server = 0;
		q->round++;
	}
	if (q->round < a->tries) {
		attempt(q);
		return;
	}
	resolver_answer_fail(q->type, status, text, &answer);
	finish(q, &answer);
}

/* The attempt could not even begin: its timer will say so. */
static void
fail_soon(struct asker_question *q, int status, const char *text)
{
	q->status = status;
	q->text = text;
	ev_timer_stop(q->asker->loop, &q->timer);
	ev_timer_set(&q->timer, 0., 0.);
	ev_timer_start(q->asker->loop, &q->timer);
}

/* ---- replies ------------------------------------------------------------ */

static void ask_stream(struct asker_question *q);

static void
on_reply(struct asker_question *q, struct span reply)
{
	struct resolver_asked asked = {q->name, q->type};
	unsigned rcode = (uint8_t)reply.ptr[3] & RCODE_MASK;
	struct resolver_answer answer;

	if (rcode == FORMERR && !q->without_edns) {
		stop(q);
		q->without_edns = true;
		attempt(q);
		return;
	}
	if (rcode != NOERROR && rcode != NXDOMAIN) {
		next_attempt(q, -ECONNREFUSED, nobody);
		return;
	}
	resolver_answer_read(&asked, reply, &q->asker->records, &answer);
	finish(q, &answer);
}

/* Whether the attempt goes on; if not, the question may be gone. */
static bool
take_datagram(struct asker_question *q, const uint8_t *data, size_t len)
{
	enum question_echo echo = question_wire_echo(&q->wire, data, len);

	if (echo == ECHO_FULL && (data[2] & FLAG_TC) == 0) {
		on_reply(q, (struct span){(const char *)data, len});
		return false;
	}
	if (echo == ECHO_NONE && ++q->forgeries < FORGERIES_MOST)
		return true;
	stop(q);
	ask_stream(q);
	return false;
}

static void
on_socket(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct asker_question *q = w->data;
	uint8_t data[DATAGRAM_MOST];
	bool goes_on = true;
	ssize_t n;

	(void)loop, (void)revents;
	for (int i = 0; goes_on && i < DATAGRAMS_A_TURN; i++) {
		n = recv(w->fd, data, sizeof(data), MSG_TRUNC);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			next_attempt(q, -ECONNREFUSED, nobody);
			return;
		}
		/* What is too long is no answer to us, nor what is short. */
		if ((size_t)n > sizeof(data))
			n = 0;
		goes_on = take_datagram(q, data, (size_t)n);
	}
}

static void
on_stream_replied(struct stream_question *s, struct span reply)
{
	struct asker_question *q =
		container_of(s, struct asker_question, stream);

	q->by = BY_NOTHING;
	on_reply(q, reply);
}

static void
on_stream_failed(struct stream_question *s, const char *why)
{
	struct asker_question *q =
		container_of(s, struct asker_question, stream);

	q->by = BY_NOTHING;
	next_attempt(q, -ECONNREFUSED, why);
}

static const struct server_stream_ops stream_ops = {
	on_stream_replied, on_stream_failed};

static void
on_timer(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct asker_question *q = w->data;

	(void)loop, (void)revents;
	next_attempt(q, q->status, q->text);
}

/* ---- attempts ----------------------------------------------------------- */

static int
open_socket(const struct name_server_address *server)
{
	const struct sockaddr *to = (const struct sockaddr *)&server->address;
	int fd = socket(to->sa_family,
		SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);

	if (fd >= 0 && connect(fd, to, server->address_len) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static void
ask_udp(struct asker_question *q)
{
	struct asker *a = q->asker;
	int fd = open_socket(&a->servers.items[q->server]);

	if (fd < 0) {
		fail_soon(q, -ECONNREFUSED, nobody);
		return;
	}
	q->by = BY_UDP;
	ev_io_set(&q->io, fd, EV_READ);
	ev_io_start(a->loop, &q->io);
	if (send(fd, question_wire_message(&q->wire), q->wire.len, 0) < 0)
		fail_soon(q, -ECONNREFUSED, nobody);
}

static void
be_patient(struct asker_question *q)
{
	struct asker *a = q->asker;
	unsigned round = q->round < 8 ? q->round : 8;

	q->status = -ETIMEDOUT;
	q->text = "no name server answered in time";
	ev_timer_set(&q->timer, (double)(a->timeout_ms << round) / 1000, 0.);
	ev_timer_start(a->loop, &q->timer);
}

static void
ask_stream(struct asker_question *q)
{
	be_patient(q);
	q->by = BY_STREAM;
	q->stream.wire = &q->wire;
	server_stream_ask(q->asker->streams[q->server], &q->stream);
}

static void
attempt(struct asker_question *q)
{
	if (question_wire_make(&q->wire, q->name, q->type, !q->without_edns) <
		0) {
		fail_soon(q, -EIO, "the kernel has no random bytes");
		return;
	}
	if (q->asker->servers.items[q->server].tls) {
		ask_stream(q);
		return;
	}
	be_patient(q);
	ask_udp(q);
}

void
asker_ask(struct asker *a, struct asker_question *q)
{
	*q = (struct asker_question){
		.type = q->type, .name = q->name, .asker = a};
	ev_io_init(&q->io, on_socket, -1, EV_READ);
	ev_timer_init(&q->timer, on_timer, 0., 0.);
	q->io.data = q->timer.data = q;
	TAILQ_INSERT_TAIL(&a->questions, q, link);
	attempt(q);
}

/* ---- the asker itself --------------------------------------------------- */

static void
forget_all(struct asker *a)
{
	struct asker_question *q;

	while ((q = TAILQ_FIRST(&a->questions)) != NULL) {
		stop(q);
		TAILQ_REMOVE(&a->questions, q, link);
	}
}

static void
free_streams(struct server_stream *streams[SERVER_LIST_MAX])
{
	for (size_t i = 0; i < SERVER_LIST_MAX; i++)
		server_stream_free(streams[i]);
}

struct asker *
asker_new(struct ev_loop *loop, asker_replied *replied, void *arg)
{
	struct asker *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->loop = loop;
	a->replied = replied;
	a->arg = arg;
	a->timeout_ms = ASKER_TIMEOUT_MS;
	a->tries = ASKER_TRIES;
	TAILQ_INIT(&a->questions);
	return a;
}

void
asker_free(struct asker *a)
{
	if (a == NULL)
		return;
	forget_all(a);
	free_streams(a->streams);
	free(a);
}

int
asker_set_servers(struct asker *a, const char *const *servers, size_t count,
	char *reterr, size_t reterr_size)
{
	struct server_stream *streams[SERVER_LIST_MAX] = {NULL};
	struct server_list list;
	int r = server_list_parse(servers, count, &list, reterr, reterr_size);

	if (r < 0)
		return r;
	for (size_t i = 0; i < list.count; i++) {
		streams[i] =
			server_stream_new(a->loop, &list.items[i], &stream_ops);
		if (streams[i] == NULL) {
			free_streams(streams);
			snprintf(reterr, reterr_size, "out of memory");
			return -ENOMEM;
		}
		server_stream_set_tls(streams[i], a->tls);
	}
	forget_all(a);
	free_streams(a->streams);
	memcpy(a->streams, streams, sizeof(streams));
	a->servers = list;
	return 0;
}

void
asker_set_tls(struct asker *a, SSL_CTX *context)
{
	a->tls = context;
	for (size_t i = 0; i < a->servers.count; i++)
		server_stream_set_tls(a->streams[i], context);
}

void
asker_set_patience(struct asker *a, unsigned timeout_ms, unsigned tries)
{
	a->timeout_ms = timeout_ms;
	a->tries = tries;
}
