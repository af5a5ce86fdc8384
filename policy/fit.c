/*
 * fit.c - one rule against one request
 *
 * Allowing and denying read the same key differently wherever an origin may
 * read a request differently from us: what is allowed has to match in every
 * reading, what is denied in one.  So a name that comes more than once must
 * match each time to be allowed, and once to be denied.
 */
#include "fit.h"

#include "parameter.h"
#include "path.h"
#include "rule.h"

#include <string.h>
#include <strings.h>

struct fit_question
fit_question(const struct policy_request *request)
{
	return (struct fit_question){
		.request = request,
		.path_ambiguous = path_is_ambiguous(request->path),
		.query_ambiguous = request->query != NULL &&
				   parameter_ambiguous(request->query),
	};
}

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

static bool
path_fits(const struct rule *r, const char *path)
{
	for (size_t i = 0; i < r->paths.count; i++) {
		if (path_matches(r->paths.items[i], path))
			return true;
	}
	return r->paths.count == 0;
}

/* What has been seen of one name of a rule. */
struct sight {
	bool any;   /* a value matched */
	bool other; /* a value did not */
};

static void
look_at(struct sight *s, const struct value_match *m, struct wildcard_text text)
{
	bool matches = false;

	for (size_t i = 0; i < m->patterns.count && !matches; i++)
		matches = wildcard_matches(m->patterns.items[i], text);
	s->any |= matches;
	s->other |= !matches;
}

static bool
suffices(const struct rule *r, const struct sight *s)
{
	return s->any && (r->deny || !s->other);
}

static enum fit
query_fits(const struct rule *r, const char *query)
{
	for (size_t i = 0; i < r->queries.count; i++) {
		const struct value_match *m = &r->queries.items[i];
		const char *rest = query != NULL ? query : "";
		struct sight sight = {false, false};
		struct parameter pair;

		while (parameter_next(&rest, &pair)) {
			enum parameter_name name =
				parameter_compare(pair.name, m->name);

			if (name == PARAMETER_ALIKE)
				return FIT_QUERY_UNCLEAR;
			if (name == PARAMETER_SAME)
				look_at(&sight, m, pair.value);
		}
		if (!suffices(r, &sight))
			return FIT_PATH;
	}
	return FIT_QUERY;
}

static bool
field_fits(const struct rule *r, const struct value_match *m,
	const struct policy_request *q)
{
	struct sight sight = {false, false};
	struct policy_field f;
	bool named = r->deny;
	size_t next = 0;

	while (q->find_field != NULL &&
		q->find_field(q->head, m->name, &next, &f)) {
		look_at(&sight, m,
			(struct wildcard_text){
				f.value, f.value + f.len, false});
		/* Allowed is what every origin takes for that field. */
		named |= !f.alike;
	}
	return named && suffices(r, &sight);
}

static enum fit
values_fit(const struct rule *r, const struct fit_question *q)
{
	enum fit fit = FIT_QUERY;

	if (r->queries.count > 0 && q->query_ambiguous)
		return FIT_QUERY_UNCLEAR;
	if (r->queries.count > 0)
		fit = query_fits(r, q->request->query);
	if (fit != FIT_QUERY)
		return fit;
	for (size_t i = 0; i < r->headers.count; i++) {
		if (!field_fits(r, &r->headers.items[i], q->request))
			return FIT_QUERY;
	}
	return FIT_ALL;
}

enum fit
fit_of(const struct rule *r, const struct fit_question *q)
{
	const struct policy_request *request = q->request;

	if (!ports_contain(&r->ports, request->port))
		return FIT_HOST;
	if (!method_fits(r, request->method))
		return FIT_PORT;
	if (r->paths.count > 0 && q->path_ambiguous)
		return FIT_PATH_UNCLEAR;
	if (!path_fits(r, request->path))
		return FIT_METHOD;
	return values_fit(r, q);
}
