/*
 * What was reached how often: decisions counted by verdict, sandbox, host, via,
 * rule and reason.
 */
#ifndef SBX_NETLOG_SUMMARY_H
#define SBX_NETLOG_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct logline;
struct netlog_summary;

enum {
	/* A sandbox can name any number of hosts; over this many rows the
	 * rest is counted in one row for each verdict. */
	NETLOG_SUMMARY_ROWS = 8192,
};

struct netlog_summary *netlog_summary_new(void);    /* NULL: out of memory */
void netlog_summary_free(struct netlog_summary *s); /* accepts NULL */

/*
 * Counts a decision; with an outcome, that is not empty, its verdict and
 * reason stand for the decision's.  0 or -ENOMEM.
 */
int netlog_summary_add(struct netlog_summary *s, const struct logline *decision,
	const struct logline *outcome);

/* The table, denied first; nothing can be added afterwards. */
void netlog_summary_print(
	struct netlog_summary *s, size_t screen, bool colour, FILE *out);

#endif
