/*
 * Asks name servers for all addresses of one name, and waits for the answers:
 * for a command line.
 */
#ifndef SBX_CLI_RESOLVE_H
#define SBX_CLI_RESOLVE_H

#include <stddef.h>

#include "span.h"

struct cli_resolved {
	char addresses[2048]; /* with commas between; "" for none */
	char error[256];
};

/*
 * servers: as resolver_new() takes them; roots: what those over TLS are
 * verified with, PEM.  0 and ret->addresses, as many as
 * there is room for; or -errno with a line in ret->error.
 */
int cli_resolve(const char *const *servers, size_t count, struct span roots,
	const char *host, struct cli_resolved *ret);

#endif
