/*
 * source_program.c - who could have changed a program
 *
 * It is run by its path after this, and what was looked at is still what is
 * there: only those could have changed that who may do what they like here.
 */
#include "source_program.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* In a user namespace root may have no number; whose / is owns the rest too. */
static bool
is_trusted(uid_t uid)
{
	struct stat root;

	return uid == 0 || uid == geteuid() ||
	       (stat("/", &root) == 0 && uid == root.st_uid);
}

static int
check_one(const char *path, char *reterr, size_t reterr_size)
{
	struct stat st;
	int r;

	if (stat(path, &st) < 0) {
		r = -errno;
		snprintf(reterr, reterr_size, "%s: %s", path, strerror(-r));
		return r;
	}
	if (!is_trusted(st.st_uid)) {
		snprintf(reterr, reterr_size,
			"%s belongs to somebody else than root", path);
		return -EACCES;
	}
	/* In a sticky folder others can add, and not replace. */
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
		!(S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX) != 0)) {
		snprintf(reterr, reterr_size,
			"%s is writable by group or others (chmod go-w)", path);
		return -EACCES;
	}
	return 0;
}

/* The path and all that is above it; it is cut to pieces on the way. */
static int
check_all(char *path, char *reterr, size_t reterr_size)
{
	char *slash = strrchr(path, '/');
	int r = check_one(path, reterr, reterr_size);

	while (r == 0 && slash != NULL && slash != path) {
		*slash = '\0';
		r = check_one(path, reterr, reterr_size);
		slash = strrchr(path, '/');
	}
	return r != 0 ? r : check_one("/", reterr, reterr_size);
}

int
source_program_check(const char *path, char *reterr, size_t reterr_size)
{
	char given[PATH_MAX], resolved[PATH_MAX];
	int r;

	if (snprintf(given, sizeof(given), "%s", path) >= (int)sizeof(given)) {
		snprintf(reterr, reterr_size, "%s", strerror(ENAMETOOLONG));
		return -ENAMETOOLONG;
	}
	if (realpath(path, resolved) == NULL) {
		r = -errno;
		snprintf(reterr, reterr_size, "%s", strerror(-r));
		return r;
	}
	r = check_all(given, reterr, reterr_size);
	if (r == 0)
		r = check_all(resolved, reterr, reterr_size);
	return r;
}
