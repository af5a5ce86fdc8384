/*
 * What would make a denied request allowed: which deny rules stand in the way,
 * the narrowest rule that could be added, the rule that nearly allowed it; or
 * why no rule can.  Pure.
 */
#ifndef SBX_REMEDY_H
#define SBX_REMEDY_H

#include <stddef.h>

struct judgement;
struct judgement_question;

enum { REMEDY_LINES = 24 };

struct remedy {
	/* Sentences for people, in the order in which to act; malloc'd. */
	char *lines[REMEDY_LINES];
	size_t count;
	/* "- {host: …}"; malloc'd.  NULL: none is needed, or none would help.
	 */
	char *rule;
	/* The name of the rule that it has to stand before, malloc'd; NULL: the
	 * end of the policy's allow list. */
	char *before;
};

/*
 * judgement is a denial of q by judge_request().  0, for remedy_done(); or
 * -ENOMEM, *ret untouched.
 */
int remedy_find(const struct judgement_question *q,
	const struct judgement *judgement, struct remedy *ret);
void remedy_done(struct remedy *r);

#endif
