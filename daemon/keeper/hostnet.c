/*
 * hostnet.c - interfaces and addresses, kept right
 *
 * Theory of operation
 *
 * One socket is subscribed first and asked for two dumps after that, so that
 * nothing falls between.  What the kernel says goes into two tables; an event
 * goes out when a table's answer changes, never for a message as such.  When
 * the kernel could not keep up (ENOBUFS) both are dumped again: each entry is
 * marked stale, a message makes it fresh, and what stays stale is gone.
 */
#include "hostnet.h"

#include <errno.h>
#include <ev.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "array.h"
#include "log.h"

enum {
	BUFFER = 32 * 1024,
	RECEIVE_BUFFER = 1024 * 1024,
	ENTRIES_MAX = 1 << 16,
	TURN_READS = 64,
};

struct address {
	int family;
	uint8_t bytes[16];
	uint32_t ifindex;
	bool stale;
};

struct interface {
	uint32_t ifindex;
	char name[IF_NAMESIZE];
	bool up;
	bool stale;
};

struct hostnet {
	struct ev_loop *loop;
	const struct hostnet_events *events;
	void *arg;
	struct mnl_socket *socket;
	ev_io readable;
	unsigned sequence;
	struct address *addresses;
	size_t address_count;
	struct interface *interfaces;
	size_t interface_count;
};

/* ---- addresses -------------------------------------------------------- */

static bool
same_address(const struct address *a, const struct address *b)
{
	return a->family == b->family &&
	       memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static size_t
holders(const struct hostnet *h, const struct address *address)
{
	size_t count = 0;

	for (size_t i = 0; i < h->address_count; i++)
		count += same_address(&h->addresses[i], address);
	return count;
}

static struct address *
find_address(struct hostnet *h, const struct address *address)
{
	for (size_t i = 0; i < h->address_count; i++)
		if (h->addresses[i].ifindex == address->ifindex &&
			same_address(&h->addresses[i], address))
			return &h->addresses[i];
	return NULL;
}

static void
address_there(struct hostnet *h, const struct address *address)
{
	struct address *found = find_address(h, address), *more;

	if (found != NULL) {
		found->stale = false;
		return;
	}
	if (h->address_count == ENTRIES_MAX)
		return;
	more = realloc(h->addresses, (h->address_count + 1) * sizeof(*more));
	if (more == NULL)
		return;
	h->addresses = more;
	h->addresses[h->address_count++] = *address;
	if (holders(h, address) == 1)
		h->events->address(
			h->arg, true, address->family, address->bytes);
}

static void
address_gone(struct hostnet *h, const struct address *address)
{
	struct address *found = find_address(h, address), gone;

	if (found == NULL)
		return;
	gone = *found;
	*found = h->addresses[--h->address_count];
	if (holders(h, &gone) == 0)
		h->events->address(h->arg, false, gone.family, gone.bytes);
}

/* ---- interfaces ------------------------------------------------------- */

static struct interface *
find_interface(const struct hostnet *h, uint32_t ifindex)
{
	for (size_t i = 0; i < h->interface_count; i++)
		if (h->interfaces[i].ifindex == ifindex)
			return &h->interfaces[i];
	return NULL;
}

static void
interface_gone(struct hostnet *h, uint32_t ifindex)
{
	struct interface *found = find_interface(h, ifindex), gone;

	if (found == NULL)
		return;
	gone = *found;
	*found = h->interfaces[--h->interface_count];
	h->events->unlink(h->arg, gone.name, ifindex);
}

/* NULL: no room. */
static struct interface *
interface_new(struct hostnet *h, uint32_t ifindex)
{
	struct interface *more, *ret;

	if (h->interface_count == ENTRIES_MAX)
		return NULL;
	more = realloc(h->interfaces, (h->interface_count + 1) * sizeof(*more));
	if (more == NULL)
		return NULL;
	h->interfaces = more;
	ret = &h->interfaces[h->interface_count++];
	*ret = (struct interface){.ifindex = ifindex};
	return ret;
}

static void
interface_there(struct hostnet *h, uint32_t ifindex, const char *name, bool up)
{
	struct interface *found = find_interface(h, ifindex);
	struct interface before = {0};
	struct hostnet_link link = {.ifindex = ifindex, .up = up};

	if (found != NULL) {
		found->stale = false;
		before = *found;
		if (before.up == up && strcmp(before.name, name) == 0)
			return;
	} else {
		found = interface_new(h, ifindex);
	}
	if (found == NULL)
		return;
	found->up = up;
	snprintf(found->name, sizeof(found->name), "%s", name);
	link.name = found->name;
	if (before.ifindex != 0 && strcmp(before.name, name) != 0)
		link.was = before.name;
	h->events->link(h->arg, &link);
}

const char *
hostnet_name(const struct hostnet *h, uint32_t ifindex)
{
	const struct interface *found = find_interface(h, ifindex);

	return found != NULL ? found->name : NULL;
}

bool
hostnet_is_up(const struct hostnet *h, uint32_t ifindex)
{
	const struct interface *found = find_interface(h, ifindex);

	return found != NULL && found->up;
}

uint32_t
hostnet_ifindex(const struct hostnet *h, const char *name)
{
	for (size_t i = 0; i < h->interface_count; i++)
		if (strcmp(h->interfaces[i].name, name) == 0)
			return h->interfaces[i].ifindex;
	return 0;
}

/* ---- messages --------------------------------------------------------- */

static void
on_address(struct hostnet *h, const struct nlmsghdr *head)
{
	const struct ifaddrmsg *m = mnl_nlmsg_get_payload(head);
	size_t size = m->ifa_family == AF_INET6 ? 16 : 4;
	struct address address = {
		.family = m->ifa_family, .ifindex = m->ifa_index};
	const struct nlattr *attr, *local = NULL, *peer = NULL;

	if (m->ifa_family != AF_INET && m->ifa_family != AF_INET6)
		return;
	mnl_attr_for_each(attr, head, sizeof(*m))
	{
		if (mnl_attr_get_type(attr) == IFA_LOCAL)
			local = attr;
		else if (mnl_attr_get_type(attr) == IFA_ADDRESS)
			peer = attr;
	}
	/* On a point-to-point link IFA_ADDRESS is the other end. */
	if (local == NULL)
		local = peer;
	if (local == NULL || mnl_attr_get_payload_len(local) < size)
		return;
	memcpy(address.bytes, mnl_attr_get_payload(local), size);
	if (head->nlmsg_type == RTM_NEWADDR)
		address_there(h, &address);
	else
		address_gone(h, &address);
}

static void
on_link(struct hostnet *h, const struct nlmsghdr *head)
{
	const struct ifinfomsg *m = mnl_nlmsg_get_payload(head);
	const struct nlattr *attr;

	/* Bridges tell of their ports in messages of their own family. */
	if (m->ifi_family != AF_UNSPEC)
		return;
	if (head->nlmsg_type == RTM_DELLINK) {
		interface_gone(h, (uint32_t)m->ifi_index);
		return;
	}
	mnl_attr_for_each(attr, head, sizeof(*m))
	{
		if (mnl_attr_get_type(attr) == IFLA_IFNAME &&
			mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			interface_there(h, (uint32_t)m->ifi_index,
				mnl_attr_get_str(attr),
				(m->ifi_flags & IFF_UP) != 0);
	}
}

static int
on_netlink(const struct nlmsghdr *head, void *arg)
{
	switch (head->nlmsg_type) {
	case RTM_NEWADDR:
	case RTM_DELADDR:
		if (mnl_nlmsg_get_payload_len(head) >= sizeof(struct ifaddrmsg))
			on_address(arg, head);
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		if (mnl_nlmsg_get_payload_len(head) >= sizeof(struct ifinfomsg))
			on_link(arg, head);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

/* ---- dumps ------------------------------------------------------------ */

static void
mark_stale(struct hostnet *h)
{
	for (size_t i = 0; i < h->address_count; i++)
		h->addresses[i].stale = true;
	for (size_t i = 0; i < h->interface_count; i++)
		h->interfaces[i].stale = true;
}

static void
drop_stale(struct hostnet *h)
{
	for (size_t i = h->address_count; i-- > 0;) {
		struct address gone = h->addresses[i];

		if (gone.stale)
			address_gone(h, &gone);
	}
	for (size_t i = h->interface_count; i-- > 0;)
		if (h->interfaces[i].stale)
			interface_gone(h, h->interfaces[i].ifindex);
}

static int
dump_one(struct hostnet *h, uint16_t type, size_t payload)
{
	char buffer[BUFFER];
	struct nlmsghdr *head = mnl_nlmsg_put_header(buffer);
	ssize_t n;
	int r;

	head->nlmsg_type = type;
	head->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	head->nlmsg_seq = ++h->sequence;
	mnl_nlmsg_put_extra_header(head, payload);
	if (mnl_socket_sendto(h->socket, head, head->nlmsg_len) < 0)
		return -errno;
	do {
		n = mnl_socket_recvfrom(h->socket, buffer, sizeof(buffer));
		if (n < 0)
			return -errno;
		/* Sequence 0: changes meanwhile, which come in between. */
		r = mnl_cb_run(buffer, (size_t)n, 0, 0, on_netlink, h);
		if (r < 0)
			return -errno;
	} while (r != MNL_CB_STOP);
	return 0;
}

static int
dump_all(struct hostnet *h)
{
	int r;

	mark_stale(h);
	r = dump_one(h, RTM_GETLINK, sizeof(struct ifinfomsg));
	if (r == 0)
		r = dump_one(h, RTM_GETADDR, sizeof(struct ifaddrmsg));
	if (r == 0)
		drop_stale(h);
	return r;
}

static void
on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct hostnet *h = w->data;
	char buffer[BUFFER];
	ssize_t n = 0;

	(void)loop, (void)revents;
	for (int i = 0; i < TURN_READS; i++) {
		n = recv(w->fd, buffer, sizeof(buffer), MSG_DONTWAIT);
		if (n <= 0)
			break;
		mnl_cb_run(buffer, (size_t)n, 0, 0, on_netlink, h);
	}
	if (n < 0 && errno == ENOBUFS && dump_all(h) < 0)
		log_error("host addresses: %s", strerror(errno));
}

/* ---- life ------------------------------------------------------------- */

int
hostnet_open(struct ev_loop *loop, const struct hostnet_events *events,
	void *arg, struct hostnet **ret, char *reterr, size_t reterr_size)
{
	struct hostnet *h = calloc(1, sizeof(*h));
	const int size = RECEIVE_BUFFER;
	int r = -ENOMEM, fd;

	if (h == NULL)
		goto fail;
	h->loop = loop;
	h->events = events;
	h->arg = arg;
	ev_io_init(&h->readable, on_readable, -1, EV_READ);
	h->readable.data = h;
	h->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (h->socket == NULL ||
		mnl_socket_bind(h->socket,
			RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
			MNL_SOCKET_AUTOPID) < 0) {
		r = -errno;
		goto fail;
	}
	fd = mnl_socket_get_fd(h->socket);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	r = dump_all(h);
	if (r < 0)
		goto fail;
	ev_io_set(&h->readable, fd, EV_READ);
	ev_io_start(loop, &h->readable);
	*ret = h;
	return 0;
fail:
	snprintf(reterr, reterr_size, "rtnetlink: %s", strerror(-r));
	hostnet_close(h);
	return r;
}

void
hostnet_close(struct hostnet *h)
{
	if (h == NULL)
		return;
	ev_io_stop(h->loop, &h->readable);
	if (h->socket != NULL)
		mnl_socket_close(h->socket);
	free(h->addresses);
	free(h->interfaces);
	free(h);
}

void
hostnet_addresses(const struct hostnet *h, hostnet_each *each, void *arg)
{
	for (size_t i = 0; i < h->address_count; i++) {
		const struct address *a = &h->addresses[i];
		bool first = true;

		for (size_t j = 0; first && j < i; j++)
			first = !same_address(&h->addresses[j], a);
		if (first)
			each(arg, a->family, a->bytes);
	}
}
