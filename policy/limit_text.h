/*
 * A limit as text: as documents say it, and as people do.
 */
#ifndef SBX_LIMIT_TEXT_H
#define SBX_LIMIT_TEXT_H

#include "policy.h"

enum {
	LIMIT_AMOUNT = 32, /* the longest of each, and its end */
	LIMIT_WORDS = 192,
};

/* "requests", "up", "down": the key in a document. */
const char *limit_key(enum policy_budget budget);

/* "60/m", "10MB/h", in the largest unit that is exact; returns ret. */
const char *limit_amount(enum policy_budget budget,
	const struct policy_amount *amount, char ret[LIMIT_AMOUNT]);

/* "60 requests a minute, 10 MB an hour to the origin"; returns ret. */
const char *limit_words(
	const struct policy_limit *limit, char ret[LIMIT_WORDS]);

#endif
