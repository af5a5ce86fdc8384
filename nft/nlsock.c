#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/netlink.h>

#include "batch.h"
#include "nlmessage.h"
#include "nlsock.h"

enum {
	READ_SIZE = 64 * 1024,
	SEND_BUFFER = 1024 * 1024,    /* a batch goes out in one piece */
	RECEIVE_BUFFER = 1024 * 1024, /* and its answers come in one go */
	READS_MAX = 1 << 16,          /* of one answer: a dump of millions */
};

struct nlsock {
	struct mnl_socket *mnl;
	uint32_t seq;
	_Alignas(struct nlmsghdr) char read[READ_SIZE];
};

/* What came of one request. */
struct answer {
	unsigned owed;
	int error; /* the first one; 0: none */
	uint32_t error_seq;
	const char *words; /* of the kernel, in the read buffer; NULL: none */
	bool done;         /* of a dump */
	bool interrupted;
};

static void
set_buffer(int fd, int plain, int forced, int size)
{
	/* Without the right to force it, the default has to do. */
	if (setsockopt(fd, SOL_SOCKET, forced, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, plain, &size, sizeof(size));
}

int
nlsock_open(int protocol, struct nlsock **ret)
{
	struct nlsock *s = calloc(1, sizeof(*s));
	int one = 1;
	int r, fd;

	if (s == NULL)
		return -ENOMEM;
	s->seq = 1;
	s->mnl = mnl_socket_open2(protocol, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (s->mnl == NULL || mnl_socket_bind(s->mnl, 0, MNL_SOCKET_AUTOPID))
		goto fail;
	fd = mnl_socket_get_fd(s->mnl);
	set_buffer(fd, SO_SNDBUF, SO_SNDBUFFORCE, SEND_BUFFER);
	set_buffer(fd, SO_RCVBUF, SO_RCVBUFFORCE, RECEIVE_BUFFER);
	/* Old kernels have no words, or send the request back with them, or
	 * ignore filters; we get along. */
	mnl_socket_setsockopt(s->mnl, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(s->mnl, NETLINK_CAP_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(
		s->mnl, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	*ret = s;
	return 0;
fail:
	r = -errno;
	nlsock_close(s);
	return r;
}

void
nlsock_close(struct nlsock *s)
{
	if (s == NULL)
		return;
	if (s->mnl != NULL)
		mnl_socket_close(s->mnl);
	free(s);
}

uint32_t
nlsock_port(const struct nlsock *s)
{
	return mnl_socket_get_portid(s->mnl);
}

uint32_t
nlsock_seq(const struct nlsock *s)
{
	return s->seq;
}

/* The text that may stand behind an error; nul-terminated or not there. */
static const char *
kernel_words(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	size_t skip = sizeof(*e);
	const struct nlattr *attr;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += e->msg.nlmsg_len - sizeof(e->msg);
	if (skip > mnl_nlmsg_get_payload_len(nlh))
		return NULL;
	mnl_attr_for_each(attr, nlh, skip)
	{
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
			mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
			return mnl_attr_get_str(attr);
	}
	return NULL;
}

static void
take_error(struct answer *a, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*e))
		return;
	if (e->error == 0) {
		a->owed -= a->owed > 0;
	} else if (a->error == 0) {
		a->error = e->error;
		a->error_seq = nlh->nlmsg_seq;
		a->words = kernel_words(nlh);
	}
}

/* The end of a dump may carry its error. */
static void
take_done(struct answer *a, const struct nlmsghdr *nlh)
{
	int error = 0;

	a->done = true;
	if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(error))
		memcpy(&error, mnl_nlmsg_get_payload(nlh), sizeof(error));
	if (error < 0 && a->error == 0)
		a->error = error;
}

/*
 * The messages of one read that answer a seq from first on; others are left
 * over from a request that failed.
 */
static int
take_messages(struct answer *a, const void *bytes, size_t len, uint32_t first,
	nlsock_each *each, void *arg)
{
	const struct nlmsghdr *nlh = bytes;
	int rest = (int)len;

	for (; nlmessage_ok(nlh, rest); nlh = mnl_nlmsg_next(nlh, &rest)) {
		int r;

		if ((int32_t)(nlh->nlmsg_seq - first) < 0)
			continue;
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			a->interrupted = true;
		if (nlh->nlmsg_type == NLMSG_DONE) {
			take_done(a, nlh);
		} else if (nlh->nlmsg_type == NLMSG_ERROR) {
			take_error(a, nlh);
		} else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE && each != NULL) {
			r = each(nlh, arg);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* Bytes of one datagram; 0: there is nothing more.  Only the kernel's count. */
static ssize_t
read_one(struct nlsock *s)
{
	struct sockaddr_nl from = {0};
	struct iovec iov = {s->read, sizeof(s->read)};
	struct msghdr msg = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	ssize_t n;

	do {
		n = recvmsg(mnl_socket_get_fd(s->mnl), &msg, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (msg.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	if (from.nl_pid != 0)
		memset(s->read, 0, (size_t)n);
	return n;
}

static int
send_all(struct nlsock *s, const void *bytes, size_t len)
{
	ssize_t n;

	do {
		n = mnl_socket_sendto(s->mnl, bytes, len);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* Errors first: a batch that was refused still owes answers for its parts. */
static int
say(const struct answer *a, const char *subject, char *reterr, size_t size)
{
	if (a->error == 0)
		return 0;
	snprintf(reterr, size, "%s: %s%s%s", subject, strerror(-a->error),
		a->words != NULL ? ": " : "", a->words != NULL ? a->words : "");
	return a->error;
}

int
nlsock_commit(struct nlsock *s, struct batch *b, char *reterr, size_t size)
{
	struct answer a = {.owed = batch_answers(b)};
	uint32_t first = s->seq;
	size_t len;
	const void *bytes = batch_bytes(b, &len);
	ssize_t n;
	int r;

	s->seq = batch_seq_next(b);
	r = send_all(s, bytes, len);
	if (r < 0) {
		snprintf(reterr, size, "cannot ask the kernel: %s",
			strerror(-r));
		return r;
	}
	for (int i = 0; i < READS_MAX && a.owed > 0; i++) {
		n = read_one(s);
		if (n <= 0) {
			a.error = a.error != 0 ? a.error
				  : n < 0      ? (int)n
					       : -EPROTO;
			break;
		}
		take_messages(&a, s->read, (size_t)n, first, NULL, NULL);
		if (a.error != 0) /* words point into what was read */
			break;
	}
	return say(&a, batch_subject(b, a.error_seq), reterr, size);
}

int
nlsock_request(
	struct nlsock *s, struct nlmsghdr *nlh, char *reterr, size_t size)
{
	struct answer a = {.owed = 1};
	ssize_t n;
	int r;

	nlh->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = s->seq++;
	r = send_all(s, nlh, nlh->nlmsg_len);
	for (int i = 0; r == 0 && i < READS_MAX; i++) {
		n = read_one(s);
		if (n <= 0) {
			a.error = n < 0 ? (int)n : -EPROTO;
			break;
		}
		take_messages(
			&a, s->read, (size_t)n, nlh->nlmsg_seq, NULL, NULL);
		if (a.owed == 0 || a.error != 0)
			break;
	}
	if (r < 0)
		a.error = r;
	return say(&a, "the kernel", reterr, size);
}

int
nlsock_dump(
	struct nlsock *s, struct nlmsghdr *nlh, nlsock_each *each, void *arg)
{
	struct answer a = {0};
	int r;

	nlh->nlmsg_flags |= NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = s->seq++;
	r = send_all(s, nlh, nlh->nlmsg_len);
	if (r < 0)
		return r;
	/* Read to its end even when nobody listens any more: a dump left half
	 * way would make the next one fail. */
	for (int i = 0; i < READS_MAX && !a.done && a.error == 0; i++) {
		ssize_t n = read_one(s);
		int e;

		if (n <= 0)
			return n < 0 ? (int)n : -EPROTO;
		e = take_messages(&a, s->read, (size_t)n, nlh->nlmsg_seq,
			r == 0 ? each : NULL, arg);
		r = r < 0 ? r : e;
	}
	if (a.error != 0)
		return a.error;
	if (r == 0 && (a.interrupted || !a.done))
		return a.done ? -EINTR : -EOVERFLOW;
	return r;
}

int
nlsock_listen(int protocol, uint32_t groups, int buffer)
{
	struct sockaddr_nl me = {.nl_family = AF_NETLINK, .nl_groups = groups};
	int fd = socket(
		AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	int r;

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&me, sizeof(me)) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	set_buffer(fd, SO_RCVBUF, SO_RCVBUFFORCE, buffer);
	return fd;
}
