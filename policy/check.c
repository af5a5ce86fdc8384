/*
 * check.c - can every binding of a policy's credentials fire?
 *
 * Theory of operation
 *
 * A binding that never fires is a mistake that shows up as an unauthorised
 * request much later, so it is an error at load.  The question "does some
 * request exist that this policy allows, opens, and that the binding is for"
 * is answered by finding one: for each allow rule that has a host in common
 * with the binding, such a host and each common port are put to
 * policy_decide_flow(), the code that decides later.  The default is asked
 * with an example of the binding's own.  What was in the way the nearest time
 * makes the error's words.
 *
 * The credentials of a kit are not asked about: import/ left out those that
 * the kit's own rules never let fire, and what the policy's rules add to them
 * is how a stranger's kit is narrowed.
 */
#include "parse.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
	WHY_MAX = 256,
};

/* What stands in the way of a binding, from far to near. */
enum obstacle {
	NO_RULE,    /* nothing allows such a host */
	WRONG_PORT, /* the host, but not on these ports */
	UNOPENED,   /* carried, but never opened */
	DENIED,     /* what would allow it is overruled */
	NOTHING,
};

struct search {
	const struct policy_set *set;
	const struct binding *binding;
	enum obstacle obstacle;
	struct policy_verdict verdict; /* UNOPENED, DENIED: whose */
	const struct rule *rule;       /* WRONG_PORT: whose ports */
};

static void
note(struct search *s, enum obstacle obstacle, const struct rule *rule)
{
	if (obstacle <= s->obstacle)
		return;
	s->obstacle = obstacle;
	s->rule = rule;
}

static void
try_flow(struct search *s, const char *host, uint16_t port)
{
	struct policy_verdict v = policy_decide_flow(s->set, host, port);
	enum obstacle before = s->obstacle;

	if (!v.entitled)
		note(s, v.reason == POLICY_RULE_DENY ? DENIED : NO_RULE, NULL);
	else if (v.via != POLICY_VIA_INSPECT)
		note(s, UNOPENED, NULL);
	else
		note(s, NOTHING, NULL);
	if (s->obstacle != before)
		s->verdict = v;
}

/* Every range that both have is tried at its first port. */
static void
try_ports(struct search *s, const char *host, const struct rule *rule)
{
	const struct ports *ports = &s->binding->ports;
	const struct ports *open = rule != NULL ? &rule->ports : &ports_all;
	uint16_t port;
	bool any = false;

	for (size_t i = 0; i < ports->count && s->obstacle != NOTHING; i++) {
		const struct ports one = {&ports->ranges[i], 1};

		if (!ports_common(&one, open, 0, &port))
			continue;
		any = true;
		try_flow(s, host, port);
	}
	if (!any)
		note(s, WRONG_PORT, rule);
}

static void
find_flow(struct search *s, const struct host_pattern *bound)
{
	const struct policy_set *set = s->set;
	char host[HOST_MAX + 1];

	/* The default, and exact names, whichever rules they meet. */
	if (host_pattern_common(bound, bound, host))
		try_ports(s, host, NULL);
	for (size_t i = set->deny_count; i < set->rule_count; i++) {
		const struct rule *r = &set->rules[i];

		for (size_t k = 0; k < r->hosts.count; k++) {
			if (s->obstacle == NOTHING)
				return;
			if (host_pattern_common(
				    bound, &r->hosts.items[k], host))
				try_ports(s, host, r);
		}
	}
}

static const char *
explain(const struct search *s, char ret[WHY_MAX])
{
	const char *what = "";

	switch (s->obstacle) {
	case WRONG_PORT:
		assert(s->rule != NULL); /* the default is for every port */
		snprintf(ret, WHY_MAX,
			"%s (%s) allows that host on other ports only",
			s->rule->name, s->rule->source);
		return ret;
	case UNOPENED:
		what = s->verdict.via == POLICY_VIA_RAW
			       ? "is \"protocol: tcp\" and so never opened"
			       : "is passthrough and so never opened";
		break;
	case DENIED:
		what = "denies that host";
		break;
	default:
		return "no allow rule covers that host";
	}
	snprintf(ret, WHY_MAX, "%s (%s) %s", s->verdict.rule, s->verdict.source,
		what);
	return ret;
}

static void
check_binding(struct report *report, const struct policy_set *set,
	const char *credential, const struct binding *binding)
{
	for (size_t i = 0; i < binding->hosts.count; i++) {
		const struct host_pattern *bound = &binding->hosts.items[i];
		struct search s = {.set = set, .binding = binding};
		char why[WHY_MAX];

		find_flow(&s, bound);
		if (s.obstacle != NOTHING)
			report_add(report, binding->at,
				"credential \"%s\" for host \"%s\" can never "
				"fire in policy \"%s\" (%s:%u): %s",
				credential, bound->text, set->name,
				set->at.file, set->at.line, explain(&s, why));
	}
}

/* ---- two bindings for the same place ------------------------------------ */

static bool
same_place(const struct binding *a, const struct binding *b)
{
	uint16_t port;

	if (!ports_common(&a->ports, &b->ports, 0, &port))
		return false;
	for (size_t i = 0; i < a->hosts.count; i++) {
		for (size_t k = 0; k < b->hosts.count; k++) {
			if (strcmp(a->hosts.items[i].text,
				    b->hosts.items[k].text) == 0)
				return true;
		}
	}
	return false;
}

static void
check_pair(struct report *report, const struct policy_set *set,
	const struct credential *ca, const struct credential *cb)
{
	for (size_t i = 0; i < ca->inject.count; i++) {
		for (size_t k = 0; k < cb->inject.count; k++) {
			const struct policy_injection *a = &ca->injections[i];
			const struct policy_injection *b = &cb->injections[k];

			if (strcasecmp(a->header, b->header) != 0 ||
				!same_place(&ca->inject.items[i],
					&cb->inject.items[k]))
				continue;
			report_add(report, cb->inject.items[k].at,
				"credentials \"%s\" (%s) and \"%s\" both set "
				"the header %s for the same host in policy "
				"\"%s\" (%s:%u)",
				a->credential, a->source, b->credential,
				b->header, set->name, set->at.file,
				set->at.line);
		}
	}
}

/* ---- stand-ins ---------------------------------------------------------- */

static void
check_variables(struct report *report, const struct policy_set *set,
	const struct credential *ca, const struct credential *cb)
{
	const struct policy_credential *a = ca->face, *b = cb->face;

	for (size_t i = 0; i < a->environment_count; i++) {
		for (size_t k = 0; k < b->environment_count; k++) {
			if (strcmp(a->environment[i], b->environment[k]) != 0)
				continue;
			report_add(report, cb->at,
				"credentials \"%s\" (%s) and \"%s\" both name "
				"the variable %s in policy \"%s\" (%s:%u)",
				a->name, a->source, b->name, b->environment[k],
				set->name, set->at.file, set->at.line);
		}
	}
}

static void
check_count(struct report *report, const struct policy_set *set)
{
	size_t count = 0;

	for (size_t i = 0; i < set->credential_count; i++)
		count += set->credentials[i]->face->stands_in;
	if (count > POLICY_STAND_INS_MAX)
		report_add(report, set->at,
			"policy \"%s\" lists %zu credentials with stand-ins "
			"(\"environment\", \"swap\"): it may list %d",
			set->name, count, POLICY_STAND_INS_MAX);
}

/* ---- all of it ---------------------------------------------------------- */

static void
check_bindings(struct report *report, const struct policy_set *set,
	const struct credential *c)
{
	for (size_t i = 0; i < c->inject.count; i++)
		check_binding(report, set, c->face->name, &c->inject.items[i]);
	for (size_t i = 0; i < c->swap.count; i++)
		check_binding(report, set, c->face->name, &c->swap.items[i]);
}

void
check_credentials(struct report *report, const struct policy_set *set)
{
	for (size_t i = 0; i < set->credential_count; i++) {
		const struct credential *c = set->credentials[i];

		if (i < set->own_credential_count)
			check_bindings(report, set, c);
		for (size_t k = i + 1; k < set->credential_count; k++) {
			check_pair(report, set, c, set->credentials[k]);
			check_variables(report, set, c, set->credentials[k]);
		}
	}
	check_count(report, set);
}
