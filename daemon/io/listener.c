#include "listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ev.h>
#include <linux/in6.h>

#include "log.h"

enum {
	ACCEPT_BATCH = 64,  /* then others get a turn */
	CONTROL_SIZE = 256, /* room for the ancillary data of one packet */
};

static const double pause_seconds = 0.2;

struct listener {
	struct ev_loop *loop;
	struct ev_io io;
	struct ev_timer resume;
	listener_arrived *arrived;
	void *arg;
	bool stopped;
	bool told; /* that it pauses; once per shortage */
};

/* The ancillary data that the SYN left on the socket names the interface. */
static uint32_t
ingress(int fd, int family)
{
	char control[CONTROL_SIZE];
	socklen_t len = sizeof(control);
	struct msghdr msg = {0};
	struct cmsghdr *c;
	int r;

	r = family == AF_INET
		    ? getsockopt(fd, IPPROTO_IP, IP_PKTOPTIONS, control, &len)
		    : getsockopt(fd, IPPROTO_IPV6, IPV6_2292PKTOPTIONS, control,
			      &len);
	if (r < 0)
		return 0;
	msg.msg_control = control;
	msg.msg_controllen = len;
	for (c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			return (uint32_t)info.ipi_ifindex;
		}
		if (c->cmsg_level == IPPROTO_IPV6 &&
			c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			return info.ipi6_ifindex;
		}
	}
	return 0;
}

static void
pause_accepting(struct listener *l, int error)
{
	if (!l->told)
		log_warning("accepting pauses: %s; connections wait in the "
			    "kernel until there is room",
			strerror(error));
	l->told = true;
	ev_io_stop(l->loop, &l->io);
	ev_timer_set(&l->resume, pause_seconds, 0);
	ev_timer_start(l->loop, &l->resume);
}

/* 0, or the errno of accept(). */
static int
accept_one(struct listener *l)
{
	struct arrival a = {0};
	socklen_t len = sizeof(a.peer);

	a.fd = accept4(l->io.fd, (struct sockaddr *)&a.peer, &len,
		SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (a.fd < 0)
		return errno;
	len = sizeof(a.original);
	if (getsockname(a.fd, (struct sockaddr *)&a.original, &len) < 0) {
		close(a.fd);
		return 0;
	}
	a.ifindex = ingress(a.fd, a.peer.ss_family);
	l->told = false;
	l->arrived(l->arg, &a);
	return 0;
}

static void
on_readable(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct listener *l = w->data;

	(void)loop, (void)revents;
	for (int i = 0; i < ACCEPT_BATCH && !l->stopped; i++) {
		int error = accept_one(l);

		switch (error) {
		case 0:
		case EINTR:
		case ECONNABORTED:
		case EPROTO:
			continue;
		case EAGAIN:
			return;
		default: /* EMFILE, ENFILE, ENOBUFS, ENOMEM */
			pause_accepting(l, error);
			return;
		}
	}
}

static void
on_resume(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct listener *l = w->data;

	(void)revents;
	if (!l->stopped)
		ev_io_start(loop, &l->io);
}

struct listener *
listener_new(struct ev_loop *loop, int fd, listener_arrived *arrived, void *arg)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->loop = loop;
	l->arrived = arrived;
	l->arg = arg;
	ev_init(&l->resume, on_resume);
	l->resume.data = l;
	ev_io_init(&l->io, on_readable, fd, EV_READ);
	l->io.data = l;
	ev_io_start(loop, &l->io);
	return l;
}

void
listener_stop(struct listener *l)
{
	l->stopped = true;
	ev_io_stop(l->loop, &l->io);
	ev_timer_stop(l->loop, &l->resume);
}

void
listener_free(struct listener *l)
{
	if (l == NULL)
		return;
	listener_stop(l);
	close(l->io.fd);
	free(l);
}
