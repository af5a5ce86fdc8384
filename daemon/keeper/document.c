#include "document.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "tree.h"

/* ---- one ---------------------------------------------------------------- */

/* Workers need no document that only says which sandboxes there are. */
static bool
is_for_workers(const struct tree *tree)
{
	const struct tree_node *root = tree_root(tree);

	for (const struct tree_node *e = root->first; e != NULL; e = e->next)
		if (strcmp(e->key->text, "version") != 0 &&
			strcmp(e->key->text, "sandboxes") != 0)
			return true;
	return root->first == NULL;
}

int
document_init(struct document *d, const char *name, char *text, size_t len,
	struct tree *tree)
{
	*d = (struct document){
		.name = strdup(name),
		.users = malloc(sizeof(*d->users)),
	};
	if (d->name == NULL || d->users == NULL) {
		free(d->name);
		free(d->users);
		*d = (struct document){0};
		return -ENOMEM;
	}
	*d->users = 1;
	d->text = text;
	d->len = len;
	d->tree = tree;
	d->for_workers = tree != NULL && is_for_workers(tree);
	return 0;
}

void
document_share(const struct document *d, struct document *ret)
{
	*ret = *d;
	++*d->users;
}

void
document_done(struct document *d)
{
	if (d->users != NULL && --*d->users == 0) {
		tree_free(d->tree);
		free(d->text);
		free(d->entry);
		free(d->name);
		free(d->users);
	}
	*d = (struct document){0};
}

/* ---- an entry ----------------------------------------------------------- */

static bool
is_only(const struct tree_node *map, size_t count, const char *key)
{
	return map != NULL && map->kind == TREE_MAP && map->count == count &&
	       tree_get(map, key) != NULL;
}

static int
check_entry(const struct tree *tree, const char *section, const char *name,
	struct report *report)
{
	const struct tree_node *root = tree_root(tree);

	if (is_only(root, 2, "version") && is_only(root, 2, section) &&
		is_only(tree_get(root, section), 1, name))
		return 0;
	report_add(
		report, root->at, "holds not just \"%s: %s:\"", section, name);
	return -EINVAL;
}

int
document_init_entry(struct document *d, enum policy_entry_kind kind,
	const char *name, const char *document, struct report *report)
{
	const char *section = policy_entry_section(kind);
	size_t len = strlen(document);
	struct tree *tree = NULL;
	char title[128], *text = NULL, *entry = NULL;
	int r;

	snprintf(title, sizeof(title), "socket:%s/%s", section, name);
	r = tree_parse(title, document, len, &tree, report);
	if (r == 0)
		r = check_entry(tree, section, name, report);
	if (r < 0)
		goto fail;
	r = -ENOMEM;
	text = strdup(document);
	entry = strdup(name);
	if (text == NULL || entry == NULL ||
		document_init(d, title, text, len, tree) < 0)
		goto fail;
	d->entry = entry;
	d->kind = kind;
	return 0;
fail:
	tree_free(tree);
	free(text);
	free(entry);
	return r;
}

/* ---- many --------------------------------------------------------------- */

/* Entries are in the order of their names, whenever each was put there. */
static void
sort_in(struct document_list *l, size_t at)
{
	struct document last = l->items[at];

	for (; last.entry != NULL && at > 0; at--) {
		const struct document *before = &l->items[at - 1];

		if (before->entry == NULL ||
			strcmp(before->name, last.name) < 0)
			break;
		l->items[at] = *before;
	}
	l->items[at] = last;
}

int
document_list_add(struct document_list *l, struct document *d)
{
	struct document *items =
		reallocarray(l->items, l->count + 1, sizeof(*items));

	if (items == NULL) {
		document_done(d);
		return -ENOMEM;
	}
	l->items = items;
	l->items[l->count] = *d;
	sort_in(l, l->count++);
	return 0;
}

int
document_list_extend(struct document_list *l, const struct document_list *more)
{
	struct document *items = reallocarray(
		l->items, l->count + more->count + 1, sizeof(*items));

	if (items == NULL)
		return -ENOMEM;
	l->items = items;
	for (size_t i = 0; i < more->count; i++)
		document_share(&more->items[i], &l->items[l->count++]);
	return 0;
}

void
document_list_done(struct document_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		document_done(&l->items[i]);
	free(l->items);
	*l = (struct document_list){0};
}

struct document *
document_list_find(const struct document_list *l, enum policy_entry_kind kind,
	const char *name)
{
	for (size_t i = 0; i < l->count; i++) {
		struct document *d = &l->items[i];

		if (d->entry != NULL && d->kind == kind &&
			strcmp(d->entry, name) == 0)
			return d;
	}
	return NULL;
}

void
document_list_remove(
	struct document_list *l, enum policy_entry_kind kind, const char *name)
{
	struct document *d = document_list_find(l, kind, name);
	size_t at;

	if (d == NULL)
		return;
	at = (size_t)(d - l->items);
	document_done(d);
	l->count--;
	memmove(d, d + 1, (l->count - at) * sizeof(*d));
}
