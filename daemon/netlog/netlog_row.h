/*
 * A decision and its outcome as one row of a table, the host first.
 */
#ifndef SBX_NETLOG_ROW_H
#define SBX_NETLOG_ROW_H

#include <stdbool.h>

#include "netlog_table.h"

struct logline;
struct netlog_pair;

void netlog_row_table(struct netlog_table *ret, size_t screen, bool colour);

/* The row of a pair; one without decision shows its outcome alone. */
void netlog_row_make(const struct netlog_pair *pair, struct netlog_row *ret);

/*
 * Whether this decision is no traffic of the sandbox's own, but about the
 * connection by which the daemon learns which HTTP an origin speaks.
 */
bool netlog_row_is_scout(const struct logline *decision);

/* "api.example.org", "db.example.org:5432", "192.0.2.1:22", "-". */
void netlog_row_host(const struct logline *l, char *ret, size_t size);

#endif
