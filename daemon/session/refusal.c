#include "refusal.h"

#include <inttypes.h>
#include <stdio.h>

#include "allowance.h"
#include "flow.h"
#include "policy.h"
#include "sandbox.h"

static const char *
what_is_missing(enum policy_reason reason)
{
	switch (reason) {
	case POLICY_RULE_DENY:
		return "a deny rule names it";
	case POLICY_METHOD:
		return "this host is allowed, but not with this method";
	case POLICY_PATH:
		return "this host is allowed, but not this path";
	case POLICY_PATH_AMBIGUOUS:
		return "the path can be read in more than one way and a path "
		       "rule decides";
	case POLICY_QUERY:
		return "this host and path are allowed, but not with this "
		       "query";
	case POLICY_QUERY_AMBIGUOUS:
		return "the query can be read in more than one way and a query "
		       "rule decides";
	case POLICY_HEADER:
		return "this host and path are allowed, but not with these "
		       "header fields";
	case POLICY_PORT:
		return "this host is allowed, but not on this port";
	case POLICY_LOCKDOWN:
		return "the sandbox is locked down";
	default:
		return "no rule allows this host";
	}
}

void
refusal_set_id(struct refusal *r, uint64_t id)
{
	snprintf(r->id, sizeof(r->id), "%016" PRIx64, id);
	r->reply.id = r->id;
}

void
refusal_by_policy(struct refusal *r, const struct flow *f,
	const struct policy_verdict *verdict, uint64_t id)
{
	const char *host = f->host[0] != '\0' ? f->host : "this address";

	snprintf(r->reason, sizeof(r->reason),
		"the egress policy \"%s\" of sandbox %s does not allow %s: %s",
		f->sandbox->policy_name, f->sandbox->name, host,
		what_is_missing(verdict->reason));
	snprintf(r->rule, sizeof(r->rule), "%s (%s)", verdict->rule,
		verdict->source);
	if (verdict->reason == POLICY_RULE_DENY)
		snprintf(r->hint, sizeof(r->hint),
			"do not retry; the operator denied this on purpose");
	else if (verdict->reason == POLICY_LOCKDOWN)
		snprintf(r->hint, sizeof(r->hint),
			"do not retry; the operator has closed everything");
	else
		snprintf(r->hint, sizeof(r->hint),
			"do not retry; ask the operator to add a rule for "
			"host %s, port %u to the allow list of policy %s",
			host, f->port, f->sandbox->policy_name);
	r->reply = (struct http_reply){
		.status = 403,
		.error = "policy_denied",
		.reason = r->reason,
		.rule = r->rule,
		.host = f->host,
		.hint = r->hint,
	};
	refusal_set_id(r, id);
}

void
refusal_by_limit(struct refusal *r, const struct flow *f,
	const struct policy_verdict *verdict, const struct allowance *spent)
{
	refusal_because(r, f, 429, RECORD_BUDGET, spent->why);
	snprintf(r->rule, sizeof(r->rule), "%s (%s)", verdict->rule,
		verdict->source);
	r->reply.rule = r->rule;
	r->reply.retry_after = spent->retry_after;
}

void
refusal_because(struct refusal *r, const struct flow *f, int status,
	enum record_reason reason, const char *why)
{
	snprintf(r->reason, sizeof(r->reason), "%s", why);
	r->reply = (struct http_reply){
		.status = status,
		.error = record_reason_name(reason),
		.reason = r->reason,
		.host = f->host[0] != '\0' ? f->host : NULL,
		.hint = record_reason_hint(reason),
	};
}
