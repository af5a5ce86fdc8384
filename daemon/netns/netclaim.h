/*
 * The claim of a daemon to the network namespace it runs in: its listeners
 * share their port with whoever is root as well (SO_REUSEPORT), and the rules
 * are there once, so a second daemon would take the first one's connections
 * and sandboxes away.
 */
#ifndef SBX_NETCLAIM_H
#define SBX_NETCLAIM_H

#include <stddef.h>

/*
 * In the caller's namespace.  Returns an fd that holds the claim until it is
 * closed, and is closed by exec; -EBUSY another has it; -errno.  One line of
 * text in reterr.
 */
int netclaim_open(char *reterr, size_t reterr_size);

#endif
