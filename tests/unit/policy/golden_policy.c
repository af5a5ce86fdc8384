/*
 * golden_policy.c - documents and what becomes of them, as files
 *
 *	x.yaml      compiles; x.txt is its canonical print, which compiles too
 *	            and prints the same
 *	bad-x.yaml  does not; bad-x.err is the whole report
 *
 *	golden_policy [--update] DIR...
 *
 * A folder without .txt and .err files (the examples) must just compile.  With
 * --update the expected files are written instead: look at the difference
 * before you commit it.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "report.h"
#include "tree.h"

enum { PATH_BYTES = 4096, TEXT_MAX = 1 << 20 };

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

/* The print, or the report (*ret_bad); malloc'd. */
static char *
outcome(const char *name, const char *text, bool *ret_bad)
{
	struct report *report = report_new();
	struct policy *policy = NULL;
	struct tree *tree = NULL;
	char *result;
	int r;

	r = tree_parse(name, text, strlen(text), &tree, report);
	if (r == 0)
		r = policy_compile((const struct tree *const *)&tree, 1, NULL,
			&policy, report);
	*ret_bad = r < 0;
	result = r < 0 ? report_text(report) : policy_print(policy);
	policy_unref(policy);
	tree_free(tree);
	report_free(report);
	if (result == NULL)
		abort();
	return result;
}

static void
show_line(char sign, const char *text, const char *end)
{
	printf("%c%.*s\n", sign, (int)(end - text), text);
}

/* The lines from the first to the last that differ. */
static void
show_difference(const char *want, const char *got)
{
	while (*want != '\0' || *got != '\0') {
		const char *want_end = strchrnul(want, '\n');
		const char *got_end = strchrnul(got, '\n');
		size_t len = (size_t)(want_end - want);

		if (len != (size_t)(got_end - got) ||
			memcmp(want, got, len) != 0) {
			if (*want != '\0')
				show_line('-', want, want_end);
			if (*got != '\0')
				show_line('+', got, got_end);
		}
		want = *want_end != '\0' ? want_end + 1 : want_end;
		got = *got_end != '\0' ? got_end + 1 : got_end;
	}
}

static bool
same(const char *path, const char *want, const char *got)
{
	if (strcmp(want, got) == 0)
		return true;
	printf("%s differs (- expected, + is):\n", path);
	show_difference(want, got);
	return false;
}

static bool
prints_the_same_again(const char *path, const char *print)
{
	bool bad, good;
	char *again;

	again = outcome("print", print, &bad);
	good = !bad && same(path, print, again);
	if (bad)
		printf("%s: its print does not compile:\n%s", path, again);
	free(again);
	return good;
}

static bool
check_expected(const char *path, const char *got, bool update)
{
	char *want;
	bool good;

	if (update)
		return write_text(path, got);
	want = read_text(path);
	/* Only examples go without, and they must compile. */
	if (want == NULL)
		return true;
	good = same(path, want, got);
	free(want);
	return good;
}

static bool
check_document(const char *dir, const char *file, bool update)
{
	bool bad, expect_bad = strncmp(file, "bad-", 4) == 0, good;
	size_t stem = strlen(file) - strlen(".yaml");
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
		printf("%s: %s\n%s", path,
			bad ? "does not compile" : "compiles", got);
	else
		good = check_expected(expected, got, update);
	if (good && !bad)
		good = prints_the_same_again(path, got);
	free(got);
	return good;
}

int
main(int argc, char **argv)
{
	bool update = argc > 1 && strcmp(argv[1], "--update") == 0;
	int checked = 0, failed = 0;

	for (int i = update ? 2 : 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		struct dirent *entry;

		if (dir == NULL) {
			perror(argv[i]);
			return 1;
		}
		while ((entry = readdir(dir)) != NULL) {
			const char *dot = strrchr(entry->d_name, '.');

			if (dot == NULL || strcmp(dot, ".yaml") != 0)
				continue;
			checked++;
			failed +=
				!check_document(argv[i], entry->d_name, update);
		}
		closedir(dir);
	}
	printf("%d documents, %d failed\n", checked, failed);
	return checked > 0 && failed == 0 ? 0 : 1;
}
