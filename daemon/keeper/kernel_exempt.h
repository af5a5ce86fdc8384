/*
 * What workers may dial although it is denied, in the words of nft.h: the
 * operator's ranges and the resolvers.  Copies.
 */
#ifndef SBX_KERNEL_EXEMPT_H
#define SBX_KERNEL_EXEMPT_H

#include <stddef.h>

#include "nft.h"
#include "settings.h"

struct kernel_side_options;

struct kernel_exempt { /* the resolvers point into it */
	char **ranges;
	size_t range_count;
	char addresses[SETTINGS_SERVERS_MAX][NFT_ADDRESS_SIZE];
	struct nft_resolver resolvers[SETTINGS_SERVERS_MAX];
	size_t resolver_count;
};

/* k is all zero.  0 or -ENOMEM; kernel_exempt_done() in either case. */
int kernel_exempt_init(
	struct kernel_exempt *k, const struct kernel_side_options *o);
void kernel_exempt_done(struct kernel_exempt *k);

#endif
