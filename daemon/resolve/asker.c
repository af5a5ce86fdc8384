/*
 * asker.c - a c-ares channel on a libev loop
 *
 * Theory of operation
 *
 * c-ares tells through a callback which of its sockets wants what; each gets
 * one ev_io.  A socket is reported with neither before it is closed, so that
 * no watcher outlives its descriptor.  One ev_timer stands for the earliest
 * deadline that c-ares has.
 *
 * c-ares calls us back from deep inside itself, also from within ares_query().
 * Nothing may be freed or asked there, so those calls only take notes
 * (replied) and set `unsettled`; when c-ares has returned to the loop, the
 * owner acts (settled).  If it happened inside asker_ask() the timer is set to
 * fire at once instead.
 *
 * c-ares opens resolv.conf, nsswitch.conf and host.conf unless every option
 * that those could set is given: channel_open() gives them all.
 */
#include "asker.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "resolver_answer.h"
#include "server_list.h"

enum {
	ASKER_TIMEOUT_MS = 2000,
	ASKER_TRIES = 3,
	ASKER_EDNS_SIZE = 1232, /* fits an unfragmented IPv6 packet */
	ARES_WITH_GETRANDOM = 0x011301,
};

struct asker_socket {
	LIST_ENTRY(asker_socket) link;
	struct ev_io io;
};

struct asker {
	struct ev_loop *loop;
	const struct asker_ops *ops;
	void *arg;
	ares_channel channel;
	LIST_HEAD(, asker_socket) sockets;
	struct ev_timer timer;
	unsigned timeout_ms;
	unsigned tries;
	bool library;   /* ares_library_init() was called */
	bool unsettled; /* replied, and settled not yet called */
};

/* The timer fires when c-ares wants it, at once if somebody waits for us. */
static void
arm(struct asker *a)
{
	struct timeval left = {0};
	double after;

	ev_timer_stop(a->loop, &a->timer);
	if (!a->unsettled && ares_timeout(a->channel, NULL, &left) == NULL)
		return;
	after = (double)left.tv_sec + (double)left.tv_usec / 1e6;
	ev_timer_set(&a->timer, after, 0.);
	ev_timer_start(a->loop, &a->timer);
}

static void
process(struct asker *a, ares_socket_t readable, ares_socket_t writable)
{
	ares_process_fd(a->channel, readable, writable);
	if (a->unsettled) {
		a->unsettled = false;
		a->ops->settled(a->arg);
	}
	arm(a);
}

static void
on_socket(struct ev_loop *loop, struct ev_io *w, int revents)
{
	(void)loop;
	process(w->data, revents & EV_READ ? w->fd : ARES_SOCKET_BAD,
		revents & EV_WRITE ? w->fd : ARES_SOCKET_BAD);
}

static void
on_timer(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop, (void)revents;
	process(w->data, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static struct asker_socket *
socket_find(struct asker *a, int fd)
{
	struct asker_socket *s;

	LIST_FOREACH(s, &a->sockets, link) {
		if (s->io.fd == fd)
			return s;
	}
	return NULL;
}

static struct asker_socket *
socket_watch(struct asker *a, int fd)
{
	struct asker_socket *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	ev_io_init(&s->io, on_socket, fd, 0);
	s->io.data = a;
	LIST_INSERT_HEAD(&a->sockets, s, link);
	return s;
}

/* Without memory for a watcher the question runs into its deadline. */
static void
on_socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
	struct asker *a = data;
	struct asker_socket *s = socket_find(a, fd);

	if (s == NULL && (readable || writable))
		s = socket_watch(a, fd);
	if (s == NULL)
		return;
	ev_io_stop(a->loop, &s->io);
	if (!readable && !writable) {
		LIST_REMOVE(s, link);
		free(s);
		return;
	}
	ev_io_set(&s->io, fd,
		(readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
	ev_io_start(a->loop, &s->io);
}

static void
on_reply(void *arg, int status, int timeouts, unsigned char *reply, int len)
{
	struct asker_question *q = arg;
	struct asker *a = q->asker;
	struct resolver_answer answer;

	(void)timeouts;
	resolver_answer_read(q->family, status, reply, (size_t)len, &answer);
	if (answer.status != -ECANCELED)
		a->unsettled = true;
	a->ops->replied(a->arg, q, &answer);
}

/* Ids that can be guessed are worse than no resolver. */
static int
check_randomness(char *reterr, size_t reterr_size)
{
	int version, fd;

	ares_version(&version);
	if (version >= ARES_WITH_GETRANDOM)
		return 0;
	fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		int r = -errno;

		snprintf(reterr, reterr_size,
			"c-ares needs /dev/urandom for its query ids: %s",
			strerror(-r));
		return r;
	}
	close(fd);
	return 0;
}

static int
channel_open(
	struct asker *a, ares_channel *ret, char *reterr, size_t reterr_size)
{
	char lookups[] = "b"; /* DNS only, never the hosts file */
	struct ares_options options = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES |
			 ARES_FLAG_EDNS,
		.timeout = (int)a->timeout_ms,
		.tries = (int)a->tries,
		.ndots = 1,
		.ednspsz = ASKER_EDNS_SIZE,
		.lookups = lookups,
		.sock_state_cb = on_socket_state,
		.sock_state_cb_data = a,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
		   ARES_OPT_NDOTS | ARES_OPT_EDNSPSZ | ARES_OPT_LOOKUPS |
		   ARES_OPT_SOCK_STATE_CB | ARES_OPT_SERVERS |
		   ARES_OPT_DOMAINS | ARES_OPT_SORTLIST | ARES_OPT_NOROTATE;
	int r = check_randomness(reterr, reterr_size);

	if (r < 0)
		return r;
	r = ares_init_options(ret, &options, mask);
	if (r == ARES_SUCCESS)
		return 0;
	snprintf(reterr, reterr_size, "c-ares: %s", ares_strerror(r));
	return r == ARES_ENOMEM ? -ENOMEM : -EIO;
}

int
asker_new(struct ev_loop *loop, const struct asker_ops *ops, void *arg,
	struct asker **ret, char *reterr, size_t reterr_size)
{
	struct asker *a = calloc(1, sizeof(*a));
	int r = -ENOMEM;

	if (a == NULL) {
		snprintf(reterr, reterr_size, "out of memory");
		return -ENOMEM;
	}
	a->loop = loop;
	a->ops = ops;
	a->arg = arg;
	a->timeout_ms = ASKER_TIMEOUT_MS;
	a->tries = ASKER_TRIES;
	LIST_INIT(&a->sockets);
	ev_timer_init(&a->timer, on_timer, 0., 0.);
	a->timer.data = a;
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
		snprintf(reterr, reterr_size, "c-ares cannot start");
		goto fail;
	}
	a->library = true;
	r = channel_open(a, &a->channel, reterr, reterr_size);
	if (r < 0)
		goto fail;
	*ret = a;
	return 0;
fail:
	asker_free(a);
	return r;
}

void
asker_free(struct asker *a)
{
	if (a == NULL)
		return;
	ev_timer_stop(a->loop, &a->timer);
	if (a->channel != NULL)
		ares_destroy(a->channel);
	if (a->library)
		ares_library_cleanup();
	free(a);
}

int
asker_set_servers(struct asker *a, const char *const *servers, size_t count,
	char *reterr, size_t reterr_size)
{
	struct server_list list;
	int r = server_list_parse(servers, count, &list, reterr, reterr_size);

	if (r < 0)
		return r;
	ares_cancel(a->channel);
	r = ares_set_servers_ports(a->channel, list.nodes);
	arm(a);
	if (r == ARES_SUCCESS)
		return 0;
	snprintf(reterr, reterr_size, "c-ares: %s", ares_strerror(r));
	return r == ARES_ENOMEM ? -ENOMEM : -EIO;
}

/* A channel's timeouts cannot change: another takes its place. */
static int
channel_replace(struct asker *a)
{
	struct ares_addr_port_node *servers = NULL;
	ares_channel channel = NULL;
	char ignored[1];
	int r;

	r = channel_open(a, &channel, ignored, sizeof(ignored));
	if (r < 0)
		return r;
	r = ares_get_servers_ports(a->channel, &servers);
	if (r == ARES_SUCCESS)
		r = ares_set_servers_ports(channel, servers);
	ares_free_data(servers);
	if (r != ARES_SUCCESS) {
		ares_destroy(channel);
		return -ENOMEM;
	}
	ares_destroy(a->channel);
	a->channel = channel;
	return 0;
}

int
asker_set_patience(struct asker *a, unsigned timeout_ms, unsigned tries)
{
	unsigned old_timeout_ms = a->timeout_ms, old_tries = a->tries;
	int r;

	a->timeout_ms = timeout_ms;
	a->tries = tries;
	r = channel_replace(a);
	if (r < 0) {
		a->timeout_ms = old_timeout_ms;
		a->tries = old_tries;
	}
	return r;
}

void
asker_ask(struct asker *a, struct asker_question *q, const char *name)
{
	q->asker = a;
	ares_query(a->channel, name, ns_c_in,
		q->family == AF_INET ? ns_t_a : ns_t_aaaa, on_reply, q);
	arm(a);
}
