/*
 * How far one rule goes along with one request.  Pure.  Internal to policy/.
 */
#ifndef SBX_FIT_H
#define SBX_FIT_H

#include <stdbool.h>

struct policy_request;
struct rule;

enum fit { /* what matched last, in the order in which it is looked at */
	FIT_HOST,
	FIT_PORT,
	FIT_METHOD,
	FIT_PATH,
	FIT_QUERY,
	FIT_ALL,
	FIT_PATH_UNCLEAR, /* the rule decides, and cannot know */
	FIT_QUERY_UNCLEAR,
};

struct fit_question { /* what is asked of every rule, worked out once */
	const struct policy_request *request;
	bool path_ambiguous, query_ambiguous;
};

struct fit_question fit_question(const struct policy_request *request);

/* The rule's host is known to match. */
enum fit fit_of(const struct rule *r, const struct fit_question *q);

#endif
