/*
 * documents_change.c - the same files with other entries of the socket
 *
 * What somebody sends is compiled twice: as it was sent, so that what is wrong
 * with it has the line and column that they know, and as the canonical YAML of
 * that, which is what is kept, told to workers and named by records.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "documents.h"
#include "documents_part.h"
#include "policy.h"
#include "report.h"
#include "tree.h"

/* Not compiled.  NULL: out of memory. */
static struct documents *
derive(const struct documents *d, const struct document_list *entries)
{
	struct document_list files = {d->files, d->file_count}, all = {0};
	struct documents *ret = calloc(1, sizeof(*ret));

	if (ret == NULL)
		return NULL;
	ret->trust = malloc(d->trust_len + 1);
	if (ret->trust == NULL || document_list_extend(&all, &files) < 0 ||
		document_list_extend(&all, entries) < 0) {
		document_list_done(&all);
		documents_free(ret);
		return NULL;
	}
	memcpy(ret->trust, d->trust, d->trust_len + 1);
	ret->trust_len = d->trust_len;
	ret->files = all.items;
	ret->count = all.count;
	ret->file_count = d->file_count;
	return ret;
}

int
documents_with(const struct documents *d, const struct document_list *entries,
	struct documents **ret, char **ret_report)
{
	struct report *report = report_new();
	struct documents *more = derive(d, entries);
	int r = -ENOMEM;

	if (more != NULL && report != NULL)
		r = documents_compile(more, report);
	r = documents_close_report(report, r, ret_report);
	if (r == 0)
		*ret = more;
	else
		documents_free(more);
	return r;
}

/*
 * The entry as canonical YAML, malloc'd: it has to stand among the others for
 * that, in which it names things and is named.
 */
static int
canonical(const struct documents *d, const struct document_list *others,
	const struct documents_change *change, char **ret,
	struct report *report)
{
	struct documents *trial = derive(d, others);
	struct document as_given;
	struct tree *tree;
	int r = -ENOMEM;

	if (trial != NULL)
		r = policy_entry_parse(change->kind, change->name, change->text,
			&tree, report);
	if (r == 0) {
		r = document_init(&as_given, change->name, NULL, 0, tree);
		if (r < 0)
			tree_free(tree);
	}
	if (r == 0)
		r = documents_add(trial, &as_given);
	if (r == 0)
		r = documents_compile(trial, report);
	if (r == 0) {
		*ret = policy_entry_print(
			trial->policy, change->kind, change->name);
		r = *ret != NULL ? 0 : -ENOMEM;
	}
	documents_free(trial);
	return r;
}

static int
change_list(const struct documents *d, struct document_list *entries,
	const struct documents_change *change, struct report *report)
{
	struct document entry;
	char *text = NULL;
	int r;

	document_list_remove(entries, change->kind, change->name);
	if (change->text == NULL)
		return 0;
	if (entries->count >= DOCUMENT_ENTRIES_MAX)
		return -ENOSPC;
	r = canonical(d, entries, change, &text, report);
	if (r != 0)
		return r;
	r = -EFBIG;
	if (strlen(text) <= DOCUMENT_BYTES_MAX)
		r = document_init_entry(
			&entry, change->kind, change->name, text, report);
	free(text);
	if (r < 0)
		return r;
	entry.ephemeral = change->ephemeral;
	return document_list_add(entries, &entry);
}

int
documents_change(const struct documents *d,
	const struct documents_change *change, struct documents **ret,
	char **ret_report)
{
	struct document_list old = documents_entries(d), entries = {0};
	struct report *report = report_new();
	int r = -ENOMEM;

	if (report != NULL)
		r = document_list_extend(&entries, &old);
	if (r == 0)
		r = change_list(d, &entries, change, report);
	r = documents_close_report(report, r, ret_report);
	if (r == 0)
		r = documents_with(d, &entries, ret, ret_report);
	document_list_done(&entries);
	return r;
}
