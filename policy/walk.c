#include "walk.h"

#include "rule.h"

static const struct rule *
advance(struct walk_step *s)
{
	const struct rule *r = s->rule;
	uint32_t id;

	s->rule =
		host_matches_next(&s->matches, &id) ? &s->set->rules[id] : NULL;
	return r;
}

void
walk_begin(struct walk *w, const struct policy_set *set, const char *host)
{
	w->count = 0;
	for (; set != NULL; set = set->base) {
		struct walk_step *s = &w->steps[w->count++];

		s->set = set;
		host_index_find(set->index, host, &s->matches);
		advance(s);
	}
}

const struct rule *
walk_next(struct walk *w)
{
	struct walk_step *allow = NULL;

	for (unsigned i = 0; i < w->count; i++) {
		struct walk_step *s = &w->steps[i];

		if (s->rule != NULL && s->rule->deny)
			return advance(s);
		if (s->rule != NULL && allow == NULL)
			allow = s;
	}
	return allow != NULL ? advance(allow) : NULL;
}
