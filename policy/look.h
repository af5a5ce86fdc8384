/*
 * What a walk through the rules comes to: the verdict, and what audit makes of
 * it.  Internal to policy/.
 *
 * A deny rule with `audit` settles nothing: the first that would have is kept
 * in a look, and the walk goes on as if it was not there.  When the walk is
 * over, after_audit() makes the verdict: what is allowed although a rule looked
 * on is audited, and where the policy itself only looks on, so is all that is
 * denied; but not what the deny rules of an overlay forbid, or its lockdown,
 * for who has put those there while the sandbox runs means them.  Who asks what
 * would be allowed without audit asks for `entitled`.
 */
#ifndef SBX_LOOK_H
#define SBX_LOOK_H

#include <stdint.h>

#include "rule.h"

/* ---- verdicts ----------------------------------------------------------- */

static inline struct policy_verdict
allowed_by(const struct rule *r)
{
	return (struct policy_verdict){.allowed = true,
		.entitled = true,
		.reason = POLICY_RULE_ALLOW,
		.via = (enum policy_via)r->via,
		.limit = r->limit,
		.rule = r->name,
		.source = r->source};
}

static inline struct policy_verdict
denied_by(const struct rule *r, enum policy_reason reason)
{
	return (struct policy_verdict){
		.reason = reason, .rule = r->name, .source = r->source};
}

/* Whose default it is. */
static inline const struct policy_set *
fallback(const struct policy_set *set)
{
	return set->base != NULL && set->mode != OVERLAY_OPEN ? set->base : set;
}

static inline struct policy_verdict
by_default(const struct policy_set *set, enum policy_reason denied)
{
	set = fallback(set);
	return (struct policy_verdict){.allowed = set->default_allow,
		.entitled = set->default_allow,
		.reason = set->default_allow ? POLICY_DEFAULT_ALLOW : denied,
		.rule = set->default_name,
		.source = set->default_source};
}

/* No rule settled it: near came nearest, or is NULL. */
static inline struct policy_verdict
unsettled(const struct policy_set *set, const struct rule *near,
	enum policy_reason reason)
{
	if (fallback(set)->default_allow || near == NULL)
		return by_default(set, POLICY_NO_RULE);
	return denied_by(near, reason);
}

static inline struct policy_verdict
locked(const struct policy_set *set)
{
	return (struct policy_verdict){.reason = POLICY_LOCKDOWN,
		.rule = set->default_name,
		.source = set->default_source};
}

/* ---- audit -------------------------------------------------------------- */

struct look {
	const struct rule *rule; /* the first deny rule that only looks on */
	enum policy_reason reason;
	const struct rule *denier; /* the rule that does deny, or NULL */
};

/* Whether the rule denies; if it only looks on, that is noted. */
static inline bool
denies(const struct rule *r, enum policy_reason reason, struct look *look)
{
	if (!r->audit)
		return true;
	if (look->rule == NULL) {
		look->rule = r;
		look->reason = reason;
	}
	return false;
}

static inline struct policy_verdict
refused(struct look *look, const struct rule *r, enum policy_reason reason)
{
	look->denier = r;
	return denied_by(r, reason);
}

/* A name that would be dialled unopened, if it was. */
static inline struct policy_verdict
unopened_refused(struct look *look, const struct rule *r, int via)
{
	struct policy_verdict v = refused(look, r, POLICY_RULE_DENY);

	v.via = (enum policy_via)via;
	return v;
}

/* Whether what was denied passes, as the policy only looks on. */
static inline bool
only_looks_on(const struct policy_set *set, const struct look *look)
{
	uintptr_t at = (uintptr_t)look->denier;

	if (set->base == NULL)
		return set->audit;
	return set->base->audit &&
	       !(look->denier != NULL && look->denier->deny &&
		       at >= (uintptr_t)set->rules &&
		       at < (uintptr_t)(set->rules + set->rule_count));
}

static inline struct policy_verdict
after_audit(const struct policy_set *set, const struct look *look,
	struct policy_verdict v)
{
	if (v.allowed && look->rule != NULL) {
		v.audited = true;
		v.reason = look->reason;
		v.rule = look->rule->name;
		v.source = look->rule->source;
	} else if (!v.allowed && only_looks_on(set, look)) {
		v.allowed = v.audited = true;
	}
	return v;
}

#endif
