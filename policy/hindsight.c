/*
 * hindsight.c - which parts of a request the rules about a host look at, for
 * who has not got them all
 */
#include "fit.h"
#include "rule.h"
#include "walk.h"

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
		if (fit < FIT_PATH || r->audit)
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
