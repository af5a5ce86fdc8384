/*
 * What one exchange or tunnel may still use of the limits that count it: its
 * rule's and its sandbox's.  In the words of a refusal, and with the name of
 * the one that is spent.  Without a limit it may use anything.
 */
#ifndef SBX_ALLOWANCE_H
#define SBX_ALLOWANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy.h"

struct account;
struct sandbox;

enum allowance_of { ALLOWANCE_RULE, ALLOWANCE_SANDBOX, ALLOWANCES };

struct allowance {
	const struct sandbox *sandbox;
	struct account *accounts[ALLOWANCES]; /* NULL: no limit */
	/* Once something is spent: */
	enum allowance_of spent;
	char why[256];
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

/* Once something is spent: verdict, with the name of what limits it as its
 * rule.  As long as verdict, and while the sandbox's rules are the same. */
struct policy_verdict allowance_verdict(
	const struct allowance *a, const struct policy_verdict *verdict);

#endif
