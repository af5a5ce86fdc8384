/* The rule that queues, as a netlink message.  Pure. */
#ifndef SBX_QUEUE_RULE_H
#define SBX_QUEUE_RULE_H

#include <stdint.h>

#include "nft_gate.h"

struct nlmsghdr;

/* Behind the head of a NFT_MSG_NEWRULE: 0 or -ENOMEM. */
int queue_rule_put(struct nlmsghdr *nlh, enum nft_queue kind, uint16_t queue);

#endif
