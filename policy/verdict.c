/*
 * verdict.c - the order of evaluation, and nothing else
 *
 * Theory of operation
 *
 * The index yields the rules whose host matches as ascending numbers, and the
 * numbers are in the order of evaluation: every deny rule, then every allow
 * rule, each as the document has them; the default comes last.  So each
 * question is one walk that stops at the first rule which settles it, and
 * remembers on its way the rule that came nearest, to say what was missing.
 *
 * Under an overlay the walk goes through two indexes: the deny rules of both,
 * then the allow rules of both, each time the overlay's first.
 */
#include "fit.h"
#include "look.h"
#include "policy_packet.h"
#include "rule.h"
#include "walk.h"

#include <assert.h>
#include <string.h>

static const char *const reason_names[] = {
	[POLICY_RULE_ALLOW] = "rule_allow",
	[POLICY_DEFAULT_ALLOW] = "default_allow",
	[POLICY_RULE_DENY] = "rule_deny",
	[POLICY_NO_RULE] = "no_rule",
	[POLICY_METHOD] = "method",
	[POLICY_PATH] = "path",
	[POLICY_PATH_AMBIGUOUS] = "path_ambiguous",
	[POLICY_QUERY] = "query",
	[POLICY_QUERY_AMBIGUOUS] = "query_ambiguous",
	[POLICY_HEADER] = "header",
	[POLICY_PORT] = "port",
	[POLICY_NO_NAME] = "no_name",
	[POLICY_LOCKDOWN] = "lockdown",
	[POLICY_NOT_RAW] = "not_raw",
};

const char *
policy_reason_name(enum policy_reason reason)
{
	assert(reason < sizeof(reason_names) / sizeof(reason_names[0]));
	return reason_names[reason];
}

/* ---- what nobody reads -------------------------------------------------- */

/*
 * Nobody sees the requests of a flow that is not opened, so one of them could
 * be what a deny rule forbids.
 */
struct guard {
	const struct rule
		*rule; /* the first that denies some of the requests */
	struct look look;
};

static void
guard_by(struct guard *g, const struct rule *r)
{
	if (g->rule == NULL && denies(r, POLICY_RULE_DENY, &g->look))
		g->rule = r;
}

static struct policy_verdict
allowed_but(struct guard *g, const struct rule *r, struct look *look)
{
	if (r->via == POLICY_VIA_INSPECT)
		return allowed_by(r);
	if (g->rule != NULL)
		return unopened_refused(look, g->rule, r->via);
	if (look->rule == NULL)
		*look = g->look;
	return allowed_by(r);
}

/* ---- flows -------------------------------------------------------------- */

static struct policy_verdict
decide_flow(const struct policy_set *set, const char *host, uint16_t port,
	struct look *look)
{
	struct guard guard = {.rule = NULL};
	const struct rule *near = NULL, *r;
	struct walk walk;

	walk_begin(&walk, set, host);
	while ((r = walk_next(&walk)) != NULL) {
		if (!ports_contain(&r->ports, port)) {
			if (!r->deny && near == NULL)
				near = r;
		} else if (!r->deny) {
			return allowed_but(&guard, r, look);
		} else if (rule_is_flat(r)) {
			if (denies(r, POLICY_RULE_DENY, look))
				return refused(look, r, POLICY_RULE_DENY);
		} else {
			guard_by(&guard, r);
		}
	}
	return unsettled(set, near, POLICY_PORT);
}

struct policy_verdict
policy_decide_flow(
	const struct policy_set *set, const char *host, uint16_t port)
{
	struct look look = {.rule = NULL};
	struct policy_verdict v;

	if (set->mode == OVERLAY_LOCKDOWN)
		return locked(set);
	v = decide_flow(set, host, port, &look);
	return after_audit(set, &look, v);
}

struct target {
	enum policy_protocol protocol;
	const struct sockaddr *dst;
};

/* Nobody's port is 0, and ICMP has none: only a rule without ports fits. */
static bool
reaches(const struct rule *r, const struct target *t)
{
	return t->protocol == POLICY_ICMP
		       ? !r->ports_given
		       : ports_contain(&r->ports, addr_port(t->dst));
}

/* The first rule about dst and its port that allows, or (if look is there)
 * denies, or NULL; *near: the first about dst that lacks the port, if there was
 * none before. */
static const struct rule *
find_address(const struct policy_set *set, const struct target *t,
	struct look *look, const struct rule **near)
{

	for (size_t i = 0; i < set->address_rule_count; i++) {
		const struct rule *r = set->address_rules[i];
		size_t k = 0;

		if (r->deny != (look != NULL) ||
			((!r->deny || r->protocol_given) &&
				r->protocol != (int)t->protocol))
			continue;
		while (k < r->addresses.count &&
			!addr_contains(&r->addresses.items[k], t->dst))
			k++;
		if (k == r->addresses.count)
			continue;
		if (!reaches(r, t)) {
			if (*near == NULL)
				*near = r;
		} else if (look == NULL || denies(r, POLICY_RULE_DENY, look)) {
			return r;
		}
	}
	return NULL;
}

static struct policy_verdict
decide_address(
	const struct policy_set *set, const struct target *t, struct look *look)
{
	const struct policy_set *s;
	const struct rule *near = NULL, *r;

	for (s = set; s != NULL; s = s->base) {
		r = find_address(s, t, look, &near);
		if (r != NULL)
			return refused(look, r, POLICY_RULE_DENY);
	}
	near = NULL;
	for (s = set; s != NULL; s = s->base) {
		r = find_address(s, t, NULL, &near);
		if (r != NULL)
			return allowed_by(r);
	}
	if (near != NULL)
		return denied_by(near, POLICY_PORT);
	/* Not even `default: allow` lets through what has no name. */
	set = fallback(set);
	return (struct policy_verdict){.reason = POLICY_NO_NAME,
		.rule = set->default_name,
		.source = set->default_source};
}

struct policy_verdict
policy_decide_address(const struct policy_set *set, const struct sockaddr *dst)
{
	const struct target target = {POLICY_TCP, dst};
	struct look look = {.rule = NULL};
	struct policy_verdict v;

	if (set->mode == OVERLAY_LOCKDOWN)
		return locked(set);
	v = decide_address(set, &target, &look);
	v = after_audit(set, &look, v);
	/* There is nobody else to dial. */
	if (v.allowed)
		v.via = POLICY_VIA_ADDRESS;
	return v;
}

struct policy_verdict
policy_decide_packet(const struct policy_set *set,
	enum policy_protocol protocol, const struct sockaddr *dst)
{
	const struct target target = {protocol, dst};
	struct look look = {.rule = NULL};
	struct policy_verdict v;

	if (set->mode == OVERLAY_LOCKDOWN)
		return locked(set);
	v = decide_address(set, &target, &look);
	return v.allowed ? after_audit(set, &look, v) : v;
}

bool
policy_decides_early(const struct policy_set *set, const struct sockaddr *dst)
{
	uint16_t port = addr_port(dst);

	if (ports_contain(&set->host_ports, port) ||
		(set->base != NULL &&
			ports_contain(&set->base->host_ports, port)))
		return false;
	return policy_decide_address(set, dst).entitled;
}

/* ---- requests ----------------------------------------------------------- */

/* The reason why a rule that fits so far denies; false: it does not. */
static bool
fit_denies(const struct rule *r, enum fit fit, enum policy_reason *ret)
{
	if (fit == FIT_PATH_UNCLEAR)
		*ret = POLICY_PATH_AMBIGUOUS;
	else if (fit == FIT_QUERY_UNCLEAR)
		*ret = POLICY_QUERY_AMBIGUOUS;
	else if (fit == FIT_ALL && r->deny)
		*ret = POLICY_RULE_DENY;
	else
		return false;
	return true;
}

static void
pass_by(struct policy_obstacles *o, const struct rule *r,
	enum policy_reason reason)
{
	if (o->count < POLICY_OBSTACLES_MAX)
		o->items[o->count++] = denied_by(r, reason);
}

/* All that guard what rule `allow` leaves unopened. */
static void
pass_guards(struct policy_obstacles *o, const struct policy_set *set,
	const struct fit_question *q, const struct rule *allow)
{
	const struct rule *r;
	struct walk walk;

	if (allow->via == POLICY_VIA_INSPECT)
		return;
	walk_begin(&walk, set, q->request->host);
	while ((r = walk_next(&walk)) != NULL && r->deny) {
		enum fit fit = fit_of(r, q);

		if (!r->audit && fit >= FIT_PORT && fit < FIT_ALL)
			pass_by(o, r, POLICY_RULE_DENY);
	}
}

/* Where there is a list for them, deny rules are put there and passed by. */
static struct policy_verdict
decide_request(const struct policy_set *set,
	const struct policy_request *request,
	struct policy_obstacles *obstacles, struct look *look)
{
	static const enum policy_reason missing[] = {
		[FIT_HOST] = POLICY_PORT,
		[FIT_PORT] = POLICY_METHOD,
		[FIT_METHOD] = POLICY_PATH,
		[FIT_PATH] = POLICY_QUERY,
		[FIT_QUERY] = POLICY_HEADER,
	};
	const struct fit_question q = fit_question(request);
	struct guard guard = {.rule = NULL};
	const struct rule *near = NULL, *r;
	enum fit near_fit = FIT_HOST;
	enum policy_reason reason;
	struct walk walk;

	walk_begin(&walk, set, request->host);
	while ((r = walk_next(&walk)) != NULL) {
		enum fit fit = fit_of(r, &q);

		if (fit_denies(r, fit, &reason)) {
			if (!denies(r, reason, look))
				continue;
			if (obstacles == NULL || !r->deny)
				return refused(look, r, reason);
			pass_by(obstacles, r, reason);
		} else if (fit == FIT_ALL) {
			if (obstacles == NULL)
				return allowed_but(&guard, r, look);
			pass_guards(obstacles, set, &q, r);
			return allowed_by(r);
		} else if (r->deny) {
			if (fit >= FIT_PORT)
				guard_by(&guard, r);
		} else if (near == NULL || fit > near_fit) {
			near = r;
			near_fit = fit;
		}
	}
	return unsettled(set, near, missing[near_fit]);
}

static struct policy_verdict
request_verdict(const struct policy_set *set,
	const struct policy_request *request,
	struct policy_obstacles *obstacles)
{
	struct look look = {.rule = NULL};
	struct policy_verdict v;

	if (set->mode == OVERLAY_LOCKDOWN)
		return locked(set);
	v = decide_request(set, request, obstacles, &look);
	v = after_audit(set, &look, v);
	/* It has been read: there is nothing to pass by. */
	v.via = POLICY_VIA_INSPECT;
	return v;
}

struct policy_verdict
policy_decide_request(
	const struct policy_set *set, const struct policy_request *request)
{
	return request_verdict(set, request, NULL);
}

struct policy_obstacles
policy_find_obstacles(
	const struct policy_set *set, const struct policy_request *request)
{
	struct policy_obstacles ret = {.count = 0};

	ret.beyond = request_verdict(set, request, &ret);
	return ret;
}

/* ---- names -------------------------------------------------------------- */

/* The deny rule that leaves none of these ports of host open, or NULL; what
 * only looks on goes into look. */
static const struct rule *
closes(const struct policy_set *set, const char *host,
	const struct ports *ports, struct look *look)
{
	const struct rule *r;
	struct walk walk;

	walk_begin(&walk, set, host);
	while ((r = walk_next(&walk)) != NULL && r->deny) {
		if (rule_is_flat(r) && ports_cover(&r->ports, ports) &&
			denies(r, POLICY_RULE_DENY, look))
			return r;
	}
	return NULL;
}

static struct policy_verdict
decide_name(const struct policy_set *set, const char *host, struct look *look)
{
	const struct rule *deny, *first_deny = NULL, *r;
	struct walk walk;

	walk_begin(&walk, set, host);
	while ((r = walk_next(&walk)) != NULL) {
		if (r->deny)
			continue;
		*look = (struct look){.rule = NULL};
		deny = closes(set, host, &r->ports, look);
		if (deny == NULL)
			return allowed_by(r);
		if (first_deny == NULL)
			first_deny = deny;
	}
	*look = (struct look){.rule = NULL};
	deny = closes(set, host, &ports_all, look);
	if (first_deny == NULL)
		first_deny = deny;
	if (fallback(set)->default_allow && deny == NULL)
		return by_default(set, POLICY_NO_RULE);
	if (first_deny != NULL)
		return refused(look, first_deny, POLICY_RULE_DENY);
	return by_default(set, POLICY_NO_RULE);
}

/*
 * A name may be resolved when one allow rule (or the default) would let some
 * flow to it through.  Rules are looked at one by one: two deny rules that
 * only together close what one allow rule opens still let the name be resolved,
 * and then each flow is denied.  That errs on the side of an answer which
 * carries no data of the sandbox but the name it may ask for anyway.
 */
struct policy_verdict
policy_decide_name(const struct policy_set *set, const char *host)
{
	struct look look = {.rule = NULL};
	struct policy_verdict v;

	if (set->mode == OVERLAY_LOCKDOWN)
		return locked(set);
	v = decide_name(set, host, &look);
	return after_audit(set, &look, v);
}
