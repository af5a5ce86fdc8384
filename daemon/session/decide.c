/*
 * decide.c - one request held against the rules, the connection and policy
 *
 * In this order: is it a request that we carry at all; does it name the
 * authority of its connection; does policy allow it; which credentials go
 * with it.  The first no ends it.  Everything is put on record; an allowed
 * request goes on only when its record stands.
 */
#include "exchange_part.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asking.h"
#include "conn.h"
#include "failure.h"
#include "refusal.h"
#include "rules.h"
#include "sandbox.h"
#include "services.h"

enum {
	DEFAULT_HTTP_PORT = 80,
	DEFAULT_HTTPS_PORT = 443,
};

static void
record_decision(struct exchange *x, enum record_verdict verdict,
	enum record_reason reason, struct record *r)
{
	flow_record(x->flow, RECORD_REQUEST, verdict, reason, r);
	x->id = r->id;
	r->alpn = http_conn_version(x->server) == HTTP_2 ? "h2" : "http/1.1";
	r->method = span_of(x->method);
	r->path = span_of(x->path);
	r->via = flow_via_name(POLICY_VIA_INSPECT);
	x->flow->on_record = true;
}

/*
 * No by the rules of HTTP or of this proxy, not by policy.  Whoever sends such
 * a thing is not talked to further: what follows may be no request at all.
 */
static enum step
refuse(struct exchange *x, int status, enum record_reason reason,
	const char *why)
{
	struct refusal refusal;
	struct record r;

	record_decision(x, RECORD_DENIED, reason, &r);
	r.detail = why;
	r.status = status;
	daybook_add(x->flow->services->daybook, &r, NULL);
	refusal_because(&refusal, x->flow, status, reason, why);
	refusal_set_id(&refusal, x->id);
	/* Over HTTP/2 the next stream is a request of its own. */
	if (http_conn_version(x->server) == HTTP_1)
		http_conn_set_close(x->server);
	exchange_answer(x, &refusal);
	return x->step;
}

static enum step
refuse_by_policy(struct exchange *x)
{
	struct refusal refusal;
	struct record r;

	/* The two lists of reasons begin alike. */
	record_decision(
		x, RECORD_DENIED, (enum record_reason)x->verdict.reason, &r);
	flow_record_rule(&r, &x->verdict);
	r.status = 403;
	daybook_add(x->flow->services->daybook, &r, NULL);
	refusal_by_policy(&refusal, x->flow, &x->verdict, x->id);
	exchange_answer(x, &refusal);
	return x->step;
}

/* Allowed, but too much of it. */
static enum step
refuse_by_limit(struct exchange *x)
{
	struct policy_verdict by =
		allowance_verdict(&x->allowance, &x->verdict);
	struct refusal refusal;
	struct record r;

	record_decision(x, RECORD_DENIED, RECORD_BUDGET, &r);
	flow_record_rule(&r, &by);
	r.detail = x->allowance.why;
	r.status = 429;
	daybook_add(x->flow->services->daybook, &r, NULL);
	refusal_by_limit(&refusal, x->flow, &by, &x->allowance);
	refusal_set_id(&refusal, x->id);
	exchange_answer(x, &refusal);
	return x->step;
}

/* Never the stand-in itself. */
static void
say_misplaced(const struct exchange *x, const char *credential, char *ret,
	size_t size)
{
	snprintf(ret, size,
		"the request holds the stand-in for credential \"%s\", which "
		"is not for %s:%u",
		credential, x->flow->host, x->flow->port);
}

/* Audit does not let it pass: what is wrong is not what rules say. */
static enum step
refuse_misplaced(struct exchange *x, const char *credential)
{
	struct refusal refusal;
	struct record r;

	say_misplaced(x, credential, x->why, sizeof(x->why));
	record_decision(x, RECORD_DENIED, RECORD_CREDENTIAL_WRONG_HOST, &r);
	flow_record_rule(&r, &x->verdict);
	r.detail = x->why;
	r.status = 403;
	daybook_add(x->flow->services->daybook, &r, NULL);
	refusal_because(
		&refusal, x->flow, 403, RECORD_CREDENTIAL_WRONG_HOST, x->why);
	refusal_set_id(&refusal, x->id);
	exchange_answer(x, &refusal);
	return x->step;
}

void
exchange_misplaced(struct exchange *x)
{
	char why[sizeof(x->why)];

	say_misplaced(x, x->misplaced, why, sizeof(why));
	exchange_leave_origin(x);
	if (!http_stream_sent_head(x->down)) {
		exchange_fail(x, 403, RECORD_CREDENTIAL_WRONG_HOST, why);
		return;
	}
	memcpy(x->why, why, sizeof(why));
	x->ended = RECORD_ERROR;
	x->reason = RECORD_CREDENTIAL_WRONG_HOST;
	x->broken = true;
	x->step = STEP_END;
}

static char *
copy_span(struct span s)
{
	return strndup(s.len > 0 ? s.ptr : "", s.len);
}

/*
 * Also asked when policy has changed (exchange_recheck()): rules about the
 * query and the fields are decided anew then like all others, for the query is
 * kept, and the codecs keep a head that they have shown until its exchange is
 * over.  Where there is none, only what no field can change is allowed.
 */
static struct policy_verdict
ask_about(const struct exchange *x, const char *host, uint16_t port)
{
	const struct http_head *head = http_stream_head(x->down);
	const struct policy_request request = {
		.host = host,
		.port = port,
		.method = x->method,
		.path = x->path,
		.query = x->query,
		.find_field = head != NULL ? asking_find_field : NULL,
		.head = head,
	};

	return policy_decide_request(x->flow->sandbox->set, &request);
}

static bool
would_be_allowed(const struct exchange *x, const char *host, uint16_t port)
{
	return x->flow->sandbox->set != NULL &&
	       ask_about(x, host, port).allowed;
}

/*
 * The authority law: the request must name what the connection is for.  On a
 * plain connection the first request says what that is.  NULL, or why not.
 */
static const char *
hold_to_authority(struct exchange *x, const struct http_head *head,
	int *ret_status, enum record_reason *ret_reason)
{
	struct flow *f = x->flow;
	struct span authority = http_head_authority(head), name;
	char host[HOST_MAX + 1];
	uint16_t port;
	int r;

	*ret_status = 400;
	*ret_reason = RECORD_BAD_NAME;
	if (authority.len == 0)
		return f->host[0] != '\0' ? NULL : "the request names no host";
	if (http_rules_authority(authority, &name, &port) < 0)
		return "the Host field is not host[:port]";
	r = host_normalise(name.ptr, name.len, host);
	if (r == -EADDRNOTAVAIL) {
		*ret_status = 403;
		*ret_reason = RECORD_NO_NAME;
		return "the request names an address instead of a host; "
		       "only a name can be allowed here";
	}
	if (r < 0)
		return "the Host field holds no host name";
	if (port == 0)
		port = f->secure ? DEFAULT_HTTPS_PORT : DEFAULT_HTTP_PORT;
	if (f->host[0] == '\0')
		memcpy(f->host, host, sizeof(host));
	*ret_status = 403;
	*ret_reason = RECORD_AUTHORITY;
	if (strcmp(host, f->host) == 0 && port == f->port)
		return NULL;
	/* A client that shares its connections among hosts (RFC 9113 9.1.1)
	 * asks again on one of its own. */
	if (http_conn_version(x->server) == HTTP_2 &&
		would_be_allowed(x, host, port))
		*ret_status = 421;
	return port == f->port
		       ? "the request names another host than its connection"
		       : "the request names another port than its connection";
}

static struct policy_verdict
ask_policy(const struct exchange *x)
{
	const struct sandbox *s = x->flow->sandbox;

	if (s->set == NULL)
		return (struct policy_verdict){
			.reason = POLICY_NO_RULE,
			.rule = "(the sandbox's policy does not exist)",
			.source = "-",
		};
	return ask_about(x, x->flow->host, x->flow->port);
}

bool
exchange_is_allowed(
	const struct exchange *x, struct policy_verdict *ret_verdict)
{
	*ret_verdict = ask_policy(x);
	return ret_verdict->allowed && ret_verdict->via == POLICY_VIA_INSPECT;
}

static void
on_recorded(struct daybook_entry *entry, bool ok)
{
	struct exchange *x = container_of(entry, struct exchange, entry);

	x->recorded = true;
	x->record_failed = !ok;
	x->wake(x->arg);
}

static void
plan_credentials(struct exchange *x, const struct http_head *head)
{
	struct flow *f = x->flow;
	const struct inject_target target = {
		.set = f->sandbox->set,
		.sandbox = f->sandbox->name,
		.host = f->host,
		.port = f->port,
		.secure = f->secure,
		/* What passes only because policy looks on gets nothing of
		 * value. */
		.entitled = x->verdict.entitled,
	};

	if (target.entitled)
		inject_plan(&target, f->services->keyring, head, &x->plan);
	if (f->sandbox->stand_ins == NULL)
		return;
	swap_plan(&x->swaps, f->sandbox->stand_ins, &target,
		f->services->keyring);
	swap_plan_head(&x->swaps, head, &x->plan);
}

static enum step
allow(struct exchange *x)
{
	struct flow *f = x->flow;
	struct record r;

	x->ended = flow_passes(&x->verdict);
	record_decision(x, x->ended, (enum record_reason)x->verdict.reason, &r);
	flow_record_rule(&r, &x->verdict);
	if (x->plan.injected[0] != '\0')
		r.injected = x->plan.injected;
	if (x->plan.skipped[0] != '\0')
		r.skipped = x->plan.skipped;
	x->entry.recorded = on_recorded;
	daybook_add(f->services->daybook, &r, &x->entry);
	x->owes_outcome = true;
	return STEP_RECORD;
}

/* The bytes were no request: say what was wrong with them. */
static enum step
refuse_malformed(struct exchange *x)
{
	int status = 0;
	const char *why = http_stream_refused(x->down, &status);

	return refuse(x, status,
		failure_of_codec(status, RECORD_MALFORMED_HTTP), why);
}

enum step
exchange_decide(struct exchange *x)
{
	const struct http_head *head = http_stream_head(x->down);
	enum record_reason reason;
	const char *why;
	int status;

	if (head == NULL)
		return refuse_malformed(x);
	x->method = copy_span(http_head_method(head));
	x->path = copy_span(http_head_path(head));
	x->query = copy_span(http_head_query(head));
	if (x->method == NULL || x->path == NULL || x->query == NULL)
		return refuse(x, 503, RECORD_INTERNAL, "out of memory");
	why = http_rules_refuse(head, &status);
	if (why != NULL)
		return refuse(x, status, RECORD_METHOD_REFUSED, why);
	x->upgrade = http_head_protocol(head).len > 0;
	if (x->upgrade)
		why = websocket_refuse(
			head, http_conn_version(x->server), &status);
	if (why != NULL)
		return refuse(x, status, RECORD_MALFORMED_HTTP, why);
	why = hold_to_authority(x, head, &status, &reason);
	if (why != NULL)
		return refuse(x, status, reason, why);
	x->grounds = grounds_of(x->flow->sandbox);
	x->verdict = ask_policy(x);
	if (!x->verdict.allowed)
		return refuse_by_policy(x);
	if (x->verdict.via != POLICY_VIA_INSPECT)
		return refuse(x, 403, RECORD_NOT_HTTP,
			"policy passes this host through unopened, which "
			"needs TLS");
	plan_credentials(x, head);
	if (swap_plan_wrong(&x->swaps) != NULL)
		return refuse_misplaced(x, swap_plan_wrong(&x->swaps));
	if (allowance_open(&x->allowance, x->flow->sandbox, x->verdict.limit) <
		0)
		return refuse(x, 503, RECORD_INTERNAL, "out of memory");
	if (!allowance_has_all(&x->allowance))
		return refuse_by_limit(x);
	allowance_charge(&x->allowance, POLICY_REQUESTS, 1);
	return allow(x);
}
