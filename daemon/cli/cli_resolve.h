/*
 * Asks name servers for all addresses of one name, and waits for the answers:
 * for a command line.
 */
#ifndef SBX_CLI_RESOLVE_H
#define SBX_CLI_RESOLVE_H

#include <stddef.h>

/*
 * servers: as resolver_new() takes them.  0 and in ret the addresses with
 * commas between ("" if it has none), cut to size; or -errno with a line in
 * reterr.
 */
int cli_resolve(const char *const *servers, size_t count, const char *host,
	char *ret, size_t size, char *reterr, size_t reterr_size);

#endif
