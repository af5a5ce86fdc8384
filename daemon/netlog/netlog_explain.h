/*
 * One decision told at length: what was asked, what was decided and by which
 * rule, how it ended, and what an operator can do about it.
 */
#ifndef SBX_NETLOG_EXPLAIN_H
#define SBX_NETLOG_EXPLAIN_H

#include <stdbool.h>
#include <stdio.h>

struct netlog_pair;

void netlog_explain(const struct netlog_pair *pair, bool colour, FILE *out);

#endif
