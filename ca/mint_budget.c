#include "mint_budget.h"

enum {
	BURST_SECONDS = 2, /* what an idle sandbox may save up */
};

void
mint_budget_init(struct mint_budget *b, unsigned per_second)
{
	b->per_second = per_second;
	b->left = (unsigned long long)per_second * BURST_SECONDS;
	b->filled = 0;
}

bool
mint_budget_take(struct mint_budget *b, time_t now)
{
	unsigned long long rate = b->per_second;
	unsigned long long most = rate * BURST_SECONDS;

	/* A clock that was set back gives nothing and takes nothing away. */
	if (now > b->filled && b->filled < now - BURST_SECONDS)
		b->left = most;
	else if (now > b->filled)
		b->left += rate * (unsigned long long)(now - b->filled);
	if (b->left > most)
		b->left = most;
	b->filled = now;

	if (b->left == 0)
		return false;
	b->left--;
	return true;
}
