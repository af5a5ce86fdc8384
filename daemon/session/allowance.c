#include "allowance.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "accounts.h"
#include "monotonic.h"
#include "sandbox.h"

int
allowance_open(struct allowance *a, const struct sandbox *s,
	const struct policy_limit *limit)
{
	if (limit == NULL)
		return 0;
	a->account = account_open(s->accounts, limit, monotonic_now());
	return a->account != NULL ? 0 : -ENOMEM;
}

void
allowance_close(struct allowance *a)
{
	account_close(a->account);
	a->account = NULL;
}

bool
allowance_has(struct allowance *a, enum policy_budget budget)
{
	static const char *const names[] = {
		[POLICY_REQUESTS] = "requests",
		[POLICY_UP] = "bytes to the origin",
		[POLICY_DOWN] = "bytes from the origin",
	};
	double seconds;

	if (a->account == NULL ||
		account_has(a->account, budget, monotonic_now(), &seconds))
		return true;
	a->retry_after = (unsigned)fmax(1, ceil(seconds));
	snprintf(a->why, sizeof(a->why),
		"the rule that allows this limits %s, and none are left for "
		"%u seconds",
		names[budget], a->retry_after);
	return false;
}

bool
allowance_has_all(struct allowance *a)
{
	for (int i = 0; i < POLICY_BUDGETS; i++) {
		if (!allowance_has(a, (enum policy_budget)i))
			return false;
	}
	return true;
}

void
allowance_charge(struct allowance *a, enum policy_budget budget, uint64_t n)
{
	if (a->account != NULL)
		account_charge(a->account, budget, n, monotonic_now());
}
