/*
 * lookup.c - decided, recorded, resolved
 *
 * Theory of operation
 *
 * lookup_new() decides and puts that on record; the answer to what is refused
 * is known then.  When the record stands, at the end of the turn, a refusal is
 * answered and an allowed question goes to the resolver.  If it does not
 * stand, the answer is SERVFAIL, and nothing was asked of anybody.  What was
 * allowed has an outcome in every case.
 *
 * A name for which flows may be carried that never show it is answered with an
 * address that stands for it, once it is known that there is such a name; when
 * the sandbox can have no more of those, with its own.
 */
#include "lookup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ev.h>

#include "array.h"
#include "daybook.h"
#include "flow.h"
#include "host.h"
#include "monotonic.h"
#include "names.h"
#include "policy.h"
#include "policy_raw.h"
#include "record.h"
#include "resolver.h"
#include "sandbox.h"
#include "services.h"
#include "synthetic.h"

enum {
	/* Waiting at one time, of one sandbox: a name server that it controls
	 * must not hold all that the resolver has for everybody. */
	OPEN_LOOKUPS = 64,
	/* Of a synthetic address: policy may soon want another answer. */
	SYNTHETIC_TTL = 30,
};

struct lookup {
	struct services *services;
	struct sandbox *sandbox; /* a reference */
	lookup_done *done;
	void *arg;
	struct daybook_entry entry;
	struct resolver_query *query;
	struct record outcome; /* made from the decision */
	char host[HOST_MAX + 1];
	struct sockaddr_storage source, server;
	int family; /* to resolve; AF_UNSPEC: nothing */
	bool resolve;
	bool own_only; /* there is no synthetic address for it */
	struct name_wait name;
	bool owes_outcome;    /* it was put down as allowed */
	enum dns_rcode rcode; /* when nothing is to be resolved */
	ev_tstamp began;
};

static void
answer_with(struct lookup *l, enum dns_rcode rcode,
	const struct dns_addresses *addresses)
{
	l->done(l->arg, rcode, addresses);
	lookup_cancel(l);
}

static void
answer(struct lookup *l, enum dns_rcode rcode,
	const struct resolver_answer *resolved)
{
	struct dns_addresses addresses;

	if (resolved != NULL)
		addresses = (struct dns_addresses){
			resolved->addresses, resolved->count, resolved->ttl};
	answer_with(l, rcode, resolved != NULL ? &addresses : NULL);
}

static void
record_outcome(struct lookup *l, enum record_reason reason, const char *detail)
{
	struct record *r = &l->outcome;

	if (!l->owes_outcome)
		return;
	l->owes_outcome = false;
	r->event = RECORD_OUTCOME;
	r->reason = reason;
	if (reason != RECORD_COMPLETE)
		r->verdict = RECORD_ERROR;
	r->detail = detail;
	r->dur_us = (int64_t)((monotonic_now() - l->began) * 1e6);
	daybook_add(l->services->daybook, r, NULL);
}

/* ---- synthetic addresses ------------------------------------------------ */

static void on_resolved(void *arg, const struct resolver_answer *a);

static void
resolve(struct lookup *l)
{
	/* A cached answer comes before the call returns, and frees l. */
	struct resolver_query *query = resolver_ask(
		l->services->resolver, l->host, l->family, on_resolved, l);

	if (query != NULL)
		l->query = query;
}

static void
answer_synthetic(struct lookup *l, uint32_t number)
{
	uint8_t bytes[1][16];
	struct dns_addresses one = {bytes, 1, SYNTHETIC_TTL};
	char text[INET6_ADDRSTRLEN], detail[INET6_ADDRSTRLEN + 32];

	synthetic_address(l->family, number, bytes[0]);
	inet_ntop(l->family, bytes[0], text, sizeof(text));
	snprintf(detail, sizeof(detail), "%s stands for it", text);
	record_outcome(l, RECORD_COMPLETE, detail);
	answer_with(l, DNS_NOERROR, &one);
}

static void
on_named(struct name_wait *w)
{
	struct lookup *l = container_of(w, struct lookup, name);
	uint32_t number;

	if (names_number(l->sandbox->told, l->host, &number)) {
		answer_synthetic(l, number);
		return;
	}
	l->own_only = true;
	resolve(l);
}

/* Takes over the answer about a name that there is, if a flow to it may have to
 * be told by its address. */
static bool
take_synthetic(struct lookup *l)
{
	const struct policy_set *set = l->sandbox->set;
	struct names *names;
	uint32_t number;

	if (l->own_only || set == NULL || !policy_name_may_be_raw(set, l->host))
		return false;
	names = sandbox_names(l->sandbox, &l->services->names);
	if (names == NULL)
		return false;
	if (names_number(names, l->host, &number)) {
		answer_synthetic(l, number);
		return true;
	}
	l->name.host = l->host;
	l->name.heard = on_named;
	names_wait(names, &l->name);
	return true;
}

static void
on_resolved(void *arg, const struct resolver_answer *a)
{
	struct lookup *l = arg;

	l->query = NULL;
	switch (a->status) {
	case 0:
		if (take_synthetic(l))
			break;
		record_outcome(l, RECORD_COMPLETE,
			l->own_only ? "no synthetic address is left for it"
				    : NULL);
		answer(l, DNS_NOERROR, a);
		break;
	case -ENODATA:
		record_outcome(l, RECORD_COMPLETE, "no such address");
		answer(l, DNS_NOERROR, NULL);
		break;
	case -ENOENT:
		record_outcome(l, RECORD_COMPLETE, "no such name");
		answer(l, DNS_NXDOMAIN, NULL);
		break;
	default:
		record_outcome(l, RECORD_RESOLVE, a->text);
		answer(l, DNS_SERVFAIL, NULL);
		break;
	}
}

static void
on_recorded(struct daybook_entry *entry, bool ok)
{
	struct lookup *l = container_of(entry, struct lookup, entry);

	if (!ok) {
		record_outcome(l, RECORD_LOG_FULL, NULL);
		answer(l, DNS_SERVFAIL, NULL);
		return;
	}
	if (!l->resolve) {
		record_outcome(l, RECORD_COMPLETE,
			"answered without asking: no address of that type");
		answer(l, l->rcode, NULL);
		return;
	}
	resolve(l);
}

/* Sets what will be answered; returns the reason for the record. */
static enum record_reason
decide(struct lookup *l, const struct dns_query *q, struct policy_verdict *v)
{
	l->rcode = DNS_NXDOMAIN;
	if (q->class != DNS_CLASS_IN) {
		l->rcode = DNS_REFUSED;
		return RECORD_BAD_NAME;
	}
	if (host_normalise(q->name, strlen(q->name), l->host) < 0)
		return RECORD_BAD_NAME;
	if (l->sandbox->set == NULL)
		return RECORD_NO_RULE;
	*v = policy_decide_name(l->sandbox->set, l->host);
	if (!v->allowed)
		return (enum record_reason)v->reason;
	l->rcode = DNS_NOERROR;
	l->family = q->type == DNS_TYPE_A      ? AF_INET
		    : q->type == DNS_TYPE_AAAA ? AF_INET6
					       : AF_UNSPEC;
	/* An address of a family that the sandbox does not speak would only
	 * make its clients wait; other types would tell ways around us. */
	l->resolve = l->family != AF_UNSPEC &&
		     sandbox_has_family(l->sandbox, l->family);
	return (enum record_reason)v->reason;
}

static void
record_decision(struct lookup *l, const struct lookup_from *from,
	const struct dns_query *q)
{
	struct services *s = l->services;
	struct policy_verdict v = {0};
	enum record_reason reason = decide(l, q, &v);
	struct record r = {
		.id = daybook_id(s->daybook),
		.event = RECORD_DECISION,
		.kind = RECORD_DNS,
		.verdict = v.allowed ? flow_passes(&v) : RECORD_DENIED,
		.reason = reason,
		.sandbox = l->sandbox->name,
		.labels = l->sandbox->labels,
		.src = (const struct sockaddr *)&l->source,
		.dst = (const struct sockaddr *)&l->server,
		.dport = 53,
		.proto = from->proto,
		.host = span_of(l->host[0] != '\0' ? l->host : q->name),
		.rule = v.rule,
		.source = v.source,
		.policy = l->sandbox->policy_name,
		.generation = s->generation,
		.dur_us = -1,
		.ttfb_us = -1,
	};

	l->entry.recorded = on_recorded;
	l->owes_outcome = v.allowed;
	daybook_add(s->daybook, &r, &l->entry);
	/* Rule and source are policy's, which may go before the outcome. */
	r.rule = r.source = NULL;
	r.host = span_of(l->host);
	l->outcome = r;
}

/* Questions that were not even looked at. */
static void
record_refusal(struct services *services, const struct sandbox *sandbox,
	struct record r)
{
	r.id = daybook_id(services->daybook);
	r.kind = RECORD_DNS;
	r.sandbox = sandbox->name;
	r.labels = sandbox->labels;
	r.proto = "dns";
	r.policy = sandbox->policy_name;
	r.generation = services->generation;
	r.dur_us = r.ttfb_us = -1;
	daybook_add(services->daybook, &r, NULL);
}

bool
lookup_may_ask(struct services *services, struct sandbox *sandbox)
{
	struct record r = {
		.verdict = RECORD_DENIED,
		.reason = RECORD_LIMIT,
		.detail = "too many DNS questions at once or a second",
	};

	if (sandbox->lookups < OPEN_LOOKUPS &&
		budget_take(&sandbox->questions, monotonic_now()))
		return true;
	r.count = ++sandbox->unsaid;
	if (!budget_take(&sandbox->complaints, monotonic_now()))
		return false;
	sandbox->unsaid = 0;
	record_refusal(services, sandbox, r);
	return false;
}

static void
copy_address(struct sockaddr_storage *to, const struct sockaddr *from)
{
	memcpy(to, from,
		from->sa_family == AF_INET ? sizeof(struct sockaddr_in)
					   : sizeof(struct sockaddr_in6));
}

struct lookup *
lookup_new(struct services *services, const struct lookup_from *from,
	const struct dns_query *query, lookup_done *done, void *arg)
{
	struct lookup *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		record_refusal(services, from->sandbox,
			(struct record){.verdict = RECORD_ERROR,
				.reason = RECORD_INTERNAL,
				.detail = "out of memory"});
		return NULL;
	}
	l->services = services;
	l->sandbox = sandbox_ref(from->sandbox);
	l->sandbox->lookups++;
	l->done = done;
	l->arg = arg;
	l->began = monotonic_now();
	copy_address(&l->source, from->source);
	copy_address(&l->server, from->server);
	record_decision(l, from, query);
	return l;
}

void
lookup_cancel(struct lookup *l)
{
	if (l == NULL)
		return;
	record_outcome(l, RECORD_CLIENT_GONE, NULL);
	daybook_cancel(l->services->daybook, &l->entry);
	resolver_cancel(l->query);
	names_cancel(&l->name);
	l->sandbox->lookups--;
	sandbox_unref(l->sandbox);
	free(l);
}
