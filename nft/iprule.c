#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <net/if.h>

#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "iprule.h"
#include "nft.h"
#include "nlsock.h"

struct nlmsghdr *
iprule_prohibit(char bytes[static IPRULE_MESSAGE_SIZE], int family,
	const char *interface, bool add)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(bytes);
	struct fib_rule_hdr *rule;

	nlh->nlmsg_type = add ? RTM_NEWRULE : RTM_DELRULE;
	nlh->nlmsg_flags = add ? NLM_F_CREATE | NLM_F_EXCL : 0;
	rule = mnl_nlmsg_put_extra_header(nlh, sizeof(*rule));
	rule->family = (uint8_t)family;
	rule->action = FR_ACT_PROHIBIT;
	mnl_attr_put_u32(nlh, FRA_PRIORITY, NFT_PREF_PROHIBIT);
	mnl_attr_put_strz(nlh, FRA_IIFNAME, interface);
	/* systemd-networkd deletes the rules of all others but the kernel. */
	mnl_attr_put_u8(nlh, FRA_PROTOCOL, RTPROT_KERNEL);
	return nlh;
}

struct parsed {
	uint32_t priority;
	uint32_t mark;
	uint32_t mask;
	uint32_t table;
	char interface[IPRULE_NAME_SIZE];
};

static int
take_attr(const struct nlattr *attr, void *arg)
{
	struct parsed *p = arg;
	uint32_t *number = NULL;

	switch (mnl_attr_get_type(attr)) {
	case FRA_PRIORITY:
		number = &p->priority;
		break;
	case FRA_FWMARK:
		number = &p->mark;
		break;
	case FRA_FWMASK:
		number = &p->mask;
		break;
	case FRA_TABLE:
		number = &p->table;
		break;
	case FRA_IIFNAME:
		if (mnl_attr_get_payload_len(attr) <= sizeof(p->interface) &&
			mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
			memcpy(p->interface, mnl_attr_get_payload(attr),
				mnl_attr_get_payload_len(attr));
		break;
	default:
		break;
	}
	if (number != NULL && mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
		*number = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static enum iprule_kind
kind_of(const struct parsed *p, uint8_t action,
	const struct iprule_names *names)
{
	bool marked = p->mark == names->mark && p->mask == names->mask;

	if (action == FR_ACT_PROHIBIT && p->priority == NFT_PREF_PROHIBIT &&
		p->interface[0] != '\0' && p->mask == 0)
		return IPRULE_PROHIBIT;
	if (action == FR_ACT_TO_TBL && p->priority == NFT_PREF_GATE &&
		p->table == RT_TABLE_MAIN && p->interface[0] == '\0' &&
		p->mark == names->gate_mark && p->mask == names->gate_mark)
		return IPRULE_GATE;
	if (action != FR_ACT_TO_TBL || !marked)
		return IPRULE_OTHER;
	if (p->priority == NFT_PREF_MAIN && p->table == RT_TABLE_MAIN &&
		strcmp(p->interface, "lo") == 0)
		return IPRULE_MAIN;
	if (p->priority == NFT_PREF_MARK && p->table == names->route_table &&
		p->interface[0] == '\0')
		return IPRULE_MARK;
	return IPRULE_OTHER;
}

struct iprule
iprule_parse(const struct nlmsghdr *nlh, const struct iprule_names *names)
{
	struct iprule rule = {.kind = IPRULE_OTHER};
	const struct fib_rule_hdr *head;
	struct parsed p = {0};

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*head))
		return rule;
	head = mnl_nlmsg_get_payload(nlh);
	mnl_attr_parse(nlh, sizeof(*head), take_attr, &p);
	rule.kind = kind_of(&p, head->action, names);
	memcpy(rule.interface, p.interface, sizeof(rule.interface));
	return rule;
}

static bool
already_so(int r, int family, bool add)
{
	if (family == AF_INET6 && (r == -EAFNOSUPPORT || r == -EOPNOTSUPP))
		return true;
	return r == (add ? -EEXIST : -ENOENT);
}

int
iprule_guard(struct nlsock *s, const char *interface, bool add, char *reterr,
	size_t size)
{
	static const int families[] = {AF_INET, AF_INET6};
	_Alignas(struct nlmsghdr) char bytes[IPRULE_MESSAGE_SIZE];

	for (int i = 0; i < 2; i++) {
		struct nlmsghdr *nlh =
			iprule_prohibit(bytes, families[i], interface, add);
		int r = nlsock_request(s, nlh, reterr, size);

		if (r < 0 && !already_so(r, families[i], add))
			return r;
	}
	return 0;
}

struct dump {
	const struct iprule_names *names;
	int (*found)(const struct iprule *rule, void *arg);
	void *arg;
};

static int
on_rule(const struct nlmsghdr *nlh, void *arg)
{
	struct dump *d = arg;
	struct iprule rule;

	if (nlh->nlmsg_type != RTM_NEWRULE)
		return 0;
	rule = iprule_parse(nlh, d->names);
	return rule.kind == IPRULE_OTHER ? 0 : d->found(&rule, d->arg);
}

int
iprule_dump(struct nlsock *s, int family, const struct iprule_names *names,
	int (*found)(const struct iprule *rule, void *arg), void *arg)
{
	_Alignas(struct nlmsghdr) char bytes[IPRULE_MESSAGE_SIZE];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(bytes);
	struct dump d = {names, found, arg};
	struct fib_rule_hdr *head;

	nlh->nlmsg_type = RTM_GETRULE;
	head = mnl_nlmsg_put_extra_header(nlh, sizeof(*head));
	head->family = (uint8_t)family;
	return nlsock_dump(s, nlh, on_rule, &d);
}

static uint32_t
route_number(const struct nlmsghdr *nlh, uint16_t type)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct rtmsg))
	{
		if (mnl_attr_get_type(attr) == type &&
			mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			return mnl_attr_get_u32(attr);
	}
	return 0;
}

bool
iprule_is_route(const struct nlmsghdr *nlh, uint32_t table)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(nlh);

	return mnl_nlmsg_get_payload_len(nlh) >= sizeof(*rt) &&
	       rt->rtm_type == RTN_LOCAL && rt->rtm_dst_len == 0 &&
	       route_number(nlh, RTA_TABLE) == table;
}

struct route_seen {
	uint32_t table;
	uint32_t lo;
	bool yes;
};

static int
on_route(const struct nlmsghdr *nlh, void *arg)
{
	struct route_seen *seen = arg;

	if (nlh->nlmsg_type == RTM_NEWROUTE &&
		iprule_is_route(nlh, seen->table) &&
		route_number(nlh, RTA_OIF) == seen->lo)
		seen->yes = true;
	return 0;
}

int
iprule_has_route(struct nlsock *s, int family, uint32_t table)
{
	_Alignas(struct nlmsghdr) char bytes[IPRULE_MESSAGE_SIZE];
	struct route_seen seen = {table, if_nametoindex("lo"), false};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(bytes);
	struct rtmsg *rt;
	int r;

	nlh->nlmsg_type = RTM_GETROUTE;
	rt = mnl_nlmsg_put_extra_header(nlh, sizeof(*rt));
	rt->rtm_family = (uint8_t)family;
	/* A host with a full internet table: let the kernel pick ours. */
	mnl_attr_put_u32(nlh, RTA_TABLE, table);
	r = nlsock_dump(s, nlh, on_route, &seen);
	/* ENOENT: there is no such table. */
	return r < 0 && r != -ENOENT ? r : seen.yes;
}

bool
iprule_has_v6(void)
{
	int fd = open("/proc/sys/net/ipv6/conf/lo/disable_ipv6",
		O_RDONLY | O_CLOEXEC);
	char c = '1';

	if (fd < 0)
		return false;
	if (read(fd, &c, 1) != 1)
		c = '1';
	close(fd);
	return c == '0';
}
