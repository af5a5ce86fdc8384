/*
 * What a verdict stands on: its texts live in the policy and the overlay that
 * were asked, and those may be replaced while it is still of use.
 */
#ifndef SBX_GROUNDS_H
#define SBX_GROUNDS_H

struct overlay;
struct policy;
struct sandbox;

struct grounds { /* references; all zero: none */
	struct policy *policy;
	struct overlay *overlay;
};

/* Those of now.  The sandbox has a policy. */
struct grounds grounds_of(const struct sandbox *s);

void grounds_release(struct grounds *g);

#endif
