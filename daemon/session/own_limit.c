#include "own_limit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limit_text.h"

int
own_limit_init(struct own_limit *l, const char *sandbox, const char *source,
	const struct policy_limit *limit)
{
	char words[LIMIT_WORDS];

	*l = (struct own_limit){0};
	if (source == NULL || source[0] == '\0')
		return 0;
	if (asprintf(&l->rule, "%s.limit", sandbox) < 0)
		l->rule = NULL;
	/* What a rule is known by is the rule's text, which begins with a
	 * dash. */
	if (asprintf(&l->key, "the sandbox: %s", limit_words(limit, words)) < 0)
		l->key = NULL;
	l->source = strdup(source);
	l->limit = *limit;
	l->limit.key = l->key;
	if (l->rule != NULL && l->key != NULL && l->source != NULL)
		return 0;
	own_limit_done(l);
	return -ENOMEM;
}

void
own_limit_done(struct own_limit *l)
{
	free(l->rule);
	free(l->source);
	free(l->key);
	*l = (struct own_limit){0};
}

const struct policy_limit *
own_limit_get(const struct own_limit *l)
{
	return l->rule != NULL ? &l->limit : NULL;
}
