#include "interface.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

#include "rtnl.h"

static size_t
address_size(int family)
{
	return family == AF_INET ? 4 : 16;
}

static void
put_end(struct nlmsghdr *h, const struct interface_end *end)
{
	mnl_attr_put_strz(h, IFLA_IFNAME, end->name);
	mnl_attr_put(h, IFLA_ADDRESS, INTERFACE_MAC, end->mac);
}

int
interface_add_veth(struct rtnl *r, const struct interface_end *here,
	const struct interface_end *there, int netns_fd)
{
	struct nlattr *info, *data, *peer;
	struct nlmsghdr *h;

	h = rtnl_begin(r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
	put_end(h, here);
	info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_strz(h, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(h, VETH_INFO_PEER);
	mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
	put_end(h, there);
	mnl_attr_put_u32(h, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	mnl_attr_nest_end(h, peer);
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, info);
	return rtnl_commit(r);
}

struct found {
	const char *name;
	uint32_t index; /* 0: not found */
	uint8_t mac[INTERFACE_MAC];
};

static int
on_link(const struct nlmsghdr *h, void *arg)
{
	const struct ifinfomsg *m = mnl_nlmsg_get_payload(h);
	const char *name = NULL;
	const uint8_t *mac = NULL;
	struct found *found = arg;
	const struct nlattr *a;

	mnl_attr_for_each(a, h, sizeof(*m))
	{
		if (mnl_attr_get_type(a) == IFLA_IFNAME)
			name = mnl_attr_get_str(a);
		if (mnl_attr_get_type(a) == IFLA_ADDRESS &&
			mnl_attr_get_payload_len(a) == INTERFACE_MAC)
			mac = mnl_attr_get_payload(a);
	}
	if (name == NULL || strcmp(name, found->name) != 0)
		return MNL_CB_OK;
	found->index = (uint32_t)m->ifi_index;
	if (mac != NULL)
		memcpy(found->mac, mac, INTERFACE_MAC);
	return MNL_CB_OK;
}

static int
find(struct rtnl *r, const char *name, struct found *found)
{
	struct nlmsghdr *h = rtnl_begin(r, RTM_GETLINK, 0);
	int e;

	*found = (struct found){.name = name};
	mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
	e = rtnl_dump(r, on_link, found);
	if (e < 0)
		return e;
	return found->index > 0 ? 0 : -ENODEV;
}

int
interface_index(struct rtnl *r, const char *name, uint32_t *ret)
{
	struct found found;
	int e = find(r, name, &found);

	if (e == 0)
		*ret = found.index;
	return e;
}

int
interface_delete(struct rtnl *r, const struct interface_end *end)
{
	struct ifinfomsg *m;
	struct nlmsghdr *h;
	struct found found;
	int e = find(r, end->name, &found);

	if (e == -ENODEV)
		return 0;
	if (e < 0)
		return e;
	if (memcmp(found.mac, end->mac, INTERFACE_MAC) != 0)
		return -EEXIST;
	h = rtnl_begin(r, RTM_DELLINK, 0);
	m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->ifi_index = (int)found.index;
	e = rtnl_commit(r);
	/* The pair also goes by itself, with the other end's namespace. */
	return e == -ENODEV ? 0 : e;
}

int
interface_up(struct rtnl *r, uint32_t index)
{
	struct nlmsghdr *h = rtnl_begin(r, RTM_NEWLINK, 0);
	struct ifinfomsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

	m->ifi_index = (int)index;
	m->ifi_flags = IFF_UP;
	m->ifi_change = IFF_UP;
	return rtnl_commit(r);
}

static int
on_state(const struct nlmsghdr *h, void *arg)
{
	const struct nlattr *a;
	bool *up = arg;

	mnl_attr_for_each(a, h, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(a) == IFLA_OPERSTATE)
			*up = mnl_attr_get_u8(a) == IF_OPER_UP;
	}
	return MNL_CB_OK;
}

int
interface_is_up(struct rtnl *r, uint32_t index, bool *ret)
{
	struct nlmsghdr *h = rtnl_begin(r, RTM_GETLINK, 0);
	struct ifinfomsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

	m->ifi_index = (int)index;
	*ret = false;
	return rtnl_get(r, on_state, ret);
}

int
interface_no_link_local(struct rtnl *r, uint32_t index)
{
	struct nlmsghdr *h = rtnl_begin(r, RTM_NEWLINK, 0);
	struct ifinfomsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	struct nlattr *spec, *inet6;
	int e;

	m->ifi_index = (int)index;
	spec = mnl_attr_nest_start(h, IFLA_AF_SPEC);
	inet6 = mnl_attr_nest_start(h, AF_INET6);
	mnl_attr_put_u8(h, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(h, inet6);
	mnl_attr_nest_end(h, spec);
	e = rtnl_commit(r);
	return e == -EAFNOSUPPORT ? 0 : e;
}

int
interface_add_address(struct rtnl *r, uint32_t index,
	const struct interface_address *address, uint8_t prefix)
{
	size_t size = address_size(address->family);
	struct ifaddrmsg *m;
	struct nlmsghdr *h;

	h = rtnl_begin(r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
	m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->ifa_family = (unsigned char)address->family;
	m->ifa_prefixlen = prefix;
	m->ifa_flags = IFA_F_NODAD | IFA_F_PERMANENT;
	m->ifa_index = index;
	mnl_attr_put(h, IFA_LOCAL, size, address->bytes);
	mnl_attr_put(h, IFA_ADDRESS, size, address->bytes);
	return rtnl_commit(r);
}

static int
on_way(const struct nlmsghdr *h, void *arg)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(h);
	bool *local = arg;

	*local = m->rtm_type == RTN_LOCAL;
	return MNL_CB_OK;
}

int
interface_has_address(
	struct rtnl *r, const struct interface_address *address, bool *ret)
{
	struct nlmsghdr *h = rtnl_begin(r, RTM_GETROUTE, 0);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	size_t size = address_size(address->family);
	int e;

	m->rtm_family = (unsigned char)address->family;
	m->rtm_dst_len = (unsigned char)(size * 8);
	mnl_attr_put(h, RTA_DST, size, address->bytes);
	*ret = false;
	e = rtnl_get(r, on_way, ret);
	/* No way to it at all, or one that somebody closed. */
	return e == -ENETUNREACH || e == -EHOSTUNREACH || e == -EACCES ||
			       e == -EINVAL
		       ? 0
		       : e;
}

int
interface_add_default_route(
	struct rtnl *r, uint32_t index, const struct interface_address *gateway)
{
	struct nlmsghdr *h;
	struct rtmsg *m;

	h = rtnl_begin(r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
	m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->rtm_family = (unsigned char)gateway->family;
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_protocol = RTPROT_STATIC;
	m->rtm_scope = RT_SCOPE_UNIVERSE;
	m->rtm_type = RTN_UNICAST;
	mnl_attr_put(
		h, RTA_GATEWAY, address_size(gateway->family), gateway->bytes);
	mnl_attr_put_u32(h, RTA_OIF, index);
	return rtnl_commit(r);
}

int
interface_add_host_route(
	struct rtnl *r, uint32_t index, const struct interface_address *address)
{
	size_t size = address_size(address->family);
	struct nlmsghdr *h;
	struct rtmsg *m;

	h = rtnl_begin(r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
	m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->rtm_family = (unsigned char)address->family;
	m->rtm_dst_len = (unsigned char)(size * 8);
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_protocol = RTPROT_STATIC;
	m->rtm_scope =
		address->family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	m->rtm_type = RTN_UNICAST;
	mnl_attr_put(h, RTA_DST, size, address->bytes);
	mnl_attr_put_u32(h, RTA_OIF, index);
	return rtnl_commit(r);
}

int
interface_add_neighbour(struct rtnl *r, uint32_t index,
	const struct interface_address *address,
	const uint8_t mac[INTERFACE_MAC])
{
	struct nlmsghdr *h;
	struct ndmsg *m;

	h = rtnl_begin(r, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
	m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->ndm_family = (unsigned char)address->family;
	m->ndm_ifindex = (int)index;
	m->ndm_state = NUD_PERMANENT;
	mnl_attr_put(h, NDA_DST, address_size(address->family), address->bytes);
	mnl_attr_put(h, NDA_LLADDR, INTERFACE_MAC, mac);
	return rtnl_commit(r);
}

struct overlap {
	const struct interface_address *address;
	uint8_t prefix;
	bool found;
};

static bool
same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8;
	uint8_t mask = (uint8_t)(0xff00u >> (bits % 8));

	if (memcmp(a, b, whole) != 0)
		return false;
	return bits % 8 == 0 || ((a[whole] ^ b[whole]) & mask) == 0;
}

static int
on_route(const struct nlmsghdr *h, void *arg)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(h);
	struct overlap *o = arg;
	size_t size = address_size(o->address->family);
	const struct nlattr *a;
	unsigned bits;

	if (m->rtm_family != o->address->family || m->rtm_dst_len == 0)
		return MNL_CB_OK;
	bits = m->rtm_dst_len < o->prefix ? m->rtm_dst_len : o->prefix;
	mnl_attr_for_each(a, h, sizeof(*m))
	{
		if (mnl_attr_get_type(a) == RTA_DST &&
			mnl_attr_get_payload_len(a) == size &&
			same_prefix(mnl_attr_get_payload(a), o->address->bytes,
				bits))
			o->found = true;
	}
	return MNL_CB_OK;
}

int
interface_range_in_use(struct rtnl *r, const struct interface_address *address,
	uint8_t prefix, bool *ret)
{
	struct overlap o = {address, prefix, false};
	struct nlmsghdr *h = rtnl_begin(r, RTM_GETROUTE, 0);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	int e;

	m->rtm_family = (unsigned char)address->family;
	e = rtnl_dump(r, on_route, &o);
	if (e == 0)
		*ret = o.found;
	return e;
}
