/*
 * exchange.c - the life of one request
 *
 * Theory of operation
 *
 *	DECIDE   rules, authority, policy, credentials' names; never waits
 *	RECORD   until the decision is on record (the end of this turn)
 *	LEASE    an idle connection with the same key, or a new one
 *	CONNECT  until the origin is connected and its certificate verified
 *	SEND     the head, rebuilt, with its credentials put in last
 *	RELAY    bodies both ways, heads down, until the response has ended
 *	REPLY    or else our own answer
 *	END      the outcome goes on record, the connection back to the pool
 *
 * Only DECIDE leads to RECORD, and only a record that stands leads on to
 * LEASE: no byte goes to an origin before.  From CONNECT on, a failure before
 * the response's head becomes an answer of ours; after it, the client's
 * connection is broken off, for half an answer must not look like a whole one.
 */
#include "exchange_part.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "monotonic.h"
#include "pool.h"
#include "refusal.h"
#include "rules.h"
#include "sandbox.h"
#include "services.h"
#include "stream.h"

enum {
	REPLY_MAX = 4096,
	AUTHORITY_MAX = HOST_MAX + 8,
};

struct exchange *
exchange_new(struct flow *f, struct http_conn *server, struct http_stream *s,
	void (*wake)(void *arg), void *arg)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->flow = f;
	x->server = server;
	x->down = s;
	x->wake = wake;
	x->arg = arg;
	x->reason = RECORD_COMPLETE;
	x->ended = RECORD_ALLOWED;
	x->began = monotonic_now();
	http_head_init(&x->head);
	buf_init(&x->body, REPLY_MAX);
	return x;
}

void
exchange_answer(struct exchange *x, const struct refusal *refusal)
{
	const struct http_head *request =
		x->down != NULL ? http_stream_head(x->down) : NULL;

	x->status = refusal->reply.status;
	/* A body that nobody will read must not be taken for a request. */
	if (!http_stream_receive_ended(x->down))
		http_conn_set_close(x->server);
	if (http_stream_sent_head(x->down) ||
		http_reply_build(&refusal->reply, request, &x->head, &x->body) <
			0) {
		x->broken = true;
		x->step = STEP_END;
		return;
	}
	x->step = STEP_REPLY;
}

void
exchange_fail(struct exchange *x, int status, enum record_reason reason,
	const char *why)
{
	struct refusal refusal;

	x->ended = RECORD_ERROR;
	x->reason = reason;
	snprintf(x->why, sizeof(x->why), "%s", why);
	refusal_because(&refusal, x->flow, status, reason, x->why);
	refusal_set_id(&refusal, x->id);
	exchange_answer(x, &refusal);
}

static enum next
step_decide(struct exchange *x)
{
	x->step = exchange_decide(x);
	return NEXT_STEP;
}

static enum next
step_record(struct exchange *x)
{
	if (!x->recorded)
		return NEXT_WAIT;
	if (x->record_failed)
		exchange_fail(x, 503, RECORD_LOG_FULL,
			"the decision log cannot be written, so nothing is "
			"let through");
	else
		x->step = STEP_LEASE;
	return NEXT_STEP;
}

static void
on_origin(void *arg)
{
	struct exchange *x = arg;

	x->wake(x->arg);
}

bool
exchange_is_idempotent(const struct exchange *x)
{
	static const char *const names[] = {
		"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(x->method, names[i]) == 0)
			return true;
	}
	return false;
}

static enum next
step_lease(struct exchange *x)
{
	struct flow *f = x->flow;
	struct origin_key key = {
		.host = f->host,
		.port = f->port,
		.secure = f->secure,
		.credentials = x->plan.injected,
	};

	x->step = STEP_CONNECT;
	if (!x->retried)
		x->origin = pool_take(
			f->sandbox->pool, &key, !exchange_is_idempotent(x));
	if (x->origin != NULL)
		origin_own(x->origin, on_origin, x);
	else
		x->origin = origin_open(&f->services->upstream,
			pool_resume(f->sandbox->pool), &key, on_origin, x);
	if (x->origin == NULL)
		exchange_fail(x, 503, RECORD_INTERNAL, "out of memory");
	return NEXT_STEP;
}

static const struct {
	int status;
	enum record_reason reason;
} failures[] = {
	[ORIGIN_FINE] = {502, RECORD_INTERNAL},
	[ORIGIN_NO_ADDRESS] = {502, RECORD_RESOLVE},
	[ORIGIN_REFUSED] = {403, RECORD_ADDRESS_REFUSED},
	[ORIGIN_UNREACHABLE] = {502, RECORD_CONNECT_FAILED},
	[ORIGIN_TIMEOUT] = {504, RECORD_TIMEOUT},
	[ORIGIN_UNTRUSTED] = {502, RECORD_UPSTREAM_TLS},
	[ORIGIN_NO_MEMORY] = {503, RECORD_INTERNAL},
};

static enum next
step_connect(struct exchange *x)
{
	char why[400];

	switch (origin_state(x->origin)) {
	case ORIGIN_READY:
		x->step = STEP_SEND;
		return NEXT_STEP;
	case ORIGIN_FAILED:
		snprintf(why, sizeof(why), "%s:%u cannot be reached: %s",
			x->flow->host, x->flow->port, origin_why(x->origin));
		exchange_fail(x, failures[origin_failure(x->origin)].status,
			failures[origin_failure(x->origin)].reason, why);
		return NEXT_STEP;
	default:
		return NEXT_WAIT;
	}
}

static void
write_authority(const struct flow *f, char ret[AUTHORITY_MAX])
{
	if (f->port == (f->secure ? 443 : 80))
		snprintf(ret, AUTHORITY_MAX, "%s", f->host);
	else
		snprintf(ret, AUTHORITY_MAX, "%s:%u", f->host, f->port);
}

static enum next
step_send(struct exchange *x)
{
	struct stream *s = origin_stream(x->origin);
	char authority[AUTHORITY_MAX];
	int r;

	write_authority(x->flow, authority);
	r = http_rules_request(
		http_stream_head(x->down), span_of(authority), &x->head);
	if (r == 0)
		r = inject_apply(
			&x->plan, x->flow->services->keyring, &x->head);
	if (r == 0) {
		s->out.bound = STREAM_BUFFER + HTTP_HEAD_WIRE_MAX;
		s->out.secret = x->plan.count > 0;
		x->heard_before = s->bytes_in;
		x->up = http_conn_request(origin_http(x->origin), &x->head);
		s->out.bound = STREAM_BUFFER;
	}
	http_head_clear(&x->head);
	if (r == -ENOKEY) {
		exchange_fail(x, 502, RECORD_CREDENTIAL_UNAVAILABLE,
			"a credential was withdrawn while this request was on "
			"its way");
		return NEXT_STEP;
	}
	if (r < 0 || x->up == NULL) {
		exchange_fail(x, 431, RECORD_LIMIT,
			"the head is too large once it is rebuilt");
		return NEXT_STEP;
	}
	stream_flush(s);
	x->step = STEP_RELAY;
	return NEXT_STEP;
}

/* Sends what is left of our own answer. */
static enum next
step_reply(struct exchange *x, bool *ret_moved)
{
	struct span body = buf_span(&x->body);
	ssize_t n;
	int r;

	if (!http_stream_sent_head(x->down)) {
		r = http_stream_send_head(x->down, &x->head);
		if (r == -ENOBUFS)
			return NEXT_WAIT;
		if (r < 0)
			goto broken;
	}
	*ret_moved = true;
	stream_flush(&x->flow->client);
	if (body.len > 0) {
		n = http_stream_send(x->down, body.ptr, body.len);
		if (n < 0)
			goto broken;
		buf_consume(&x->body, (size_t)n);
		if (x->body.len > 0)
			return NEXT_WAIT;
	}
	r = http_stream_send_end(x->down, NULL);
	if (r == -ENOBUFS)
		return NEXT_WAIT;
	if (r < 0)
		goto broken;
	x->step = STEP_END;
	return NEXT_STEP;
broken:
	x->broken = true;
	x->step = STEP_END;
	return NEXT_STEP;
}

static void
record_outcome(struct exchange *x)
{
	struct flow *f = x->flow;
	double now = monotonic_now();
	struct record r;

	flow_record(f, RECORD_REQUEST, x->ended, x->reason, &r);
	r.id = x->id;
	r.event = RECORD_OUTCOME;
	r.status = x->status;
	r.bytes_up = x->bytes_up;
	r.bytes_down = x->bytes_down;
	r.dur_us = (int64_t)((now - x->began) * 1e6);
	if (x->first_byte > 0)
		r.ttfb_us = (int64_t)((x->first_byte - x->began) * 1e6);
	if (x->why[0] != '\0')
		r.detail = x->why;
	if (x->origin != NULL) {
		r.upstream = origin_address(x->origin);
		r.dst_mismatch = flow_dialled_elsewhere(f, r.upstream);
	}
	daybook_add(f->services->daybook, &r, NULL);
}

/* Lets go of the origin: to the pool if it can serve again. */
static void
leave_origin(struct exchange *x)
{
	if (x->up != NULL)
		http_stream_close(x->up);
	x->up = NULL;
	if (x->origin != NULL)
		pool_give(x->flow->sandbox->pool, x->origin);
	x->origin = NULL;
}

static void
end(struct exchange *x)
{
	if (x->down == NULL)
		return;
	daybook_cancel(x->flow->services->daybook, &x->entry);
	if (x->owes_outcome)
		record_outcome(x);
	leave_origin(x);
	http_stream_close(x->down);
	x->down = NULL;
}

bool
exchange_expire(struct exchange *x)
{
	if (x->down == NULL || x->step == STEP_REPLY ||
		http_stream_sent_head(x->down))
		return false;
	exchange_fail(
		x, 504, RECORD_TIMEOUT, "the origin did not answer in time");
	return true;
}

enum exchange_state
exchange_run(struct exchange *x, bool *ret_moved)
{
	static enum next (*const steps[STEP_COUNT])(struct exchange * x) = {
		[STEP_DECIDE] = step_decide,
		[STEP_RECORD] = step_record,
		[STEP_LEASE] = step_lease,
		[STEP_CONNECT] = step_connect,
		[STEP_SEND] = step_send,
	};
	enum next next = NEXT_STEP;

	while (next == NEXT_STEP && x->step != STEP_END) {
		if (x->step == STEP_RELAY)
			next = exchange_relay(x, ret_moved);
		else if (x->step == STEP_REPLY)
			next = step_reply(x, ret_moved);
		else
			next = steps[x->step](x);
	}
	if (x->step != STEP_END)
		return EXCHANGE_WAITS;
	end(x);
	return x->broken ? EXCHANGE_BROKEN : EXCHANGE_DONE;
}

void
exchange_free(struct exchange *x)
{
	if (x == NULL)
		return;
	if (x->down != NULL && x->step != STEP_END) {
		x->reason = x->flow->client.error != 0 ? RECORD_CLIENT_GONE
						       : x->reason;
		if (x->reason == RECORD_COMPLETE)
			x->reason = RECORD_CLIENT_GONE;
	}
	end(x);
	http_head_done(&x->head);
	buf_done(&x->body);
	policy_unref(x->policy);
	free(x->method);
	free(x->path);
	free(x);
}
