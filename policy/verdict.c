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
 */
#include "host_index.h"
#include "path.h"
#include "rule.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

static const char *const reason_names[] = {
	[POLICY_RULE_ALLOW] = "rule_allow",
	[POLICY_DEFAULT_ALLOW] = "default_allow",
	[POLICY_RULE_DENY] = "rule_deny",
	[POLICY_NO_RULE] = "no_rule",
	[POLICY_METHOD] = "method",
	[POLICY_PATH] = "path",
	[POLICY_PATH_AMBIGUOUS] = "path_ambiguous",
	[POLICY_PORT] = "port",
	[POLICY_NO_NAME] = "no_name",
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

static struct policy_verdict
by_default(const struct policy_set *set, enum policy_reason denied)
{
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
	if (set->default_allow || near == NULL)
		return by_default(set, POLICY_NO_RULE);
	return denied_by(near, reason);
}

/* ---- flows -------------------------------------------------------------- */

struct policy_verdict
policy_decide_flow(
	const struct policy_set *set, const char *host, uint16_t port)
{
	const struct rule *guarded = NULL; /* denies some of the requests */
	const struct rule *near = NULL;
	struct host_matches matches;
	uint32_t id;

	host_index_find(set->index, host, &matches);
	while (host_matches_next(&matches, &id)) {
		const struct rule *r = &set->rules[id];

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

struct policy_verdict
policy_decide_address(const struct policy_set *set, const struct sockaddr *dst)
{
	uint16_t port = addr_port(dst);
	const struct rule *near = NULL;

	for (size_t i = 0; i < set->address_rule_count; i++) {
		const struct rule *r = set->address_rules[i];
		size_t k = 0;

		while (k < r->addresses.count &&
			!addr_contains(&r->addresses.items[k], dst))
			k++;
		if (k == r->addresses.count)
			continue;
		if (ports_contain(&r->ports, port))
			return r->deny ? denied_by(r, POLICY_RULE_DENY)
				       : allowed_by(r);
		if (!r->deny && near == NULL)
			near = r;
	}
	if (near != NULL)
		return denied_by(near, POLICY_PORT);
	/* Not even `default: allow` lets through what has no name. */
	return (struct policy_verdict){.reason = POLICY_NO_NAME,
		.rule = set->default_name,
		.source = set->default_source};
}

bool
policy_decides_early(const struct policy_set *set, const struct sockaddr *dst)
{
	uint16_t port = addr_port(dst);

	if (ports_contain(&set->host_ports, port))
		return false;
	return policy_decide_address(set, dst).allowed;
}

/* ---- requests ----------------------------------------------------------- */

struct question {
	uint16_t port;
	const char *method, *path;
	bool path_ambiguous;
};

/* How far a rule (whose host matches) goes along with a request. */
enum fit { FIT_HOST, FIT_PORT, FIT_METHOD, FIT_UNCLEAR, FIT_ALL };

static bool
method_fits(const struct rule *r, const char *method)
{
	if (r->methods.count == 0)
		return true;
	for (size_t i = 0; i < r->methods.count; i++) {
		/*
		 * Methods are case-sensitive, but not every server knows.  So
		 * "post" is none of the allowed POST, yet all of a denied one.
		 */
		if (r->deny ? strcasecmp(r->methods.items[i], method) == 0
			    : strcmp(r->methods.items[i], method) == 0)
			return true;
	}
	return false;
}

static enum fit
fit_of(const struct rule *r, const struct question *q)
{
	if (!ports_contain(&r->ports, q->port))
		return FIT_HOST;
	if (!method_fits(r, q->method))
		return FIT_PORT;
	if (r->paths.count == 0)
		return FIT_ALL;
	if (q->path_ambiguous)
		return FIT_UNCLEAR;
	for (size_t i = 0; i < r->paths.count; i++) {
		if (path_matches(r->paths.items[i], q->path))
			return FIT_ALL;
	}
	return FIT_METHOD;
}

struct policy_verdict
policy_decide_request(const struct policy_set *set, const char *host,
	uint16_t port, const char *method, const char *path)
{
	static const enum policy_reason missing[] = {
		[FIT_HOST] = POLICY_PORT,
		[FIT_PORT] = POLICY_METHOD,
		[FIT_METHOD] = POLICY_PATH,
	};
	const struct question q = {port, method, path, path_is_ambiguous(path)};
	const struct rule *near = NULL;
	enum fit near_fit = FIT_HOST;
	struct host_matches matches;
	uint32_t id;

	host_index_find(set->index, host, &matches);
	while (host_matches_next(&matches, &id)) {
		const struct rule *r = &set->rules[id];
		enum fit fit = fit_of(r, &q);

		if (fit == FIT_UNCLEAR)
			return denied_by(r, POLICY_PATH_AMBIGUOUS);
		if (fit == FIT_ALL && r->deny)
			return denied_by(r, POLICY_RULE_DENY);
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

/* ---- names -------------------------------------------------------------- */

/* A deny rule that leaves none of these ports of host open, or NULL. */
static const struct rule *
closes(const struct policy_set *set, const char *host,
	const struct ports *ports)
{
	struct host_matches matches;
	uint32_t id;

	host_index_find(set->index, host, &matches);
	while (host_matches_next(&matches, &id) && id < set->deny_count) {
		const struct rule *r = &set->rules[id];

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
	const struct rule *deny, *first_deny = NULL;
	struct host_matches matches;
	uint32_t id;

	host_index_find(set->index, host, &matches);
	while (host_matches_next(&matches, &id)) {
		const struct rule *r = &set->rules[id];

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
	if (set->default_allow && deny == NULL)
		return by_default(set, POLICY_NO_RULE);
	if (first_deny != NULL)
		return denied_by(first_deny, POLICY_RULE_DENY);
	return by_default(set, POLICY_NO_RULE);
}
