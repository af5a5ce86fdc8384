/* What an event of the kernel says about our table, ip rules and route.  Pure.
 */
#ifndef SBX_NFT_EVENT_H
#define SBX_NFT_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "iprule.h"

struct nft_event_filter {
	uint32_t own_nfnl; /* ports of the sockets whose changes are ours */
	uint32_t own_rtnl;
	struct iprule_names names;
};

/*
 * The messages of one datagram, aligned as a struct nlmsghdr, from the
 * nf_tables group or else from those of ip rules and routes: NFT_WATCH_* or-ed.
 */
int nft_event_judge(const struct nft_event_filter *f, bool nfnl,
	const void *bytes, size_t len);

#endif
