/*
 * Stand-ins in a request: which of them its head holds, and what becomes of
 * each.  As with inject.h there is first a plan, made when the request is
 * decided, from which the record names credentials; then, when nothing else
 * will be done to the head, the values.  These go in before those of inject.h,
 * which would be searched too.
 *
 * A stand-in that stands where no binding of its credential is for the request
 * is wrong there, and the request goes nowhere.
 */
#ifndef SBX_SWAP_PLAN_H
#define SBX_SWAP_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "swap_set.h"

struct body_swap_want;
struct http_head;
struct inject_plan;
struct inject_target;
struct keyring;
struct policy_swap;
struct stand_ins;

struct swap_plan { /* sets of stand-ins have a bit for each by its number */
	struct stand_ins *stand_ins; /* a reference; NULL: there are none */
	/* What is done here with each: the policy's; NULL: nothing is. */
	const struct policy_swap *swaps[SWAP_MAX];
	uint32_t bound; /* has a binding here, of whichever kind */
	uint32_t ready; /* may be swapped here, and has a value */
	uint32_t header, query, path; /* is, in this head */
	uint32_t body;                /* will be, should it be in the body */
	uint32_t wrong;               /* is there, and must not be */
	const char *sandbox;          /* the target's */
};

/*
 * request: as the sandbox sent it; stand_ins: its own, not NULL; entitled:
 * values may go with it.  inject: the plan for this request, to whose lists
 * what is swapped and what is skipped is added.  swap_plan_done() undoes it.
 */
void swap_plan(struct swap_plan *p, struct stand_ins *stand_ins,
	const struct inject_target *target, const struct keyring *keyring);
void swap_plan_head(struct swap_plan *p, const struct http_head *request,
	struct inject_plan *inject);
void swap_plan_done(struct swap_plan *p); /* accepts one that is all zeros */

/* The credential of the first in a set; NULL: that is empty. */
const char *swap_plan_first(const struct swap_plan *p, uint32_t set);

/* Adds the credentials of a set to such a list; see inject.h. */
void swap_plan_names(const struct swap_plan *p, uint32_t set, char *list);

/* The credential of one that is wrong there; NULL: none is. */
const char *swap_plan_wrong(const struct swap_plan *p);

/* Likewise in trailers, where none is ever swapped. */
const char *swap_plan_wrong_in(
	const struct swap_plan *p, const struct http_head *trailers);

/* Puts the values in.  0; -ENOKEY when one has gone meanwhile; -E2BIG, -EINVAL,
 * -ENOMEM. */
int swap_plan_apply(const struct swap_plan *p, const struct keyring *keyring,
	struct http_head *head);

/* What becomes of each in the body; the values are the keyring's.  0; -ENOKEY
 * when one has gone meanwhile. */
int swap_plan_body(const struct swap_plan *p, const struct keyring *keyring,
	struct body_swap_want *ret);

/* Whether values go out with it; whether that credential's does. */
bool swap_plan_is_secret(const struct swap_plan *p);
bool swap_plan_has(const struct swap_plan *p, const char *credential);

#endif
