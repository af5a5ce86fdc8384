/*
 * send.c - a request on its way: its head, and what becomes of its body
 *
 * The head is built anew by HTTP's rules; then values are put in, as the last
 * thing: those of stand-ins, and then those of `inject`, which take out what
 * stood there and are not searched for stand-ins themselves.  A body into
 * which values may go can change its length, which is why the head waits for
 * that to be known.
 */
#include "exchange_part.h"

#include <errno.h>
#include <stdio.h>

#include "conn.h"
#include "rules.h"
#include "services.h"

enum {
	AUTHORITY_MAX = HOST_MAX + 8,
};

/* text: where it is written, if it has to be. */
static struct span
authority_of(const struct flow *f, char text[AUTHORITY_MAX])
{
	if (f->port == (f->secure ? 443 : 80))
		return span_of(f->host);
	snprintf(text, AUTHORITY_MAX, "%s:%u", f->host, f->port);
	return span_of(text);
}

static int
open_body(struct exchange *x)
{
	struct body_swap_want want;
	int r;

	if (x->swaps.stand_ins == NULL || x->upgrade)
		return 0;
	r = swap_plan_body(&x->swaps, x->flow->services->keyring, &want);
	if (r == 0)
		r = body_swap_open(&x->body_swap, &want, &x->head);
	if (r == 0 && body_swap_puts(&x->body_swap))
		resend_hide(&x->resend);
	return r;
}

enum next
exchange_send(struct exchange *x)
{
	char authority[AUTHORITY_MAX];
	int r;

	r = http_rules_request(http_stream_head(x->down),
		authority_of(x->flow, authority), &x->head);
	if (r == 0 && x->upgrade)
		r = websocket_ask(&x->websocket,
			http_conn_version(lease_http(x->lease)), &x->head);
	if (r == 0)
		r = swap_plan_apply(
			&x->swaps, x->flow->services->keyring, &x->head);
	if (r == 0)
		r = inject_apply(
			&x->plan, x->flow->services->keyring, &x->head);
	if (r == 0)
		r = open_body(x);
	if (r == 0)
		x->up = lease_request(x->lease, &x->head,
			x->plan.count > 0 || swap_plan_is_secret(&x->swaps));
	if (r == 0 && x->up == NULL && errno == EBUSY) {
		/* Others were faster: all its streams are taken. */
		exchange_leave_origin(x);
		x->step = STEP_LEASE;
		return NEXT_STEP;
	}
	http_head_clear(&x->head);
	if (r == -ENOKEY) {
		exchange_fail(x, 502, RECORD_CREDENTIAL_UNAVAILABLE,
			"a credential was withdrawn while this request was on "
			"its way");
		return NEXT_STEP;
	}
	if (r == -ENOMEM || (r == 0 && x->up == NULL && errno == ENOMEM)) {
		exchange_fail(x, 503, RECORD_INTERNAL, "out of memory");
		return NEXT_STEP;
	}
	if (r < 0 || x->up == NULL) {
		exchange_fail(x, 431, RECORD_LIMIT,
			"the head is too large once it is rebuilt");
		return NEXT_STEP;
	}
	x->step = STEP_RELAY;
	return NEXT_STEP;
}
