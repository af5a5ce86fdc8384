/*
 * nfqueue.c - packets out of the kernel, verdicts into it
 *
 * Theory of operation
 *
 * The kernel sends a packet as one netlink message and keeps it until it hears
 * its number with a verdict.  Whole packets are asked for; those of a segmented
 * kind come as the packets that would be on the wire, because NFQA_CFG_F_GSO is
 * not set.  NFQA_CFG_F_FAIL_OPEN is not set either: what does not fit is
 * dropped.
 *
 * Verdicts are gathered and sent as one write of many messages.  The kernel
 * works on them within that write.  A verdict about a packet that is gone (its
 * interface was taken down) comes back as an error message, which nobody needs.
 */
#include "nfqueue.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "nlmessage.h"
#include "nlsock.h"

enum {
	COPY_RANGE = 0xffff,
	READ_SIZE = 128 * 1024, /* the largest packet, and what is said of it */
	KERNEL_BUFFER = 4 * 1024 * 1024,
	VERDICT_SIZE = 64, /* one message, generously */
};

struct nfqueue {
	int fd;
	uint16_t number;
	uint64_t overruns;
	size_t len; /* of the verdicts */
	_Alignas(struct nlmsghdr) char verdicts[NFQUEUE_BATCH * VERDICT_SIZE];
	_Alignas(struct nlmsghdr) char read[READ_SIZE];
};

static struct nlmsghdr *
begin(const struct nfqueue *q, char *bytes, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(bytes);
	struct nfgenmsg *head;

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type);
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	head = mnl_nlmsg_put_extra_header(nlh, sizeof(*head));
	head->nfgen_family = AF_UNSPEC;
	head->version = NFNETLINK_V0;
	head->res_id = htons(q->number);
	return nlh;
}

/* ---- setting it up ------------------------------------------------------ */

/* The kernel has answered when the send returns. */
static int
ask(struct nfqueue *q, const struct nlmsghdr *nlh)
{
	const struct nlmsghdr *answer = (const void *)q->read;
	const struct nlmsgerr *e;
	ssize_t n = send(q->fd, nlh, nlh->nlmsg_len, 0);

	if (n >= 0)
		n = recv(q->fd, q->read, sizeof(q->read), 0);
	if (n < 0)
		return -errno;
	if (!nlmessage_ok(answer, (int)n) ||
		answer->nlmsg_type != NLMSG_ERROR ||
		mnl_nlmsg_get_payload_len(answer) < sizeof(*e))
		return -EPROTO;
	e = mnl_nlmsg_get_payload(answer);
	return e->error;
}

/* The answer comes before any packet: both are sent under one lock. */
int
nfqueue_bind(struct nfqueue *q)
{
	struct nfqnl_msg_config_cmd bind_it = {.command = NFQNL_CFG_CMD_BIND};
	struct nfqnl_msg_config_params params = {
		.copy_range = htonl(COPY_RANGE),
		.copy_mode = NFQNL_COPY_PACKET,
	};
	_Alignas(struct nlmsghdr) char bytes[256];
	struct nlmsghdr *nlh = begin(q, bytes, NFQNL_MSG_CONFIG, NLM_F_ACK);

	mnl_attr_put(nlh, NFQA_CFG_CMD, sizeof(bind_it), &bind_it);
	/* What is not in the mask stays as it is: no flag is set. */
	mnl_attr_put_u32(nlh, NFQA_CFG_QUEUE_MAXLEN, htonl(NFQUEUE_LENGTH));
	mnl_attr_put(nlh, NFQA_CFG_PARAMS, sizeof(params), &params);
	return ask(q, nlh);
}

int
nfqueue_open(uint16_t number, struct nfqueue **ret)
{
	struct nfqueue *q = calloc(1, sizeof(*q));
	int r;

	if (q == NULL)
		return -ENOMEM;
	q->number = number;
	/* The buffer is only to lose less; what is lost is dropped, counted. */
	q->fd = r = nlsock_listen(NETLINK_NETFILTER, 0, KERNEL_BUFFER);
	if (r < 0) {
		nfqueue_close(q);
		return r;
	}
	*ret = q;
	return 0;
}

void
nfqueue_close(struct nfqueue *q)
{
	if (q == NULL)
		return;
	if (q->fd >= 0)
		close(q->fd);
	free(q);
}

int
nfqueue_fd(const struct nfqueue *q)
{
	return q->fd;
}

uint64_t
nfqueue_overruns(const struct nfqueue *q)
{
	return q->overruns;
}

/* ---- packets ------------------------------------------------------------ */

static bool
is_number(const struct nlattr *attr)
{
	return mnl_attr_validate(attr, MNL_TYPE_U32) == 0;
}

static void
take_attr(const struct nlattr *attr, struct nfqueue_packet *p, bool *has_id)
{
	const struct nfqnl_msg_packet_hdr *head;

	switch (mnl_attr_get_type(attr)) {
	case NFQA_PACKET_HDR:
		if (mnl_attr_get_payload_len(attr) < sizeof(*head))
			break;
		head = mnl_attr_get_payload(attr);
		p->id = ntohl(head->packet_id);
		*has_id = true;
		break;
	case NFQA_MARK:
		if (is_number(attr))
			p->mark = ntohl(mnl_attr_get_u32(attr));
		break;
	case NFQA_IFINDEX_INDEV:
		if (is_number(attr))
			p->ifindex = ntohl(mnl_attr_get_u32(attr));
		break;
	case NFQA_PAYLOAD:
		p->data = mnl_attr_get_payload(attr);
		p->len = mnl_attr_get_payload_len(attr);
		break;
	default:
		break;
	}
}

/* How many packets were in the message: one, or none. */
static int
take_message(const struct nlmsghdr *nlh, nfqueue_each *each, void *arg)
{
	static const uint8_t nothing[1];
	struct nfqueue_packet p = {.data = nothing};
	const struct nlattr *attr;
	bool has_id = false;

	if (nlh->nlmsg_type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET) ||
		mnl_nlmsg_get_payload_len(nlh) < sizeof(struct nfgenmsg))
		return 0;
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
		take_attr(attr, &p, &has_id);
	if (has_id)
		each(arg, &p);
	return has_id;
}

/* Bytes of one datagram of the kernel; 0: none now, or none of use. */
static ssize_t
read_one(struct nfqueue *q, bool *ret_empty)
{
	struct sockaddr_nl from = {0};
	socklen_t from_len = sizeof(from);
	ssize_t n = recvfrom(q->fd, q->read, sizeof(q->read), MSG_TRUNC,
		(struct sockaddr *)&from, &from_len);

	if (n >= 0)
		return from.nl_pid == 0 && (size_t)n <= sizeof(q->read) ? n : 0;
	if (errno == ENOBUFS) {
		q->overruns++;
		return 0;
	}
	*ret_empty = true;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

int
nfqueue_read(struct nfqueue *q, nfqueue_each *each, void *arg)
{
	bool empty = false;
	int packets = 0;

	for (int i = 0; i < NFQUEUE_BATCH && !empty; i++) {
		const struct nlmsghdr *nlh = (const void *)q->read;
		ssize_t n = read_one(q, &empty);

		if (n < 0)
			return (int)n;
		/* The kernel puts one packet into a datagram. */
		if (nlmessage_ok(nlh, (int)n))
			packets += take_message(nlh, each, arg);
	}
	return packets;
}

/* ---- verdicts ----------------------------------------------------------- */

void
nfqueue_decide(struct nfqueue *q, uint32_t id, enum nfqueue_verdict verdict,
	uint32_t mark)
{
	struct nfqnl_msg_verdict_hdr head = {
		.verdict =
			htonl(verdict == NFQUEUE_REPEAT ? NF_REPEAT : NF_DROP),
		.id = htonl(id),
	};
	struct nlmsghdr *nlh;

	assert(q->len + VERDICT_SIZE <= sizeof(q->verdicts));
	nlh = begin(q, q->verdicts + q->len, NFQNL_MSG_VERDICT, 0);
	mnl_attr_put(nlh, NFQA_VERDICT_HDR, sizeof(head), &head);
	mnl_attr_put_u32(nlh, NFQA_MARK, htonl(mark));
	assert(nlh->nlmsg_len <= VERDICT_SIZE);
	q->len += NLMSG_ALIGN(nlh->nlmsg_len);
}

int
nfqueue_answer(struct nfqueue *q)
{
	size_t len = q->len;

	q->len = 0;
	if (len == 0 || send(q->fd, q->verdicts, len, 0) >= 0)
		return 0;
	return -errno;
}
