/*
 * tunnel.c - bytes both ways, looked at by nobody
 *
 * Theory of operation
 *
 *	RECORD  until the decision is on record
 *	DIAL    until the origin has accepted
 *	RELAY   what one side sent and the other has room for is moved; when a
 *	        side has finished and all of it was moved, the other is told
 *	        (half-close); when both have, it ends
 *	END
 */
#include "tunnel.h"

#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allowance.h"
#include "array.h"
#include "conduit.h"
#include "daybook.h"
#include "dial.h"
#include "flow.h"
#include "grounds.h"
#include "monotonic.h"
#include "policy.h"
#include "policy_raw.h"
#include "receipt.h"
#include "sandbox.h"
#include "services.h"

enum state { T_RECORD, T_DIAL, T_RELAY, T_END };

struct tunnel {
	enum state state;
	struct flow *flow;
	struct grounds grounds; /* hold the verdict's strings */
	struct policy_verdict verdict;
	struct allowance allowance;
	void (*wake)(void *arg);
	void *arg;
	struct daybook_entry entry;
	bool recorded, record_failed;
	uint64_t id;
	struct dial *dial;
	struct stream origin;
	struct conduit up, down;
	bool has_origin;
	struct sockaddr_storage address;
	ev_tstamp began;
	enum record_verdict ended;
	enum record_reason reason;
	char why[256];
};

static void
on_recorded(struct daybook_entry *entry, bool ok)
{
	struct tunnel *t = container_of(entry, struct tunnel, entry);

	t->recorded = true;
	t->record_failed = !ok;
	t->wake(t->arg);
}

struct tunnel *
tunnel_new(struct flow *f, const struct policy_verdict *verdict,
	void (*wake)(void *arg), void *arg)
{
	struct tunnel *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->flow = f;
	t->grounds = grounds_of(f->sandbox);
	t->verdict = *verdict;
	t->wake = wake;
	t->arg = arg;
	t->began = monotonic_now();
	t->ended = flow_passes(verdict);
	t->reason = RECORD_COMPLETE;
	if (allowance_open(&t->allowance, f->sandbox, verdict->limit) < 0) {
		grounds_release(&t->grounds);
		free(t);
		return NULL;
	}
	t->entry.recorded = on_recorded;
	t->id = flow_allowed(f, verdict, &t->entry);
	return t;
}

static void
fail(struct tunnel *t, enum record_reason reason, const char *why)
{
	t->ended = RECORD_ERROR;
	t->reason = reason;
	snprintf(t->why, sizeof(t->why), "%s", why);
	t->state = T_END;
}

static void
on_origin_ready(void *arg)
{
	struct tunnel *t = arg;

	t->wake(t->arg);
}

static enum record_reason
reason_of(enum dial_failure failure)
{
	switch (failure) {
	case DIAL_NO_ADDRESS:
		return RECORD_RESOLVE;
	case DIAL_REFUSED:
		return RECORD_ADDRESS_REFUSED;
	case DIAL_TIMEOUT:
		return RECORD_TIMEOUT;
	case DIAL_OK:
	case DIAL_FAILED:
		break;
	}
	return RECORD_CONNECT_FAILED;
}

static void
on_dialled(void *arg, const struct dial_result *result)
{
	struct tunnel *t = arg;
	struct services *s = t->flow->services;

	t->dial = NULL;
	if (result->address != NULL)
		memcpy(&t->address, result->address, sizeof(t->address));
	if (result->failure != DIAL_OK) {
		fail(t, reason_of(result->failure), result->why);
	} else {
		stream_init(&t->origin, s->loop, s->turn, result->fd);
		stream_own(&t->origin, on_origin_ready, t);
		conduit_init(&t->up, &t->flow->client, &t->origin, s->pipes);
		conduit_init(&t->down, &t->origin, &t->flow->client, s->pipes);
		t->has_origin = true;
		t->state = T_RELAY;
	}
	t->wake(t->arg);
}

static void
begin_dial(struct tunnel *t)
{
	struct dialler d = t->flow->services->upstream.dialler;

	d.share = t->flow->sandbox->share;
	t->state = T_DIAL;
	/* To its sandbox it counts as one: nobody sees how many it holds. */
	allowance_charge(&t->allowance, POLICY_REQUESTS, 1);
	if (t->verdict.via == POLICY_VIA_ADDRESS)
		t->dial = dial_address(&d,
			(const struct sockaddr *)&t->flow->original, on_dialled,
			t);
	else
		t->dial = dial_name(
			&d, t->flow->host, t->flow->port, on_dialled, t);
	if (t->dial == NULL)
		fail(t, RECORD_INTERNAL, "out of memory");
}

/* How many bytes moved. */
static size_t
move(struct tunnel *t, struct conduit *c, enum policy_budget way)
{
	uint64_t before = c->carried;
	ssize_t moved;

	if (!allowance_has(&t->allowance, way) && conduit_has_more(c)) {
		fail(t, RECORD_BUDGET, t->allowance.why);
		return 0;
	}
	moved = conduit_move(c);
	allowance_charge(&t->allowance, way, c->carried - before);
	if (moved >= 0)
		return (size_t)moved;
	fail(t, RECORD_INTERNAL, "out of memory");
	return 0;
}

static void
fail_broken(struct tunnel *t)
{
	if (t->origin.error == -ENOMEM || t->flow->client.error == -ENOMEM)
		fail(t, RECORD_INTERNAL, "out of memory");
	else if (stream_is_broken(&t->flow->client))
		fail(t, RECORD_CLIENT_GONE, "the sandbox reset the connection");
	else
		fail(t, RECORD_ORIGIN_GONE, "the origin reset the connection");
}

static void
relay(struct tunnel *t)
{
	struct stream *client = &t->flow->client, *origin = &t->origin;
	/* Then others get a turn. */
	enum { ROUNDS = 8, ENOUGH = 256 * 1024 };
	size_t total = 0;

	for (int i = 0; i < ROUNDS && total < ENOUGH; i++) {
		size_t moved = move(t, &t->up, POLICY_UP);

		if (t->state != T_END)
			moved += move(t, &t->down, POLICY_DOWN);
		if (moved == 0 || t->state == T_END)
			break;
		total += moved;
		stream_flush_now(origin);
		stream_flush_now(client);
	}
	conduit_rest(&t->up);
	conduit_rest(&t->down);
	if (t->state == T_END)
		return;
	if (stream_is_broken(client) || stream_is_broken(origin))
		fail_broken(t);
	else if (client->shut && origin->shut)
		t->state = T_END;
}

bool
tunnel_run(struct tunnel *t)
{
	if (t->state == T_RECORD && t->recorded) {
		if (t->record_failed)
			fail(t, RECORD_LOG_FULL,
				"the decision log cannot be written");
		else if (!allowance_has_all(&t->allowance))
			fail(t, RECORD_BUDGET, t->allowance.why);
		else
			begin_dial(t);
	}
	if (t->state == T_RELAY)
		relay(t);
	return t->state != T_END;
}

static struct policy_verdict
ask_policy(const struct tunnel *t)
{
	const struct flow *f = t->flow;
	const struct policy_set *set = f->sandbox->set;

	if (set == NULL)
		return (struct policy_verdict){
			.rule = "(the sandbox's policy does not exist)",
			.source = "-",
		};
	if (t->verdict.via == POLICY_VIA_ADDRESS)
		return policy_decide_address(
			set, (const struct sockaddr *)&f->original);
	return t->verdict.via == POLICY_VIA_RAW
		       ? policy_decide_raw(set, f->host, f->port)
		       : policy_decide_flow(set, f->host, f->port);
}

bool
tunnel_recheck(struct tunnel *t)
{
	struct policy_verdict v = ask_policy(t);
	const struct flow *f = t->flow;
	char why[sizeof(t->why)];

	if (v.allowed && v.via == t->verdict.via)
		return false;
	receipt_add(f->services->receipt, f, "connection", t->id, &v);
	flow_why_revoked(&v, why, sizeof(why));
	fail(t, RECORD_REVOKED, why);
	return true;
}

void
tunnel_revoke(struct tunnel *t)
{
	fail(t, RECORD_REVOKED, "the sandbox is no longer served here");
}

static void
record_outcome(struct tunnel *t)
{
	struct flow *f = t->flow;
	struct record r;

	flow_record(f, RECORD_CONNECT, t->ended, t->reason, &r);
	r.id = t->id;
	r.event = RECORD_OUTCOME;
	r.via = flow_via_name(t->verdict.via);
	r.dur_us = (int64_t)((monotonic_now() - t->began) * 1e6);
	if (t->has_origin) {
		r.bytes_up = t->origin.bytes_out;
		r.bytes_down = t->origin.bytes_in;
	}
	if (t->address.ss_family != AF_UNSPEC) {
		r.upstream = (const struct sockaddr *)&t->address;
		r.dst_mismatch = flow_dialled_elsewhere(f, r.upstream);
	}
	if (t->why[0] != '\0')
		r.detail = t->why;
	daybook_add(f->services->daybook, &r, NULL);
}

void
tunnel_free(struct tunnel *t)
{
	if (t == NULL)
		return;
	if (t->state != T_END)
		fail(t, RECORD_CLIENT_GONE, "the flow was closed");
	daybook_cancel(t->flow->services->daybook, &t->entry);
	record_outcome(t);
	dial_cancel(t->dial);
	conduit_done(&t->up);
	conduit_done(&t->down);
	if (t->has_origin)
		stream_done(&t->origin);
	allowance_close(&t->allowance);
	grounds_release(&t->grounds);
	free(t);
}
