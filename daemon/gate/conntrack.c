/*
 * conntrack.c - what was let pass, found again
 *
 * Theory of operation
 *
 * Nothing is remembered here: the kernel's own table is the truth, and it
 * outlives us.  A sweep dumps the connections with our mark, in rounds of at
 * most ROUND that have to go, and deletes them by the very tuple the kernel
 * gave, in its zone (one that is of a direction stands in the tuple).  With its
 * connection a flow loses mark and NAT, so its next packet comes to the gate
 * like a first one, and answers to the old one are dropped.
 *
 * When a dump fails half way (the table changes all the time), all connections
 * with our mark are ended: what may go on is let pass again.
 */
#include "conntrack.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>

#include "nlsock.h"
#include "packet.h"

enum {
	ROUND = 256,
	TUPLE_MAX = 128, /* bytes of a tuple with its head */
	MESSAGE_MAX = 512,
	ROUNDS_MAX = 4096, /* a million connections */
};

struct conntrack {
	struct nlsock *sock;
	uint32_t mark;
};

struct goner {
	uint8_t family;
	uint16_t zone; /* in network order; 0: none, or in the tuple */
	uint16_t len;
	_Alignas(struct nlattr) char tuple[TUPLE_MAX];
};

struct round {
	const struct conntrack *conntrack;
	conntrack_stays *stays;
	void *arg;
	size_t count;
	struct goner goners[ROUND];
};

static struct nlmsghdr *
begin(char bytes[static MESSAGE_MAX], uint16_t type, uint8_t family)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(bytes);
	struct nfgenmsg *head;

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	head = mnl_nlmsg_put_extra_header(nlh, sizeof(*head));
	head->nfgen_family = family;
	head->version = NFNETLINK_V0;
	return nlh;
}

static void
put_mark(struct nlmsghdr *nlh, uint32_t mark)
{
	mnl_attr_put_u32(nlh, CTA_MARK, htonl(mark));
	mnl_attr_put_u32(nlh, CTA_MARK_MASK, htonl(mark));
}

/* ---- reading a connection ----------------------------------------------- */

struct attrs {
	const struct nlattr *by_type[32];
};

static int
take_attr(const struct nlattr *attr, void *arg)
{
	struct attrs *a = arg;
	uint16_t type = mnl_attr_get_type(attr);

	if (type < 32)
		a->by_type[type] = attr;
	return MNL_CB_OK;
}

static struct attrs
nested(const struct nlattr *parent)
{
	struct attrs a = {{NULL}};

	if (parent != NULL)
		mnl_attr_parse_nested(parent, take_attr, &a);
	return a;
}

static bool
copy(const struct nlattr *attr, void *to, size_t len)
{
	if (attr == NULL || mnl_attr_get_payload_len(attr) != len)
		return false;
	memcpy(to, mnl_attr_get_payload(attr), len);
	return true;
}

static bool
take_addresses(const struct nlattr *attr, struct packet *p)
{
	struct attrs ip = nested(attr);

	if (copy(ip.by_type[CTA_IP_V4_SRC], p->source, 4) &&
		copy(ip.by_type[CTA_IP_V4_DST], p->destination, 4)) {
		p->family = AF_INET;
		return true;
	}
	p->family = AF_INET6;
	return copy(ip.by_type[CTA_IP_V6_SRC], p->source, 16) &&
	       copy(ip.by_type[CTA_IP_V6_DST], p->destination, 16);
}

static bool
take_protocol(const struct nlattr *attr, struct packet *p)
{
	struct attrs proto = nested(attr);
	bool v6 = p->family == AF_INET6;
	uint16_t from, to;

	if (!copy(proto.by_type[CTA_PROTO_NUM], &p->protocol, 1))
		return false;
	p->has_icmp = copy(
		proto.by_type[v6 ? CTA_PROTO_ICMPV6_TYPE : CTA_PROTO_ICMP_TYPE],
		&p->icmp_type, 1);
	p->has_ports =
		copy(proto.by_type[CTA_PROTO_SRC_PORT], &from, sizeof(from)) &&
		copy(proto.by_type[CTA_PROTO_DST_PORT], &to, sizeof(to));
	if (p->has_ports) {
		p->source_port = ntohs(from);
		p->destination_port = ntohs(to);
	}
	return true;
}

/* False: no connection that we can name. */
static bool
take_tuple(const struct nlattr *attr, struct packet *ret)
{
	struct attrs tuple = nested(attr);

	*ret = (struct packet){.family = AF_UNSPEC};
	return take_addresses(tuple.by_type[CTA_TUPLE_IP], ret) &&
	       take_protocol(tuple.by_type[CTA_TUPLE_PROTO], ret);
}

static int
on_connection(const struct nlmsghdr *nlh, void *arg)
{
	struct round *round = arg;
	const struct nlattr *tuple;
	struct attrs a = {{NULL}};
	struct packet p;
	struct goner *g;
	uint32_t mark = 0;

	if (round->count == ROUND)
		return 0;
	mnl_attr_parse(nlh, sizeof(struct nfgenmsg), take_attr, &a);
	tuple = a.by_type[CTA_TUPLE_ORIG];
	/* A kernel may not know how to leave the others out. */
	if (!copy(a.by_type[CTA_MARK], &mark, sizeof(mark)) ||
		(ntohl(mark) & round->conntrack->mark) == 0)
		return 0;
	if (tuple == NULL || tuple->nla_len > TUPLE_MAX)
		return -EBADMSG;
	if (take_tuple(tuple, &p) && round->stays(round->arg, &p))
		return 0;
	g = &round->goners[round->count++];
	g->family = p.family == AF_INET6 ? AF_INET6 : AF_INET;
	g->zone = 0;
	copy(a.by_type[CTA_ZONE], &g->zone, sizeof(g->zone));
	g->len = mnl_attr_get_payload_len(tuple);
	memcpy(g->tuple, mnl_attr_get_payload(tuple), g->len);
	return 0;
}

/* ---- ending them -------------------------------------------------------- */

static int
dump(struct conntrack *c, nlsock_each *each, void *arg)
{
	_Alignas(struct nlmsghdr) char bytes[MESSAGE_MAX];
	struct nlmsghdr *nlh = begin(bytes, IPCTNL_MSG_CT_GET, AF_UNSPEC);

	put_mark(nlh, c->mark);
	return nlsock_dump(c->sock, nlh, each, arg);
}

/* One that has ended by itself is fine. */
static int
end_one(struct conntrack *c, const struct goner *g)
{
	_Alignas(struct nlmsghdr) char bytes[MESSAGE_MAX];
	struct nlmsghdr *nlh = begin(bytes, IPCTNL_MSG_CT_DELETE, g->family);
	char ignored[1];
	int r;

	mnl_attr_put(nlh, CTA_TUPLE_ORIG | NLA_F_NESTED, g->len, g->tuple);
	if (g->zone != 0)
		mnl_attr_put_u16(nlh, CTA_ZONE, g->zone);
	r = nlsock_request(c->sock, nlh, ignored, sizeof(ignored));
	return r == -ENOENT ? 0 : r;
}

static int
end_all(struct conntrack *c)
{
	_Alignas(struct nlmsghdr) char bytes[MESSAGE_MAX];
	struct nlmsghdr *nlh = begin(bytes, IPCTNL_MSG_CT_DELETE, AF_UNSPEC);
	char ignored[1];

	put_mark(nlh, c->mark);
	return nlsock_request(c->sock, nlh, ignored, sizeof(ignored));
}

static int
sweep(struct conntrack *c, struct round *round)
{
	int ended = 0, r = 0;

	for (int i = 0; i < ROUNDS_MAX; i++) {
		round->count = 0;
		r = dump(c, on_connection, round);
		if (r < 0)
			return r;
		for (size_t k = 0; k < round->count; k++) {
			r = end_one(c, &round->goners[k]);
			if (r < 0)
				return r;
		}
		ended += (int)round->count;
		if (round->count < ROUND)
			return ended;
	}
	return -E2BIG;
}

int
conntrack_sweep(struct conntrack *c, conntrack_stays *stays, void *arg)
{
	struct round *round = calloc(1, sizeof(*round));
	int r = -ENOMEM, e;

	if (round != NULL) {
		*round = (struct round){
			.conntrack = c, .stays = stays, .arg = arg};
		r = sweep(c, round);
	}
	free(round);
	if (r >= 0)
		return r;
	e = end_all(c);
	return e < 0 ? e : 1;
}

/* ---- life --------------------------------------------------------------- */

static int
on_trial(const struct nlmsghdr *nlh, void *arg)
{
	(void)nlh, (void)arg;
	return 0;
}

int
conntrack_open(
	uint32_t mark, struct conntrack **ret, char *reterr, size_t reterr_size)
{
	struct conntrack *c = calloc(1, sizeof(*c));
	int r = -ENOMEM;

	if (c == NULL)
		goto fail;
	c->mark = mark;
	r = nlsock_open(NETLINK_NETFILTER, &c->sock);
	if (r == 0)
		r = dump(c, on_trial, NULL);
	if (r < 0 && r != -EINTR)
		goto fail;
	*ret = c;
	return 0;
fail:
	snprintf(reterr, reterr_size, "ctnetlink: %s", strerror(-r));
	conntrack_close(c);
	return r;
}

void
conntrack_close(struct conntrack *c)
{
	if (c == NULL)
		return;
	nlsock_close(c->sock);
	free(c);
}
