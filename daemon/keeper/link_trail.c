#include "link_trail.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINKS_MAX = 40 }; /* as many as the kernel follows */

struct trail {
	char here[PATH_MAX]; /* a folder, without links; "" is the root */
	char rest[PATH_MAX]; /* what is still to be walked from there */
	unsigned links;
};

enum step { STEP_ON, STEP_END };

static const char *
folder_of(const struct trail *t)
{
	return t->here[0] != '\0' ? t->here : "/";
}

/* The next name of rest, taken off it; "" at its end. */
static void
take_name(struct trail *t, char name[NAME_MAX + 1])
{
	const char *from = t->rest + strspn(t->rest, "/");
	size_t len = strcspn(from, "/");

	snprintf(name, NAME_MAX + 1, "%.*s", (int)len, from);
	memmove(t->rest, from + len, strlen(from + len) + 1);
}

/* The link at path stands in the place of its name. */
static enum step
follow(struct trail *t, const char *path)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n <= 0 || t->links++ == LINKS_MAX)
		return STEP_END;
	target[n] = '\0';
	if (snprintf(rest, sizeof(rest), "%s/%s", target, t->rest) >=
		(int)sizeof(rest))
		return STEP_END;
	if (target[0] == '/')
		t->here[0] = '\0';
	memcpy(t->rest, rest, sizeof(rest));
	return STEP_ON;
}

static void
go_up(struct trail *t)
{
	char *slash = strrchr(t->here, '/');

	if (slash != NULL)
		*slash = '\0';
}

static enum step
walk_one(struct trail *t, link_trail_visitor *visit, void *arg)
{
	char name[NAME_MAX + 1], path[PATH_MAX];
	struct stat st;

	take_name(t, name);
	if (name[0] == '\0') {
		visit(arg, folder_of(t));
		return STEP_END;
	}
	if (strcmp(name, "..") == 0)
		go_up(t);
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return STEP_ON;
	if (snprintf(path, sizeof(path), "%s/%s", t->here, name) >=
		(int)sizeof(path))
		return STEP_END;
	if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		memcpy(t->here, path, sizeof(path));
		return STEP_ON;
	}
	visit(arg, folder_of(t));
	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		return follow(t, path);
	return STEP_END;
}

void
link_trail_walk(const char *path, link_trail_visitor *visit, void *arg)
{
	struct trail t = {.links = 0};

	if (path[0] != '/' && getcwd(t.here, sizeof(t.here)) == NULL)
		return;
	if (strcmp(t.here, "/") == 0)
		t.here[0] = '\0';
	if (snprintf(t.rest, sizeof(t.rest), "%s", path) >= (int)sizeof(t.rest))
		return;
	while (walk_one(&t, visit, arg) == STEP_ON)
		;
}
