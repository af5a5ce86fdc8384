#include "document_set.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy.h"
#include "report.h"
#include "settings.h"
#include "tree.h"

struct document_set {
	struct report *report;
	struct tree **trees; /* of the good ones */
	size_t tree_count, count;
};

struct document_set *
document_set_new(void)
{
	struct document_set *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->report = report_new();
	if (s->report == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

void
document_set_free(struct document_set *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->tree_count; i++)
		tree_free(s->trees[i]);
	free(s->trees);
	report_free(s->report);
	free(s);
}

int
document_set_add(
	struct document_set *s, const char *name, const char *text, size_t len)
{
	struct tree **trees = reallocarray(
		s->trees, s->tree_count + 1, sizeof(struct tree *));
	int r;

	if (trees == NULL)
		return -ENOMEM;
	s->trees = trees;
	r = tree_parse(name, text, len, &trees[s->tree_count], s->report);
	if (r == -ENOMEM)
		return r;
	s->tree_count += r == 0;
	s->count++;
	return 0;
}

size_t
document_set_count(const struct document_set *s)
{
	return s->count;
}

int
document_set_compile(
	struct document_set *s, struct policy **ret, char *reterr, size_t size)
{
	int r = -EINVAL;
	char *text;

	if (s->tree_count == s->count)
		r = policy_compile((const struct tree *const *)s->trees,
			s->count, settings_keys(), ret, s->report);
	if (r != -EINVAL)
		return r;
	text = report_text(s->report);
	snprintf(reterr, size, "%s",
		text != NULL ? text : "the documents are bad");
	free(text);
	return r;
}
