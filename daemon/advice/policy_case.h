/*
 * One line of a file of cases: a request and what is expected of policy.
 *
 *	SUBJECT METHOD URL allowed|denied [rule=NAME] [reason=NAME]
 *		[credential=NAME]...	# a comment
 *
 * Pure.
 */
#ifndef SBX_POLICY_CASE_H
#define SBX_POLICY_CASE_H

#include <stdbool.h>
#include <stddef.h>

enum {
	POLICY_CASE_TEXT = 512,
	POLICY_CASE_CREDENTIALS = 8,
	POLICY_CASE_NAMES = 64 * 65, /* of all credentials of a policy */
};

struct policy_case {         /* all borrowed from the line */
	const char *subject; /* a sandbox or a policy */
	const char *method, *url;
	bool allowed;
	const char *rule, *reason; /* NULL: whichever */
	/* "-" stands alone: none goes. */
	const char *credentials[POLICY_CASE_CREDENTIALS];
	size_t credential_count;
};

struct policy_answer { /* borrowed */
	bool allowed;
	const char *reason, *rule, *source;
	char credentials[POLICY_CASE_NAMES]; /* that go, with commas */
};

/*
 * Takes line (changed: words get ends).  1 and *ret; 0 when it holds nothing
 * but blanks and a comment; -EINVAL with what is wrong in reterr.
 */
int policy_case_read(
	char *line, struct policy_case *ret, char reterr[POLICY_CASE_TEXT]);

/* Whether it came as expected; if not, "expected …, got …" is in ret. */
bool policy_case_agrees(const struct policy_case *c,
	const struct policy_answer *answer, char ret[POLICY_CASE_TEXT]);

#endif
