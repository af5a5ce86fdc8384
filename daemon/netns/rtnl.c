#include "rtnl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netlink.h>

enum {
	RTNL_ANSWER = 32 * 1024, /* what the kernel fills at most in a dump */
	RTNL_WORDS = 128,
};

struct rtnl {
	struct mnl_socket *socket;
	uint32_t seq;
	char words[RTNL_WORDS];
	_Alignas(struct nlmsghdr) char request[RTNL_REQUEST];
	_Alignas(struct nlmsghdr) char answer[RTNL_ANSWER];
};

int
rtnl_open(struct rtnl **ret)
{
	struct rtnl *r = calloc(1, sizeof(*r));
	int on = 1;
	int e;

	if (r == NULL)
		return -ENOMEM;
	r->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (r->socket == NULL ||
		mnl_socket_bind(r->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		e = -errno;
		rtnl_close(r);
		return e;
	}
	/* Old kernels have no words for us; their numbers are enough. */
	(void)mnl_socket_setsockopt(
		r->socket, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)mnl_socket_setsockopt(
		r->socket, NETLINK_CAP_ACK, &on, sizeof(on));
	*ret = r;
	return 0;
}

void
rtnl_close(struct rtnl *r)
{
	if (r == NULL)
		return;
	if (r->socket != NULL)
		mnl_socket_close(r->socket);
	free(r);
}

struct nlmsghdr *
rtnl_begin(struct rtnl *r, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *h;

	memset(r->request, 0, sizeof(r->request));
	r->words[0] = '\0';
	h = mnl_nlmsg_put_header(r->request);
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = ++r->seq;
	return h;
}

static int
send_request(struct rtnl *r, uint16_t flags)
{
	struct nlmsghdr *h = (struct nlmsghdr *)r->request;

	h->nlmsg_flags |= flags;
	if (mnl_socket_sendto(r->socket, h, h->nlmsg_len) < 0)
		return -errno;
	return 0;
}

/* Keeps the text that an extended acknowledgement carries. */
static void
keep_words(struct rtnl *r, const struct nlmsghdr *h)
{
	const struct nlattr *a;

	if ((h->nlmsg_flags & NLM_F_ACK_TLVS) == 0)
		return;
	mnl_attr_for_each(a, h, sizeof(struct nlmsgerr))
	{
		if (mnl_attr_get_type(a) == NLMSGERR_ATTR_MSG &&
			mnl_attr_validate(a, MNL_TYPE_NUL_STRING) == 0)
			snprintf(r->words, sizeof(r->words), "%s",
				mnl_attr_get_str(a));
	}
}

/* The next datagram, in r->answer: its length or -errno. */
static ssize_t
receive(struct rtnl *r)
{
	ssize_t n;

	do {
		n = mnl_socket_recvfrom(
			r->socket, r->answer, sizeof(r->answer));
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int
rtnl_commit(struct rtnl *r)
{
	const struct nlmsgerr *verdict;
	const struct nlmsghdr *h;
	int left;
	int e = send_request(r, NLM_F_ACK);

	if (e < 0)
		return e;
	for (;;) {
		ssize_t n = receive(r);

		if (n < 0)
			return (int)n;
		left = (int)n;
		h = (const struct nlmsghdr *)r->answer;
		if (!mnl_nlmsg_ok(h, left) || h->nlmsg_seq != r->seq)
			continue;
		if (h->nlmsg_type != NLMSG_ERROR ||
			mnl_nlmsg_get_payload_len(h) < sizeof(*verdict))
			return -EPROTO;
		verdict = mnl_nlmsg_get_payload(h);
		if (verdict->error < 0)
			keep_words(r, h);
		return verdict->error;
	}
}

static int
question(struct rtnl *r, uint16_t flags, mnl_cb_t cb, void *arg)
{
	int e = send_request(r, flags);
	int run = MNL_CB_OK;

	if (e < 0)
		return e;
	while (run > MNL_CB_STOP) {
		ssize_t n = receive(r);

		if (n < 0)
			return (int)n;
		run = mnl_cb_run(r->answer, (size_t)n, r->seq,
			mnl_socket_get_portid(r->socket), cb, arg);
		if (run < 0)
			return -errno;
	}
	return 0;
}

int
rtnl_dump(struct rtnl *r, mnl_cb_t cb, void *arg)
{
	return question(r, NLM_F_DUMP, cb, arg);
}

int
rtnl_get(struct rtnl *r, mnl_cb_t cb, void *arg)
{
	/* The acknowledgement is what ends the answer. */
	return question(r, NLM_F_ACK, cb, arg);
}

const char *
rtnl_words(const struct rtnl *r)
{
	return r->words;
}
