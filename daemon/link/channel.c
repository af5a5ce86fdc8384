/*
 * channel.c - a socketpair end that speaks in messages
 *
 * Theory of operation
 *
 * Out: every message becomes a packet, an exactly sized frame with its own
 * duplicated descriptors, on a queue.  The write watcher runs while the queue
 * is not empty.  A packet's descriptors go with its first byte, so a packet is
 * never merged with the one before it.
 *
 * In: bytes collect in one buffer until a whole frame is there.  The kernel
 * ends a read behind bytes that carried descriptors, so descriptors arrive no
 * later than the first byte of the frame that claims them; they wait in a
 * short queue.  More of them than frames claim is the peer's mistake.
 *
 * A channel dies once: on end of file, an error, or a frame that is none.
 * Then its watchers stop, closed() is called, and it waits to be freed.
 */
#include "channel.h"

#include <assert.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "buf.h"
#include "frame.h"
#include "link_message.h"

enum {
	QUEUE_MAX = 64 * 1024 * 1024, /* bytes a peer may leave unread */
	READ_SIZE = 64 * 1024,
	TURN_READS = 16, /* reads before other watchers get their turn */
	FDS_HELD = 2 * LINK_FDS,
};

struct packet {
	struct packet *next;
	struct buf bytes;
	int fds[LINK_FDS];
	int fd_count;
	bool secret;
};

struct link_channel {
	struct ev_loop *loop;
	const struct link_events *events;
	void *arg;
	int fd;
	ev_io readable, writable;
	struct packet *out, **out_end;
	size_t out_bytes;
	struct buf in;
	int fds[FDS_HELD + LINK_FDS]; /* the last read may be one too many */
	size_t fd_count;
	bool dead, busy, refuses_fds;
};

/* ---- packets ---------------------------------------------------------- */

static void
close_fds(int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
}

static void
packet_free(struct packet *p)
{
	if (p == NULL)
		return;
	close_fds(p->fds, (size_t)p->fd_count);
	if (p->secret)
		buf_wipe(&p->bytes);
	buf_done(&p->bytes);
	free(p);
}

static int
packet_dup_fds(struct packet *p, const int *fds, int count)
{
	for (; p->fd_count < count; p->fd_count++) {
		int fd = fcntl(fds[p->fd_count], F_DUPFD_CLOEXEC, 0);

		if (fd < 0)
			return -errno;
		p->fds[p->fd_count] = fd;
	}
	return 0;
}

static int
packet_new(const struct link_message *m, struct packet **ret)
{
	struct packet *p = calloc(1, sizeof(*p));
	int fds[LINK_FDS], r = -ENOMEM;

	if (p == NULL)
		goto fail;
	buf_init(&p->bytes, FRAME_MAX);
	p->secret = link_type_is_secret(m->type);
	r = link_message_encode(m, &p->bytes, fds);
	if (r >= 0)
		r = packet_dup_fds(p, fds, r);
	if (r < 0)
		goto fail;
	*ret = p;
	return 0;
fail:
	packet_free(p);
	return r;
}

/* ---- the end ---------------------------------------------------------- */

static void
channel_die(struct link_channel *c, const char *why)
{
	if (c->dead)
		return;
	c->dead = true;
	ev_io_stop(c->loop, &c->readable);
	ev_io_stop(c->loop, &c->writable);
	c->events->closed(c->arg, why);
}

/* ---- out -------------------------------------------------------------- */

static ssize_t
send_packet(int fd, const struct packet *p)
{
	struct span bytes = buf_span(&p->bytes);
	struct iovec iov = {(void *)(uintptr_t)bytes.ptr, bytes.len};
	union {
		char space[CMSG_SPACE(sizeof(p->fds))];
		struct cmsghdr align;
	} control = {0};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	size_t size = (size_t)p->fd_count * sizeof(int);
	struct cmsghdr *cmsg;

	/* A worker may not call sendmsg() here. */
	if (p->fd_count == 0)
		return send(
			fd, bytes.ptr, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	msg.msg_control = control.space;
	msg.msg_controllen = CMSG_SPACE(size);
	cmsg = CMSG_FIRSTHDR(&msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(cmsg), p->fds, size);
	return sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
drop_first(struct link_channel *c)
{
	struct packet *p = c->out;

	c->out = p->next;
	if (c->out == NULL)
		c->out_end = &c->out;
	packet_free(p);
}

static void
on_writable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct link_channel *c = w->data;
	ssize_t n;

	(void)revents;
	while (c->out != NULL) {
		n = send_packet(c->fd, c->out);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			channel_die(c, strerror(errno));
			return;
		}
		/* The descriptors went with the first byte. */
		close_fds(c->out->fds, (size_t)c->out->fd_count);
		c->out->fd_count = 0;
		c->out_bytes -= (size_t)n;
		buf_consume(&c->out->bytes, (size_t)n);
		if (c->out->bytes.len == 0)
			drop_first(c);
	}
	ev_io_stop(loop, w);
}

int
link_send(struct link_channel *c, const struct link_message *m)
{
	struct packet *p;
	int r;

	if (c->dead)
		return -EPIPE;
	r = packet_new(m, &p);
	if (r < 0)
		return r;
	if (p->bytes.len > QUEUE_MAX - c->out_bytes) {
		packet_free(p);
		return -ENOBUFS;
	}
	*c->out_end = p;
	c->out_end = &p->next;
	c->out_bytes += p->bytes.len;
	ev_io_start(c->loop, &c->writable);
	return 0;
}

bool
link_drained(const struct link_channel *c)
{
	return c->out == NULL;
}

/* ---- in --------------------------------------------------------------- */

/* Room for the frame at hand and never by realloc: a secret may be in it. */
static int
make_room(struct link_channel *c)
{
	size_t need = READ_SIZE, room;
	struct frame_head head;
	struct span held = buf_span(&c->in);
	struct buf bigger;
	int r;

	if (frame_read_head(held, &head) == 1 && head.length > need)
		need = head.length;
	if (c->in.size >= need)
		return 0;
	buf_init(&bigger, FRAME_MAX);
	if (buf_reserve(&bigger, need, &room) == NULL)
		return -ENOMEM;
	r = buf_add(&bigger, held.ptr, held.len);
	assert(r == 0);
	buf_wipe(&c->in);
	c->in = bigger;
	return 0;
}

static int
take_fds(struct link_channel *c, struct msghdr *msg)
{
	struct cmsghdr *cmsg;
	size_t count;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET ||
			cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(c->fds + c->fd_count, CMSG_DATA(cmsg),
			count * sizeof(int));
		c->fd_count += count;
	}
	if (c->fd_count > FDS_HELD || (msg->msg_flags & MSG_CTRUNC) != 0)
		return -EPROTO;
	return 0;
}

/* How many bytes came; 0 at the end; -errno. */
static ssize_t
receive(struct link_channel *c)
{
	union {
		char space[CMSG_SPACE(LINK_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr msg = {.msg_iovlen = 1};
	struct iovec iov;
	ssize_t n;
	int r;

	r = make_room(c);
	if (r < 0)
		return r;
	iov.iov_base =
		buf_reserve(&c->in, c->in.size - c->in.len, &iov.iov_len);
	assert(iov.iov_base != NULL);
	msg.msg_iov = &iov;
	if (!c->refuses_fds) {
		msg.msg_control = control.space;
		msg.msg_controllen = CMSG_LEN(LINK_FDS * sizeof(int));
	}
	n = recvmsg(c->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return -errno;
	r = take_fds(c, &msg);
	if (r < 0)
		return r;
	buf_commit(&c->in, (size_t)n);
	return n;
}

/* Hands out the first frame: 1 done, 0 it is not whole, -EPROTO. */
static int
deliver_one(struct link_channel *c)
{
	struct span bytes = buf_span(&c->in);
	struct link_message m;
	struct frame_head head;
	int r;

	r = frame_read_head(bytes, &head);
	if (r <= 0 || bytes.len < head.length)
		return r < 0 ? r : 0;
	bytes.len = head.length;
	if (head.fds > c->fd_count)
		return -EPROTO;
	r = link_message_decode(bytes, c->fds, &m);
	if (r < 0)
		return r;
	/* They are the receiver's now. */
	c->fd_count -= head.fds;
	memmove(c->fds, c->fds + head.fds, c->fd_count * sizeof(int));
	c->events->message(c->arg, &m);
	buf_consume(&c->in, bytes.len);
	return 1;
}

static int
deliver(struct link_channel *c)
{
	int r;

	do {
		r = deliver_one(c);
	} while (r > 0 && !c->dead);
	if (r < 0)
		return r;
	if (c->in.len == 0 && c->fd_count > 0)
		return -EPROTO;
	return 0;
}

static void
on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct link_channel *c = w->data;
	ssize_t n = 1;
	int r = 0;

	(void)loop, (void)revents;
	c->busy = true;
	for (int i = 0; i < TURN_READS && n > 0 && r == 0 && !c->dead; i++) {
		n = receive(c);
		if (n > 0)
			r = deliver(c);
	}
	c->busy = false;
	if (c->in.len == 0)
		buf_wipe(&c->in);
	if (r == 0 && n < 0 && n != -EAGAIN && n != -EINTR)
		r = (int)n;
	if (r == -EPROTO)
		channel_die(c, "the peer broke the protocol");
	else if (r < 0)
		channel_die(c, strerror(-r));
	else if (n == 0)
		channel_die(c, "the peer is gone");
}

/* ---- life ------------------------------------------------------------- */

int
link_channel_new(struct ev_loop *loop, int fd, const struct link_events *events,
	void *arg, struct link_channel **ret)
{
	struct link_channel *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		close(fd);
		return -ENOMEM;
	}
	c->loop = loop;
	c->events = events;
	c->arg = arg;
	c->fd = fd;
	c->out_end = &c->out;
	buf_init(&c->in, FRAME_MAX);
	ev_io_init(&c->readable, on_readable, fd, EV_READ);
	ev_io_init(&c->writable, on_writable, fd, EV_WRITE);
	c->readable.data = c->writable.data = c;
	ev_io_start(loop, &c->readable);
	*ret = c;
	return 0;
}

void
link_refuse_fds(struct link_channel *c)
{
	c->refuses_fds = true;
}

void
link_channel_free(struct link_channel *c)
{
	if (c == NULL)
		return;
	assert(!c->busy);
	ev_io_stop(c->loop, &c->readable);
	ev_io_stop(c->loop, &c->writable);
	while (c->out != NULL)
		drop_first(c);
	close_fds(c->fds, c->fd_count);
	buf_wipe(&c->in);
	close(c->fd);
	free(c);
}
