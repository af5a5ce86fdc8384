/*
 * The words of a refusal, for whoever is inside the sandbox and must make
 * something of it: what happened, why, and what to do.
 */
#ifndef SBX_REFUSAL_H
#define SBX_REFUSAL_H

#include "record.h"
#include "reply.h"

struct allowance;
struct flow;
struct policy_verdict;

struct refusal {
	struct http_reply reply; /* points into the texts below */
	char reason[512], rule[256], hint[512], id[17];
};

/* Policy says no. */
void refusal_by_policy(struct refusal *r, const struct flow *f,
	const struct policy_verdict *verdict, uint64_t id);

/* Policy allows it, but not so much: 429. */
void refusal_by_limit(struct refusal *r, const struct flow *f,
	const struct policy_verdict *verdict, const struct allowance *spent);

/* Anything else: status and why, in words; the hint is the reason's. */
void refusal_because(struct refusal *r, const struct flow *f, int status,
	enum record_reason reason, const char *why);

void refusal_set_id(struct refusal *r, uint64_t id);

#endif
