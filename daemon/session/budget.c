#include "budget.h"

void
budget_init(struct budget *b, double rate, double burst, double now)
{
	*b = (struct budget){rate, burst, burst, now};
}

bool
budget_take(struct budget *b, double now)
{
	if (now > b->at) {
		b->tokens += (now - b->at) * b->rate;
		if (b->tokens > b->burst)
			b->tokens = b->burst;
		b->at = now;
	}
	if (b->tokens < 1)
		return false;
	b->tokens -= 1;
	return true;
}
