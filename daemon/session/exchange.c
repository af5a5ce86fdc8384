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
#include "failure.h"
#include "monotonic.h"
#include "pool.h"
#include "receipt.h"
#include "refusal.h"
#include "sandbox.h"
#include "services.h"
#include "stream.h"

enum {
	REPLY_MAX = 4096,
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
	x->expires = x->began + f->services->limits.idle_seconds;
	http_head_init(&x->head);
	buf_init(&x->body, REPLY_MAX);
	resend_init(&x->resend);
	return x;
}

void
exchange_answer(struct exchange *x, const struct refusal *refusal)
{
	const struct http_head *request =
		x->down != NULL ? http_stream_head(x->down) : NULL;

	http_stream_ignore_rest(x->down);
	if (http_stream_sent_head(x->down) ||
		http_reply_build(&refusal->reply, request, &x->head, &x->body) <
			0) {
		x->broken = true;
		x->step = STEP_END;
		return;
	}
	x->status = refusal->reply.status;
	/* Without it the client is told all the same, in words. */
	if (x->status == 426)
		(void)websocket_add_version(&x->head);
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
on_lease(void *arg)
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

/* Why the origin could not be reached is told once, to the first request. */
static struct lease *
first_lease(struct exchange *x, const struct lease_want *want)
{
	struct lease *l = x->flow->lease;

	if (l == NULL || x->retried || want->upgrade)
		return NULL;
	x->flow->lease = NULL;
	lease_own(l, on_lease, x);
	return l;
}

static enum next
step_lease(struct exchange *x)
{
	struct flow *f = x->flow;
	struct lease_want want = {
		.key =
			{
				.host = f->host,
				.port = f->port,
				.secure = f->secure,
				.credentials = x->plan.injected,
			},
		.wish = x->only_http1 ? HTTP_1 : http_conn_version(x->server),
		.only_http2 = x->only_http2,
		.upgrade = x->upgrade,
		.fresh = !exchange_is_idempotent(x),
		.anew = x->was_stale,
	};

	x->step = STEP_CONNECT;
	x->lease = first_lease(x, &want);
	if (x->lease == NULL)
		x->lease = pool_lease(f->sandbox->pool, &want, on_lease, x);
	if (x->lease == NULL)
		exchange_fail(x, 503, RECORD_INTERNAL, "out of memory");
	return NEXT_STEP;
}

void
exchange_leave_origin(struct exchange *x)
{
	lease_end(x->lease);
	x->lease = NULL;
	x->up = NULL;
}

static enum next
step_connect(struct exchange *x)
{
	struct failure failure;
	char why[400];

	switch (lease_state(x->lease)) {
	case LEASE_READY:
		x->step = STEP_SEND;
		if (x->only_http2 &&
			http_conn_version(lease_http(x->lease)) != HTTP_2)
			exchange_fail(x, 502, RECORD_ORIGIN_GONE,
				"the origin closed the connection without an "
				"answer");
		return NEXT_STEP;
	case LEASE_FAILED:
		snprintf(why, sizeof(why), "%s:%u cannot be reached: %s",
			x->flow->host, x->flow->port, lease_why(x->lease));
		failure = failure_of(lease_failure(x->lease));
		exchange_fail(x, failure.status, failure.reason, why);
		return NEXT_STEP;
	case LEASE_WAITS:
		break;
	}
	return NEXT_WAIT;
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
	char put[INJECT_NAMES] = "";
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
	/* That it might be was put down before; now it is known. */
	swap_plan_names(&x->swaps, body_swap_put(&x->body_swap), put);
	if (put[0] != '\0')
		r.injected = put;
	if (x->lease != NULL) {
		r.upstream = lease_address(x->lease);
		r.dst_mismatch = flow_dialled_elsewhere(f, r.upstream);
	}
	daybook_add(f->services->daybook, &r, NULL);
}

static void
end(struct exchange *x)
{
	if (x->down == NULL)
		return;
	daybook_cancel(x->flow->services->daybook, &x->entry);
	if (x->owes_outcome)
		record_outcome(x);
	exchange_leave_origin(x);
	http_stream_close(x->down);
	x->down = NULL;
}

double
exchange_expires(const struct exchange *x)
{
	return x->expires;
}

/* Half an answer, half a request, or an upgraded one that has to end. */
static void
break_off(struct exchange *x, enum record_reason reason, const char *why)
{
	x->broken = true;
	x->ended = RECORD_ERROR;
	x->reason = reason;
	snprintf(x->why, sizeof(x->why), "%s", why);
	x->step = STEP_END;
}

void
exchange_overspent(struct exchange *x)
{
	struct policy_verdict by;
	struct refusal refusal;

	x->overspent = false;
	if (http_stream_sent_head(x->down)) {
		break_off(x, RECORD_BUDGET, x->allowance.why);
		return;
	}
	x->ended = RECORD_ERROR;
	x->reason = RECORD_BUDGET;
	snprintf(x->why, sizeof(x->why), "%s", x->allowance.why);
	by = allowance_verdict(&x->allowance, &x->verdict);
	refusal_by_limit(&refusal, x->flow, &by, &x->allowance);
	refusal_set_id(&refusal, x->id);
	exchange_answer(x, &refusal);
}

void
exchange_expire(struct exchange *x)
{
	const struct limits *limits = &x->flow->services->limits;

	if (x->step == STEP_REPLY || http_stream_sent_head(x->down)) {
		break_off(x, RECORD_TIMEOUT, "nothing moved for too long");
		return;
	}
	exchange_fail(
		x, 504, RECORD_TIMEOUT, "the origin did not answer in time");
	x->expires = monotonic_now() + limits->head_seconds;
}

bool
exchange_recheck(struct exchange *x)
{
	const struct flow *f = x->flow;
	struct policy_verdict v;
	char why[sizeof(x->why)];

	if (!x->owes_outcome || x->step >= STEP_REPLY ||
		exchange_is_allowed(x, &v))
		return false;
	receipt_add(f->services->receipt, f, "request", x->id, &v);
	flow_why_revoked(&v, why, sizeof(why));
	if (x->tunnelled || http_stream_sent_head(x->down))
		break_off(x, RECORD_REVOKED, why);
	else
		exchange_fail(x, 403, RECORD_REVOKED, why);
	return true;
}

bool
exchange_revoke(struct exchange *x, const char *credential)
{
	static const char why[] = "a credential that went out with this "
				  "request was withdrawn";

	if (x->step != STEP_RELAY ||
		(!inject_plan_has(&x->plan, credential) &&
			!swap_plan_has(&x->swaps, credential)))
		return false;
	receipt_add_withdrawn(
		x->flow->services->receipt, x->flow, x->id, credential);
	if (http_stream_sent_head(x->down)) {
		break_off(x, RECORD_CREDENTIAL_REVOKED, why);
		return true;
	}
	/* Not when the client has read what it is told, but now. */
	exchange_leave_origin(x);
	exchange_fail(x, 502, RECORD_CREDENTIAL_REVOKED, why);
	return true;
}

/* The client has reset its stream: so is the origin's, for the same reason. */
static void
client_left(struct exchange *x, uint32_t code)
{
	if (x->up != NULL)
		http_stream_set_reset(x->up, code);
	x->reason = RECORD_CLIENT_GONE;
	x->step = STEP_END;
}

enum exchange_state
exchange_run(struct exchange *x, bool *ret_moved)
{
	static enum next (*const steps[STEP_COUNT])(struct exchange * x) = {
		[STEP_DECIDE] = step_decide,
		[STEP_RECORD] = step_record,
		[STEP_LEASE] = step_lease,
		[STEP_CONNECT] = step_connect,
		[STEP_SEND] = exchange_send,
	};
	const struct limits *limits = &x->flow->services->limits;
	enum next next = NEXT_STEP;
	uint32_t code;

	if (http_stream_reset(x->down, &code) != HTTP_NOT_RESET &&
		x->step > STEP_DECIDE)
		client_left(x, code);
	while (next == NEXT_STEP && x->step != STEP_END) {
		if (x->step == STEP_RELAY)
			next = exchange_relay(x, ret_moved);
		else if (x->step == STEP_REPLY)
			next = step_reply(x, ret_moved);
		else
			next = steps[x->step](x);
	}
	if (*ret_moved)
		x->expires = monotonic_now() + limits->idle_seconds;
	if (x->step == STEP_REPLY && x->lease != NULL)
		lease_rest(x->lease);
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
	resend_done(&x->resend);
	body_swap_done(&x->body_swap);
	swap_plan_done(&x->swaps);
	allowance_close(&x->allowance);
	grounds_release(&x->grounds);
	free(x->method);
	free(x->path);
	free(x->query);
	free(x);
}
