/*
 * The limit of all that one sandbox does, whichever rules allow it (`limit`
 * under `sandboxes:`).  Its account is beside those of rules (accounts.h).
 */
#ifndef SBX_OWN_LIMIT_H
#define SBX_OWN_LIMIT_H

#include "policy.h"

struct own_limit {
	char *rule;   /* "build-1.limit"; NULL: there is none */
	char *source; /* "file:line" */
	char *key;
	struct policy_limit limit; /* its key is the one above */
};

/* 0 or -ENOMEM; source "": there is none.  Copies everything. */
int own_limit_init(struct own_limit *l, const char *sandbox, const char *source,
	const struct policy_limit *limit);
void own_limit_done(struct own_limit *l);

/* What account_open() takes; NULL: there is none. */
const struct policy_limit *own_limit_get(const struct own_limit *l);

#endif
