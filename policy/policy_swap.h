/*
 * Where a stand-in is swapped for its credential's value: the `swap` entries of
 * credentials, compiled.  Part of policy.h's answers, in a header of its own
 * for those who put values into requests.
 */
#ifndef SBX_POLICY_SWAP_H
#define SBX_POLICY_SWAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct policy_set;

enum policy_place { /* where in a request; a set of them */
	POLICY_IN_HEADER = 1,
	POLICY_IN_QUERY = 2,
	POLICY_IN_PATH = 4,
	POLICY_IN_BODY = 8,
};

enum {
	POLICY_PLACES = 4,
	POLICY_STAND_INS_MAX = 16, /* that a policy's credentials have */
};

struct policy_swap { /* one `swap` entry that applies */
	const char *credential;
	unsigned places; /* enum policy_place */
	bool plaintext;  /* may go over plain HTTP */
	bool own;        /* the credential's, as policy_injection's */
	const char *source;
};

/*
 * The swaps for that host and port under this policy: of each credential that
 * the policy lists, its first matching `swap`, in the policy's order.  Writes
 * at most max pointers, returns how many there are.
 */
size_t policy_swaps(const struct policy_set *set, const char *host,
	uint16_t port, const struct policy_swap **ret, size_t max);

/* "header", "query", "path", "body": the i-th place's name, its bit 1 << i. */
const char *policy_place_name(unsigned i);

#endif
