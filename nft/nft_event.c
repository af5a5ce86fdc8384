#include <assert.h>
#include <limits.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>

#include "batch.h"
#include "nft_event.h"
#include "nft_watch.h"
#include "nlmessage.h"

/* In every kind of message the name of the table has the number 1. */
enum { ATTR_TABLE = NFTA_TABLE_NAME };
static_assert(NFTA_CHAIN_TABLE == 1 && NFTA_RULE_TABLE == 1 &&
		      NFTA_SET_TABLE == 1 && NFTA_SET_ELEM_LIST_TABLE == 1 &&
		      NFTA_OBJ_TABLE == 1 && NFTA_FLOWTABLE_TABLE == 1,
	"see above");

static bool
names_our_table(const struct nlmsghdr *nlh)
{
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*head) ||
		head->nfgen_family != NFPROTO_INET)
		return false;
	mnl_attr_for_each(attr, nlh, sizeof(*head))
	{
		if (mnl_attr_get_type(attr) == ATTR_TABLE)
			return mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) ==
				       0 &&
			       strcmp(mnl_attr_get_str(attr), NFT_TABLE) == 0;
	}
	return false;
}

static int
judge_nfnl(const struct nft_event_filter *f, const struct nlmsghdr *nlh)
{
	if (NFNL_SUBSYS_ID(nlh->nlmsg_type) != NFNL_SUBSYS_NFTABLES ||
		NFNL_MSG_TYPE(nlh->nlmsg_type) == NFT_MSG_NEWGEN ||
		nlh->nlmsg_pid == f->own_nfnl)
		return 0;
	return names_our_table(nlh) ? NFT_WATCH_TABLE : 0;
}

/* A rule or route more changes nothing of ours; one less may. */
static int
judge_rtnl(const struct nft_event_filter *f, const struct nlmsghdr *nlh)
{
	if (nlh->nlmsg_type == RTM_DELROUTE)
		return iprule_is_route(nlh, f->names.route_table)
			       ? NFT_WATCH_RULES
			       : 0;
	if (nlh->nlmsg_type != RTM_DELRULE || nlh->nlmsg_pid == f->own_rtnl)
		return 0;
	if (iprule_parse(nlh, &f->names).kind == IPRULE_OTHER)
		return 0;
	return NFT_WATCH_RULES;
}

int
nft_event_judge(const struct nft_event_filter *f, bool nfnl, const void *bytes,
	size_t len)
{
	const struct nlmsghdr *nlh = bytes;
	int rest = len > INT_MAX ? INT_MAX : (int)len;
	int flags = 0;

	for (; nlmessage_ok(nlh, rest); nlh = mnl_nlmsg_next(nlh, &rest))
		flags |= nfnl ? judge_nfnl(f, nlh) : judge_rtnl(f, nlh);
	return flags;
}
