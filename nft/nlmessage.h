/*
 * Is there a whole netlink message?  As mnl_nlmsg_ok(), which takes a length
 * over 2 GiB for a negative one and lets it pass.
 */
#ifndef SBX_NLMESSAGE_H
#define SBX_NLMESSAGE_H

#include <stdbool.h>

#include <linux/netlink.h>

static inline bool
nlmessage_ok(const struct nlmsghdr *nlh, int rest)
{
	return rest >= (int)sizeof(*nlh) && nlh->nlmsg_len >= sizeof(*nlh) &&
	       nlh->nlmsg_len <= (unsigned)rest;
}

#endif
