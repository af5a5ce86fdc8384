/*
 * From what the log shows as denied to the rules that would allow it, and to
 * what no rule can allow, with the reason.
 */
#ifndef SBX_NETLOG_SUGGEST_H
#define SBX_NETLOG_SUGGEST_H

#include <stdio.h>

struct logline;
struct netlog_suggest;

enum {
	NETLOG_SUGGEST_ROWS = 512, /* of what no rule can allow */
};

struct netlog_suggest *netlog_suggest_new(void);    /* NULL: out of memory */
void netlog_suggest_free(struct netlog_suggest *s); /* accepts NULL */

/*
 * A decision and its outcome, which may be empty.  What was allowed and went
 * well is not looked at.  0 or -ENOMEM.
 */
int netlog_suggest_add(struct netlog_suggest *s, const struct logline *decision,
	const struct logline *outcome);

/*
 * YAML that can be pasted into a document: rules, and the rest as comments.
 * Nothing can be added afterwards.  0 or -ENOMEM.
 */
int netlog_suggest_print(struct netlog_suggest *s, FILE *out);

#endif
