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
#include "dns_type.h"
#include "flow.h"
#include "host.h"
#include "monotonic.h"
#include "name_watch.h"
#include "names.h"
#include "policy.h"
#include "policy_name.h"
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

/* A browser that finds it uses DNS over HTTPS as it likes. */
static const char browsers_sign[] = "use-application-dns.net";

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
	uint16_t type;
	bool resolve;
	bool own_only; /* there is no synthetic address for it */
	struct name_wait name;
	bool owes_outcome;    /* it was put down as allowed */
	const char *detail;   /* of the decision, or NULL */
	enum dns_rcode rcode; /* when nothing is to be resolved */
	ev_tstamp began;
};

static void
answer_with(struct lookup *l, enum dns_rcode rcode,
	const struct dns_content *content)
{
	l->done(l->arg, rcode, content);
	lookup_cancel(l);
}

static void
answer(struct lookup *l, enum dns_rcode rcode,
	const struct resolver_answer *resolved)
{
	struct dns_content content;

	if (resolved != NULL)
		content = (struct dns_content){
			.addresses = resolved->addresses,
			.count = resolved->count,
			.ttl = resolved->ttl,
			.records = resolved->records,
			.records_len = resolved->records_len,
		};
	answer_with(l, rcode, resolved != NULL ? &content : NULL);
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
	const struct resolver_question question = {
		l->host, l->type, l->sandbox->share};
	struct resolver_query *query = resolver_ask_for(
		l->services->resolver, &question, on_resolved, l);

	if (query != NULL)
		l->query = query;
}

static void
answer_synthetic(struct lookup *l, uint32_t number)
{
	uint8_t bytes[1][16];
	struct dns_content one = {
		.addresses = bytes, .count = 1, .ttl = SYNTHETIC_TTL};
	int family = l->type == DNS_TYPE_A ? AF_INET : AF_INET6;
	char text[INET6_ADDRSTRLEN], detail[INET6_ADDRSTRLEN + 32];

	synthetic_address(family, number, bytes[0]);
	inet_ntop(family, bytes[0], text, sizeof(text));
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

	if (l->type != DNS_TYPE_A && l->type != DNS_TYPE_AAAA)
		return false;
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
		record_outcome(l, RECORD_COMPLETE, "no such record");
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
			"answered without asking: nothing of that type");
		answer(l, l->rcode, NULL);
		return;
	}
	resolve(l);
}

static const char *
type_name(uint16_t type)
{
	const char *name = dns_type_name(type);

	return name != NULL ? name : "of a type that no rule can list";
}

/*
 * An address of a family that the sandbox does not speak would only make its
 * clients wait.  Records of other types could tell ways around us, or carry
 * what they like: a rule has to list them, and is named for it.
 */
static bool
may_resolve(const struct lookup *l, struct policy_verdict *v)
{
	struct policy_verdict listed;

	if (l->type == DNS_TYPE_A)
		return sandbox_has_family(l->sandbox, AF_INET);
	if (l->type == DNS_TYPE_AAAA)
		return sandbox_has_family(l->sandbox, AF_INET6);
	listed = policy_name_records(l->sandbox->set, l->host, l->type);
	if (listed.allowed)
		*v = listed;
	return listed.allowed;
}

/* Only a name that the sandbox could choose can; says by what, if so. */
static bool
carries_data(struct lookup *l)
{
	const char *broken;

	if (policy_name_is_written(l->sandbox->set, l->host))
		return false;
	broken = name_watch_see(l->sandbox->names, l->host,
		policy_name_registered(l->host), monotonic_now());
	if (broken != NULL)
		l->detail = broken;
	return broken != NULL;
}

/* Sets what will be answered; returns the reason for the record. */
static enum record_reason
decide(struct lookup *l, const struct dns_query *q, struct policy_verdict *v)
{
	l->rcode = DNS_NXDOMAIN;
	l->type = q->type;
	if (l->type != DNS_TYPE_A && l->type != DNS_TYPE_AAAA)
		l->detail = type_name(l->type);
	if (q->class != DNS_CLASS_IN) {
		l->rcode = DNS_REFUSED;
		return RECORD_BAD_NAME;
	}
	if (host_normalise(q->name, strlen(q->name), l->host) < 0)
		return RECORD_BAD_NAME;
	if (strcmp(l->host, browsers_sign) == 0) {
		l->detail = "so that browsers ask no server of their own";
		return RECORD_BAD_NAME;
	}
	if (l->sandbox->set == NULL)
		return RECORD_NO_RULE;
	*v = policy_decide_name(l->sandbox->set, l->host);
	if (!v->allowed)
		return (enum record_reason)v->reason;
	l->resolve = may_resolve(l, v);
	if (l->resolve && carries_data(l)) {
		l->resolve = v->allowed = false;
		return RECORD_LIMIT;
	}
	l->rcode = DNS_NOERROR;
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
		.detail = l->detail,
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
	r.rule = r.source = r.detail = NULL;
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
