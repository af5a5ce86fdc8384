/*
 * What a change of policy has closed: which connections and requests, and by
 * which rule.  For whoever made the change; the decision log has it too.
 *
 *	{"closed": 1, "list": [{"sandbox": "build-1", "id": "…", "what":
 *	  "request", "host": "a.test", "port": 443, "rule": "build-1.deny[0]",
 *	  "source": "overlay of build-1:1"}]}
 */
#ifndef SBX_RECEIPT_H
#define SBX_RECEIPT_H

#include <stdint.h>

#include <jansson.h>

struct flow;
struct policy_verdict;

struct receipt { /* all zero: nothing was closed */
	uint64_t closed;
	json_t *list; /* of the first hundred; NULL without memory for it */
};

/* what: "request", "connection".  r may be NULL: nobody asks. */
void receipt_add(struct receipt *r, const struct flow *f, const char *what,
	uint64_t id, const struct policy_verdict *by);

/* The same of a request that ended with a credential that it had taken along:
 * "credential NAME" for a rule, "withdrawn" for where that stands. */
void receipt_add_withdrawn(struct receipt *r, const struct flow *f, uint64_t id,
	const char *credential);

/* As above, malloc'd; NULL: out of memory. */
char *receipt_text(const struct receipt *r);
void receipt_done(struct receipt *r);

#endif
