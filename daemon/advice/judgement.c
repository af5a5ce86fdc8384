/*
 * judgement.c - the questions of a connection, in its order
 *
 * A connection is carried by an address rule before its first byte if no host
 * rule could apply; else its first bytes say what it is.  TLS with a name is
 * decided as a flow: passthrough ends there, and so does an address rule where
 * no host rule allows or denies.  Whatever is opened, denied flows too, so
 * that the client can read why, is decided request by request: what the flow's
 * verdict was no longer counts then.  Without TLS there is no flow to decide.
 * What is neither TLS nor HTTP has the name that its address was given for.
 *
 * Packets are the gate's, which asks policy one question about each flow.
 */
#include "judgement.h"

#include <assert.h>

#include "policy_raw.h"
#include "rules.h"
#include "url_target.h"

/* The record's reasons begin with the policy's, in their order. */
enum { PORT_QUIC = 443 };

static_assert((int)RECORD_RULE_ALLOW == (int)POLICY_RULE_ALLOW &&
		      (int)RECORD_NOT_RAW == (int)POLICY_NOT_RAW,
	"the explanations are the record's");

static struct judgement
of_policy(const struct policy_verdict *v)
{
	return (struct judgement){
		.allowed = v->allowed,
		.audited = v->audited,
		.entitled = v->entitled,
		.reason = (enum record_reason)v->reason,
		.via = v->via,
		.rule = v->rule,
		.source = v->source,
		.limit = v->limit,
	};
}

/* In the words of gate/judge.c. */
struct judgement
judge_packet(const struct judgement_question *q)
{
	struct policy_verdict v =
		policy_decide_packet(q->set, q->protocol, q->dst);
	struct judgement j = of_policy(&v);

	if (v.reason == POLICY_NO_NAME || v.reason == POLICY_PORT)
		j.reason = q->quic ? RECORD_QUIC : RECORD_PROTOCOL;
	return j;
}

/* The address alone: true when that settles it. */
static bool
settles_by_address(
	const struct judgement_question *q, struct policy_verdict *ret)
{
	if (q->dst == NULL)
		return false;
	*ret = policy_decide_address(q->set, q->dst);
	if (policy_decides_early(q->set, q->dst) || q->host[0] == '\0')
		return true;
	/* What only audit would let pass is better read. */
	return !q->tls && ret->entitled;
}

/* True when it is not opened: then *ret is all that is decided about it. */
static bool
settles_as_flow(const struct judgement_question *q, struct policy_verdict *ret)
{
	struct policy_verdict by_address;

	if (q->raw && q->host[0] != '\0') {
		*ret = policy_decide_raw(q->set, q->host, q->port);
		return true;
	}
	if (settles_by_address(q, ret))
		return true;
	if (!q->tls)
		return false;
	*ret = policy_decide_flow(q->set, q->host, q->port);
	if (!ret->entitled && ret->reason != POLICY_RULE_DENY &&
		q->dst != NULL) {
		by_address = policy_decide_address(q->set, q->dst);
		if (by_address.entitled)
			*ret = by_address;
	}
	return ret->allowed && ret->via != POLICY_VIA_INSPECT;
}

struct judgement_question
judgement_question(const struct policy_set *set, const char *method,
	const struct url_target *t)
{
	return (struct judgement_question){
		.set = set,
		.tls = t->tls,
		.raw = t->raw,
		.host = t->name,
		.port = t->port,
		.method = method,
		.path = t->path,
		.query = t->query,
		.dst = t->name[0] == '\0' ? (const struct sockaddr *)&t->address
					  : NULL,
		.protocol = t->protocol,
		.quic = t->protocol == POLICY_UDP && t->port == PORT_QUIC,
	};
}

struct policy_request
judgement_request(const struct judgement_question *q)
{
	return (struct policy_request){
		.host = q->host,
		.port = q->port,
		.method = q->method,
		.path = q->path,
		.query = q->query,
		.find_field = q->find_field,
		.head = q->head,
	};
}

struct judgement
judge_request(const struct judgement_question *q)
{
	const struct policy_request request = judgement_request(q);
	struct policy_verdict v = {.rule = "-", .source = "-"};
	struct judgement j;

	if (q->protocol != POLICY_TCP)
		return judge_packet(q);
	if (settles_as_flow(q, &v))
		return of_policy(&v);
	v = policy_decide_request(q->set, &request);
	j = of_policy(&v);
	if (http_rules_refuse_method(span_of(q->method)) == NULL)
		return j;
	j.allowed = j.audited = j.entitled = false;
	j.limit = NULL;
	j.reason = RECORD_METHOD_REFUSED;
	return j;
}

bool
judge_bare_request(const struct judgement_question *q, struct judgement *ret)
{
	const struct policy_request request = judgement_request(q);
	struct policy_verdict v;

	if (!settles_as_flow(q, &v) &&
		http_rules_refuse_method(span_of(q->method)) == NULL &&
		!policy_request_is_plain(q->set, &request))
		return false;
	*ret = judge_request(q);
	return true;
}

struct judgement
judge_connection(const struct judgement_question *q)
{
	struct policy_verdict v = {.rule = "-", .source = "-"};

	if (!settles_as_flow(q, &v) && !q->tls)
		v = policy_decide_flow(q->set, q->host, q->port);
	return of_policy(&v);
}

struct judgement
judge_name(const struct policy_set *set, const char *host)
{
	struct policy_verdict v = policy_decide_name(set, host);

	return of_policy(&v);
}
