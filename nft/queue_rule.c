#include <assert.h>
#include <errno.h>
#include <stdio.h> /* for libnftnl */
#include <stdlib.h>
#include <string.h>

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_NFQUEUE.h>

#include "batch.h"
#include "nft_shape.h"
#include "queue_rule.h"

enum { TARGET_REVISION = 3, QUEUES = 1 };

/* No flags in either: not NFT_QUEUE_FLAG_BYPASS, not NFQ_FLAG_BYPASS. */

static struct nftnl_expr *
native(uint16_t queue)
{
	struct nftnl_expr *e = nftnl_expr_alloc("queue");

	if (e == NULL)
		return NULL;
	nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_NUM, queue);
	nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_TOTAL, QUEUES);
	return e;
}

/* The kernel compares the size of what a target is told with its own. */
static struct nftnl_expr *
target(uint16_t queue)
{
	struct nftnl_expr *e = nftnl_expr_alloc("target");
	struct xt_NFQ_info_v3 *info = calloc(1, XT_ALIGN(sizeof(*info)));

	if (e == NULL || info == NULL)
		goto fail;
	info->queuenum = queue;
	info->queues_total = QUEUES;
	if (nftnl_expr_set_str(e, NFTNL_EXPR_TG_NAME, "NFQUEUE") < 0)
		goto fail;
	nftnl_expr_set_u32(e, NFTNL_EXPR_TG_REV, TARGET_REVISION);
	if (nftnl_expr_set(
		    e, NFTNL_EXPR_TG_INFO, info, XT_ALIGN(sizeof(*info))) < 0)
		goto fail;
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the expression has it */
	return e;
fail:
	free(info);
	if (e != NULL)
		nftnl_expr_free(e);
	return NULL;
}

int
queue_rule_put(struct nlmsghdr *nlh, enum nft_queue kind, uint16_t queue)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct nftnl_expr *e = NULL;

	assert(kind != NFT_QUEUE_NONE);
	if (rule != NULL)
		e = kind == NFT_QUEUE_NATIVE ? native(queue) : target(queue);
	if (e == NULL ||
		nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, NFT_TABLE) < 0 ||
		nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, NFT_GATE_CHAIN) <
			0) {
		if (e != NULL)
			nftnl_expr_free(e);
		if (rule != NULL)
			nftnl_rule_free(rule);
		return -ENOMEM;
	}
	nftnl_rule_set_u32(rule, NFTNL_RULE_FAMILY, NFPROTO_INET);
	nftnl_rule_add_expr(rule, e);
	nftnl_rule_nlmsg_build_payload(nlh, rule);
	nftnl_rule_free(rule);
	return 0;
}
