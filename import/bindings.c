/*
 * bindings.c - from "this header for that host" to credentials
 *
 * Theory of operation
 *
 * With us a credential is a source and a list of places, of which the first
 * that matches is used; and of several credentials for one header, the first
 * that has a value.  So neighbours with the same source and header become one
 * credential, and everything else a credential of its own, in the order of the
 * document: that keeps "the first entry wins" for each header.
 *
 * What would not load is left out before: two bindings of one header for the
 * same place, one that another takes in, and a binding whose host no rule
 * allows.  The latter is asked as policy/check.c asks it: a host that rule and
 * binding have in common is put to the compiled rules.
 */
#include "bindings.h"

#include "intake.h"
#include "policy.h"
#include "region.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

enum {
	CREDENTIALS_MAX = 64, /* of one policy */
	VARIABLES_MAX = 64,   /* of one source */
	PLACES_MAX = 256,     /* of one credential */
	STEM_MAX = 56,        /* bytes of a name that gets a number */
};

static struct ports
ports_of(const struct intake_binding *b)
{
	return b->host.port_count == 0
		       ? ports_tls
		       : (struct ports){b->host.ports, b->host.port_count};
}

/* ---- in each other's way ------------------------------------------------ */

static bool
ports_meet(const struct intake_binding *a, const struct intake_binding *b)
{
	struct ports pa = ports_of(a), pb = ports_of(b);
	uint16_t port;

	return ports_common(&pa, &pb, 0, &port);
}

static bool
same_pattern(const struct intake_binding *a, const struct intake_binding *b)
{
	return strcmp(a->host.patterns[0].text, b->host.patterns[0].text) == 0;
}

static bool
same_variables(const struct schema_strings *a, const struct schema_strings *b)
{
	for (size_t i = 0; a->count == b->count && i < a->count; i++) {
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	}
	return a->count == b->count;
}

/* Whether each variable of b is one of a's. */
static bool
covers_variables(const struct schema_strings *a, const struct schema_strings *b)
{
	size_t found = 0;

	for (size_t i = 0; i < b->count; i++) {
		for (size_t k = 0; k < a->count; k++) {
			if (strcmp(a->items[k], b->items[i]) != 0)
				continue;
			found++;
			break;
		}
	}
	return found == b->count;
}

static bool
same_header(const struct intake_binding *a, const struct intake_binding *b)
{
	return strcasecmp(a->header, b->header) == 0;
}

/* Whether some name matches both. */
static bool
overlap(const struct intake_binding *a, const struct intake_binding *b)
{
	char host[HOST_MAX + 1];

	return ports_meet(a, b) && host_pattern_common(&a->host.patterns[0],
					   &b->host.patterns[0], host);
}

/* Whether an entry between the two would have its turn before b. */
static bool
is_parted(const struct intake_binding *a, const struct intake_binding *b)
{
	for (a = a->next; a != b; a = a->next) {
		if (!a->left_out && overlap(a, b))
			return true;
	}
	return false;
}

/* "The first whose variable is set" is a source with both variables. */
static bool
merge(struct intake *in, struct intake_binding *a, struct intake_binding *b)
{
	struct ports pa = ports_of(a), pb = ports_of(b);
	const char **both;

	if (!same_header(a, b) || strcmp(a->format, b->format) != 0 ||
		!ports_cover(&pa, &pb) || is_parted(a, b) ||
		a->env.count + b->env.count > VARIABLES_MAX)
		return false;
	both = region_alloc(
		in->schema.region, a->env.count + b->env.count, sizeof(*both));
	if (both == NULL)
		return false;
	memcpy(both, a->env.items, a->env.count * sizeof(*both));
	memcpy(both + a->env.count, b->env.items, b->env.count * sizeof(*both));
	a->env.items = both;
	a->env.count += b->env.count;
	intake_leave_out(in, b,
		"tried after the variable of line %u, as part of that source",
		a->at.line);
	return true;
}

/* The same place: of a proxy-config.json, one entry takes effect. */
static void
settle_same_place(
	struct intake *in, struct intake_binding *a, struct intake_binding *b)
{
	if (covers_variables(&a->env, &b->env) &&
		(same_header(a, b) || in->style == FOREIGN_PROXY_CONFIG))
		intake_leave_out(in, b,
			"line %u is for the same host and comes first: left "
			"out",
			a->at.line);
	else if (in->style == FOREIGN_PROXY_CONFIG && !merge(in, a, b))
		intake_leave_out(in, b,
			"there only where the variable of line %u is not set, "
			"which cannot be said here: left out",
			a->at.line);
	else if (same_header(a, b))
		intake_leave_out(in, b,
			"line %u sets the same header for the same host: left "
			"out",
			a->at.line);
}

/* Once: one such line is reason enough to look. */
static void
note_shared(struct intake *in, const struct intake_binding *a,
	struct intake_binding *b)
{
	if (b->shared)
		return;
	b->shared = true;
	b->note = region_format(in->schema.region,
		"%s%swhere line %u matches too, there only the first of both "
		"is used, here both headers are set",
		b->note != NULL ? b->note : "", b->note != NULL ? "; " : "",
		a->at.line);
}

/* The first that matches has the value: the other would never be asked. */
static bool
is_shadowed(const struct intake_binding *a, const struct intake_binding *b)
{
	struct ports pa = ports_of(a), pb = ports_of(b);

	return same_header(a, b) && covers_variables(&a->env, &b->env) &&
	       ports_cover(&pa, &pb) &&
	       host_pattern_covers(&a->host.patterns[0], &b->host.patterns[0]);
}

static void
settle_pair(
	struct intake *in, struct intake_binding *a, struct intake_binding *b)
{
	if (!overlap(a, b))
		return;
	if (same_pattern(a, b))
		settle_same_place(in, a, b);
	else if (is_shadowed(a, b))
		intake_leave_out(in, b,
			"line %u takes in its host and comes first: left out",
			a->at.line);
	else if (in->style == FOREIGN_PROXY_CONFIG && !same_header(a, b))
		note_shared(in, a, b);
}

static void
settle_conflicts(struct intake *in)
{
	for (struct intake_binding *b = in->bindings; b != NULL; b = b->next) {
		for (struct intake_binding *a = in->bindings;
			a != b && !b->left_out; a = a->next) {
			if (!a->left_out)
				settle_pair(in, a, b);
		}
	}
}

/* ---- can it fire? ------------------------------------------------------- */

static bool
is_allowed(const struct policy_set *set, const struct intake_binding *b,
	const char *host, const struct ports *open)
{
	const struct ports ports = ports_of(b);

	for (size_t i = 0; i < ports.count; i++) {
		const struct ports one = {&ports.ranges[i], 1};
		uint16_t port;

		if (!ports_common(&one, open, 0, &port))
			continue;
		/* Nothing that we print is carried unread by name. */
		if (policy_decide_flow(set, host, port).allowed)
			return true;
	}
	return false;
}

static bool
meets_rule(const struct policy_set *set, const struct intake_binding *b,
	const struct intake_rule *rule)
{
	const struct ports open = rule->host.port_count == 0
					  ? ports_web
					  : (struct ports){rule->host.ports,
						    rule->host.port_count};
	char host[HOST_MAX + 1];

	for (size_t i = 0; i < rule->host.pattern_count; i++) {
		if (host_pattern_common(&b->host.patterns[0],
			    &rule->host.patterns[i], host) &&
			is_allowed(set, b, host, &open))
			return true;
	}
	return false;
}

static bool
can_fire(const struct intake *in, const struct policy_set *set,
	const struct intake_binding *b)
{
	const struct host_pattern *bound = &b->host.patterns[0];
	char host[HOST_MAX + 1];

	if (host_pattern_common(bound, bound, host) &&
		is_allowed(set, b, host, &ports_all))
		return true;
	for (const struct intake_rule *r = in->rules; r != NULL; r = r->next) {
		if (!r->deny && meets_rule(set, b, r))
			return true;
	}
	return false;
}

/* ---- credentials -------------------------------------------------------- */

static bool
name_is_taken(const struct intake *in, const struct intake_binding *end,
	const char *name)
{
	for (const struct intake_binding *b = in->bindings; b != end;
		b = b->next) {
		if (!b->left_out && strcmp(b->name, name) == 0)
			return true;
	}
	return false;
}

static const char *
own_name(struct intake *in, const struct intake_binding *b)
{
	const char *name = b->name;

	for (unsigned n = 2; name != NULL && name_is_taken(in, b, name); n++)
		name = region_format(
			in->schema.region, "%.*s-%u", STEM_MAX, b->name, n);
	return name != NULL ? name : b->name;
}

/* Neighbours of one source and header; the names are those of the dialect. */
static int
group(struct intake *in)
{
	const struct intake_binding *last = NULL;
	const char *stem = NULL;
	size_t credentials = 0, places = 0;

	for (struct intake_binding *b = in->bindings; b != NULL; b = b->next) {
		if (b->left_out)
			continue;
		b->first = last == NULL || strcmp(stem, b->name) != 0 ||
			   !same_header(last, b) || places == PLACES_MAX ||
			   !same_variables(&last->env, &b->env);
		stem = b->name;
		b->name = b->first ? own_name(in, b) : last->name;
		places = b->first ? 1 : places + 1;
		last = b;
		if (!b->first || ++credentials <= CREDENTIALS_MAX)
			continue;
		report_add(in->schema.report, b->at,
			"a policy takes at most %d credentials",
			CREDENTIALS_MAX);
		return -EINVAL;
	}
	return 0;
}

int
bindings_settle(struct intake *in, const struct policy_set *set)
{
	for (struct intake_binding *b = in->bindings; b != NULL; b = b->next) {
		if (!b->left_out && !can_fire(in, set, b))
			intake_leave_out(
				in, b, "no rule allows its host: left out");
	}
	settle_conflicts(in);
	return group(in);
}
