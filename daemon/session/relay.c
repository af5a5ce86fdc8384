/*
 * relay.c - an exchange's bytes: the request body up, heads and body down
 *
 * Nothing is stored: a piece of body is taken from one side only when the
 * other has room for it.  Either direction may end first.
 */
#include "exchange_part.h"

#include <errno.h>

#include "conn.h"
#include "failure.h"
#include "monotonic.h"
#include "rules.h"
#include "sandbox.h"
#include "services.h"
#include "stream.h"

enum {
	RESPONSE_PARTS = 3, /* in one run; then other streams get a turn */
	MATCHED_MAX = 64,   /* names of fields that rules look at */
};

/* What came of an attempt to move something. */
enum moved { MOVED_NOTHING, MOVED_SOME, MOVED_FAILED };

/* That it is we who have no memory for it must not look as if either side had
 * done something wrong. */
static enum moved
failed(struct exchange *x, ssize_t error)
{
	x->no_memory = x->no_memory || error == -ENOMEM;
	return MOVED_FAILED;
}

/*
 * What a rule looks at when it allows a request cannot come late.  Those are
 * the rules of now: whatever they were when it was decided, it was held against
 * them since (exchange_recheck()).
 */
static void
remove_matched(const struct exchange *x, struct http_head *trailers)
{
	const struct policy_set *set = x->flow->sandbox->set;
	const char *names[MATCHED_MAX];
	size_t count = 0;

	if (set != NULL)
		count = policy_field_names(
			set, x->flow->host, names, MATCHED_MAX);
	if (set == NULL || count > MATCHED_MAX)
		http_head_clear(trailers);
	for (size_t i = 0; i < count && i < MATCHED_MAX; i++)
		http_head_remove(trailers, span_of(names[i]));
}

static enum moved
end_request(struct exchange *x)
{
	const struct http_head *trailers = http_stream_trailers(x->down);
	struct span injected[INJECT_MAX];
	int r = 0;

	if (trailers != NULL)
		x->misplaced = swap_plan_wrong_in(&x->swaps, trailers);
	if (x->misplaced != NULL)
		return MOVED_FAILED;
	if (trailers != NULL)
		r = http_rules_trailers(trailers, injected,
			inject_fields(&x->plan, injected), &x->head);
	if (trailers != NULL && r == 0)
		remove_matched(x, &x->head);
	if (r == 0)
		r = lease_request_end(
			x->lease, trailers != NULL ? &x->head : NULL);
	if (r == -ENOBUFS)
		return MOVED_NOTHING;
	return r < 0 ? failed(x, r) : MOVED_SOME;
}

/* Whether a piece of body may be moved that way. */
static bool
may_move(struct exchange *x, enum policy_budget way)
{
	if (allowance_has(&x->allowance, way))
		return true;
	x->overspent = true;
	return false;
}

static enum moved
send_again(struct exchange *x)
{
	struct span rest = resend_rest(&x->resend);
	ssize_t n = http_stream_send(x->up, rest.ptr, rest.len);

	if (n <= 0)
		return n < 0 ? failed(x, n) : MOVED_NOTHING;
	resend_advance(&x->resend, (size_t)n);
	x->bytes_up += (uint64_t)n;
	return MOVED_SOME;
}

/* The sandbox's fault, or ours. */
static enum moved
stop_request(struct exchange *x)
{
	x->no_memory = x->no_memory || x->body_swap.no_memory;
	x->misplaced =
		swap_plan_first(&x->swaps, body_swap_wrong(&x->body_swap));
	return MOVED_FAILED;
}

static enum moved
move_request(struct exchange *x)
{
	struct span data;
	ssize_t n;

	/* What follows a request for another protocol waits for the 101. */
	if (http_stream_send_ended(x->up) || (x->upgrade && !x->tunnelled))
		return MOVED_NOTHING;
	if (resend_rest(&x->resend).len > 0)
		return send_again(x);
	switch (body_swap_peek(&x->body_swap, x->down, &data)) {
	case HTTP_WAIT:
		return MOVED_NOTHING;
	case HTTP_BROKEN:
		return stop_request(x);
	case HTTP_END:
		return end_request(x);
	case HTTP_DATA:
		break;
	}
	if (!may_move(x, POLICY_UP))
		return MOVED_FAILED;
	n = http_stream_send(x->up, data.ptr, data.len);
	if (n <= 0)
		return n < 0 ? failed(x, n) : MOVED_NOTHING;
	x->body_begun = true;
	x->bytes_up += (uint64_t)n;
	allowance_charge(&x->allowance, POLICY_UP, (uint64_t)n);
	/* An origin over HTTP/2 may say that it never looked at this. */
	if (http_conn_version(lease_http(x->lease)) == HTTP_2 &&
		http_stream_head(x->up) == NULL)
		resend_keep(&x->resend, (struct span){data.ptr, (size_t)n});
	body_swap_consume(&x->body_swap, x->down, (size_t)n);
	return MOVED_SOME;
}

static bool
is_interim(const struct http_head *head)
{
	return head->status < 200 && head->status != 101;
}

static int
build_head(struct exchange *x, const struct http_head *head)
{
	int r;

	if (head->status == 101)
		x->fault = websocket_check(&x->websocket, head);
	r = x->fault != NULL ? -EPROTO : http_rules_response(head, &x->head);
	if (r == 0 && head->status == 101)
		r = websocket_answer(http_stream_head(x->down),
			http_conn_version(x->server), &x->head);
	return r;
}

/* The next response head, interim ones too. */
static enum moved
move_head(struct exchange *x)
{
	const struct http_head *head = http_stream_head(x->up);
	struct buf *out = &x->flow->client.out;
	size_t bound = out->bound;
	int r;

	if (head == NULL)
		return MOVED_NOTHING;
	r = build_head(x, head);
	if (r < 0)
		return failed(x, r);
	out->bound = bound + HTTP_HEAD_WIRE_MAX;
	r = http_stream_send_head(x->down, &x->head);
	out->bound = bound;
	if (r == -ENOBUFS)
		return MOVED_NOTHING;
	if (r < 0)
		return failed(x, r);
	if (x->first_byte <= 0)
		x->first_byte = monotonic_now();
	if (is_interim(head)) {
		http_stream_next_head(x->up);
		return MOVED_SOME;
	}
	x->status = head->status;
	x->tunnelled = head->status == 101;
	resend_done(&x->resend);
	return MOVED_SOME;
}

static enum moved
end_response(struct exchange *x)
{
	const struct http_head *trailers = http_stream_trailers(x->up);
	struct buf *out = &x->flow->client.out;
	size_t bound = out->bound;
	int r = 0;

	if (trailers != NULL)
		r = http_rules_trailers(trailers, NULL, 0, &x->head);
	/* Nobody would say that there is room for so much. */
	out->bound = bound + HTTP_HEAD_WIRE_MAX;
	if (r == 0)
		r = http_stream_send_end(
			x->down, trailers != NULL ? &x->head : NULL);
	out->bound = bound;
	if (r == -ENOBUFS)
		return MOVED_NOTHING;
	return r < 0 ? failed(x, r) : MOVED_SOME;
}

static enum moved
move_part(struct exchange *x)
{
	struct span data;
	ssize_t n;

	if (!http_stream_sent_head(x->down))
		return move_head(x);
	if (http_stream_send_ended(x->down))
		return MOVED_NOTHING;
	switch (http_stream_peek(x->up, &data)) {
	case HTTP_WAIT:
		return MOVED_NOTHING;
	case HTTP_BROKEN:
		return MOVED_FAILED;
	case HTTP_END:
		return end_response(x);
	case HTTP_DATA:
		break;
	}
	if (!may_move(x, POLICY_DOWN))
		return MOVED_FAILED;
	if (http_stream_is_last(x->up, data.len))
		n = http_stream_send_last(x->down, data.ptr, data.len);
	else
		n = http_stream_send(x->down, data.ptr, data.len);
	if (n <= 0)
		return n < 0 ? failed(x, n) : MOVED_NOTHING;
	x->bytes_down += (uint64_t)n;
	allowance_charge(&x->allowance, POLICY_DOWN, (uint64_t)n);
	http_stream_consume(x->up, (size_t)n);
	return MOVED_SOME;
}

/* A small answer at once: its head, a piece, its end. */
static enum moved
move_response(struct exchange *x)
{
	enum moved first = move_part(x), next = first;

	for (int i = 1; i < RESPONSE_PARTS && next == MOVED_SOME; i++)
		next = move_part(x);
	return next == MOVED_FAILED ? MOVED_FAILED : first;
}

/* Also an interim one that has been passed on, and one that was no good. */
static bool
has_been_answered(const struct exchange *x)
{
	int status;

	return x->first_byte > 0 || http_stream_head(x->up) != NULL ||
	       http_stream_refused(x->up, &status) != NULL;
}

/*
 * The origin closed a connection that had been used before, without a word:
 * it had gone idle there.  What can be asked again is asked again, once; what
 * may have changed something there (RFC 9110 9.2.2) cannot.
 */
static bool
may_retry(const struct exchange *x)
{
	enum http_reset reset = http_stream_reset(x->up, NULL);

	/* Then it has looked, and what was sent since is not kept. */
	if (x->retried || has_been_answered(x))
		return false;
	/* It has said that it never looked at the request. */
	if (reset == HTTP_RESET_UNTOUCHED || reset == HTTP_RESET_WANTS_1)
		return !x->body_begun || resend_is_possible(&x->resend);
	return !x->body_begun && !x->upgrade && exchange_is_idempotent(x) &&
	       (lease_was_stale(x->lease) || lease_refused_http1(x->lease)) &&
	       http_stream_head(x->down)->framing == HTTP_NO_BODY;
}

static bool
is_request_broken(struct exchange *x)
{
	struct span rest;

	return http_stream_peek(x->down, &rest) == HTTP_BROKEN;
}

/* The request itself can never become complete. */
static void
request_broke(struct exchange *x)
{
	const char *why = http_conn_error(x->server);
	int status = http_conn_error_status(x->server);

	if (why != NULL) {
		exchange_fail(x, status,
			failure_of_codec(status, RECORD_MALFORMED_HTTP), why);
		return;
	}
	x->broken = true;
	x->ended = RECORD_ERROR;
	x->reason = RECORD_CLIENT_GONE;
	x->step = STEP_END;
}

/* What it did that no origin may, or what we could not take; NULL when it only
 * went.  The status to answer with. */
static const char *
origins_fault(const struct exchange *x, int *ret_status)
{
	const struct http_conn *client = lease_http(x->lease);

	*ret_status = 503;
	if (x->no_memory || lease_has_no_memory(x->lease) ||
		http_conn_error_status(x->server) == 503)
		return "out of memory";
	*ret_status = 502;
	if (x->fault != NULL)
		return x->fault;
	if (http_stream_refused(x->up, ret_status) != NULL)
		return http_stream_refused(x->up, ret_status);
	*ret_status = http_conn_error_status(client);
	return http_conn_was_cut(client) ? NULL : http_conn_error(client);
}

static void
ask_again(struct exchange *x)
{
	enum http_reset reset = http_stream_reset(x->up, NULL);

	x->only_http1 = reset == HTTP_RESET_WANTS_1;
	x->only_http2 = lease_refused_http1(x->lease);
	x->was_stale = reset == HTTP_NOT_RESET;
	exchange_leave_origin(x);
	resend_begin(&x->resend);
	x->bytes_up = 0;
	x->retried = true;
	x->step = STEP_LEASE;
}

static enum next
origin_broke(struct exchange *x)
{
	int status;
	const char *why = origins_fault(x, &status);
	uint32_t code;

	if (may_retry(x)) {
		ask_again(x);
	} else if (why != NULL) {
		exchange_fail(x, status,
			failure_of_codec(status, RECORD_UPSTREAM_HTTP), why);
	} else if (http_stream_reset(x->up, &code) != HTTP_NOT_RESET) {
		http_stream_set_reset(x->down, code);
		exchange_fail(x, 502, RECORD_ORIGIN_GONE,
			"the origin reset the request");
	} else {
		exchange_fail(x, 502, RECORD_ORIGIN_GONE,
			"the origin closed the connection before its answer "
			"was complete");
	}
	return NEXT_STEP;
}

/* The response can never become complete: nothing more will come. */
static bool
is_dead(struct exchange *x)
{
	enum http_body left;
	struct span rest;
	int status;

	if (http_stream_refused(x->up, &status) != NULL)
		return true;
	if (!lease_is_over(x->lease) &&
		http_conn_error(lease_http(x->lease)) == NULL &&
		http_stream_reset(x->up, NULL) == HTTP_NOT_RESET)
		return false;
	if (http_stream_head(x->up) == NULL)
		return true;
	if (!http_stream_sent_head(x->down) || http_stream_send_ended(x->down))
		return false;
	left = http_stream_peek(x->up, &rest);
	return left == HTTP_BROKEN || left == HTTP_WAIT;
}

/* Over HTTP/1 a tunnel that has ended one way is told so by the socket. */
static void
settle_client(struct exchange *x)
{
	struct stream *c = &x->flow->client;

	if (http_conn_is_finished(x->server))
		stream_finish(c);
	else
		stream_flush(c);
}

enum next
exchange_relay(struct exchange *x, bool *ret_moved)
{
	enum moved up = MOVED_NOTHING, down = MOVED_NOTHING;
	bool filled = lease_fill(x->lease);

	if (lease_takes(x->lease))
		up = move_request(x);
	if (up != MOVED_FAILED)
		down = move_response(x);
	if (down == MOVED_SOME)
		settle_client(x);
	if (filled || up == MOVED_SOME || down == MOVED_SOME)
		*ret_moved = true;
	if (http_stream_send_ended(x->down)) {
		x->step = STEP_END;
		return NEXT_STEP;
	}
	if (x->overspent) {
		exchange_overspent(x);
		return NEXT_STEP;
	}
	if (x->misplaced != NULL) {
		exchange_misplaced(x);
		return NEXT_STEP;
	}
	if (up == MOVED_FAILED && is_request_broken(x)) {
		request_broke(x);
		return NEXT_STEP;
	}
	if (up == MOVED_FAILED || down == MOVED_FAILED ||
		(down == MOVED_NOTHING && is_dead(x)))
		return origin_broke(x);
	lease_settle(x->lease);
	return NEXT_WAIT;
}
