#include "policy_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "documents.h"
#include "kit_parts.h"
#include "overlay.h"
#include "policy.h"
#include "report.h"
#include "settings.h"
#include "tree.h"

enum { DOCUMENT_MAX = 8 * 1024 * 1024 };

/* The text, malloc'd; NULL and what is wrong with the file in *reterr. */
static char *
read_file(const char *path, size_t *ret_len, const char **reterr)
{
	FILE *file = fopen(path, "re");
	char *text = file != NULL ? malloc(DOCUMENT_MAX + 1) : NULL;

	*reterr = NULL;
	if (text == NULL) {
		*reterr = strerror(errno);
	} else {
		*ret_len = fread(text, 1, DOCUMENT_MAX + 1, file);
		if (ferror(file))
			*reterr = strerror(errno);
		else if (*ret_len > DOCUMENT_MAX)
			*reterr = "larger than 8 MiB";
	}
	if (file != NULL)
		fclose(file);
	if (*reterr == NULL)
		return text;
	free(text);
	return NULL;
}

static int
parse_file(const char *path, struct tree **ret, struct report *report)
{
	struct report_mark at = {.file = path};
	const char *wrong;
	size_t len = 0;
	char *text = read_file(path, &len, &wrong);
	int r;

	if (text == NULL) {
		report_add(report, at, "%s", wrong);
		return -EINVAL;
	}
	r = tree_parse(path, text, len, ret, report);
	free(text);
	return r;
}

struct reading { /* documents, and behind them the parts of kits */
	struct tree **trees;
	size_t count;
	struct report *report;
	int error; /* the first; of memory before any other */
};

static void
fail(struct reading *r, int error)
{
	if (error < 0 && (r->error == 0 || error == -ENOMEM))
		r->error = error;
}

/* Takes the tree, which may be NULL after an error. */
static void
add_tree(struct reading *r, struct tree *tree, int error)
{
	struct tree **trees;

	fail(r, error);
	if (tree == NULL)
		return;
	trees = realloc(r->trees, (r->count + 1) * sizeof(struct tree *));
	if (trees == NULL) {
		tree_free(tree);
		fail(r, -ENOMEM);
		return;
	}
	r->trees = trees;
	r->trees[r->count++] = tree;
}

static int
take_part(void *arg, const char *name, char *text)
{
	struct reading *r = arg;
	struct tree *tree = NULL;
	int e = tree_parse(name, text, strlen(text), &tree, r->report);

	free(text);
	add_tree(r, tree, e);
	return 0;
}

static void
skip_note(void *arg, const char *lines)
{
	(void)arg, (void)lines;
}

/* All of them, so that one run tells all that is wrong. */
static void
read_files(struct reading *r, const char *const *paths, size_t count)
{
	const struct kit_parts_taker taker = {take_part, skip_note, r};

	for (size_t i = 0; i < count && r->error != -ENOMEM; i++) {
		struct tree *tree = NULL;
		int e = parse_file(paths[i], &tree, r->report);

		add_tree(r, tree, e);
		if (tree != NULL && r->error != -ENOMEM)
			fail(r, kit_parts_read(
					tree, paths[i], &taker, r->report));
	}
}

int
policy_files_compile(const char *const *paths, size_t count,
	struct policy **ret, char **ret_report)
{
	struct reading r = {.report = report_new()};

	if (r.report == NULL)
		return -ENOMEM;
	read_files(&r, paths, count);
	if (r.error == 0)
		r.error = policy_compile((const struct tree *const *)r.trees,
			r.count, settings_keys(), ret, r.report);
	if (r.error == -EINVAL) {
		*ret_report = report_text(r.report);
		if (*ret_report == NULL)
			r.error = -ENOMEM;
	}
	for (size_t i = 0; i < r.count; i++)
		tree_free(r.trees[i]);
	free(r.trees);
	report_free(r.report);
	return r.error;
}

int
policy_files_load(const char *config, const char *runtime_dir,
	struct policy **ret, char **ret_report)
{
	struct documents *d;
	int r = documents_load(config, runtime_dir, NULL, &d, ret_report);

	if (r < 0)
		return r;
	*ret = policy_ref(d->policy);
	documents_free(d);
	return 0;
}

const struct policy_set *
policy_files_find_sandbox(const struct policy *policy, const char *name)
{
	const struct policy_sandbox *sandboxes;
	size_t count = policy_sandboxes(policy, &sandboxes);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(sandboxes[i].name, name) == 0)
			return sandboxes[i].overlay == NULL
				       ? sandboxes[i].set
				       : overlay_over(sandboxes[i].overlay,
						 sandboxes[i].set);
	}
	return NULL;
}

const struct policy_set *
policy_files_find(const struct policy *policy, const char *name)
{
	const struct policy_set *set = policy_files_find_sandbox(policy, name);

	return set != NULL ? set : policy_find(policy, name);
}
