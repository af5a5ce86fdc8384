/*
 * raw.c - bytes that are neither TLS nor HTTP, to a name
 *
 * The walk is that of verdict.c, with another idea of which allow rule matches.
 * One that matches every request to the port, but not these bytes, settles it
 * all the same: no request would ever reach the rules behind it either.
 */
#include "policy_raw.h"

#include "look.h"
#include "walk.h"

/* Whether it allows only so many requests: they must be seen, then. */
static bool
counts_requests(const struct rule *r)
{
	return r->limit != NULL &&
	       r->limit->amounts[POLICY_REQUESTS].amount > 0;
}

/* Whether the rule is for these bytes, on a port that it names. */
static bool
carries(const struct rule *r, uint16_t port)
{
	if (r->via == POLICY_VIA_RAW)
		return true;
	return rule_is_flat(r) && !counts_requests(r) &&
	       !ports_contain(&ports_web, port);
}

struct search {                     /* what has been met on the way */
	const struct rule *guarded; /* denies some of the requests */
	struct look guard;          /* … and only looks on */
	const struct rule *near;    /* what came nearest to allowing it */
	enum policy_reason reason;  /* … and what it lacked */
};

static void
come_near(struct search *s, const struct rule *r, enum policy_reason reason)
{
	if (s->near != NULL && (s->reason == reason || reason == POLICY_PORT))
		return;
	s->near = r;
	s->reason = reason;
}

/* True when a rule about that host and port settles it. */
static bool
settles(struct search *s, const struct rule *r, uint16_t port,
	struct look *look, struct policy_verdict *ret)
{
	if (r->deny && rule_is_flat(r)) {
		if (!denies(r, POLICY_RULE_DENY, look))
			return false;
		*ret = refused(look, r, POLICY_RULE_DENY);
		return true;
	}
	if (r->deny) {
		if (denies(r, POLICY_RULE_DENY, &s->guard) &&
			s->guarded == NULL)
			s->guarded = r;
		return false;
	}
	if (!carries(r, port)) {
		come_near(s, r, POLICY_NOT_RAW);
		*ret = denied_by(s->near, s->reason);
		return rule_is_flat(r);
	}
	if (s->guarded != NULL) {
		*ret = unopened_refused(look, s->guarded, POLICY_VIA_RAW);
		return true;
	}
	if (look->rule == NULL)
		*look = s->guard;
	*ret = allowed_by(r);
	ret->at_once = r->via == POLICY_VIA_RAW;
	return true;
}

static struct policy_verdict
decide_raw(const struct policy_set *set, const char *host, uint16_t port,
	struct look *look)
{
	struct search s = {.reason = POLICY_PORT};
	struct policy_verdict v;
	const struct rule *r;
	struct walk walk;

	walk_begin(&walk, set, host);
	while ((r = walk_next(&walk)) != NULL) {
		if (ports_contain(&r->ports, port)) {
			if (settles(&s, r, port, look, &v))
				return v;
		} else if (!r->deny) {
			come_near(&s, r, POLICY_PORT);
		}
	}
	if (s.near != NULL)
		return denied_by(s.near, s.reason);
	v = by_default(set, POLICY_NO_RULE);
	if (v.allowed)
		v.reason = POLICY_NOT_RAW;
	v.allowed = v.entitled = false;
	return v;
}

struct policy_verdict
policy_decide_raw(const struct policy_set *set, const char *host, uint16_t port)
{
	struct look look = {.rule = NULL};
	struct policy_verdict v;

	if (set->mode == OVERLAY_LOCKDOWN)
		return locked(set);
	v = decide_raw(set, host, port, &look);
	v = after_audit(set, &look, v);
	/* Whichever rule it was: there is nobody to open it. */
	if (v.allowed)
		v.via = POLICY_VIA_RAW;
	return v;
}

/* Some port of the rule is for these bytes. */
static bool
may_carry(const struct rule *r)
{
	return r->via == POLICY_VIA_RAW ||
	       (rule_is_flat(r) && !counts_requests(r) &&
		       !ports_cover(&ports_web, &r->ports));
}

/* Whether a deny rule leaves none of the ports of that allow rule. */
static bool
is_closed(const struct policy_set *set, const char *host,
	const struct rule *allow)
{
	const struct rule *r;
	struct walk walk;

	walk_begin(&walk, set, host);
	while ((r = walk_next(&walk)) != NULL && r->deny) {
		if (rule_is_flat(r) && !r->audit &&
			ports_cover(&r->ports, &allow->ports))
			return true;
	}
	return false;
}

bool
policy_name_may_be_raw(const struct policy_set *set, const char *host)
{
	const struct rule *r;
	struct walk walk;

	if (set->mode == OVERLAY_LOCKDOWN)
		return false;
	walk_begin(&walk, set, host);
	while ((r = walk_next(&walk)) != NULL) {
		if (!r->deny && may_carry(r) && !is_closed(set, host, r))
			return true;
	}
	return false;
}
