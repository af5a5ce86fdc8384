/*
 * What is left of the limits of one sandbox: an account for each allow rule
 * with a `limit`, known by the rule's text, so that a reload which leaves the
 * rule alone leaves its account alone.  Pure; time is a parameter, in seconds
 * on a clock that does not go back.
 */
#ifndef SBX_ACCOUNTS_H
#define SBX_ACCOUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "policy.h"

struct account;
struct accounts;

enum {
	ACCOUNTS_IDLE_MAX = 1024, /* accounts that nobody uses just now */
};

struct accounts *accounts_new(void); /* NULL: out of memory */

/* Accepts NULL.  No account may be in use. */
void accounts_free(struct accounts *l);

/*
 * The account of that limit, for account_close(); a new one is full.  The limit
 * is copied.  NULL: out of memory.
 */
struct account *account_open(
	struct accounts *l, const struct policy_limit *limit, double now);
void account_close(struct account *a); /* accepts NULL */

/* Whether anything is left of that budget; if not, how long until it is. */
bool account_has(struct account *a, enum policy_budget budget, double now,
	double *ret_seconds);

/* Takes n of that budget, more than there is if need be. */
void account_charge(
	struct account *a, enum policy_budget budget, uint64_t n, double now);

#endif
