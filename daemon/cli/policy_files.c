#include "policy_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "array.h"
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
	int error;   /* the first; of memory before any other */
	FILE *notes; /* of kits; NULL: nobody reads them */
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
take_note(void *arg, const char *lines)
{
	const struct reading *r = arg;

	if (r->notes != NULL)
		fputs(lines, r->notes);
}

/* All of them, so that one run tells all that is wrong. */
static void
read_files(struct reading *r, const char *const *paths, size_t count)
{
	const struct kit_parts_taker taker = {take_part, take_note, r};

	for (size_t i = 0; i < count && r->error != -ENOMEM; i++) {
		struct tree *tree = NULL;
		int e = parse_file(paths[i], &tree, r->report);

		add_tree(r, tree, e);
		if (tree != NULL && r->error != -ENOMEM)
			fail(r, kit_parts_read(
					tree, paths[i], &taker, r->report));
	}
}

/* Frees what was read; its error, the report beside it. */
static int
finish(struct reading *r, char **ret_report)
{
	if (r->error == -EINVAL) {
		*ret_report = report_text(r->report);
		if (*ret_report == NULL)
			r->error = -ENOMEM;
	}
	for (size_t i = 0; i < r->count; i++)
		tree_free(r->trees[i]);
	free(r->trees);
	report_free(r->report);
	return r->error;
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
	return finish(&r, ret_report);
}

/* ---- would they load? --------------------------------------------------- */

/* Beside the main file; what is in them has no settings. */
static const char *const folders[] = {"policies.d", "sandboxes.d"};

static int
folder_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? (int)(slash - path) + 1 : 0;
}

static bool
is_drop_in(const char *path)
{
	char dir[PATH_MAX], real[PATH_MAX];
	const char *name;

	snprintf(dir, sizeof(dir), "%.*s.", folder_len(path), path);
	if (realpath(dir, real) == NULL)
		return false;
	name = strrchr(real, '/') + 1;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (strcmp(name, folders[i]) == 0)
			return true;
	return false;
}

static bool
has_neighbours(const char *path)
{
	char dir[PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		snprintf(dir, sizeof(dir), "%.*s%s", folder_len(path), path,
			folders[i]);
		if (access(dir, F_OK) == 0)
			return true;
	}
	return false;
}

static bool
has_settings(const struct tree *tree)
{
	for (const char *const *key = settings_keys(); *key != NULL; key++)
		if (tree_get(tree_root(tree), *key) != NULL)
			return true;
	return false;
}

/* Each tree has its document's name, as the file of its places. */
static bool
may_be_main(const struct tree *tree)
{
	return has_settings(tree) && !is_drop_in(tree_root(tree)->at.file);
}

/* The main file stands first: the one with settings, else one without. */
static void
check_together(struct reading *r)
{
	const struct tree **trees = calloc(r->count + 1, sizeof(struct tree *));
	struct settings *settings = NULL;
	struct policy *policy = NULL;
	struct tree *none = NULL;
	size_t main_file = 0, n = 0;

	while (main_file < r->count && !may_be_main(r->trees[main_file]))
		main_file++;
	if (trees == NULL || tree_parse("", "", 0, &none, r->report) < 0) {
		fail(r, -ENOMEM);
		goto done;
	}
	trees[n++] = main_file < r->count ? r->trees[main_file] : none;
	for (size_t i = 0; i < r->count; i++)
		if (i != main_file)
			trees[n++] = r->trees[i];
	fail(r, settings_read(trees, n, &settings, r->report));
	fail(r, policy_compile((const struct tree *const *)r->trees, r->count,
			settings_keys(), &policy, r->report));
	policy_unref(policy);
	settings_free(settings);
done:
	tree_free(none);
	free(trees);
}

int
policy_files_check_main(
	const char *config, const char *runtime_dir, char **ret_report)
{
	struct documents *d;
	int r = documents_load(config, runtime_dir, NULL, &d, ret_report);

	if (r < 0)
		return r;
	*ret_report = strdup(d->notes != NULL ? d->notes : "");
	documents_free(d);
	return *ret_report != NULL ? 0 : -ENOMEM;
}

/* One file that sbx-netd would be given: what is beside it counts, too. */
static bool
is_main_alone(const struct reading *r, const char *const *paths, size_t count)
{
	return count == 1 && !is_drop_in(paths[0]) &&
	       (has_neighbours(paths[0]) ||
		       (r->count > 0 && has_settings(r->trees[0])));
}

int
policy_files_check(const char *const *paths, size_t count,
	const char *runtime_dir, char **ret_report)
{
	struct reading r = {.report = report_new()};
	char *notes = NULL, *report = NULL;
	size_t len;
	bool alone;
	int e;

	r.notes = open_memstream(&notes, &len);
	if (r.report == NULL || r.notes == NULL)
		fail(&r, -ENOMEM);
	else
		read_files(&r, paths, count);
	alone = r.error != -ENOMEM && is_main_alone(&r, paths, count);
	if (r.error == 0 && !alone)
		check_together(&r);
	if (r.notes != NULL && fclose(r.notes) != 0)
		fail(&r, -ENOMEM);
	e = finish(&r, &report);
	if (e < 0 || alone)
		free(notes);
	else
		report = notes;
	if (!alone) {
		*ret_report = report;
		return e;
	}
	free(report);
	return policy_files_check_main(paths[0], runtime_dir, ret_report);
}

/* ---- the installed ones ------------------------------------------------- */

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
