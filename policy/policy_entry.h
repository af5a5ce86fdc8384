/*
 * One entry of `policies:` or `credentials:` by itself: the text of it alone as
 * a document, and a policy's entry as the text that it is known by.
 */
#ifndef SBX_POLICY_ENTRY_H
#define SBX_POLICY_ENTRY_H

#include <stdbool.h>
#include <stddef.h>

#include "report.h"

struct policy;
struct tree;

enum policy_entry_kind { POLICY_ENTRY_POLICY, POLICY_ENTRY_CREDENTIAL };

const char *policy_entry_section(enum policy_entry_kind kind); /* "policies" */
const char *policy_entry_noun(enum policy_entry_kind kind);    /* "policy" */

/*
 * Parses text as it stands under `policies: NAME:` into the tree of a document
 * that has it there and nothing else; its places are those of the text, which
 * is called "policy NAME".  Returns and reports as tree_parse().
 */
int policy_entry_parse(enum policy_entry_kind kind, const char *name,
	const char *text, struct tree **ret, struct report *report);

/*
 * The entry of that name as canonical YAML, a document by itself: `version`,
 * the section, the name, each a line, and from the fourth line on the entry,
 * indented by POLICY_ENTRY_INDENT.  malloc'd; NULL: there is none, or no
 * memory.
 */
enum { POLICY_ENTRY_LINE = 4, POLICY_ENTRY_INDENT = 4 };
char *policy_entry_print(
	const struct policy *p, enum policy_entry_kind kind, const char *name);

/* The same as the text that policy_entry_parse() takes, behind head. */
char *policy_entry_text(const char *document, const char *head);

/* Where it stands; false: there is none of that name. */
bool policy_entry_find(const struct policy *p, enum policy_entry_kind kind,
	const char *name, struct report_mark *ret);

#endif
