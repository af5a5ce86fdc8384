#include "import_file.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "report.h"
#include "tree.h"

#define KIT_FILE "spec.yaml"

static bool
is_standard(const char *path)
{
	return strcmp(path, "-") == 0;
}

/* A kit's folder stands for the file in it. */
static const char *
find_file(enum import_dialect dialect, const char *path, char ret[PATH_MAX])
{
	struct stat st;

	if (dialect != IMPORT_DOCKER_KIT || stat(path, &st) < 0 ||
		!S_ISDIR(st.st_mode))
		return path;
	return snprintf(ret, PATH_MAX, "%s/" KIT_FILE, path) < PATH_MAX ? ret
									: path;
}

/* malloc'd.  One byte more than may be, so that too much is seen to be. */
static int
slurp(FILE *file, char **ret, size_t *ret_len)
{
	char *text = malloc(TREE_SIZE_MAX + 1);

	if (text == NULL)
		return -ENOMEM;
	errno = 0;
	*ret_len = fread(text, 1, TREE_SIZE_MAX + 1, file);
	if (ferror(file)) {
		free(text);
		return errno > 0 ? -errno : -EIO;
	}
	*ret = text;
	return 0;
}

static int
read_path(const char *path, char **ret, size_t *ret_len)
{
	FILE *file = is_standard(path) ? stdin : fopen(path, "re");
	int e;

	if (file == NULL)
		return -errno;
	e = slurp(file, ret, ret_len);
	if (file != stdin)
		fclose(file);
	return e;
}

static int
run(enum import_dialect dialect, const struct import_text *source,
	struct import **ret, char **reterr)
{
	struct report *report = report_new();
	int e = -ENOMEM;

	if (report == NULL)
		return e;
	e = import_run(dialect, source, ret, report);
	if (e == -EINVAL)
		*reterr = report_text(report);
	report_free(report);
	return e;
}

int
import_file_read(enum import_dialect dialect, const char *path,
	struct import **ret, char **reterr)
{
	struct import_text source = {.len = 0};
	char file[PATH_MAX];
	char *text = NULL;
	int e;

	*reterr = NULL;
	path = find_file(dialect, path, file);
	e = read_path(path, &text, &source.len);
	if (e < 0) {
		if (asprintf(reterr, "cannot read %s: %s\n", path,
			    strerror(-e)) < 0)
			*reterr = NULL;
		return e;
	}
	source.name = is_standard(path) ? "standard input" : path;
	source.text = text;
	e = run(dialect, &source, ret, reterr);
	free(text);
	return e;
}
