#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "nft.h"
#include "nft_event.h"
#include "nft_watch.h"

enum { OWN = 100, OTHER = 200 };

static const struct nft_event_filter filter = {
	.own_nfnl = OWN,
	.own_rtnl = OWN,
	.names = {0x2, 0x2, 0x4, 15001},
};

static void
test_tables(void **state)
{
	static const struct {
		uint16_t type;
		uint8_t family;
		const char *table;
		uint32_t port;
		int want;
		const char *why;
	} cases[] = {
		{NFT_MSG_DELTABLE, NFPROTO_INET, "sbx_net", OTHER,
			NFT_WATCH_TABLE, "nft flush ruleset"},
		{NFT_MSG_DELRULE, NFPROTO_INET, "sbx_net", OTHER,
			NFT_WATCH_TABLE, "a rule less"},
		{NFT_MSG_NEWRULE, NFPROTO_INET, "sbx_net", OTHER,
			NFT_WATCH_TABLE, "a rule more may be an accept"},
		{NFT_MSG_DELSETELEM, NFPROTO_INET, "sbx_net", OTHER,
			NFT_WATCH_TABLE, "an element less"},
		{NFT_MSG_DELCHAIN, NFPROTO_INET, "sbx_net", OTHER,
			NFT_WATCH_TABLE, "a chain less"},
		{NFT_MSG_NEWSETELEM, NFPROTO_INET, "sbx_net", OWN, 0,
			"that was ourselves"},
		{NFT_MSG_DELTABLE, NFPROTO_INET, "sbx_net2", OTHER, 0,
			"another table"},
		{NFT_MSG_DELTABLE, NFPROTO_INET, "sbx_ne", OTHER, 0,
			"another table"},
		{NFT_MSG_DELTABLE, NFPROTO_IPV4, "sbx_net", OTHER, 0,
			"another family"},
		{NFT_MSG_NEWGEN, NFPROTO_INET, "sbx_net", OTHER, 0,
			"each commit of anybody"},
		{NFT_MSG_DELTABLE, NFPROTO_INET, NULL, OTHER, 0, "no name"},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_Alignas(struct nlmsghdr) char bytes[256];
		struct nlmsghdr *nlh = mnl_nlmsg_put_header(bytes);
		struct nfgenmsg *head;

		nlh->nlmsg_type =
			(uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | cases[i].type);
		nlh->nlmsg_pid = cases[i].port;
		head = mnl_nlmsg_put_extra_header(nlh, sizeof(*head));
		head->nfgen_family = cases[i].family;
		if (cases[i].table != NULL)
			mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, cases[i].table);
		if (nft_event_judge(&filter, true, bytes, nlh->nlmsg_len) !=
			cases[i].want)
			fail_msg("%s", cases[i].why);
		/* Cut anywhere, it is no event and no overrun. */
		for (uint32_t len = 0; len < nlh->nlmsg_len; len++)
			assert_int_equal(
				nft_event_judge(&filter, true, bytes, len), 0);
	}
}

struct rule {
	uint16_t type;
	uint8_t action;
	uint32_t priority, mark, mask, table;
	const char *interface;
	uint32_t port;
};

static size_t
put_rule(const struct rule *r, char *bytes)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(bytes);
	struct fib_rule_hdr *head;

	nlh->nlmsg_type = r->type;
	nlh->nlmsg_pid = r->port;
	head = mnl_nlmsg_put_extra_header(nlh, sizeof(*head));
	head->family = AF_INET;
	head->action = r->action;
	mnl_attr_put_u32(nlh, FRA_PRIORITY, r->priority);
	if (r->interface != NULL)
		mnl_attr_put_strz(nlh, FRA_IIFNAME, r->interface);
	if (r->mask != 0) {
		mnl_attr_put_u32(nlh, FRA_FWMARK, r->mark);
		mnl_attr_put_u32(nlh, FRA_FWMASK, r->mask);
	}
	mnl_attr_put_u32(nlh, FRA_TABLE, r->table);
	return nlh->nlmsg_len;
}

#define DEL RTM_DELRULE
#define TO_TABLE FR_ACT_TO_TBL

static void
test_ip_rules(void **state)
{
	static const struct {
		struct rule rule;
		int want;
		const char *why;
	} cases[] = {
		{{DEL, FR_ACT_PROHIBIT, 200, 0, 0, 0, "v0", OTHER},
			NFT_WATCH_RULES, "a prohibit rule less"},
		{{DEL, TO_TABLE, 99, 2, 2, RT_TABLE_MAIN, "lo", OTHER},
			NFT_WATCH_RULES, "the rule for src_valid_mark"},
		{{DEL, TO_TABLE, 100, 2, 2, 15001, NULL, OTHER},
			NFT_WATCH_RULES, "the rule to our table"},
		{{DEL, FR_ACT_PROHIBIT, 200, 0, 0, 0, "v0", OWN}, 0,
			"that was ourselves"},
		{{RTM_NEWRULE, FR_ACT_PROHIBIT, 200, 0, 0, 0, "v0", OTHER}, 0,
			"one more hurts nobody"},
		{{DEL, FR_ACT_PROHIBIT, 201, 0, 0, 0, "v0", OTHER}, 0,
			"another preference"},
		{{DEL, FR_ACT_PROHIBIT, 200, 0, 0, 0, NULL, OTHER}, 0,
			"of no interface"},
		{{DEL, FR_ACT_PROHIBIT, 200, 1, 1, 0, "v0", OTHER}, 0,
			"only for a mark"},
		{{DEL, TO_TABLE, 100, 4, 4, 15001, NULL, OTHER}, 0,
			"another mark"},
		{{DEL, TO_TABLE, 100, 2, 6, 15001, NULL, OTHER}, 0,
			"another mask"},
		{{DEL, TO_TABLE, 100, 2, 2, 15002, NULL, OTHER}, 0,
			"another table"},
		{{DEL, TO_TABLE, 99, 2, 2, RT_TABLE_MAIN, NULL, OTHER}, 0,
			"for all interfaces"},
		{{DEL, FR_ACT_PROHIBIT, 200, 0, 0, 0, "sixteen-and-more-bytes",
			 OTHER},
			0, "no interface has that name"},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_Alignas(struct nlmsghdr) char bytes[256];
		size_t len = put_rule(&cases[i].rule, bytes);

		if (nft_event_judge(&filter, false, bytes, len) !=
			cases[i].want)
			fail_msg("%s", cases[i].why);
		for (size_t cut = 0; cut < len; cut++)
			assert_int_equal(
				nft_event_judge(&filter, false, bytes, cut), 0);
	}
}

static void
test_routes(void **state)
{
	static const struct {
		uint16_t type;
		uint8_t kind, len;
		uint32_t table;
		int want;
		const char *why;
	} cases[] = {
		{RTM_DELROUTE, RTN_LOCAL, 0, 15001, NFT_WATCH_RULES,
			"what delivers to us is gone"},
		{RTM_NEWROUTE, RTN_LOCAL, 0, 15001, 0, "one more"},
		{RTM_DELROUTE, RTN_LOCAL, 32, 15001, 0, "of one address"},
		{RTM_DELROUTE, RTN_UNICAST, 0, 15001, 0, "a way elsewhere"},
		{RTM_DELROUTE, RTN_LOCAL, 0, 255, 0, "another table"},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_Alignas(struct nlmsghdr) char bytes[256];
		struct nlmsghdr *nlh = mnl_nlmsg_put_header(bytes);
		struct rtmsg *rt;

		nlh->nlmsg_type = cases[i].type;
		nlh->nlmsg_pid = OTHER;
		rt = mnl_nlmsg_put_extra_header(nlh, sizeof(*rt));
		rt->rtm_type = cases[i].kind;
		rt->rtm_dst_len = cases[i].len;
		mnl_attr_put_u32(nlh, RTA_TABLE, cases[i].table);
		if (nft_event_judge(&filter, false, bytes, nlh->nlmsg_len) !=
			cases[i].want)
			fail_msg("%s", cases[i].why);
		for (size_t cut = 0; cut < nlh->nlmsg_len; cut++)
			assert_int_equal(
				nft_event_judge(&filter, false, bytes, cut), 0);
	}
}

/* What is added is what is recognised. */
static void
test_prohibit_round_trip(void **state)
{
	_Alignas(struct nlmsghdr) char bytes[IPRULE_MESSAGE_SIZE];
	struct iprule rule;
	struct nlmsghdr *nlh;
	(void)state;

	nlh = iprule_prohibit(bytes, AF_INET6, "sbx-0123456789a", true);
	assert_int_equal(nlh->nlmsg_type, RTM_NEWRULE);
	assert_true(nlh->nlmsg_flags & NLM_F_EXCL);
	assert_in_range(nlh->nlmsg_len, 1, IPRULE_MESSAGE_SIZE);
	rule = iprule_parse(nlh, &filter.names);
	assert_int_equal(rule.kind, IPRULE_PROHIBIT);
	assert_string_equal(rule.interface, "sbx-0123456789a");

	nlh = iprule_prohibit(bytes, AF_INET, "v0", false);
	assert_int_equal(nlh->nlmsg_type, RTM_DELRULE);
	assert_false(nlh->nlmsg_flags & NLM_F_CREATE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_ip_rules),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_prohibit_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
