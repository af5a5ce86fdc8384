/*
 * nft_watch.c - who else touches what is ours?
 *
 * Three multicast sockets behind one epoll descriptor.  An event carries the
 * port of the socket that asked for the change; ours are known and skipped.
 * Reading is bounded, and the descriptor stays readable while there is more.
 *
 * Routes have a socket of their own, with a filter in the kernel: a host that
 * speaks BGP changes hundreds of thousands, and one of them is ours.
 */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/epoll.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "nft_event.h"
#include "nft_state.h"
#include "nft_watch.h"
#include "nlsock.h"

enum {
	READS_A_CALL = 64,
	READ_SIZE = 64 * 1024,
	KERNEL_BUFFER = 1 << 20,
	READS_SKIPPED = 64 * 1024,
};

enum { SOCKET_NFNL, SOCKET_RTNL, SOCKET_ROUTE, SOCKETS };

/* In the one message of a datagram: a local default route is gone.  What a BPF
 * program loads it takes for big-endian, and netlink is the host's. */
static const struct sock_filter lost_route[] = {
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS,
		offsetof(struct nlmsghdr, nlmsg_type)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
		__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? RTM_DELROUTE
						       : RTM_DELROUTE << 8,
		0, 5),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS,
		NLMSG_HDRLEN + offsetof(struct rtmsg, rtm_type)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RTN_LOCAL, 0, 3),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS,
		NLMSG_HDRLEN + offsetof(struct rtmsg, rtm_dst_len)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	BPF_STMT(BPF_RET | BPF_K, 0),
};
static_assert(RTM_DELROUTE < 256, "one byte of two");

struct nft_watch {
	int epoll;
	int fd[SOCKETS];
	struct nft_event_filter filter;
	_Alignas(struct nlmsghdr) char read[READ_SIZE];
};

static int
add_socket(struct nft_watch *w, int i, int protocol, uint32_t groups)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = (uint32_t)i};

	/* The buffer is only to lose less; what is lost is told. */
	w->fd[i] = nlsock_listen(protocol, groups, KERNEL_BUFFER);
	if (w->fd[i] < 0)
		return w->fd[i];
	if (epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->fd[i], &ev) < 0)
		return -errno;
	return 0;
}

/* The filter first: what came before it would not go through it. */
static int
add_routes(struct nft_watch *w)
{
	static const int groups[] = {RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE};
	struct sock_fprog filter = {
		.len = sizeof(lost_route) / sizeof(lost_route[0]),
		.filter = (struct sock_filter *)(uintptr_t)lost_route};
	int r = add_socket(w, SOCKET_ROUTE, NETLINK_ROUTE, 0);

	if (r == 0 && setsockopt(w->fd[SOCKET_ROUTE], SOL_SOCKET,
			      SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0)
		r = -errno;
	for (int i = 0; r == 0 && i < 2; i++) {
		if (setsockopt(w->fd[SOCKET_ROUTE], SOL_NETLINK,
			    NETLINK_ADD_MEMBERSHIP, &groups[i],
			    sizeof(groups[i])) < 0)
			r = -errno;
	}
	return r;
}

int
nft_watch_open(const struct nft *nft, struct nft_watch **ret, char *reterr,
	size_t size)
{
	struct nft_watch *w = malloc(sizeof(*w));
	int r = -ENOMEM;

	if (w == NULL)
		goto fail;
	for (int i = 0; i < SOCKETS; i++)
		w->fd[i] = -1;
	w->filter.own_nfnl = nlsock_port(nft->nfnl);
	w->filter.own_rtnl = nlsock_port(nft->rtnl);
	w->filter.names = nft->names;
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll < 0) {
		r = -errno;
		goto fail;
	}
	r = add_socket(w, SOCKET_NFNL, NETLINK_NETFILTER,
		1U << (NFNLGRP_NFTABLES - 1));
	if (r < 0)
		goto fail;
	r = add_socket(w, SOCKET_RTNL, NETLINK_ROUTE,
		1U << (RTNLGRP_IPV4_RULE - 1) | 1U << (RTNLGRP_IPV6_RULE - 1));
	if (r < 0)
		goto fail;
	r = add_routes(w);
	if (r < 0)
		goto fail;
	*ret = w;
	return 0;
fail:
	snprintf(reterr, size, "cannot watch the kernel's rules: %s",
		strerror(-r));
	nft_watch_close(w);
	return r;
}

void
nft_watch_close(struct nft_watch *w)
{
	if (w == NULL)
		return;
	for (int i = 0; i < SOCKETS; i++) {
		if (w->fd[i] >= 0)
			close(w->fd[i]);
	}
	if (w->epoll >= 0)
		close(w->epoll);
	free(w);
}

int
nft_watch_fd(const struct nft_watch *w)
{
	return w->epoll;
}

/* Flags of one datagram; 0 and *ret_empty when there is none; -errno. */
static int
read_one(struct nft_watch *w, int i, bool *ret_empty)
{
	struct sockaddr_nl from = {0};
	socklen_t from_len = sizeof(from);
	ssize_t n = recvfrom(w->fd[i], w->read, sizeof(w->read), 0,
		(struct sockaddr *)&from, &from_len);

	if (n < 0 && errno == ENOBUFS)
		return NFT_WATCH_LOST;
	if (n < 0 && errno == EINTR)
		return 0;
	if (n < 0) {
		*ret_empty = true;
		return errno == EAGAIN ? 0 : -errno;
	}
	if (from.nl_pid != 0) /* not the kernel */
		return 0;
	return nft_event_judge(
		&w->filter, i == SOCKET_NFNL, w->read, (size_t)n);
}

static int
read_each(struct nft_watch *w, int reads)
{
	int flags = 0;

	for (int i = 0; i < SOCKETS; i++) {
		bool empty = false;

		for (int j = 0; j < reads && !empty; j++) {
			int r = read_one(w, i, &empty);

			if (r < 0)
				return r;
			flags |= r;
		}
	}
	return flags;
}

int
nft_watch_read(struct nft_watch *w)
{
	return read_each(w, READS_A_CALL);
}

/* A buffer holds less: only what comes meanwhile is behind that. */
int
nft_watch_skip(struct nft_watch *w)
{
	int r = read_each(w, READS_SKIPPED);

	return r < 0 ? r : 0;
}
