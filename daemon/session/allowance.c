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
	const struct policy_limit *limits[ALLOWANCES] = {
		[ALLOWANCE_RULE] = limit,
		[ALLOWANCE_SANDBOX] = own_limit_get(&s->limit),
	};

	a->sandbox = s;
	for (int i = 0; i < ALLOWANCES; i++) {
		if (limits[i] == NULL)
			continue;
		a->accounts[i] =
			account_open(s->accounts, limits[i], monotonic_now());
		if (a->accounts[i] == NULL) {
			allowance_close(a);
			return -ENOMEM;
		}
	}
	return 0;
}

void
allowance_close(struct allowance *a)
{
	for (int i = 0; i < ALLOWANCES; i++) {
		account_close(a->accounts[i]);
		a->accounts[i] = NULL;
	}
}

static void
explain(struct allowance *a, enum allowance_of of, enum policy_budget budget,
	double seconds)
{
	static const char *const names[] = {
		[POLICY_REQUESTS] = "requests",
		[POLICY_UP] = "bytes to the origin",
		[POLICY_DOWN] = "bytes from the origin",
	};
	static const char *const whose[] = {
		[ALLOWANCE_RULE] = "the rule that allows this limits",
		[ALLOWANCE_SANDBOX] = "the sandbox has a limit of",
	};

	bool own = of == ALLOWANCE_SANDBOX && a->sandbox->limit.source != NULL;

	a->spent = of;
	a->retry_after = (unsigned)fmax(1, ceil(seconds));
	snprintf(a->why, sizeof(a->why),
		"%s %s, and none are left for %u seconds%s%s%s", whose[of],
		names[budget], a->retry_after, own ? " (" : "",
		own ? a->sandbox->limit.source : "", own ? ")" : "");
}

bool
allowance_has(struct allowance *a, enum policy_budget budget)
{
	double seconds;

	for (int i = 0; i < ALLOWANCES; i++) {
		if (a->accounts[i] == NULL ||
			account_has(a->accounts[i], budget, monotonic_now(),
				&seconds))
			continue;
		explain(a, (enum allowance_of)i, budget, seconds);
		return false;
	}
	return true;
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
	for (int i = 0; i < ALLOWANCES; i++) {
		if (a->accounts[i] != NULL)
			account_charge(
				a->accounts[i], budget, n, monotonic_now());
	}
}

struct policy_verdict
allowance_verdict(
	const struct allowance *a, const struct policy_verdict *verdict)
{
	const struct own_limit *own = &a->sandbox->limit;
	struct policy_verdict v = *verdict;

	/* A change may have taken it away since it was spent. */
	if (a->spent == ALLOWANCE_SANDBOX && own->rule != NULL) {
		v.rule = own->rule;
		v.source = own->source;
	}
	return v;
}
