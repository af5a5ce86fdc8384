/*
 * golden_import.c - documents of one dialect and what becomes of them
 *
 *	x.yaml, x.json  is imported; x.txt is the document, which compiles, and
 *	                behind it the notes
 *	bad-x.*         is not; bad-x.err is the whole report
 *
 *	golden_import [--update] DIALECT DIR
 *
 * With --update the expected files are written instead: look at the
 * difference before you commit it.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import.h"
#include "policy.h"
#include "report.h"
#include "tree.h"

enum { PATH_BYTES = 4096, TEXT_MAX = 1 << 20 };

static enum import_dialect dialect;

/* NULL when there is no such file; else malloc'd. */
static char *
read_text(const char *path)
{
	FILE *file = fopen(path, "rb");
	char *text;
	size_t len;

	if (file == NULL)
		return NULL;
	text = malloc(TEXT_MAX + 1);
	if (text == NULL)
		abort();
	len = fread(text, 1, TEXT_MAX, file);
	text[len] = '\0';
	fclose(file);
	return text;
}

static bool
write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "wb");
	bool good;

	if (file == NULL)
		return false;
	good = fputs(text, file) >= 0;
	return fclose(file) == 0 && good;
}

/* What the daemon says of the document: the report, "" when it loads. */
static char *
load(const char *document)
{
	struct report *report = report_new();
	struct policy *policy = NULL;
	struct tree *tree = NULL;
	char *text;

	if (tree_parse("document", document, strlen(document), &tree, report) ==
		0)
		(void)policy_compile((const struct tree *const *)&tree, 1, NULL,
			&policy, report);
	text = report_text(report);
	policy_unref(policy);
	tree_free(tree);
	report_free(report);
	return text;
}

/* The document, a line between, and the notes; malloc'd. */
static char *
join(const char *document, const char *notes)
{
	size_t size = strlen(document) + strlen(notes) + sizeof("---\n");
	char *text = malloc(size);

	if (text == NULL)
		abort();
	snprintf(text, size, "%s---\n%s", document, notes);
	return text;
}

/* Document and notes, or the report (*ret_bad); malloc'd. */
static char *
outcome(const char *name, const char *text, bool *ret_bad)
{
	struct import_text source = {name, text, strlen(text)};
	struct report *report = report_new();
	struct import *import = NULL;
	char *result;

	*ret_bad = import_run(dialect, &source, &import, report) < 0;
	result = *ret_bad ? report_text(report)
			  : join(import_document(import), import_notes(import));
	import_free(import);
	report_free(report);
	return result;
}

static bool
document_loads(const char *path, const char *result)
{
	size_t len = (size_t)(strstr(result, "---\n") - result);
	char *document = strndup(result, len);
	char *refusal = load(document);
	bool good = refusal[0] == '\0';

	if (!good)
		printf("%s: its document does not load:\n%s", path, refusal);
	free(refusal);
	free(document);
	return good;
}

static bool
is_expected(const char *path, const char *got, bool update)
{
	char *want;
	bool good;

	if (update)
		return write_text(path, got);
	want = read_text(path);
	good = want != NULL && strcmp(want, got) == 0;
	if (!good)
		printf("%s differs; it is:\n%s", path, got);
	free(want);
	return good;
}

static bool
check_document(const char *dir, const char *file, bool update)
{
	bool bad, expect_bad = strncmp(file, "bad-", 4) == 0, good;
	size_t stem = (size_t)(strrchr(file, '.') - file);
	char path[PATH_BYTES], expected[PATH_BYTES];
	char *text, *got;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	snprintf(expected, sizeof(expected), "%s/%.*s%s", dir, (int)stem, file,
		expect_bad ? ".err" : ".txt");
	text = read_text(path);
	if (text == NULL) {
		perror(path);
		return false;
	}
	got = outcome(file, text, &bad);
	free(text);
	good = bad == expect_bad;
	if (!good)
		printf("%s: %s\n%s", path, bad ? "is refused" : "is imported",
			got);
	else
		good = is_expected(expected, got, update);
	if (good && !bad)
		good = document_loads(path, got);
	free(got);
	return good;
}

static bool
is_source(const char *file)
{
	const char *dot = strrchr(file, '.');

	return dot != NULL &&
	       (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".json") == 0);
}

int
main(int argc, char **argv)
{
	bool update = argc > 1 && strcmp(argv[1], "--update") == 0;
	int checked = 0, failed = 0;
	struct dirent *entry;
	DIR *dir;

	argv += update;
	if (argc != 3 + update || !import_dialect_find(argv[1], &dialect)) {
		fprintf(stderr,
			"usage: golden_import [--update] DIALECT DIR\n");
		return 2;
	}
	dir = opendir(argv[2]);
	if (dir == NULL) {
		perror(argv[2]);
		return 1;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (!is_source(entry->d_name))
			continue;
		checked++;
		failed += !check_document(argv[2], entry->d_name, update);
	}
	closedir(dir);
	printf("%d documents, %d failed\n", checked, failed);
	return checked > 0 && failed == 0 ? 0 : 1;
}
