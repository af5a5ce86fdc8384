/*
 * How many leaves may still be made: a token bucket over whole seconds.
 * Minting is the dearest thing that a ClientHello can ask for.
 */
#ifndef SBX_MINT_BUDGET_H
#define SBX_MINT_BUDGET_H

#include <stdbool.h>
#include <time.h>

struct mint_budget {
	unsigned per_second;
	unsigned long long left;
	time_t filled; /* when left was last brought up to date */
};

/* Full: twice per_second may be taken at once. */
void mint_budget_init(struct mint_budget *b, unsigned per_second);

/* Takes one; false when there is none. */
bool mint_budget_take(struct mint_budget *b, time_t now);

#endif
