/*
 * nft_check.c - does everything still stand?
 *
 * What is looked for is what a restarted firewall, a hand on the wrong
 * terminal or another daemon takes away: the table, a chain, its hook, rules,
 * elements, ip rules, routes.  The rules are counted, not compared: who edits
 * one on purpose is told by the watch.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <net/if.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "batch.h"
#include "nft_shape.h"
#include "nft_state.h"
#include "nlsock.h"

/* The same chains as in sbx-net.nft, with as many rules: a test compares. */
const struct nft_chain nft_shape[NFT_CHAINS + 1] = {
	{"arrival", NF_INET_PRE_ROUTING, -160, 3},
	{"prerouting", NF_INET_PRE_ROUTING, -159, 3},
	{"egress", NFT_NO_HOOK, 0, 17},
	{"pinned", NFT_NO_HOOK, 0, 5},
	{NFT_GATE_CHAIN, NFT_NO_HOOK, 0, 0},
	{"input", NF_INET_LOCAL_IN, 0, 3},
	{"to_host", NFT_NO_HOOK, 0, 4},
	{"forward", NF_INET_FORWARD, -5, 8},
	{"postrouting", NF_INET_POST_ROUTING, 100, 1},
	{"output", NF_INET_LOCAL_OUT, 0, 3},
	{"worker_dials", NFT_NO_HOOK, 0, 7},
	{NULL, 0, 0, 0},
};

struct seen {
	bool chain[NFT_CHAINS];
	int rules[NFT_CHAINS];
	bool has_cage;
	char cage[NFT_CAGE_SIZE];
};

static int
chain_index(const char *table, const char *name)
{
	if (table == NULL || name == NULL || strcmp(table, NFT_TABLE) != 0)
		return -1;
	for (int i = 0; nft_shape[i].name != NULL; i++) {
		if (strcmp(nft_shape[i].name, name) == 0)
			return i;
	}
	return -1;
}

static void
see_chain(struct seen *seen, const struct nftnl_chain *c)
{
	int i = chain_index(nftnl_chain_get_str(c, NFTNL_CHAIN_TABLE),
		nftnl_chain_get_str(c, NFTNL_CHAIN_NAME));
	uint32_t hook = NFT_NO_HOOK;
	int32_t priority = 0;

	if (i < 0)
		return;
	if (nftnl_chain_is_set(c, NFTNL_CHAIN_HOOKNUM)) {
		hook = nftnl_chain_get_u32(c, NFTNL_CHAIN_HOOKNUM);
		priority = nftnl_chain_get_s32(c, NFTNL_CHAIN_PRIO);
	}
	seen->chain[i] =
		hook == nft_shape[i].hook && priority == nft_shape[i].priority;
}

static int
on_chain(const struct nlmsghdr *nlh, void *arg)
{
	struct nftnl_chain *c = nftnl_chain_alloc();

	if (c == NULL)
		return -ENOMEM;
	if (nftnl_chain_nlmsg_parse(nlh, c) == 0)
		see_chain(arg, c);
	nftnl_chain_free(c);
	return 0;
}

/* sbx-net-setup keeps its --cage in the comment of a rule. */
static int
on_udata(const struct nftnl_udata *attr, void *arg)
{
	static const char before[] = "cage ";
	const char *text = nftnl_udata_get(attr);
	uint8_t len = nftnl_udata_len(attr);
	struct seen *seen = arg;

	if (nftnl_udata_type(attr) != NFTNL_UDATA_RULE_COMMENT || len == 0 ||
		text[len - 1] != '\0' ||
		strncmp(text, before, strlen(before)) != 0 ||
		strlen(text + strlen(before)) >= sizeof(seen->cage))
		return 0;
	snprintf(seen->cage, sizeof(seen->cage), "%s", text + strlen(before));
	seen->has_cage = true;
	return 0;
}

/* Only the names: an expression that libnftnl does not know is a rule too. */
static int
on_rule(const struct nlmsghdr *nlh, void *arg)
{
	const char *table = NULL, *chain = NULL;
	const struct nlattr *attr, *udata = NULL;
	struct seen *seen = arg;
	int i;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) == NFTA_RULE_USERDATA)
			udata = attr;
		if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) < 0)
			continue;
		if (mnl_attr_get_type(attr) == NFTA_RULE_TABLE)
			table = mnl_attr_get_str(attr);
		if (mnl_attr_get_type(attr) == NFTA_RULE_CHAIN)
			chain = mnl_attr_get_str(attr);
	}
	i = chain_index(table, chain);
	if (i >= 0 && seen->rules[i] < INT_MAX)
		seen->rules[i]++;
	if (i >= 0 && udata != NULL)
		nftnl_udata_parse(mnl_attr_get_payload(udata),
			mnl_attr_get_payload_len(udata), on_udata, seen);
	return 0;
}

static int
look(struct nft *nft, uint16_t type, nlsock_each *each, struct seen *seen)
{
	enum { TRIES = 5 };
	_Alignas(struct nlmsghdr) char bytes[256];
	int r = -EINTR;

	for (int i = 0; i < TRIES && r == -EINTR; i++) {
		struct nlmsghdr *nlh =
			nftnl_nlmsg_build_hdr(bytes, type, NFPROTO_INET, 0, 0);

		memset(type == NFT_MSG_GETCHAIN ? (void *)seen->chain
						: (void *)seen->rules,
			0,
			type == NFT_MSG_GETCHAIN ? sizeof(seen->chain)
						 : sizeof(seen->rules));
		if (type == NFT_MSG_GETRULE)
			mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, NFT_TABLE);
		r = nlsock_dump(nft->nfnl, nlh, each, seen);
	}
	return r;
}

int
nft_gate_rules(struct nft *nft, int *ret)
{
	int gate = chain_index(NFT_TABLE, NFT_GATE_CHAIN);
	struct seen seen = {0};
	int r = look(nft, NFT_MSG_GETCHAIN, on_chain, &seen);

	if (r == 0)
		r = look(nft, NFT_MSG_GETRULE, on_rule, &seen);
	if (r == 0 && !seen.chain[gate])
		r = -ENOENT;
	if (r == 0)
		*ret = seen.rules[gate];
	return r;
}

/* The rule of an earlier daemon may be in the gate before ours is asked for. */
static bool
has_its_rules(const struct nft *nft, const struct nft_chain *chain, int rules)
{
	if (strcmp(chain->name, NFT_GATE_CHAIN) != 0)
		return rules == chain->rules;
	return nft->gate.wanted ? rules == 1 : rules <= 1;
}

static int
check_rules(struct nft *nft, char *reterr, size_t size)
{
	struct seen seen = {0};
	int r = look(nft, NFT_MSG_GETCHAIN, on_chain, &seen);

	if (r == 0)
		r = look(nft, NFT_MSG_GETRULE, on_rule, &seen);
	if (r < 0) {
		snprintf(reterr, size, "cannot read the table: %s",
			strerror(-r));
		return r;
	}
	if (seen.has_cage) {
		memcpy(nft->cage, seen.cage, sizeof(nft->cage));
		nft->has_cage = true;
	}
	for (int i = 0; i < NFT_CHAINS; i++) {
		if (seen.chain[i] &&
			has_its_rules(nft, &nft_shape[i], seen.rules[i]))
			continue;
		snprintf(reterr, size, "table inet " NFT_TABLE ": chain %s %s",
			nft_shape[i].name,
			seen.chain[i] ? "has not the rules of ours"
				      : "is not there or has another hook");
		return -ENOENT;
	}
	return 0;
}

static bool
is_of_cages(enum element_set set)
{
	return set == SET_IFACES || set == SET_CAGES;
}

/* The i-th of the ledger for that set; key_len 0: none. */
static struct element
wanted(const struct ledger *l, enum element_set set, size_t i)
{
	struct element e = {.set = SET_CAGES};

	if (set == SET_IFACES)
		return l->cages[i].interface;
	if (set != SET_CAGES)
		return l->sources[i];
	if (l->cages[i].ifindex != 0)
		element_of_index(l->cages[i].ifindex, &e);
	return e;
}

static const char *
interface_of(const struct ledger *l, enum element_set set, size_t i)
{
	const struct element *e =
		is_of_cages(set) ? &l->cages[i].interface : &l->sources[i];

	return (const char *)e->key;
}

/* Every element of the ledger is in the kernel's set. */
static int
check_set(struct nft *nft, enum element_set set, char *reterr, size_t size)
{
	const struct ledger *l = &nft->ledger;
	size_t n = is_of_cages(set) ? l->cage_count : l->source_count;
	struct element *held = NULL, e;
	size_t count = 0;
	int r = nft_dump_set(nft, set, &held, &count);

	if (r < 0) {
		snprintf(reterr, size, "cannot read the set %s: %s",
			element_set_name(set), strerror(-r));
		return r;
	}
	for (size_t i = 0; r == 0 && i < n; i++) {
		e = wanted(l, set, i);
		if (e.set != set || e.key_len == 0 ||
			(count > 0 && bsearch(&e, held, count, sizeof(e),
					      element_compare) != NULL))
			continue;
		snprintf(reterr, size, "the set %s lacks an element of %.15s",
			element_set_name(set), interface_of(l, set, i));
		r = -ENOENT;
	}
	free(held);
	return r;
}

struct routing {
	const struct nft *nft;
	bool main_seen;
	bool mark_seen;
	bool gate_seen;
	struct ledger guarded;
};

static int
on_ip_rule(const struct iprule *rule, void *arg)
{
	struct routing *seen = arg;
	struct element e;
	int r;

	if (rule->kind == IPRULE_MAIN)
		seen->main_seen = true;
	if (rule->kind == IPRULE_MARK)
		seen->mark_seen = true;
	if (rule->kind == IPRULE_GATE)
		seen->gate_seen = true;
	if (rule->kind != IPRULE_PROHIBIT ||
		element_of_interface(rule->interface, &e) < 0)
		return 0;
	r = ledger_reserve(&seen->guarded, 0);
	if (r == 0)
		ledger_adopt(&seen->guarded, &e);
	return r;
}

/* NULL: all there. */
static const char *
what_lacks(const struct routing *seen)
{
	const struct ledger *l = &seen->nft->ledger;

	if (!seen->main_seen)
		return "99, iif lo fwmark, lookup main";
	if (!seen->mark_seen)
		return "100, fwmark, lookup our table";
	if (!seen->gate_seen)
		return "150, fwmark of the gate, lookup main";
	for (size_t i = 0; i < l->cage_count; i++) {
		if (ledger_cage(&seen->guarded, &l->cages[i].interface) == NULL)
			return "200, iif, prohibit, of a sandbox's interface";
	}
	return NULL;
}

static int
check_routing(struct nft *nft, int family, char *reterr, size_t size)
{
	struct routing seen = {.nft = nft};
	char version = family == AF_INET ? '4' : '6';
	const char *lacks = NULL;
	int r = iprule_dump(nft->rtnl, family, &nft->names, on_ip_rule, &seen);

	if (r == 0)
		lacks = what_lacks(&seen);
	ledger_done(&seen.guarded);
	if (lacks != NULL) {
		snprintf(reterr, size, "ip -%c rule %s is missing", version,
			lacks);
		return -ENOENT;
	}
	if (r == 0)
		r = iprule_has_route(nft->rtnl, family, nft->names.route_table);
	if (r < 0) {
		snprintf(reterr, size, "cannot read the routing of IPv%c: %s",
			version, strerror(-r));
		return r;
	}
	if (r == 0) {
		snprintf(reterr, size,
			"ip -%c route: table %u has no local route to lo",
			version, nft->names.route_table);
		return -ENOENT;
	}
	return 0;
}

int
nft_check(struct nft *nft, char *reterr, size_t size)
{
	int r = check_rules(nft, reterr, size);

	for (int set = SET_IFACES; r == 0 && set <= SET_CAGES; set++)
		r = check_set(nft, set, reterr, size);
	if (r == 0)
		r = check_routing(nft, AF_INET, reterr, size);
	if (r == 0 && iprule_has_v6())
		r = check_routing(nft, AF_INET6, reterr, size);
	return r;
}

const char *
nft_cage_names(const struct nft *nft)
{
	return nft->has_cage ? nft->cage : NULL;
}
