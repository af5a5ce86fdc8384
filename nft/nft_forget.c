/*
 * nft_forget.c - entries of connection tracking, found by address, deleted
 *
 * The kernel is asked for those entries alone (CTA_FILTER, since 5.8); an older
 * one sends all of them, so each is looked at here as well.  A dump cannot be
 * changed under way: what is found is kept, a bounded part at a time, and
 * deleted behind it.
 */
#include "nft_forget.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>

#include "nft_state.h"
#include "nlsock.h"

enum {
	PART = 256,       /* entries a dump */
	PARTS_MAX = 1024, /* dumps: a quarter of a million entries */
	TUPLE_MAX = 128,  /* bytes of one, with its attribute's head */
	REQUEST_SIZE = 512,
	/* What of the tuple a filter goes by; not in the kernel's headers. */
	BY_SOURCE = 1 << 0,
	BY_DESTINATION = 1 << 1,
};

struct entry {
	_Alignas(struct nlattr) uint8_t tuple[TUPLE_MAX];
	uint32_t id; /* in network order */
	uint16_t zone;
};

struct search {
	int family;
	uint8_t address[16];
	uint32_t by;
	struct entry found[PART];
	size_t count;
	bool more;
};

static uint16_t
address_type(const struct search *s)
{
	if (s->by == BY_SOURCE)
		return s->family == AF_INET ? CTA_IP_V4_SRC : CTA_IP_V6_SRC;
	return s->family == AF_INET ? CTA_IP_V4_DST : CTA_IP_V6_DST;
}

static size_t
address_size(const struct search *s)
{
	return s->family == AF_INET ? 4 : 16;
}

static const struct nlattr *
nested(const struct nlattr *within, uint16_t type)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, within)
	{
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}

static bool
is_wanted(const struct search *s, const struct nlattr *tuple)
{
	const struct nlattr *ip = nested(tuple, CTA_TUPLE_IP);
	const struct nlattr *address =
		ip != NULL ? nested(ip, address_type(s)) : NULL;

	return address != NULL &&
	       mnl_attr_get_payload_len(address) == address_size(s) &&
	       memcmp(mnl_attr_get_payload(address), s->address,
		       address_size(s)) == 0;
}

static int
on_entry(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attr, *tuple = NULL;
	struct search *s = arg;
	struct entry e = {0};

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) == CTA_TUPLE_ORIG)
			tuple = attr;
		if (mnl_attr_get_type(attr) == CTA_ID &&
			mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			e.id = mnl_attr_get_u32(attr);
		if (mnl_attr_get_type(attr) == CTA_ZONE &&
			mnl_attr_validate(attr, MNL_TYPE_U16) == 0)
			e.zone = mnl_attr_get_u16(attr);
	}
	if (tuple == NULL || tuple->nla_len > TUPLE_MAX || !is_wanted(s, tuple))
		return 0;
	if (s->count == PART) {
		s->more = true;
		return 0;
	}
	memcpy(e.tuple, tuple, tuple->nla_len);
	s->found[s->count++] = e;
	return 0;
}

static struct nlmsghdr *
begin(char *bytes, uint16_t type, int family)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(bytes);
	struct nfgenmsg *head;

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	head = mnl_nlmsg_put_extra_header(nlh, sizeof(*head));
	head->nfgen_family = (uint8_t)family;
	return nlh;
}

static int
find(struct nft *nft, struct search *s)
{
	_Alignas(struct nlmsghdr) char bytes[REQUEST_SIZE];
	struct nlmsghdr *nlh = begin(bytes, IPCTNL_MSG_CT_GET, s->family);
	struct nlattr *tuple, *ip, *filter;

	tuple = mnl_attr_nest_start(nlh, CTA_TUPLE_ORIG);
	ip = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);
	mnl_attr_put(nlh, address_type(s), address_size(s), s->address);
	mnl_attr_nest_end(nlh, ip);
	mnl_attr_nest_end(nlh, tuple);
	filter = mnl_attr_nest_start(nlh, CTA_FILTER);
	mnl_attr_put_u32(nlh, CTA_FILTER_ORIG_FLAGS, s->by);
	mnl_attr_put_u32(nlh, CTA_FILTER_REPLY_FLAGS, 0);
	mnl_attr_nest_end(nlh, filter);
	s->count = 0;
	s->more = false;
	return nlsock_dump(nft->nfnl, nlh, on_entry, s);
}

static int
delete_entry(struct nft *nft, const struct search *s, const struct entry *e,
	char *reterr, size_t size)
{
	const struct nlattr *tuple = (const struct nlattr *)e->tuple;
	_Alignas(struct nlmsghdr) char bytes[REQUEST_SIZE];
	struct nlmsghdr *nlh = begin(bytes, IPCTNL_MSG_CT_DELETE, s->family);
	int r;

	mnl_attr_put(nlh, CTA_TUPLE_ORIG | NLA_F_NESTED,
		mnl_attr_get_payload_len(tuple), mnl_attr_get_payload(tuple));
	if (e->id != 0)
		mnl_attr_put_u32(nlh, CTA_ID, e->id);
	if (e->zone != 0)
		mnl_attr_put_u16(nlh, CTA_ZONE, e->zone);
	r = nlsock_request(nft->nfnl, nlh, reterr, size);
	/* It ended by itself meanwhile. */
	return r == -ENOENT ? 0 : r;
}

/* All that began from it, or to it. */
static int
forget(struct nft *nft, struct search *s, char *reterr, size_t size)
{
	int r = 0;

	s->more = true;
	for (int part = 0; r == 0 && s->more && part < PARTS_MAX; part++) {
		r = find(nft, s);
		if (r == -EINTR) {
			/* What was found is so; there may be more. */
			s->more = true;
			r = 0;
		}
		if (r < 0)
			snprintf(reterr, size,
				"cannot read connection tracking: %s",
				strerror(-r));
		for (size_t i = 0; r == 0 && i < s->count; i++)
			r = delete_entry(nft, s, &s->found[i], reterr, size);
	}
	return r;
}

int
nft_forget(struct nft *nft, const char *address, char *reterr, size_t size)
{
	struct search s = {.by = BY_SOURCE};
	int r;

	if (inet_pton(AF_INET, address, s.address) == 1) {
		s.family = AF_INET;
	} else if (inet_pton(AF_INET6, address, s.address) == 1) {
		s.family = AF_INET6;
	} else {
		snprintf(reterr, size, "\"%s\" is not an address", address);
		return -EINVAL;
	}
	r = forget(nft, &s, reterr, size);
	s.by = BY_DESTINATION;
	return r < 0 ? r : forget(nft, &s, reterr, size);
}
