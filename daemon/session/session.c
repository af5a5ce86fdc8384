/*
 * session.c - the life of one intercepted connection
 *
 * Theory of operation
 *
 * A session is a row of steps.  Every event, whichever socket or timer it came
 * from, does the same: session_run() walks the steps as far as the bytes at
 * hand allow, then asks the loop for exactly what the state needs.
 *
 *	NAME       wait until it is known which name the dialled address was
 *	           given for
 *	FIRST      wait for bytes that tell TLS from HTTP from anything else;
 *	           they are held and fed, never peeked
 *	SCOUT      wait until it is known which HTTP the origin speaks
 *	HANDSHAKE  TLS with a leaf for the name, of the sandbox's own authority
 *	SERVE      HTTP: serve.c knows its requests
 *	TUNNEL     carried unopened; the tunnel knows its own states
 *	DNS        questions over TCP
 *	LINGER     what was answered goes out, as long as some of it still does;
 *	           what still comes is thrown away, for a while, so that a reset
 *	           does not overtake the answer
 *
 * Denied names are opened too, when the leaf budget lets us, so that a client
 * reads why in plain words.  session_close() is the one way out; the memory
 * goes at the end of the turn.  A flow about which nothing was recorded leaves
 * a record when it closes: nothing comes and goes unseen.
 */
#include "session.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "array.h"
#include "daybook.h"
#include "lease.h"
#include "listener.h"
#include "monotonic.h"
#include "questions.h"
#include "sandbox.h"
#include "scout.h"
#include "serve.h"
#include "services.h"
#include "session_part.h"
#include "tunnel.h"

enum {
	LINGER_BYTES = 64 << 20, /* thrown away at most */
};

static const double linger_seconds = 5;

static void session_run(struct session *s);

void
session_wake(void *arg)
{
	struct session *s = arg;

	turn_queue(s->flow.services->turn, TURN_RUN, &s->run);
}

static void
reap(struct turn_task *task)
{
	struct session *s = container_of(task, struct session, reap);

	stream_done(&s->flow.client);
	sandbox_unref(s->flow.sandbox);
	free(s);
}

/* The one way out.  The exchange and the tunnel put their outcomes on record
 * here, if they have not ended by themselves. */
static void
session_close(struct session *s)
{
	struct flow *f = &s->flow;

	if (s->closed)
		return;
	s->closed = true;
	serve_free(s->serve);
	tunnel_free(s->tunnel);
	questions_free(s->questions);
	scout_free(s->scout);
	lease_end(f->lease);
	f->lease = NULL;
	s->scout = NULL;
	s->serve = NULL;
	s->tunnel = NULL;
	s->questions = NULL;
	if (!f->on_record)
		flow_refused(f, RECORD_ERROR, RECORD_CLIENT_GONE,
			"the connection was closed before it asked for "
			"anything");
	names_cancel(&s->name);
	deadline_done(&s->deadline);
	turn_cancel(f->services->turn, TURN_AGAIN, &s->again);
	turn_cancel(f->services->turn, TURN_RUN, &s->run);
	stream_silence(&f->client);
	TAILQ_REMOVE(&f->sandbox->sessions, s, link);
	f->sandbox->connections--;
	turn_queue(f->services->turn, TURN_REAP, &s->reap);
}

enum next
session_refuse(struct session *s, enum record_reason reason, const char *detail)
{
	flow_refused(&s->flow, RECORD_DENIED, reason, detail);
	return NEXT_CLOSE;
}

static enum next
linger(struct session *s)
{
	s->state = S_LINGER;
	stream_finish(&s->flow.client);
	s->written = s->flow.client.bytes_out;
	deadline_set(&s->deadline, s->flow.services->limits.idle_seconds);
	return NEXT_STEP;
}

/* ---- SERVE -------------------------------------------------------------- */

enum next
session_serve(struct session *s, enum http_version version)
{
	s->serve = serve_new(&s->flow, version, session_wake, s);
	if (s->serve == NULL)
		return session_refuse(s, RECORD_INTERNAL, "out of memory");
	s->state = S_SERVE;
	deadline_set(&s->deadline, 0);
	return NEXT_STEP;
}

/*
 * Half an answer must not look like a whole one.  What came of it goes out;
 * then TLS lacks its close_notify, and without TLS only a reset can tell that
 * this is not the end of a body that lasts until the end.  With TLS a reset
 * would cut the last record, and take with it what that holds of the answer.
 */
static enum next
break_off(struct session *s)
{
	struct stream *c = &s->flow.client;

	stream_flush_now(c);
	if (!s->flow.secure)
		stream_set_reset(c);
	return NEXT_CLOSE;
}

static enum next
step_serve(struct session *s)
{
	switch (serve_run(s->serve)) {
	case SERVE_WAITS:
		break;
	case SERVE_AGAIN:
		turn_queue(s->flow.services->turn, TURN_AGAIN, &s->again);
		break;
	case SERVE_OVER:
		return linger(s);
	case SERVE_BROKEN:
		return break_off(s);
	case SERVE_CLOSE:
		return NEXT_CLOSE;
	}
	return NEXT_WAIT;
}

/* ---- the others -------------------------------------------------------- */

static enum next
step_tunnel(struct session *s)
{
	deadline_set(&s->deadline, s->flow.services->limits.idle_seconds);
	return tunnel_run(s->tunnel) ? NEXT_WAIT : NEXT_CLOSE;
}

static enum next
step_dns(struct session *s)
{
	struct stream *c = &s->flow.client;

	stream_fill(c);
	if (!questions_run(s->questions, &c->in, &c->out))
		return NEXT_CLOSE;
	stream_flush(c);
	if (c->read_done && questions_are_answered(s->questions))
		return linger(s);
	return NEXT_WAIT;
}

/* A slow reader has as long for the end of an answer as it had for the rest. */
static void
watch_lingering(struct session *s)
{
	const struct stream *c = &s->flow.client;

	if (c->shut && !s->said_all) {
		s->said_all = true;
		deadline_set(&s->deadline, linger_seconds);
	} else if (!c->shut && c->bytes_out != s->written) {
		s->written = c->bytes_out;
		deadline_set(
			&s->deadline, s->flow.services->limits.idle_seconds);
	}
}

static enum next
step_linger(struct session *s)
{
	struct stream *c = &s->flow.client;

	/* What came before is in the way of what comes. */
	do {
		s->lingered += c->in.len;
		buf_consume(&c->in, c->in.len);
	} while (stream_fill(c) > 0);
	if (c->error != 0 || s->lingered > LINGER_BYTES ||
		(c->read_done && c->shut))
		return NEXT_CLOSE;
	watch_lingering(s);
	return NEXT_WAIT;
}

static enum next (*const steps[])(struct session *s) = {
	[S_NAME] = opening_name,
	[S_FIRST] = opening_first,
	[S_SCOUT] = opening_scout,
	[S_HANDSHAKE] = opening_handshake,
	[S_SERVE] = step_serve,
	[S_TUNNEL] = step_tunnel,
	[S_DNS] = step_dns,
	[S_LINGER] = step_linger,
};

/* What the client's socket is waited for, from the state and the buffers. */
static void
watch(struct session *s)
{
	struct stream *c = &s->flow.client;

	if (s->state == S_HANDSHAKE || s->state == S_TUNNEL)
		return; /* they have asked for what they need */
	stream_watch(c, buf_room(&c->in) > 0);
}

static void
session_run(struct session *s)
{
	enum next next;

	if (s->closed)
		return;
	do {
		next = stream_is_broken(&s->flow.client) ? NEXT_CLOSE
							 : steps[s->state](s);
	} while (next == NEXT_STEP);
	if (next == NEXT_CLOSE)
		session_close(s);
	else
		watch(s);
}

static void
on_client(void *arg)
{
	session_run(arg);
}

static void
run_again(struct turn_task *task)
{
	session_run(container_of(task, struct session, again));
}

static void
run_woken(struct turn_task *task)
{
	session_run(container_of(task, struct session, run));
}

static void
on_deadline(void *arg)
{
	struct session *s = arg;

	if (s->state == S_FIRST && s->listening) {
		s->listening = false;
		s->silent = true;
		deadline_set(
			&s->deadline, s->flow.services->limits.hello_seconds);
		session_run(s);
		return;
	}
	if (s->state == S_NAME)
		flow_refused(&s->flow, RECORD_ERROR, RECORD_INTERNAL,
			"the keeper did not say in time what the address "
			"stands for");
	else if (s->state == S_FIRST)
		flow_refused(&s->flow, RECORD_DENIED, RECORD_NO_CLIENT_DATA,
			"nothing that tells what this is came in time");
	else if (s->state == S_HANDSHAKE)
		flow_refused(&s->flow, RECORD_ERROR, RECORD_CLIENT_TLS,
			"the TLS handshake took too long");
	session_close(s);
}

/* ---- the beginning ----------------------------------------------------- */

static uint16_t
port_of(const struct sockaddr_storage *a)
{
	return ntohs(a->ss_family == AF_INET
			     ? ((const struct sockaddr_in *)a)->sin_port
			     : ((const struct sockaddr_in6 *)a)->sin6_port);
}

/* A record that somebody unknown came; it has no sandbox to be bounded by. */
static void
refuse_stranger(struct services *services, const struct arrival *a)
{
	struct record r = {
		.id = daybook_id(services->daybook),
		.event = RECORD_DECISION,
		.kind = RECORD_CONNECT,
		.verdict = RECORD_DENIED,
		.reason = RECORD_UNKNOWN_SOURCE,
		.src = (const struct sockaddr *)&a->peer,
		.dst = (const struct sockaddr *)&a->original,
		.dport = port_of(&a->original),
		.proto = "tcp",
		.generation = services->generation,
		.dur_us = -1,
		.ttfb_us = -1,
	};

	if (budget_take(&services->strangers, monotonic_now()))
		daybook_add(services->daybook, &r, NULL);
}

/* Over a limit: refused with a record, at most one a second, with a count. */
static void
refuse_over_limit(struct services *services, struct flow *f)
{
	struct sandbox *sandbox = f->sandbox;
	struct record r;

	sandbox->unsaid++;
	if (!budget_take(&sandbox->complaints, monotonic_now()))
		return;
	flow_record(f, RECORD_CONNECT, RECORD_DENIED, RECORD_LIMIT, &r);
	r.detail = "too many connections at once or too many new ones";
	r.count = sandbox->unsaid;
	sandbox->unsaid = 0;
	daybook_add(services->daybook, &r, NULL);
}

static bool
is_over_limit(struct services *services, struct sandbox *sandbox)
{
	return sandbox->connections >= services->limits.connections ||
	       !budget_take(&sandbox->connects, monotonic_now());
}

void
session_start(struct services *services, const struct arrival *a)
{
	struct sandbox *sandbox = sandboxes_identify(services->sandboxes,
		a->ifindex, (const struct sockaddr *)&a->peer);
	struct flow flow = {
		.services = services,
		.sandbox = sandbox,
		.source = a->peer,
		.original = a->original,
		.port = port_of(&a->original),
		.proto = "tcp",
	};
	struct session *s = NULL;
	int on = 1;

	if (sandbox == NULL)
		refuse_stranger(services, a);
	else if (is_over_limit(services, sandbox))
		refuse_over_limit(services, &flow);
	else if ((s = calloc(1, sizeof(*s))) == NULL)
		flow_refused(
			&flow, RECORD_ERROR, RECORD_INTERNAL, "out of memory");
	if (s == NULL) {
		close(a->fd);
		return;
	}
	s->flow = flow;
	sandbox_ref(sandbox);
	sandbox->connections++;
	TAILQ_INSERT_TAIL(&sandbox->sessions, s, link);
	setsockopt(a->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	stream_init(&s->flow.client, services->loop, services->turn, a->fd);
	stream_own(&s->flow.client, on_client, s);
	deadline_init(&s->deadline, services->loop, on_deadline, s);
	s->again.run = run_again;
	s->run.run = run_woken;
	s->reap.run = reap;
	if (opening_begin(s) == NEXT_CLOSE)
		session_close(s);
	else
		session_run(s);
}

void
session_close_all(struct sandbox *sandbox)
{
	struct session *s;

	while ((s = TAILQ_FIRST(&sandbox->sessions)) != NULL) {
		if (s->tunnel != NULL)
			tunnel_revoke(s->tunnel);
		session_close(s);
	}
}

/* Nothing is left to say; the last was asked not to be followed by more. */
static bool
finish(struct session *s)
{
	if (s->state == S_SERVE)
		return serve_finish(s->serve);
	if (s->state == S_LINGER)
		return stream_is_drained(&s->flow.client);
	return s->tunnel == NULL;
}

void
session_finish_all(struct sandbox *sandbox)
{
	struct session *s = TAILQ_FIRST(&sandbox->sessions), *next;

	for (; s != NULL; s = next) {
		next = TAILQ_NEXT(s, link);
		if (finish(s))
			session_close(s);
	}
}

void
session_revoke_all(struct sandbox *sandbox, const char *credential)
{
	struct session *s;

	TAILQ_FOREACH(s, &sandbox->sessions, link) {
		if (s->serve != NULL)
			serve_revoke(s->serve, credential);
	}
}

void
session_recheck_all(struct sandbox *sandbox)
{
	struct session *s = TAILQ_FIRST(&sandbox->sessions), *next;

	for (; s != NULL; s = next) {
		next = TAILQ_NEXT(s, link);
		if (s->serve != NULL)
			serve_recheck(s->serve);
		if (s->tunnel != NULL && tunnel_recheck(s->tunnel))
			session_close(s);
	}
}
