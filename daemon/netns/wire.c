/*
 * wire.c - a veth pair with addresses
 *
 * Theory of operation
 *
 * Both ends know each other's hardware address from the start (permanent
 * neighbours), have no link-local address and do no duplicate address
 * detection: on such a wire neither ARP nor neighbour discovery is ever
 * needed, so the kernel rules may drop all of it.
 *
 * It works from the first packet on.  The kernel leaves two things to workers
 * of its own: that the end which was up first sends, now that the other one is
 * up as well, and that an IPv6 address takes packets in.  Until then packets
 * are lost without a word, so the wire is made only when both are seen done.
 */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "patience.h"
#include "rtnl.h"

enum {
	DRAWS = 64,         /* tries to find a pair that is not in use */
	CARRIES_MS = 10000, /* the kernel's workers may be late, not absent */
	LOCAL_UNICAST = 2   /* first byte of a hardware address of our own */
};

/* fd73:6278:6e::/48 is sbx-net's; this /64 of it is for wires. */
static const uint8_t pool6[8] = {0xfd, 0x73, 0x62, 0x78, 0, 0x6e, 0, 0x01};

int
wire_pool_parse(
	const char *text, struct wire_pool *ret, char *reterr, size_t size)
{
	char address[INET_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	struct wire_pool pool = {.first.family = AF_INET};
	char *end = NULL;
	unsigned long prefix;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(address))
		goto fail;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	if (inet_pton(AF_INET, address, pool.first.bytes) != 1)
		goto fail;
	if (slash[1] < '0' || slash[1] > '9')
		goto fail;
	prefix = strtoul(slash + 1, &end, 10);
	if (*end != '\0' || prefix < 8 || prefix > 31)
		goto fail;
	pool.prefix = (unsigned)prefix;
	*ret = pool;
	return 0;
fail:
	snprintf(reterr, size,
		"'%s' is not an IPv4 range of /8 to /31, such as 10.99.0.0/16",
		text);
	return -EINVAL;
}

static int
draw_bytes(void *ret, size_t size)
{
	ssize_t n = getrandom(ret, size, 0);

	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EIO;
}

static void
pair4(const struct wire_pool *pool, uint32_t random, struct wire_pair *ret)
{
	uint32_t host_bits = 32 - pool->prefix;
	uint32_t mask = (uint32_t)((UINT64_C(1) << host_bits) - 1);
	uint32_t base, n;

	memcpy(&base, pool->first.bytes, sizeof(base));
	base = (ntohl(base) & ~mask) | (random & mask & ~UINT32_C(1));
	ret->gateway.family = ret->sandbox.family = AF_INET;
	n = htonl(base);
	memcpy(ret->gateway.bytes, &n, sizeof(n));
	n = htonl(base | 1);
	memcpy(ret->sandbox.bytes, &n, sizeof(n));
}

static void
pair6(uint64_t random, struct wire_pair *ret)
{
	ret->gateway = (struct interface_address){.family = AF_INET6};
	memcpy(ret->gateway.bytes, pool6, sizeof(pool6));
	memcpy(ret->gateway.bytes + 8, &random, sizeof(random));
	ret->sandbox = ret->gateway;
	ret->gateway.bytes[15] &= 0xfe;
	ret->sandbox.bytes[15] |= 1;
}

static void
name_ends(const uint8_t random[2 * INTERFACE_MAC], struct wire *w)
{
	snprintf(w->host.name, sizeof(w->host.name), "sbx-%02x%02x%02x",
		random[1], random[2], random[3]);
	snprintf(w->guest.name, sizeof(w->guest.name), "eth0");
	memcpy(w->host.mac, random, INTERFACE_MAC);
	memcpy(w->guest.mac, random + INTERFACE_MAC, INTERFACE_MAC);
	w->host.mac[0] = w->guest.mac[0] = LOCAL_UNICAST;
}

int
wire_draw(struct rtnl *r, const struct wire_pool *pool, struct wire *ret)
{
	struct {
		uint8_t ends[2 * INTERFACE_MAC];
		uint32_t v4;
		uint64_t v6;
	} random;
	struct wire w = {0};
	bool used = true;
	int e;

	for (int i = 0; i < DRAWS && used; i++) {
		e = draw_bytes(&random, sizeof(random));
		if (e < 0)
			return e;
		name_ends(random.ends, &w);
		pair4(pool, random.v4, &w.v4);
		pair6(random.v6, &w.v6);
		e = interface_range_in_use(r, &w.v4.gateway, 31, &used);
		if (e < 0)
			return e;
	}
	if (used)
		return -EADDRINUSE;
	*ret = w;
	return 0;
}

/* One end's address of one family, and where the other end is. */
static int
give_address(struct rtnl *r, uint32_t index,
	const struct interface_address *own,
	const struct interface_address *other, const uint8_t *other_mac)
{
	uint8_t prefix = own->family == AF_INET ? 31 : 127;
	int e = interface_add_address(r, index, own, prefix);

	if (e < 0)
		return e;
	return interface_add_neighbour(r, index, other, other_mac);
}

static int
bring_up(struct rtnl *r, uint32_t index)
{
	int e = interface_no_link_local(r, index);

	return e < 0 ? e : interface_up(r, index);
}

static int
make_host_end(struct wire *w, struct rtnl *r)
{
	uint32_t index;
	int e = interface_index(r, w->host.name, &index);

	if (e < 0)
		return e;
	e = bring_up(r, index);
	if (e < 0)
		return e;
	e = give_address(
		r, index, &w->v4.gateway, &w->v4.sandbox, w->guest.mac);
	if (e < 0)
		return e;
	e = give_address(
		r, index, &w->v6.gateway, &w->v6.sandbox, w->guest.mac);
	w->has_v6 = e == 0;
	/* A host without IPv6 says one of these. */
	if (e == -EACCES || e == -EOPNOTSUPP || e == -EAFNOSUPPORT)
		return 0;
	return e;
}

static int
make_guest_family(const struct wire *w, struct rtnl *r, uint32_t index,
	const struct wire_pair *pair)
{
	int e = give_address(
		r, index, &pair->sandbox, &pair->gateway, w->host.mac);

	if (e < 0)
		return e;
	return interface_add_default_route(r, index, &pair->gateway);
}

static int
make_guest_end(const struct wire *w, struct rtnl *r)
{
	uint32_t lo, index;
	int e = interface_index(r, "lo", &lo);

	if (e < 0)
		return e;
	e = interface_up(r, lo);
	if (e < 0)
		return e;
	e = interface_index(r, w->guest.name, &index);
	if (e < 0)
		return e;
	e = bring_up(r, index);
	if (e < 0)
		return e;
	e = make_guest_family(w, r, index, &w->v4);
	if (e < 0 || !w->has_v6)
		return e;
	return make_guest_family(w, r, index, &w->v6);
}

/* Waits until that end sends, and takes in what is sent to its addresses. */
static int
await_end(struct rtnl *r, const char *name, const struct interface_address *v4,
	const struct interface_address *v6)
{
	struct patience patience = {.left_ms = CARRIES_MS};
	uint32_t index;
	bool ready;
	int e = interface_index(r, name, &index);

	if (e < 0)
		return e;
	do {
		e = interface_is_up(r, index, &ready);
		if (e == 0 && ready)
			e = interface_has_address(r, v4, &ready);
		if (e == 0 && ready && v6 != NULL)
			e = interface_has_address(r, v6, &ready);
		if (e < 0 || ready)
			return e;
	} while (patience_wait(&patience));
	return -ETIMEDOUT;
}

static int
await_both(const struct wire *w, struct rtnl *host, struct rtnl *guest)
{
	int e = await_end(host, w->host.name, &w->v4.gateway,
		w->has_v6 ? &w->v6.gateway : NULL);

	if (e < 0)
		return e;
	return await_end(guest, w->guest.name, &w->v4.sandbox,
		w->has_v6 ? &w->v6.sandbox : NULL);
}

int
wire_make(struct wire *w, struct rtnl *host, struct rtnl *guest, int netns_fd,
	char *reterr, size_t size)
{
	int e = interface_add_veth(host, &w->host, &w->guest, netns_fd);

	if (e < 0) {
		snprintf(reterr, size, "cannot make the veth pair %s: %s %s",
			w->host.name, strerror(-e), rtnl_words(host));
		return e;
	}
	e = make_host_end(w, host);
	if (e < 0) {
		snprintf(reterr, size, "cannot configure %s: %s %s",
			w->host.name, strerror(-e), rtnl_words(host));
		return e;
	}
	e = make_guest_end(w, guest);
	if (e < 0) {
		snprintf(reterr, size,
			"cannot configure %s in the sandbox: %s %s",
			w->guest.name, strerror(-e), rtnl_words(guest));
		return e;
	}
	e = await_both(w, host, guest);
	if (e < 0)
		snprintf(reterr, size,
			"the veth pair %s does not carry packets: %s",
			w->host.name, strerror(-e));
	return e;
}

int
wire_cut(const struct wire *w, struct rtnl *host)
{
	return interface_delete(host, &w->host);
}
