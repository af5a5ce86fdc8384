/*
 * canary.c - is a sandbox that nobody knows still refused?
 *
 * Theory of operation
 *
 * Two TUN devices.  What is written into the first, sbx-canary0, the kernel
 * takes for received there: the way that a VM's packets take, from outside of
 * this network namespace.  It is caged as a sandbox's interface is, and one
 * pair of it with an address is known (the caller's part).  The far side of a
 * leak is the second, sbx-canary1: the destination is routed there and nowhere
 * else, so that what the rules let slip ends in our own hands and is counted.
 *
 *	from an address that nobody knows   one of each kind: silence
 *	from the one that is known          a DNS question: silence, because no
 *	                                    worker knows it; a SYN: our
 *	                                    listener answers, and that is the
 *	                                    proof that interception works
 *
 * The kernel does all of its part within the write, but for what others queue.
 * A TUN device wants CAP_NET_ADMIN, which we have, and /dev/net/tun; a
 * namespace would want CAP_SYS_ADMIN, and a raw socket CAP_NET_RAW.
 */
#include "canary.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "array.h"
#include "canary_packet.h"
#include "interface.h"
#include "rtnl.h"

enum {
	READ_SIZE = 2048,
	READS_MAX = 256,
	FIRST_PORT = 49152,
	PORTS = 16384,
};

enum { NEAR, FAR, SIDES };

static const char *const names[SIDES] = {
	[NEAR] = CANARY_INTERFACE, [FAR] = "sbx-canary1"};

/* Documentation addresses: nobody's. */
static const struct {
	int family;
	const char *known, *unknown, *far;
} ways[] = {
	{AF_INET, CANARY_ADDRESS4, "192.0.0.9", "198.51.100.77"},
	{AF_INET6, CANARY_ADDRESS6, "fd73:6278:6e::cb", "2001:db8:6e::77"},
};

static const struct {
	enum canary_kind kind;
	uint16_t port;
	bool known; /* by whom it is sent */
} songs[] = {
	{CANARY_SYN, 443, false},
	{CANARY_SYN, 22, false},
	{CANARY_UDP, 53, false},
	{CANARY_UDP, 443, false},
	{CANARY_UDP, 9, false},
	{CANARY_ECHO, 0, false},
	{CANARY_GRE, 0, false},
	{CANARY_UDP, 53, true},
	{CANARY_SYN, 443, true},
};

struct canary {
	int fd[SIDES];
	size_t ways;
	uint16_t port; /* of this song: a new one each time */
	struct canary_report report;
};

/* ---- devices ---------------------------------------------------------- */

static int
open_tun(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK), r;

	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &request) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

static int
add_route(struct rtnl *r, uint32_t index, int family, const char *address)
{
	struct interface_address a = {.family = family};

	inet_pton(family, address, a.bytes);
	return interface_add_host_route(r, index, &a);
}

static int
set_up(struct rtnl *r, int side, size_t count)
{
	uint32_t index = if_nametoindex(names[side]);
	int e = interface_no_link_local(r, index);

	if (e == 0)
		e = interface_up(r, index);
	for (size_t i = 0; e == 0 && i < count; i++)
		e = add_route(r, index, ways[i].family,
			side == NEAR ? ways[i].known : ways[i].far);
	return e;
}

int
canary_new(bool v6, struct canary **ret, char *reterr, size_t size)
{
	struct canary *c = calloc(1, sizeof(*c));
	struct rtnl *rtnl = NULL;
	int r = -ENOMEM;

	if (c == NULL)
		goto fail;
	c->fd[NEAR] = c->fd[FAR] = -1;
	c->ways = v6 ? 2 : 1;
	r = rtnl_open(&rtnl);
	for (int i = 0; r >= 0 && i < SIDES; i++) {
		r = c->fd[i] = open_tun(names[i]);
		if (r >= 0)
			r = set_up(rtnl, i, c->ways);
	}
	if (r < 0)
		goto fail;
	rtnl_close(rtnl);
	*ret = c;
	return 0;
fail:
	snprintf(reterr, size, "no canary (" CANARY_INTERFACE "): %s",
		strerror(-r));
	rtnl_close(rtnl);
	canary_free(c);
	return r;
}

void
canary_free(struct canary *c)
{
	if (c == NULL)
		return;
	for (int i = 0; i < SIDES; i++) {
		if (c->fd[i] >= 0)
			close(c->fd[i]);
	}
	free(c);
}

/* ---- singing ---------------------------------------------------------- */

static void
pack(const struct canary *c, size_t way, size_t song,
	uint8_t addresses[static 32], struct canary_packet *ret)
{
	inet_pton(ways[way].family,
		songs[song].known ? ways[way].known : ways[way].unknown,
		addresses);
	inet_pton(ways[way].family, ways[way].far, addresses + 16);
	*ret = (struct canary_packet){songs[song].kind, ways[way].family,
		addresses, addresses + 16, c->port, songs[song].port};
}

static int
send_packet(struct canary *c, const struct canary_packet *p)
{
	uint8_t bytes[CANARY_PACKET_MAX];
	size_t len = canary_packet_write(p, bytes);

	return write(c->fd[NEAR], bytes, len) == (ssize_t)len ? 0 : -errno;
}

/* What lies there from before. */
static void
drain(int fd)
{
	uint8_t bytes[READ_SIZE];

	for (int i = 0; i < READS_MAX && read(fd, bytes, sizeof(bytes)) > 0;
		i++)
		continue;
}

int
canary_sing(struct canary *c)
{
	struct canary_packet p;
	uint8_t addresses[32];
	int r = 0;

	drain(c->fd[NEAR]);
	drain(c->fd[FAR]);
	c->report = (struct canary_report){.awaited = (unsigned)c->ways};
	c->port = (uint16_t)(FIRST_PORT + (c->port + 1) % PORTS);
	for (size_t way = 0; way < c->ways; way++) {
		for (size_t i = 0; r == 0 && i < ARRAY_LEN(songs); i++) {
			pack(c, way, i, addresses, &p);
			r = send_packet(c, &p);
			c->report.sent += r == 0;
		}
	}
	return r;
}

/* Whose connection it was: the listener need not wait for the rest. */
static void
hang_up(struct canary *c, int version)
{
	size_t last = ARRAY_LEN(songs) - 1;
	struct canary_packet p;
	uint8_t addresses[32];

	pack(c, version == 6 ? 1 : 0, last, addresses, &p);
	p.kind = CANARY_RST;
	(void)send_packet(c, &p);
}

void
canary_hear(struct canary *c, struct canary_report *ret)
{
	uint8_t bytes[READ_SIZE];
	ssize_t n;

	for (int i = 0; i < READS_MAX; i++) {
		n = read(c->fd[NEAR], bytes, sizeof(bytes));
		if (n <= 0)
			break;
		switch (canary_answer_read(bytes, (size_t)n)) {
		case CANARY_ACCEPTED:
			c->report.accepted++;
			hang_up(c, bytes[0] >> 4);
			break;
		case CANARY_STRAY:
			c->report.strays++;
			break;
		case CANARY_NOISE:
		case CANARY_REFUSED:
			break;
		}
	}
	for (int i = 0; i < READS_MAX; i++) {
		n = read(c->fd[FAR], bytes, sizeof(bytes));
		if (n <= 0)
			break;
		c->report.left +=
			canary_answer_read(bytes, (size_t)n) != CANARY_NOISE;
	}
	*ret = c->report;
}
