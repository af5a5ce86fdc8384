/*
 * Whose stand-ins would be swapped in a request, where in it, and why others'
 * would not, as session/swap_plan.c decides it.  Pure.
 */
#ifndef SBX_WOULD_SWAP_H
#define SBX_WOULD_SWAP_H

#include <stddef.h>

#include "would_inject.h"

enum { WOULD_SWAP_PLACES = 64 };

struct would_swap {
	const char *name; /* the policy's */
	unsigned places;  /* enum policy_place; 0: why not */
	char why[WOULD_INJECT_WHY];
};

/* Writes at most WOULD_INJECT_MAX rows, in the policy's order; how many. */
size_t would_swap(const struct would_inject_question *q,
	struct would_swap ret[WOULD_INJECT_MAX]);

/* "header, body".  Returns ret. */
const char *would_swap_places(unsigned places, char ret[WOULD_SWAP_PLACES]);

#endif
