/*
 * Who called, and what the command's environment is.
 */
#ifndef SBX_RUN_USER_H
#define SBX_RUN_USER_H

#include <stddef.h>

#include <jansson.h>

#include "jail.h"

struct run_user {
	struct jail_user who;
	/* Behind sudo, what the user's own environment would say; else
	 * empty. */
	char name[64];
	char home[256];
	char shell[256];
};

/*
 * The real user; behind sudo the user who called sudo.  0 or -errno with a
 * line in reterr.
 */
int run_user_find(struct run_user *ret, char *reterr, size_t size);

/* Where the user's files are, or NULL; points into u or the environment. */
const char *run_user_home(const struct run_user *u);

struct run_variables { /* borrowed for the call */
	const char *sandbox;
	const char *const *withheld; /* those that credentials come from */
	size_t withheld_count;
	const char *const *stand_ins; /* set all the same, to stand_in */
	size_t stand_in_count;
	const char *stand_in;
	const json_t *environment; /* of the sandbox: object of texts */
};

/*
 * Our environment, for the command: without what is withheld and without
 * proxies; with the variables that point at the trust files.  malloc'd, one
 * block each: free with run_environment_free().  NULL: out of memory.
 */
char **run_environment(
	const struct run_user *user, const struct run_variables *variables);
void run_environment_free(char **environment);

#endif
