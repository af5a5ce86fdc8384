/*
 * The rules about a host in the order of evaluation; of an overlay and its base
 * the deny rules of both, then the allow rules of both, each time the overlay's
 * first.  Pure.  Internal to policy/.
 */
#ifndef SBX_WALK_H
#define SBX_WALK_H

#include "host_index.h"

struct policy_set;
struct rule;

struct walk_step { /* through one set */
	const struct policy_set *set;
	struct host_matches matches;
	const struct rule *rule; /* the next; NULL: none is left */
};

struct walk {
	unsigned count; /* of steps */
	struct walk_step steps[2];
};

/* host must live on. */
void walk_begin(struct walk *w, const struct policy_set *set, const char *host);

/* The next rule, or NULL. */
const struct rule *walk_next(struct walk *w);

#endif
