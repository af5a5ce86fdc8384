#include "policy_entry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "print.h"
#include "rule.h"
#include "tree.h"

static const struct {
	const char *section, *noun;
} kinds[] = {
	[POLICY_ENTRY_POLICY] = {"policies", "policy"},
	[POLICY_ENTRY_CREDENTIAL] = {"credentials", "credential"},
};

const char *
policy_entry_section(enum policy_entry_kind kind)
{
	return kinds[kind].section;
}

const char *
policy_entry_noun(enum policy_entry_kind kind)
{
	return kinds[kind].noun;
}

int
policy_entry_parse(enum policy_entry_kind kind, const char *name,
	const char *text, struct tree **ret, struct report *report)
{
	struct tree *tree = NULL;
	char title[96];
	int r;

	snprintf(title, sizeof(title), "%s %s", kinds[kind].noun, name);
	r = tree_parse(title, text, strlen(text), &tree, report);
	if (r < 0)
		return r;
	r = tree_nest(tree, name);
	if (r == 0)
		r = tree_nest(tree, kinds[kind].section);
	if (r == 0)
		r = tree_lead(tree, "version", "1");
	if (r < 0)
		tree_free(tree);
	else
		*ret = tree;
	return r;
}

static const struct credential *
find_credential(const struct policy *p, const char *name)
{
	for (size_t i = 0; i < p->credential_count; i++)
		if (strcmp(p->credentials[i].face->name, name) == 0)
			return &p->credentials[i];
	return NULL;
}

char *
policy_entry_print(
	const struct policy *p, enum policy_entry_kind kind, const char *name)
{
	const struct policy_set *set = NULL;
	const struct credential *c = NULL;

	if (kind == POLICY_ENTRY_POLICY)
		set = policy_find(p, name);
	else
		c = find_credential(p, name);
	if (set == NULL && c == NULL)
		return NULL;
	return set != NULL ? print_policy(set) : print_credential(c);
}

char *
policy_entry_text(const char *document, const char *head)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	bool bad;

	if (out == NULL)
		return NULL;
	fputs(head, out);
	for (int line = 1; *document != '\0'; line++) {
		size_t len = strcspn(document, "\n");

		len += document[len] == '\n';
		/* Canonical: no line of an entry is indented less. */
		if (line >= POLICY_ENTRY_LINE)
			fwrite(document + POLICY_ENTRY_INDENT, 1,
				len - POLICY_ENTRY_INDENT, out);
		document += len;
	}
	bad = ferror(out) != 0;
	if (fclose(out) != 0 || bad) {
		free(text);
		return NULL;
	}
	return text;
}

bool
policy_entry_find(const struct policy *p, enum policy_entry_kind kind,
	const char *name, struct report_mark *ret)
{
	const struct policy_set *set = NULL;
	const struct credential *c = NULL;

	if (kind == POLICY_ENTRY_POLICY)
		set = policy_find(p, name);
	else
		c = find_credential(p, name);
	if (set != NULL)
		*ret = set->at;
	if (c != NULL)
		*ret = c->at;
	return set != NULL || c != NULL;
}
