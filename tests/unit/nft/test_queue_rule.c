/* The rule that queues: which queue, and nothing that would let packets by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h> /* for libnftnl */
#include <string.h>

#include <cmocka.h>

#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_NFQUEUE.h>

#include "queue_rule.h"

static struct nftnl_rule *
read_back(enum nft_queue kind, uint16_t queue)
{
	static _Alignas(struct nlmsghdr) char bytes[4096];
	struct nlmsghdr *nlh = nftnl_nlmsg_build_hdr(
		bytes, NFT_MSG_NEWRULE, NFPROTO_INET, 0, 1);
	struct nftnl_rule *rule = nftnl_rule_alloc();

	assert_non_null(rule);
	assert_int_equal(queue_rule_put(nlh, kind, queue), 0);
	assert_int_equal(nftnl_rule_nlmsg_parse(nlh, rule), 0);
	assert_string_equal(
		nftnl_rule_get_str(rule, NFTNL_RULE_TABLE), "sbx_net");
	assert_string_equal(nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN), "gate");
	return rule;
}

static struct nftnl_expr *
only_expression(struct nftnl_rule *rule)
{
	struct nftnl_expr_iter *iter = nftnl_expr_iter_create(rule);
	struct nftnl_expr *e = nftnl_expr_iter_next(iter);

	assert_non_null(e);
	assert_null(nftnl_expr_iter_next(iter));
	nftnl_expr_iter_destroy(iter);
	return e;
}

static void
test_native(void **state)
{
	struct nftnl_rule *rule = read_back(NFT_QUEUE_NATIVE, 15001);
	struct nftnl_expr *e = only_expression(rule);

	(void)state;
	assert_string_equal(nftnl_expr_get_str(e, NFTNL_EXPR_NAME), "queue");
	assert_int_equal(nftnl_expr_get_u16(e, NFTNL_EXPR_QUEUE_NUM), 15001);
	assert_int_equal(nftnl_expr_get_u16(e, NFTNL_EXPR_QUEUE_TOTAL), 1);
	assert_false(nftnl_expr_is_set(e, NFTNL_EXPR_QUEUE_FLAGS) &&
		     nftnl_expr_get_u16(e, NFTNL_EXPR_QUEUE_FLAGS) != 0);
	nftnl_rule_free(rule);
}

static void
test_target(void **state)
{
	struct nftnl_rule *rule = read_back(NFT_QUEUE_TARGET, 7);
	struct nftnl_expr *e = only_expression(rule);
	struct xt_NFQ_info_v3 info;
	uint32_t len = 0;
	const void *bytes = nftnl_expr_get(e, NFTNL_EXPR_TG_INFO, &len);

	(void)state;
	assert_string_equal(nftnl_expr_get_str(e, NFTNL_EXPR_NAME), "target");
	assert_string_equal(
		nftnl_expr_get_str(e, NFTNL_EXPR_TG_NAME), "NFQUEUE");
	assert_int_equal(nftnl_expr_get_u32(e, NFTNL_EXPR_TG_REV), 3);
	assert_int_equal(len, 8); /* what the kernel's own is padded to */
	memcpy(&info, bytes, sizeof(info));
	assert_int_equal(info.queuenum, 7);
	assert_int_equal(info.queues_total, 1);
	assert_int_equal(info.flags, 0);
	nftnl_rule_free(rule);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_native),
		cmocka_unit_test(test_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
