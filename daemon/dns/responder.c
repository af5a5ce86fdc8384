/*
 * responder.c - answers as the server that was asked
 *
 * Theory of operation
 *
 * A tproxy rule hands datagrams for port 53 of anywhere to a socket bound to
 * an address that nobody else uses.  The kernel tells the destination that the
 * sandbox wrote (ORIGDSTADDR) and the interface (PKTINFO).  An answer goes out
 * of the same socket with its source set to that destination (PKTINFO), which
 * the kernel permits because the socket is transparent.  The source port is
 * the socket's own, so a datagram for another port cannot be answered and is
 * ignored.
 *
 * Nothing is queued for sending: an answer that the kernel does not take now
 * is lost, as any datagram may be, and counted.
 */
#include "responder.h"

#include <assert.h>
#include <errno.h>
#include <ev.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "array.h"

enum {
	DATAGRAMS_A_TURN = 64, /* then others of the loop get theirs */
};

/* Room for what either family tells, and aligned for cmsghdr. */
union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(struct sockaddr_in6)) +
		   CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

struct pending {
	TAILQ_ENTRY(pending) link;
	struct dns_request request;
	struct dns_responder *responder;
	int fd;
};

struct dns_responder {
	struct ev_loop *loop;
	const struct dns_responder_ops *ops;
	void *arg;
	TAILQ_HEAD(, pending) pending;
	size_t pending_count;
	struct ev_io sockets[DNS_RESPONDER_SOCKETS];
	uint16_t ports[DNS_RESPONDER_SOCKETS]; /* network order */
	size_t socket_count;
	struct dns_responder_counts counts;
};

struct dns_responder *
dns_responder_new(
	struct ev_loop *loop, const struct dns_responder_ops *ops, void *arg)
{
	struct dns_responder *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->loop = loop;
	r->ops = ops;
	r->arg = arg;
	TAILQ_INIT(&r->pending);
	return r;
}

static void
pending_free(struct pending *p)
{
	TAILQ_REMOVE(&p->responder->pending, p, link);
	p->responder->pending_count--;
	free(p);
}

void
dns_responder_free(struct dns_responder *r)
{
	struct pending *p, *next;

	if (r == NULL)
		return;
	for (size_t i = 0; i < r->socket_count; i++) {
		ev_io_stop(r->loop, &r->sockets[i]);
		close(r->sockets[i].fd);
	}
	for (p = TAILQ_FIRST(&r->pending); p != NULL; p = next) {
		next = TAILQ_NEXT(p, link);
		r->ops->gone(r->arg, &p->request);
		pending_free(p);
	}
	free(r);
}

const struct dns_responder_counts *
dns_responder_counts(const struct dns_responder *r)
{
	return &r->counts;
}

static uint16_t
port_of(const struct sockaddr_storage *address)
{
	const void *any = address;

	if (address->ss_family == AF_INET)
		return ((const struct sockaddr_in *)any)->sin_port;
	return ((const struct sockaddr_in6 *)any)->sin6_port;
}

/* The source of the answer; the interface only where an address needs it. */
static void
put_source(struct msghdr *msg, const struct dns_request *req)
{
	const void *dst = &req->dst;
	const struct in6_addr *v6 =
		&((const struct sockaddr_in6 *)dst)->sin6_addr;
	struct in6_pktinfo info6 = {.ipi6_addr = *v6};
	struct in_pktinfo info4 = {
		.ipi_spec_dst = ((const struct sockaddr_in *)dst)->sin_addr,
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);

	if (req->dst.ss_family == AF_INET) {
		cmsg->cmsg_level = IPPROTO_IP;
		cmsg->cmsg_type = IP_PKTINFO;
		cmsg->cmsg_len = CMSG_LEN(sizeof(info4));
		memcpy(CMSG_DATA(cmsg), &info4, sizeof(info4));
		msg->msg_controllen = CMSG_SPACE(sizeof(info4));
		return;
	}
	if (IN6_IS_ADDR_LINKLOCAL(v6))
		info6.ipi6_ifindex = req->ifindex;
	cmsg->cmsg_level = IPPROTO_IPV6;
	cmsg->cmsg_type = IPV6_PKTINFO;
	cmsg->cmsg_len = CMSG_LEN(sizeof(info6));
	memcpy(CMSG_DATA(cmsg), &info6, sizeof(info6));
	msg->msg_controllen = CMSG_SPACE(sizeof(info6));
}

static bool
send_answer(int fd, const struct dns_request *req, enum dns_rcode rcode,
	const struct dns_content *content)
{
	uint8_t data[DNS_UDP_MOST];
	size_t len = dns_answer(
		&req->query, rcode, content, data, req->query.udp_size);
	struct sockaddr_storage peer = req->peer;
	struct iovec iov = {data, len};
	union control control = {.bytes = {0}};
	struct msghdr msg = {
		.msg_name = &peer,
		.msg_namelen = sizeof(struct sockaddr_in6),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};

	if (peer.ss_family == AF_INET)
		msg.msg_namelen = sizeof(struct sockaddr_in);
	put_source(&msg, req);
	return sendmsg(fd, &msg, 0) == (ssize_t)len;
}

void
dns_request_answer(struct dns_request *req, enum dns_rcode rcode,
	const struct dns_content *content)
{
	struct pending *p = container_of(req, struct pending, request);

	if (send_answer(p->fd, req, rcode, content))
		p->responder->counts.answered++;
	else
		p->responder->counts.unsent++;
	pending_free(p);
}

void
dns_request_drop(struct dns_request *req)
{
	pending_free(container_of(req, struct pending, request));
}

/* What the kernel tells of a datagram. */
static void
read_control(struct msghdr *msg, struct dns_request *ret)
{
	struct in6_pktinfo info6;
	struct in_pktinfo info4;
	struct cmsghdr *cmsg;
	const void *data;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		data = CMSG_DATA(cmsg);
		if (cmsg->cmsg_level == IPPROTO_IP &&
			cmsg->cmsg_type == IP_ORIGDSTADDR) {
			memcpy(&ret->dst, data, sizeof(struct sockaddr_in));
		} else if (cmsg->cmsg_level == IPPROTO_IPV6 &&
			   cmsg->cmsg_type == IPV6_ORIGDSTADDR) {
			memcpy(&ret->dst, data, sizeof(struct sockaddr_in6));
		} else if (cmsg->cmsg_level == IPPROTO_IP &&
			   cmsg->cmsg_type == IP_PKTINFO) {
			memcpy(&info4, data, sizeof(info4));
			ret->ifindex = (unsigned)info4.ipi_ifindex;
		} else if (cmsg->cmsg_level == IPPROTO_IPV6 &&
			   cmsg->cmsg_type == IPV6_PKTINFO) {
			memcpy(&info6, data, sizeof(info6));
			ret->ifindex = info6.ipi6_ifindex;
		}
	}
}

/* 1: a datagram; 0: none for us in it; -1: there is none. */
static int
receive(int fd, uint8_t *data, size_t *len, struct dns_request *ret)
{
	struct iovec iov = {data, *len};
	union control control;
	struct msghdr msg = {
		.msg_name = &ret->peer,
		.msg_namelen = sizeof(ret->peer),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t n = recvmsg(fd, &msg, 0);

	if (n < 0)
		return -1;
	*len = (size_t)n;
	if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return 0;
	read_control(&msg, ret);
	return ret->dst.ss_family == ret->peer.ss_family;
}

static void
ask(struct dns_responder *r, int fd, const struct dns_request *request)
{
	struct pending *p = NULL;

	if (r->pending_count < DNS_RESPONDER_REQUESTS)
		p = calloc(1, sizeof(*p));
	if (p == NULL) {
		r->counts.overflowed++;
		return;
	}
	p->request = *request;
	p->responder = r;
	p->fd = fd;
	TAILQ_INSERT_TAIL(&r->pending, p, link);
	r->pending_count++;
	r->counts.asked++;
	r->ops->ask(r->arg, &p->request);
}

static void
take_datagram(struct dns_responder *r, int fd, struct dns_request *req,
	const uint8_t *data, size_t len)
{
	struct dns_query *query = &req->query;
	int e = dns_query_parse(data, len, query);

	if (e == -EINVAL) {
		r->counts.ignored++;
		return;
	}
	if (e == 0 && query->class != DNS_CLASS_IN)
		query->refusal = DNS_REFUSED;
	if (query->refusal == DNS_NOERROR) {
		ask(r, fd, req);
		return;
	}
	if (send_answer(fd, req, query->refusal, NULL))
		r->counts.refused++;
	else
		r->counts.unsent++;
}

static void
on_socket(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct dns_responder *r = w->data;
	uint16_t port = r->ports[w - r->sockets];
	uint8_t data[DNS_UDP_MOST];
	struct dns_request req;
	size_t len;
	int e;

	(void)loop, (void)revents;
	for (int i = 0; i < DATAGRAMS_A_TURN; i++) {
		req = (struct dns_request){0};
		len = sizeof(data);
		e = receive(w->fd, data, &len, &req);
		if (e < 0)
			return;
		r->counts.received++;
		if (e == 0 || port_of(&req.dst) != port) {
			r->counts.ignored++;
			continue;
		}
		take_datagram(r, w->fd, &req, data, len);
	}
}

int
dns_responder_add(struct dns_responder *r, int fd)
{
	struct sockaddr_storage bound = {0};
	socklen_t size = sizeof(bound);
	struct ev_io *w;

	if (r->socket_count == DNS_RESPONDER_SOCKETS)
		return -ENOSPC;
	if (getsockname(fd, (struct sockaddr *)&bound, &size) < 0)
		return -errno;
	if (bound.ss_family != AF_INET && bound.ss_family != AF_INET6)
		return -EAFNOSUPPORT;
	r->ports[r->socket_count] = port_of(&bound);
	w = &r->sockets[r->socket_count++];
	ev_io_init(w, on_socket, fd, EV_READ);
	w->data = r;
	ev_io_start(r->loop, w);
	return 0;
}
