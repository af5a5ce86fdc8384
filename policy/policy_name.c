#include "policy_name.h"

#include <string.h>

#include <libpsl.h>

#include "rule.h"
#include "walk.h"

static bool
lists(const struct rule *r, uint16_t type)
{
	for (size_t i = 0; i < r->types.count; i++) {
		if (r->types.items[i] == type)
			return true;
	}
	return false;
}

/* Whether a deny rule leaves none of these ports of host open. */
static bool
is_closed(const struct policy_set *set, const char *host,
	const struct ports *ports)
{
	const struct rule *r;
	struct walk walk;

	walk_begin(&walk, set, host);
	while ((r = walk_next(&walk)) != NULL && r->deny) {
		if (!r->audit && rule_is_flat(r) &&
			ports_cover(&r->ports, ports))
			return true;
	}
	return false;
}

struct policy_verdict
policy_name_records(
	const struct policy_set *set, const char *host, uint16_t type)
{
	const struct rule *r;
	struct walk walk;

	walk_begin(&walk, set, host);
	while ((r = walk_next(&walk)) != NULL) {
		if (r->deny || !lists(r, type) ||
			is_closed(set, host, &r->ports))
			continue;
		return (struct policy_verdict){.allowed = true,
			.entitled = true,
			.reason = POLICY_RULE_ALLOW,
			.via = (enum policy_via)r->via,
			.rule = r->name,
			.source = r->source};
	}
	return (struct policy_verdict){.allowed = false};
}

bool
policy_name_is_written(const struct policy_set *set, const char *host)
{
	const struct rule *r;
	struct walk walk;

	walk_begin(&walk, set, host);
	while ((r = walk_next(&walk)) != NULL) {
		for (size_t i = 0; !r->deny && i < r->hosts.count; i++) {
			const struct host_pattern *p = &r->hosts.items[i];

			if ((p->kind == HOST_EXACT || p->kind == HOST_APEX) &&
				strcmp(p->base, host) == 0)
				return true;
		}
	}
	return false;
}

const char *
policy_name_registered(const char *host)
{
	const char *part = psl_registrable_domain(psl_builtin(), host);

	return part != NULL ? part : host;
}
