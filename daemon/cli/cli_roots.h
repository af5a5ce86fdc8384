/*
 * The roots that a sandbox's bundle begins with: those of the daemon or, where
 * it has none of its own, those of this host.
 */
#ifndef SBX_CLI_ROOTS_H
#define SBX_CLI_ROOTS_H

#include <stddef.h>

struct control_client;

/* 0 and PEM text in *ret, the caller's; or -errno with a line in reterr. */
int cli_get_roots(
	struct control_client *c, char **ret, char *reterr, size_t size);

#endif
