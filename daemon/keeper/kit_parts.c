/*
 * kit_parts.c - where policies and kits meet
 *
 * policy/ reads no files and no words but its own; import/ knows the words of
 * kits and reads no files either.  So it is the loader of documents that sees
 * which policy names a kit, reads it, has import/ say it in our words, and adds
 * that to the documents: for workers, which compile the same texts, too.  What
 * is added has the kit's name, and each line of it is the kit's.
 */
#include "kit_parts.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "import.h"
#include "report.h"
#include "tree.h"

enum { KIT_MAX = 1024 * 1024 };

/* A kit's folder stands for the file in it.  False: too long. */
static bool
find_file(const char *document, const char *kit, char ret[PATH_MAX])
{
	const char *slash = kit[0] == '/' ? NULL : strrchr(document, '/');
	int len = slash != NULL ? (int)(slash - document) + 1 : 0;
	char path[PATH_MAX];
	struct stat st;
	int n;

	n = snprintf(path, sizeof(path), "%.*s%s", len, document,
		strncmp(kit, "./", 2) == 0 ? kit + 2 : kit);
	if (n >= PATH_MAX)
		return false;
	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		n = snprintf(ret, PATH_MAX, "%s", path);
	else
		n = snprintf(ret, PATH_MAX, "%s%sspec.yaml", path,
			path[n - 1] == '/' ? "" : "/");
	return n < PATH_MAX;
}

/* What is wrong with it, or NULL; *ret malloc'd, NULL: out of memory. */
static const char *
slurp(const char *path, char **ret, size_t *ret_len)
{
	FILE *file = fopen(path, "re");
	const char *wrong = NULL;
	struct stat st;

	if (file == NULL)
		return strerror(errno);
	if (fstat(fileno(file), &st) < 0 || !S_ISREG(st.st_mode))
		wrong = "not a regular file";
	else if ((st.st_mode & S_IWOTH) != 0)
		wrong = "writable by everybody: refused (chmod o-w)";
	*ret = wrong == NULL ? malloc(KIT_MAX + 1) : NULL;
	if (*ret != NULL)
		*ret_len = fread(*ret, 1, KIT_MAX + 1, file);
	if (*ret != NULL && ferror(file))
		wrong = "cannot be read";
	else if (*ret != NULL && *ret_len > KIT_MAX)
		wrong = "larger than 1 MiB";
	fclose(file);
	if (wrong != NULL) {
		free(*ret);
		*ret = NULL;
	}
	return wrong;
}

static int
take_parts(const struct import *i, const char *path, const char *policy,
	const struct kit_parts_taker *taker)
{
	char *text;
	int r;

	if (import_notes(i)[0] != '\0')
		taker->note(taker->arg, import_notes(i));
	for (size_t n = 0;; n++) {
		r = import_part(i, policy, n, &text);
		if (r < 0 || text == NULL)
			return r;
		r = taker->take(taker->arg, path, text);
		if (r < 0)
			return r;
	}
}

static int
read_kit(const struct tree_node *kit, const char *document, const char *policy,
	const struct kit_parts_taker *taker, struct report *report)
{
	struct import_text source = {.len = 0};
	char path[PATH_MAX], quote[REPORT_QUOTE], *text = NULL;
	struct import *i = NULL;
	const char *wrong;
	int r;

	if (!find_file(document, kit->text, path)) {
		report_add(report, kit->at, "%s: the path is too long",
			report_quote(kit->text, quote));
		return -EINVAL;
	}
	wrong = slurp(path, &text, &source.len);
	if (wrong != NULL) {
		report_add(report, kit->at, "%s: %s", path, wrong);
		return -EINVAL;
	}
	if (text == NULL)
		return -ENOMEM;
	source.name = path;
	source.text = text;
	r = import_run(IMPORT_DOCKER_KIT, &source, &i, report);
	if (r == 0)
		r = take_parts(i, path, policy, taker);
	import_free(i);
	free(text);
	return r;
}

int
kit_parts_read(const struct tree *tree, const char *path,
	const struct kit_parts_taker *taker, struct report *report)
{
	const struct tree_node *root = tree_root(tree), *kit, *policies;
	int r = 0, e;

	/* Its key is ours alone: no document may say it is one. */
	kit = tree_get(root, "kit_of");
	if (kit != NULL) {
		report_add(report, kit->key->at, "unknown key \"kit_of\"");
		return -EINVAL;
	}
	policies = tree_get(root, "policies");
	if (policies == NULL || policies->kind != TREE_MAP)
		return 0;
	for (const struct tree_node *p = policies->first; p != NULL;
		p = p->next) {
		kit = p->kind == TREE_MAP ? tree_get(p, "kit") : NULL;
		if (kit == NULL || kit->kind != TREE_SCALAR ||
			kit->text[0] == '\0')
			continue;
		e = read_kit(kit, path, p->key->text, taker, report);
		if (e < 0 && e != -EINVAL)
			return e;
		r = e < 0 ? e : r;
	}
	return r;
}
