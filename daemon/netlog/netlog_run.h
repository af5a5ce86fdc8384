/*
 * sbx-netlog between its command line and its exit code.
 */
#ifndef SBX_NETLOG_RUN_H
#define SBX_NETLOG_RUN_H

struct netlog_options;

/* Returns the exit code; whatever went wrong has been said on stderr. */
int netlog_run(const struct netlog_options *options);

#endif
