#include "flow.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "daybook.h"
#include "policy.h"
#include "sandbox.h"
#include "services.h"

const char *
flow_via_name(int via)
{
	static const char *const names[] = {
		[POLICY_VIA_INSPECT] = "inspect",
		[POLICY_VIA_PASSTHROUGH] = "passthrough",
		[POLICY_VIA_ADDRESS] = "address",
		[POLICY_VIA_RAW] = "raw",
	};

	return names[via];
}

void
flow_record(const struct flow *f, enum record_kind kind,
	enum record_verdict verdict, enum record_reason reason,
	struct record *ret)
{
	*ret = (struct record){
		.id = daybook_id(f->services->daybook),
		.event = RECORD_DECISION,
		.kind = kind,
		.verdict = verdict,
		.reason = reason,
		.sandbox = f->sandbox->name,
		.labels = f->sandbox->labels,
		.src = (const struct sockaddr *)&f->source,
		.dst = (const struct sockaddr *)&f->original,
		.dport = f->port,
		.proto = f->proto,
		.host = span_of(f->host),
		.policy = f->sandbox->policy_name,
		.generation = f->services->generation,
		.dur_us = -1,
		.ttfb_us = -1,
	};
}

void
flow_record_rule(struct record *r, const struct policy_verdict *verdict)
{
	r->rule = verdict->rule;
	r->source = verdict->source;
	r->via = flow_via_name(verdict->via);
}

enum record_verdict
flow_passes(const struct policy_verdict *verdict)
{
	return verdict->audited ? RECORD_AUDITED : RECORD_ALLOWED;
}

uint64_t
flow_allowed(struct flow *f, const struct policy_verdict *verdict,
	struct daybook_entry *entry)
{
	struct record r;

	/* The two lists of reasons begin alike. */
	flow_record(f, RECORD_CONNECT, flow_passes(verdict),
		(enum record_reason)verdict->reason, &r);
	flow_record_rule(&r, verdict);
	daybook_add(f->services->daybook, &r, entry);
	f->on_record = true;
	return r.id;
}

void
flow_refused(struct flow *f, enum record_verdict verdict,
	enum record_reason reason, const char *detail)
{
	struct record r;

	flow_record(f, RECORD_CONNECT, verdict, reason, &r);
	r.detail = detail;
	daybook_add(f->services->daybook, &r, NULL);
	f->on_record = true;
}

bool
flow_dialled_elsewhere(const struct flow *f, const struct sockaddr *upstream)
{
	const struct sockaddr *dst = (const struct sockaddr *)&f->original;

	if (upstream == NULL)
		return false;
	if (f->named != NULL)
		return strcmp(f->host, f->named) != 0;
	if (upstream->sa_family != dst->sa_family)
		return true;
	if (dst->sa_family == AF_INET)
		return memcmp(&((const struct sockaddr_in *)dst)->sin_addr,
			       &((const struct sockaddr_in *)upstream)
					->sin_addr,
			       4) != 0;
	return memcmp(&((const struct sockaddr_in6 *)dst)->sin6_addr,
		       &((const struct sockaddr_in6 *)upstream)->sin6_addr,
		       16) != 0;
}

void
flow_why_revoked(const struct policy_verdict *by, char *ret, size_t ret_size)
{
	snprintf(ret, ret_size, "policy no longer allows this: %s (%s)",
		by->rule, by->source);
}
