/*
 * What one exchange or tunnel may still use of the limit that its rule has, in
 * the words of a refusal.  Without a limit it may use anything.
 */
#ifndef SBX_ALLOWANCE_H
#define SBX_ALLOWANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy.h"

struct account;
struct sandbox;

struct allowance {
	struct account *account; /* NULL: no limit */
	/* Once something is spent: */
	char why[160];
	unsigned retry_after; /* seconds */
};

/* 0, or -ENOMEM.  limit may be NULL; the sandbox outlives the allowance. */
int allowance_open(struct allowance *a, const struct sandbox *s,
	const struct policy_limit *limit);
void allowance_close(struct allowance *a);

/* Whether something is left of this budget, or of each. */
bool allowance_has(struct allowance *a, enum policy_budget budget);
bool allowance_has_all(struct allowance *a);

void allowance_charge(
	struct allowance *a, enum policy_budget budget, uint64_t n);

#endif
