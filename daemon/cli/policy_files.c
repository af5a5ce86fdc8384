#include "policy_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "documents.h"
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

int
policy_files_compile(const char *const *paths, size_t count,
	struct policy **ret, char **ret_report)
{
	struct tree **trees = calloc(count, sizeof(struct tree *));
	struct report *report = report_new();
	int r = trees == NULL || report == NULL ? -ENOMEM : 0, e;

	/* All of them, so that one run tells all that is wrong. */
	for (size_t i = 0; i < count && r != -ENOMEM; i++) {
		e = parse_file(paths[i], &trees[i], report);
		if (e < 0)
			r = e;
	}
	if (r == 0)
		r = policy_compile((const struct tree *const *)trees, count,
			settings_keys(), ret, report);
	if (r == -EINVAL) {
		*ret_report = report_text(report);
		if (*ret_report == NULL)
			r = -ENOMEM;
	}
	for (size_t i = 0; trees != NULL && i < count; i++)
		tree_free(trees[i]);
	free(trees);
	report_free(report);
	return r;
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
