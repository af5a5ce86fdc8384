/*
 * A token bucket: so many a second, saved up to a burst.  Pure; time is a
 * parameter, in seconds on any clock that does not go back.
 */
#ifndef SBX_BUDGET_H
#define SBX_BUDGET_H

#include <stdbool.h>

struct budget {
	double rate, burst, tokens, at;
};

/* Starts full. */
void budget_init(struct budget *b, double rate, double burst, double now);

/* Takes one; false: there is none. */
bool budget_take(struct budget *b, double now);

#endif
