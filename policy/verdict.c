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
#include "host_index.h"
#include "rule.h"

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
};

const char *
policy_reason_name(enum policy_reason reason)
{
	assert(reason < sizeof(reason_names) / sizeof(reason_names[0]));
	return reason_names[reason];
}

/* ---- verdicts ----------------------------------------------------------- */

static struct policy_verdict
allowed_by(const struct rule *r)
{
	return (struct policy_verdict){.allowed = true,
		.reason = POLICY_RULE_ALLOW,
		.via = (enum policy_via)r->via,
		.rule = r->name,
		.source = r->source};
}

static struct policy_verdict
denied_by(const struct rule *r, enum policy_reason reason)
{
	return (struct policy_verdict){
		.reason = reason, .rule = r->name, .source = r->source};
}

/* Whose default it is. */
static const struct policy_set *
fallback(const struct policy_set *set)
{
	return set->base != NULL && set->mode != OVERLAY_OPEN ? set->base : set;
}

static struct policy_verdict
by_default(const struct policy_set *set, enum policy_reason denied)
{
	set = fallback(set);
	return (struct policy_verdict){.allowed = set->default_allow,
		.reason = set->default_allow ? POLICY_DEFAULT_ALLOW : denied,
		.rule = set->default_name,
		.source = set->default_source};
}

/* No rule settled it: near came nearest, or is NULL. */
static struct policy_verdict
unsettled(const struct policy_set *set, const struct rule *near,
	enum policy_reason reason)
{
	if (fallback(set)->default_allow || near == NULL)
		return by_default(set, POLICY_NO_RULE);
	return denied_by(near, reason);
}

static struct policy_verdict
locked(const struct policy_set *set)
{
	return (struct policy_verdict){.reason = POLICY_LOCKDOWN,
		.rule = set->default_name,
		.source = set->default_source};
}

/* ---- the rules about a host --------------------------------------------- */

struct step { /* through one set */
	const struct policy_set *set;
	struct host_matches matches;
	const struct rule *rule; /* the next; NULL: none is left */
};

struct walk {
	unsigned count; /* of steps */
	struct step steps[2];
};

static const struct rule *
advance(struct step *s)
{
	const struct rule *r = s->rule;
	uint32_t id;

	s->rule =
		host_matches_next(&s->matches, &id) ? &s->set->rules[id] : NULL;
	return r;
}

/* host must live on. */
static void
walk_begin(struct walk *w, const struct policy_set *set, const char *host)
{
	w->count = 0;
	for (; set != NULL; set = set->base) {
		struct step *s = &w->steps[w->count++];

		s->set = set;
		host_index_find(set->index, host, &s->matches);
		advance(s);
	}
}

/* The next rule in the order of evaluation, or NULL. */
static const struct rule *
walk_next(struct walk *w)
{
	struct step *allow = NULL;

	for (unsigned i = 0; i < w->count; i++) {
		struct step *s = &w->steps[i];

		if (s->rule != NULL && s->rule->deny)
			return advance(s);
		if (s->rule != NULL && allow == NULL)
			allow = s;
	}
	return allow != NULL ? advance(allow) : NULL;
}

/* ---- flows -------------------------------------------------------------- */

struct policy_verdict
policy_decide_flow(
	const struct policy_set *set, const char *host, uint16_t port)
{
	const struct rule *guarded = NULL; /* denies some of the requests */
	const struct rule *near = NULL, *r;
	struct walk walk;

	if (set->mode == OVERLAY_LOCKDOWN)
		return locked(set);
	walk_begin(&walk, set, host);
	while ((r = walk_next(&walk)) != NULL) {
		if (!ports_contain(&r->ports, port)) {
			if (!r->deny && near == NULL)
				near = r;
		} else if (!r->deny) {
			/*
			 * Nobody sees the requests of a passthrough flow, so
			 * one of them could be what a deny rule forbids.
			 */
			if (guarded != NULL && r->via == POLICY_VIA_PASSTHROUGH)
				return denied_by(guarded, POLICY_RULE_DENY);
			return allowed_by(r);
		} else if (rule_is_flat(r)) {
			return denied_by(r, POLICY_RULE_DENY);
		} else if (guarded == NULL) {
			guarded = r;
		}
	}
	return unsettled(set, near, POLICY_PORT);
}

/* The first rule of that kind about dst and its port, or NULL; *near: the first
 * about dst that lacks the port, if there was none before. */
static const struct rule *
find_address(const struct policy_set *set, const struct sockaddr *dst,
	bool deny, const struct rule **near)
{
	uint16_t port = addr_port(dst);

	for (size_t i = 0; i < set->address_rule_count; i++) {
		const struct rule *r = set->address_rules[i];
		size_t k = 0;

		if (r->deny != deny)
			continue;
		while (k < r->addresses.count &&
			!addr_contains(&r->addresses.items[k], dst))
			k++;
		if (k == r->addresses.count)
			continue;
		if (ports_contain(&r->ports, port))
			return r;
		if (*near == NULL)
			*near = r;
	}
	return NULL;
}

struct policy_verdict
policy_decide_address(const struct policy_set *set, const struct sockaddr *dst)
{
	const struct policy_set *s;
	const struct rule *near = NULL, *r;

	if (set->mode == OVERLAY_LOCKDOWN)
		return locked(set);
	for (s = set; s != NULL; s = s->base) {
		r = find_address(s, dst, true, &near);
		if (r != NULL)
			return denied_by(r, POLICY_RULE_DENY);
	}
	near = NULL;
	for (s = set; s != NULL; s = s->base) {
		r = find_address(s, dst, false, &near);
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

bool
policy_decides_early(const struct policy_set *set, const struct sockaddr *dst)
{
	uint16_t port = addr_port(dst);

	if (ports_contain(&set->host_ports, port) ||
		(set->base != NULL &&
			ports_contain(&set->base->host_ports, port)))
		return false;
	return policy_decide_address(set, dst).allowed;
}

/* ---- requests ----------------------------------------------------------- */

static enum policy_reason
denial_of(enum fit fit)
{
	switch (fit) {
	case FIT_PATH_UNCLEAR:
		return POLICY_PATH_AMBIGUOUS;
	case FIT_QUERY_UNCLEAR:
		return POLICY_QUERY_AMBIGUOUS;
	default:
		return POLICY_RULE_DENY;
	}
}

static void
pass_by(struct policy_obstacles *o, const struct rule *r, enum fit fit)
{
	if (o->count < POLICY_OBSTACLES_MAX)
		o->items[o->count++] = denied_by(r, denial_of(fit));
}

/* Where there is a list for them, deny rules are put there and passed by. */
static struct policy_verdict
decide_request(const struct policy_set *set,
	const struct policy_request *request,
	struct policy_obstacles *obstacles)
{
	static const enum policy_reason missing[] = {
		[FIT_HOST] = POLICY_PORT,
		[FIT_PORT] = POLICY_METHOD,
		[FIT_METHOD] = POLICY_PATH,
		[FIT_PATH] = POLICY_QUERY,
		[FIT_QUERY] = POLICY_HEADER,
	};
	const struct fit_question q = fit_question(request);
	const struct rule *near = NULL, *r;
	enum fit near_fit = FIT_HOST;
	struct walk walk;

	if (set->mode == OVERLAY_LOCKDOWN)
		return locked(set);
	walk_begin(&walk, set, request->host);
	while ((r = walk_next(&walk)) != NULL) {
		enum fit fit = fit_of(r, &q);

		if (obstacles != NULL && r->deny && fit >= FIT_ALL) {
			pass_by(obstacles, r, fit);
			continue;
		}
		if (fit > FIT_ALL || (fit == FIT_ALL && r->deny))
			return denied_by(r, denial_of(fit));
		if (fit == FIT_ALL) {
			struct policy_verdict v = allowed_by(r);

			/* It has been read: there is nothing to pass by. */
			v.via = POLICY_VIA_INSPECT;
			return v;
		}
		if (!r->deny && (near == NULL || fit > near_fit)) {
			near = r;
			near_fit = fit;
		}
	}
	return unsettled(set, near, missing[near_fit]);
}

struct policy_verdict
policy_decide_request(
	const struct policy_set *set, const struct policy_request *request)
{
	return decide_request(set, request, NULL);
}

struct policy_obstacles
policy_find_obstacles(
	const struct policy_set *set, const struct policy_request *request)
{
	struct policy_obstacles ret = {.count = 0};

	ret.beyond = decide_request(set, request, &ret);
	return ret;
}

bool
policy_request_is_plain(
	const struct policy_set *set, const struct policy_request *request)
{
	const struct policy_request bare = {
		.host = request->host,
		.port = request->port,
		.method = request->method,
		.path = request->path,
	};
	const struct fit_question q = fit_question(&bare);
	const struct rule *r;
	struct walk walk;

	if (set->mode == OVERLAY_LOCKDOWN)
		return true;
	walk_begin(&walk, set, request->host);
	while ((r = walk_next(&walk)) != NULL) {
		enum fit fit = fit_of(r, &q);

		/* An empty query is never unclear: that is the path. */
		if (fit < FIT_PATH)
			continue;
		return fit == FIT_PATH_UNCLEAR || !rule_has_values(r);
	}
	return true;
}

size_t
policy_field_names(const struct policy_set *set, const char *host,
	const char **ret, size_t max)
{
	const struct rule *r;
	struct walk walk;
	size_t count = 0;

	walk_begin(&walk, set, host);
	while ((r = walk_next(&walk)) != NULL) {
		const struct value_list *headers = &r->headers;

		for (size_t i = 0; i < headers->count; i++, count++) {
			if (count < max)
				ret[count] = headers->items[i].name;
		}
	}
	return count;
}

/* ---- names -------------------------------------------------------------- */

/* A deny rule that leaves none of these ports of host open, or NULL. */
static const struct rule *
closes(const struct policy_set *set, const char *host,
	const struct ports *ports)
{
	const struct rule *r;
	struct walk walk;

	walk_begin(&walk, set, host);
	while ((r = walk_next(&walk)) != NULL && r->deny) {
		if (rule_is_flat(r) && ports_cover(&r->ports, ports))
			return r;
	}
	return NULL;
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
	const struct rule *deny, *first_deny = NULL, *r;
	struct walk walk;

	if (set->mode == OVERLAY_LOCKDOWN)
		return locked(set);
	walk_begin(&walk, set, host);
	while ((r = walk_next(&walk)) != NULL) {
		if (r->deny)
			continue;
		deny = closes(set, host, &r->ports);
		if (deny == NULL)
			return allowed_by(r);
		if (first_deny == NULL)
			first_deny = deny;
	}
	deny = closes(set, host, &ports_all);
	if (first_deny == NULL)
		first_deny = deny;
	if (fallback(set)->default_allow && deny == NULL)
		return by_default(set, POLICY_NO_RULE);
	if (first_deny != NULL)
		return denied_by(first_deny, POLICY_RULE_DENY);
	return by_default(set, POLICY_NO_RULE);
}
