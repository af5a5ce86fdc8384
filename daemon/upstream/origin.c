/*
 * origin.c - one connection to an origin
 *
 * Theory of operation
 *
 *	DIALLING   a dial is open
 *	HANDSHAKE  TLS, only for a secure key; the chain and the name are
 *	           verified in it or it fails: nothing was sent yet
 *	READY      http is there; events go to the owner untouched
 *	FAILED     the owner was told; why and failure say what happened
 *
 * The handshake deadline covers HANDSHAKE; the dial has its own.
 */
#include "origin.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "deadline.h"
#include "resume.h"
#include "stream.h"
#include "tls.h"
#include "turn.h"

#include "array.h"

struct origin {
	const struct upstream *upstream;
	struct resume *resume; /* the sandbox's */
	struct origin_key key;
	enum tls_offer offer;
	enum origin_state state;
	enum origin_failure failure;
	struct dial *dial;
	struct stream stream;
	bool has_stream;
	struct deadline deadline;
	struct http_conn *http;
	struct sockaddr_storage address;
	bool used, closed;
	void (*changed)(void *arg);
	void *arg;
	struct turn_task reap;
	char why[256];
};

static void
fail(struct origin *o, enum origin_failure failure, const char *why)
{
	o->state = ORIGIN_FAILED;
	o->failure = failure;
	snprintf(o->why, sizeof(o->why), "%s", why);
	deadline_done(&o->deadline);
	/* Nobody will read what it still says, nor its end. */
	if (o->has_stream)
		stream_silence(&o->stream);
	o->changed(o->arg);
}

static enum http_version
version_of(const struct origin *o)
{
	if (o->stream.tls != NULL)
		return tls_alpn(o->stream.tls) == TLS_ALPN_H2 ? HTTP_2 : HTTP_1;
	return o->offer == TLS_OFFER_H2 ? HTTP_2 : HTTP_1;
}

static void
become_ready(struct origin *o)
{
	deadline_done(&o->deadline);
	o->http = http_client_new(version_of(o), &o->stream.in, &o->stream.out);
	if (o->http == NULL) {
		fail(o, ORIGIN_NO_MEMORY, "out of memory");
		return;
	}
	if (o->stream.tls == NULL)
		http_conn_set_plain(o->http);
	o->state = ORIGIN_READY;
	o->stream.hears_out = true;
	stream_watch(&o->stream, true);
	o->changed(o->arg);
}

static void
run_handshake(struct origin *o)
{
	int r = tls_handshake(o->stream.tls);

	if (r < 0) {
		fail(o,
			tls_refused_protocols(o->stream.tls)
				? ORIGIN_OTHER_PROTOCOL
				: ORIGIN_UNTRUSTED,
			tls_why(o->stream.tls));
		return;
	}
	if (r > 0)
		become_ready(o);
	else
		stream_watch_handshake(&o->stream);
}

static void
on_ready(void *arg)
{
	struct origin *o = arg;

	if (o->state == ORIGIN_HANDSHAKE)
		run_handshake(o);
	else
		o->changed(o->arg);
}

static void
on_deadline(void *arg)
{
	fail(arg, ORIGIN_TIMEOUT, "the TLS handshake took too long");
}

static void
begin_handshake(struct origin *o)
{
	SSL_SESSION *session = resume_take(o->resume, o->key.host, o->key.port);
	struct tls *tls = tls_connect(o->upstream->context, o->stream.fd,
		o->key.host, session, o->offer);

	SSL_SESSION_free(session);
	if (tls == NULL) {
		fail(o, ORIGIN_NO_MEMORY, "out of memory");
		return;
	}
	tls_set_owner(tls, o);
	stream_secure(&o->stream, tls);
	o->state = ORIGIN_HANDSHAKE;
	deadline_set(&o->deadline, o->upstream->handshake_seconds);
	run_handshake(o);
}

static enum origin_failure
failure_of(enum dial_failure failure)
{
	switch (failure) {
	case DIAL_NO_ADDRESS:
		return ORIGIN_NO_ADDRESS;
	case DIAL_REFUSED:
		return ORIGIN_REFUSED;
	case DIAL_TIMEOUT:
		return ORIGIN_TIMEOUT;
	case DIAL_OK:
	case DIAL_FAILED:
		break;
	}
	return ORIGIN_UNREACHABLE;
}

static void
on_dialled(void *arg, const struct dial_result *result)
{
	struct origin *o = arg;

	o->dial = NULL;
	if (result->address != NULL)
		memcpy(&o->address, result->address, sizeof(o->address));
	if (result->failure != DIAL_OK) {
		fail(o, failure_of(result->failure), result->why);
		return;
	}
	stream_init(
		&o->stream, o->upstream->loop, o->upstream->turn, result->fd);
	stream_own(&o->stream, on_ready, o);
	o->has_stream = true;
	if (o->key.secure)
		begin_handshake(o);
	else
		become_ready(o);
}

static int
on_new_session(SSL *ssl, SSL_SESSION *session)
{
	struct origin *o = tls_owner(ssl);

	if (o == NULL)
		return 0;
	resume_put(o->resume, o->key.host, o->key.port, session);
	return 1; /* the session is ours now */
}

void
upstream_init(struct upstream *u)
{
	SSL_CTX_sess_set_new_cb(u->context, on_new_session);
}

static void
reap(struct turn_task *task)
{
	struct origin *o = container_of(task, struct origin, reap);

	http_conn_free(o->http);
	if (o->has_stream)
		stream_done(&o->stream);
	free((char *)o->key.host);
	free((char *)o->key.credentials);
	free(o);
}

struct origin *
origin_open(const struct upstream *u, struct resume *resume,
	struct resolver_share *share, const struct origin_key *key,
	enum tls_offer offer)
{
	struct origin *o = calloc(1, sizeof(*o));
	struct dialler with = u->dialler;

	if (o == NULL)
		return NULL;
	with.share = share;
	o->upstream = u;
	o->resume = resume;
	o->key = *key;
	o->key.host = strdup(key->host);
	o->key.credentials = NULL;
	o->offer = offer;
	o->reap.run = reap;
	deadline_init(&o->deadline, u->loop, on_deadline, o);
	if (o->key.host != NULL &&
		(key->credentials == NULL || origin_bind(o, key->credentials)))
		o->dial = dial_name(
			&with, o->key.host, o->key.port, on_dialled, o);
	if (o->dial == NULL) {
		origin_close(o);
		return NULL;
	}
	return o;
}

bool
origin_bind(struct origin *o, const char *credentials)
{
	o->key.credentials = strdup(credentials);
	return o->key.credentials != NULL;
}

void
origin_own(struct origin *o, void (*changed)(void *arg), void *arg)
{
	o->changed = changed;
	o->arg = arg;
}

/*
 * The memory outlives the call until the end of the turn: the owner may be
 * closing it from inside its own changed().
 */
void
origin_close(struct origin *o)
{
	if (o == NULL || o->closed)
		return;
	o->closed = true;
	dial_cancel(o->dial);
	o->dial = NULL;
	deadline_done(&o->deadline);
	if (o->has_stream) {
		if (o->stream.tls != NULL && o->stream.error == 0)
			tls_shutdown(o->stream.tls);
		stream_silence(&o->stream);
	}
	turn_queue(o->upstream->turn, TURN_REAP, &o->reap);
}

enum origin_state
origin_state(const struct origin *o)
{
	return o->state;
}

enum origin_failure
origin_failure(const struct origin *o)
{
	return o->failure;
}

const char *
origin_why(const struct origin *o)
{
	return o->why;
}

const struct origin_key *
origin_key(const struct origin *o)
{
	return &o->key;
}

const struct sockaddr *
origin_address(const struct origin *o)
{
	return o->address.ss_family != AF_UNSPEC
		       ? (const struct sockaddr *)&o->address
		       : NULL;
}

struct stream *
origin_stream(struct origin *o)
{
	assert(o->has_stream);
	return &o->stream;
}

struct http_conn *
origin_http(struct origin *o)
{
	return o->http;
}

bool
origin_is_used(const struct origin *o)
{
	return o->used;
}

void
origin_set_used(struct origin *o)
{
	o->used = true;
}
