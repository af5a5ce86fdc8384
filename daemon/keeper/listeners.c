/*
 * listeners.c - one of each kind for each worker, in an order that stays
 *
 * A reuseport group numbers its sockets as they begin to listen, and when one
 * is closed the last one takes its number.  So nobody else's may be in the
 * group when ours join it: the workers of a keeper that was killed die with it,
 * but not in the same moment, and what they hold until then would leave ours in
 * another order than the steering program means.
 */
#include "listeners.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "array.h"
#include "dns_socket.h"
#include "netclaim.h"
#include "nft.h"
#include "patience.h"
#include "steer.h"

enum {
	BACKLOG = 4096, /* the kernel cuts it to net.core.somaxconn */
	DNS_PORT = 53,
	ALONE_MS = 5000, /* how long others may take to go */
	TEXT = 256,
};

struct option {
	int level, name;
	const char *text;
};

static const struct option options4[] = {
	{SOL_IP, IP_TRANSPARENT, "IP_TRANSPARENT"},
	{SOL_IP, IP_PKTINFO, "IP_PKTINFO"},
	{0},
};
static const struct option options6[] = {
	{SOL_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY"},
	{SOL_IPV6, IPV6_TRANSPARENT, "IPV6_TRANSPARENT"},
	{SOL_IPV6, IPV6_RECVPKTINFO, "IPV6_RECVPKTINFO"},
	{0},
};
/* name: as systemd units call it.  The addresses are those of sbx-net.nft. */
static const struct kind {
	const char *name;
	int family, type;
	const char *address;
	const struct option *options;
} kinds[] = {
	[LISTENER_TCP4] = {"tcp4", AF_INET, SOCK_STREAM, "127.0.0.1", options4},
	[LISTENER_TCP6] = {"tcp6", AF_INET6, SOCK_STREAM, "::1", options6},
	[LISTENER_DNS4] = {"dns4", AF_INET, SOCK_DGRAM, NFT_DNS_ADDRESS4, NULL},
	[LISTENER_DNS6] = {"dns6", AF_INET6, SOCK_DGRAM, NFT_DNS_ADDRESS6,
		NULL},
};
static_assert(ARRAY_LEN(kinds) == LISTENER_KINDS, "a row for each kind");

void
listeners_init(struct listeners *l)
{
	l->workers = 0;
	l->has_v6 = false;
	l->claim = -1;
	memset(l->fds, -1, sizeof(l->fds));
}

void
listeners_done(struct listeners *l)
{
	for (size_t kind = 0; kind < LISTENER_KINDS; kind++)
		for (size_t i = 0; i < LISTENERS_MAX; i++)
			if (l->fds[kind][i] >= 0)
				close(l->fds[kind][i]);
	if (l->claim >= 0)
		close(l->claim);
	listeners_init(l);
}

/* ---- from systemd ----------------------------------------------------- */

static uint32_t
count_of(const struct listeners *l, size_t kind)
{
	uint32_t count = 0;

	while (count < LISTENERS_MAX && l->fds[kind][count] >= 0)
		count++;
	return count;
}

static int
adopt_one(struct listeners *l, int fd, const char *name)
{
	uint32_t count;

	for (size_t kind = 0; kind < LISTENER_KINDS; kind++) {
		if (strcmp(name, kinds[kind].name) != 0)
			continue;
		count = count_of(l, kind);
		if (count == LISTENERS_MAX ||
			sd_is_socket(fd, kinds[kind].family, kinds[kind].type,
				-1) <= 0)
			return -EINVAL;
		l->fds[kind][count] = fd;
		fcntl(fd, F_SETFL, O_NONBLOCK);
		return 0;
	}
	return -EINVAL;
}

int
listeners_adopt(struct listeners *l, char *reterr, size_t reterr_size)
{
	char **names = NULL;
	uint32_t workers = 0;
	int count, r = 0;

	count = sd_listen_fds_with_names(1, &names);
	for (int i = 0; i < count; i++) {
		if (r == 0)
			r = adopt_one(l, SD_LISTEN_FDS_START + i, names[i]);
		if (r < 0)
			snprintf(reterr, reterr_size,
				"systemd passed a socket \"%s\" that is none "
				"of ours (tcp4, tcp6, dns4, dns6)",
				names[i]);
		free(names[i]);
	}
	free(names);
	for (size_t kind = 0; r == 0 && kind < LISTENER_KINDS; kind++) {
		uint32_t have = count_of(l, kind);

		if (have == 0)
			continue;
		if (workers != 0 && have != workers) {
			snprintf(reterr, reterr_size,
				"systemd passed %u sockets %s but %u of "
				"another kind: one each for a worker",
				have, kinds[kind].name, workers);
			r = -EINVAL;
		}
		workers = have;
	}
	if (count < 0)
		r = count;
	return r < 0 ? r : (int)workers;
}

/* ---- our own ---------------------------------------------------------- */

static int
fail(int fd, const struct kind *kind, const char *what, char *reterr,
	size_t reterr_size)
{
	int r = -errno;

	snprintf(reterr, reterr_size, "listener %s: %s: %s%s", kind->address,
		what, strerror(-r),
		r == -EPERM ? " (CAP_NET_ADMIN is needed)" : "");
	if (fd >= 0)
		close(fd);
	return r;
}

static socklen_t
make_address(
	const struct kind *kind, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	int good;

	memset(ret, 0, sizeof(*ret));
	ret->ss_family = (sa_family_t)kind->family;
	if (kind->family == AF_INET6) {
		v6->sin6_port = htons(port);
		good = inet_pton(AF_INET6, kind->address, &v6->sin6_addr);
	} else {
		v4->sin_port = htons(port);
		good = inet_pton(AF_INET, kind->address, &v4->sin_addr);
	}
	assert(good == 1);
	return kind->family == AF_INET6 ? sizeof(*v6) : sizeof(*v4);
}

static int
steer(int fd, int family, uint32_t workers)
{
	struct sock_filter code[STEER_PROGRAM_MAX];
	struct sock_fprog program = {.filter = code};

	program.len = (unsigned short)steer_program(
		family, workers, code, ARRAY_LEN(code));
	assert(program.len > 0);
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program,
		sizeof(program));
}

/*
 * From here on no other program can be put there, by whoever was given one of
 * them.  Only of our own: systemd keeps those that it passes, and the next of
 * us must be able to steer them.
 */
static int
lock_program(int fd)
{
	const int one = 1;

	return setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &one, sizeof(one));
}

/*
 * A sandbox is one virtual link away: nothing is gained by pacing what is sent
 * to it, as BBR does where it is the host's choice, and each timer costs more
 * than the segment that waits for it.  Accepted sockets inherit this.  A kernel
 * that has neither keeps its own.
 */
static void
send_unpaced(int fd)
{
	static const char *const names[] = {"cubic", "reno"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, names[i],
			    (socklen_t)strlen(names[i])) == 0)
			break;
}

static int
open_one(const struct kind *kind, uint16_t port, char *reterr,
	size_t reterr_size)
{
	struct sockaddr_storage address;
	const int one = 1;
	socklen_t len;
	int fd;

	fd = socket(kind->family, kind->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(fd, kind, "socket", reterr, reterr_size);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) < 0)
		return fail(fd, kind, "SO_REUSEPORT", reterr, reterr_size);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
		return fail(fd, kind, "SO_REUSEADDR", reterr, reterr_size);
	for (const struct option *o = kind->options; o->text != NULL; o++)
		if (setsockopt(fd, o->level, o->name, &one, sizeof(one)) < 0)
			return fail(fd, kind, o->text, reterr, reterr_size);
	len = make_address(kind, port, &address);
	if (bind(fd, (struct sockaddr *)&address, len) < 0)
		return fail(fd, kind, "bind", reterr, reterr_size);
	return fd;
}

/* Bound without SO_REUSEPORT: whether nobody listens there; -errno. */
static int
try_alone(const struct kind *kind, uint16_t port)
{
	struct sockaddr_storage address;
	socklen_t len = make_address(kind, port, &address);
	const int one = 1;
	int fd = socket(kind->family, kind->type | SOCK_CLOEXEC, 0), r = 0;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, len) < 0)
		r = -errno;
	close(fd);
	return r;
}

static int
wait_alone(const struct kind *kind, uint16_t port, char *reterr,
	size_t reterr_size)
{
	struct patience patience = {ALONE_MS};
	int r;

	do
		r = try_alone(kind, port);
	while (r == -EADDRINUSE && patience_wait(&patience));
	if (r == -EADDRINUSE)
		snprintf(reterr, reterr_size,
			"listener %s: somebody listens on port %u: another "
			"sbx-netd of this network namespace, or another "
			"program",
			kind->address, port);
	/* What else is wrong, opening it says better. */
	return r == -EADDRINUSE ? r : 0;
}

/* Binds them all, then listens in order: the program returns the number. */
static int
open_kind(struct listeners *l, size_t k, uint16_t port, char *reterr,
	size_t reterr_size)
{
	const struct kind *kind = &kinds[k];
	int fd, r = 0;

	if (kind->type == SOCK_STREAM)
		r = wait_alone(kind, port, reterr, reterr_size);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < l->workers; i++) {
		if (kind->type == SOCK_STREAM)
			fd = open_one(kind, port, reterr, reterr_size);
		else
			fd = dns_socket_open(kind->family, kind->address,
				DNS_PORT, reterr, reterr_size);
		if (fd < 0)
			return fd;
		l->fds[k][i] = fd;
	}
	for (uint32_t i = 0; kind->type == SOCK_STREAM && i < l->workers; i++)
		if (listen(l->fds[k][i], BACKLOG) < 0)
			return fail(-1, kind, "listen", reterr, reterr_size);
	return 0;
}

static bool
is_without_v6(int r)
{
	return r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL || r == -ENOPROTOOPT;
}

static void
close_kind(struct listeners *l, size_t k)
{
	for (size_t i = 0; i < LISTENERS_MAX; i++)
		if (l->fds[k][i] >= 0) {
			close(l->fds[k][i]);
			l->fds[k][i] = -1;
		}
}

int
listeners_open(struct listeners *l, uint32_t workers, uint16_t port,
	bool by_source, char *reterr, size_t reterr_size)
{
	bool adopted[LISTENER_KINDS] = {false};
	int r;

	l->workers = workers;
	l->has_v6 = true;
	l->claim = netclaim_open(reterr, reterr_size);
	if (l->claim < 0)
		return l->claim;
	for (size_t k = 0; k < LISTENER_KINDS; k++) {
		adopted[k] = l->fds[k][0] >= 0;
		if (adopted[k])
			continue;
		r = 0;
		if (kinds[k].family == AF_INET || l->has_v6)
			r = open_kind(l, k, port, reterr, reterr_size);
		if (r < 0 && kinds[k].family == AF_INET6 && is_without_v6(r)) {
			l->has_v6 = false;
			close_kind(l, k);
		} else if (r < 0) {
			return r;
		}
	}
	if (!l->has_v6) {
		close_kind(l, LISTENER_TCP6);
		close_kind(l, LISTENER_DNS6);
	}
	for (size_t k = 0; k < LISTENER_KINDS; k++)
		for (uint32_t i = 0; i < workers; i++)
			if (kinds[k].type == SOCK_STREAM && l->fds[k][i] >= 0)
				send_unpaced(l->fds[k][i]);
	for (size_t k = 0; by_source && k < LISTENER_KINDS; k++)
		if (kinds[k].type == SOCK_STREAM && l->fds[k][0] >= 0 &&
			steer(l->fds[k][0], kinds[k].family, workers) < 0)
			return fail(-1, &kinds[k], "SO_ATTACH_REUSEPORT_CBPF",
				reterr, reterr_size);
	for (size_t k = 0; k < LISTENER_KINDS; k++)
		for (uint32_t i = 0; !adopted[k] && i < workers; i++)
			if (l->fds[k][i] >= 0 && lock_program(l->fds[k][i]) < 0)
				return fail(-1, &kinds[k], "SO_LOCK_FILTER",
					reterr, reterr_size);
	return 0;
}

/* ---- the way around TPROXY -------------------------------------------- */

static char
read_first(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char c = '0';

	if (fd >= 0 && read(fd, &c, 1) != 1)
		c = '0';
	if (fd >= 0)
		close(fd);
	return c;
}

int
listeners_check_localnet(char *reterr, size_t reterr_size)
{
	static const char *const names[] = {"all", "lo"};
	char path[TEXT];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path),
			"/proc/sys/net/ipv4/conf/%s/route_localnet", names[i]);
		if (read_first(path) != '1')
			continue;
		snprintf(reterr, reterr_size,
			"route_localnet is 1: packets from outside could reach "
			"the listeners on 127.0.0.1 past the rules; mend it "
			"with: sysctl -w net.ipv4.conf.%s.route_localnet=0",
			names[i]);
		return -EPERM;
	}
	return 0;
}
