/*
 * Patterns over values: "*" stands for any bytes, also none; every other byte
 * for itself.  Pure.
 */
#ifndef SBX_WILDCARD_H
#define SBX_WILDCARD_H

#include <stdbool.h>

struct wildcard_text { /* what a pattern is held against */
	const char *at, *end;
	bool form; /* as in a query: "+" and good escapes stand for a byte */
};

/* Takes the next byte off; -1 at the end. */
int wildcard_byte(struct wildcard_text *t);

bool wildcard_matches(const char *pattern, struct wildcard_text text);

#endif
