#include "scout.h"

#include <stdlib.h>

#include "array.h"
#include "daybook.h"
#include "failure.h"
#include "flow.h"
#include "grounds.h"
#include "lease.h"
#include "monotonic.h"
#include "policy.h"
#include "pool.h"
#include "sandbox.h"
#include "services.h"

struct scout {
	struct flow *flow;
	struct grounds grounds; /* hold the verdict's strings */
	struct policy_verdict verdict;
	void (*wake)(void *arg);
	void *arg;
	struct daybook_entry entry;
	bool recorded, record_failed, over;
	uint64_t id;
	struct lease *lease;
	double began;
};

static void
on_recorded(struct daybook_entry *entry, bool ok)
{
	struct scout *s = container_of(entry, struct scout, entry);

	s->recorded = true;
	s->record_failed = !ok;
	s->wake(s->arg);
}

struct scout *
scout_new(struct flow *f, const struct policy_verdict *verdict,
	void (*wake)(void *arg), void *arg)
{
	struct scout *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->flow = f;
	s->grounds = grounds_of(f->sandbox);
	s->verdict = *verdict;
	s->wake = wake;
	s->arg = arg;
	s->began = monotonic_now();
	s->entry.recorded = on_recorded;
	s->id = flow_allowed(f, verdict, &s->entry);
	return s;
}

static const char *
alpn_of(const struct lease *l)
{
	return http_conn_version(lease_http(l)) == HTTP_2 ? "h2" : "http/1.1";
}

/* Why nothing came of it, the first request's outcome tells. */
static void
record_outcome(
	struct scout *s, enum record_verdict ended, enum record_reason reason)
{
	struct flow *f = s->flow;
	struct record r;

	flow_record(f, RECORD_CONNECT, ended, reason, &r);
	r.id = s->id;
	r.event = RECORD_OUTCOME;
	r.via = flow_via_name(s->verdict.via);
	r.dur_us = (int64_t)((monotonic_now() - s->began) * 1e6);
	if (s->lease != NULL) {
		r.upstream = lease_address(s->lease);
		r.dst_mismatch = flow_dialled_elsewhere(f, r.upstream);
		if (lease_state(s->lease) == LEASE_READY)
			r.alpn = alpn_of(s->lease);
		else if (lease_state(s->lease) == LEASE_FAILED)
			r.detail = lease_why(s->lease);
	}
	daybook_add(f->services->daybook, &r, NULL);
	s->over = true;
}

static void
on_lease(void *arg)
{
	struct scout *s = arg;

	s->wake(s->arg);
}

static void
begin(struct scout *s)
{
	struct flow *f = s->flow;
	struct lease_want want = {
		.key = {.host = f->host, .port = f->port, .secure = true},
		.wish = HTTP_2,
	};

	s->lease = pool_lease(f->sandbox->pool, &want, on_lease, s);
}

/* The first request tells why. */
static void
hand_over(struct scout *s)
{
	lease_own(s->lease, NULL, NULL);
	s->flow->lease = s->lease;
	s->lease = NULL;
}

bool
scout_run(struct scout *s)
{
	if (!s->recorded)
		return true;
	if (s->record_failed)
		return false; /* so will the request's be, and be refused */
	if (s->lease == NULL)
		begin(s);
	if (s->lease == NULL) {
		record_outcome(s, RECORD_ERROR, RECORD_INTERNAL);
		return false;
	}
	switch (lease_state(s->lease)) {
	case LEASE_WAITS:
		return true;
	case LEASE_READY:
		record_outcome(s, flow_passes(&s->verdict), RECORD_COMPLETE);
		/* Into the pool, which notices when the origin closes it: a
		 * client may connect long before it asks. */
		lease_end(s->lease);
		s->lease = NULL;
		break;
	case LEASE_FAILED:
		record_outcome(s, RECORD_ERROR,
			failure_of(lease_failure(s->lease)).reason);
		hand_over(s);
		break;
	}
	return false;
}

void
scout_free(struct scout *s)
{
	if (s == NULL)
		return;
	daybook_cancel(s->flow->services->daybook, &s->entry);
	if (!s->over && !s->record_failed)
		record_outcome(s, flow_passes(&s->verdict), RECORD_CLIENT_GONE);
	lease_end(s->lease);
	grounds_release(&s->grounds);
	free(s);
}
