/*
 * Interfaces, their addresses, routes and neighbours, as rtnetlink requests.
 * Each call is one request on a socket of rtnl.h, in that socket's namespace.
 */
#ifndef SBX_INTERFACE_H
#define SBX_INTERFACE_H

#include <stdbool.h>
#include <stdint.h>

struct rtnl;

enum { INTERFACE_MAC = 6, INTERFACE_NAME = 16 }; /* with its end */

struct interface_end {
	char name[INTERFACE_NAME];
	uint8_t mac[INTERFACE_MAC];
};

struct interface_address {
	int family; /* AF_INET or AF_INET6 */
	uint8_t bytes[16];
};

/*
 * A veth pair: one end here, the other in the namespace netns_fd.  0,
 * -EEXIST, -errno.
 */
int interface_add_veth(struct rtnl *r, const struct interface_end *here,
	const struct interface_end *there, int netns_fd);

/*
 * Deletes the interface if name and mac are its own; the other end of a pair
 * goes with it.  0, also when there is none; -EEXIST when another interface
 * has the name.
 */
int interface_delete(struct rtnl *r, const struct interface_end *end);

/* 0 and *ret; -ENODEV; -errno. */
int interface_index(struct rtnl *r, const char *name, uint32_t *ret);

/* 0 or -errno; interface_is_up() says when it carries packets. */
int interface_up(struct rtnl *r, uint32_t index);

/* Whether the interface sends what it is given: 0 and *ret, or -errno. */
int interface_is_up(struct rtnl *r, uint32_t index, bool *ret);

/* Before it is up: it shall give itself no IPv6 address.  0, also without
 * IPv6; or -errno. */
int interface_no_link_local(struct rtnl *r, uint32_t index);

/*
 * Without duplicate address detection.  0 or -errno; an IPv6 address takes
 * packets in a moment later, when interface_has_address() says so.
 */
int interface_add_address(struct rtnl *r, uint32_t index,
	const struct interface_address *address, uint8_t prefix);

/* Whether packets to that address end here: 0 and *ret, or -errno. */
int interface_has_address(
	struct rtnl *r, const struct interface_address *address, bool *ret);

int interface_add_default_route(struct rtnl *r, uint32_t index,
	const struct interface_address *gateway);

/* The address alone lies behind that interface. */
int interface_add_host_route(struct rtnl *r, uint32_t index,
	const struct interface_address *address);

/* Who has the address, for ever: nobody asks, nobody can lie. */
int interface_add_neighbour(struct rtnl *r, uint32_t index,
	const struct interface_address *address,
	const uint8_t mac[INTERFACE_MAC]);

/*
 * Whether any route of this namespace, in any table, but a default route,
 * has an address in common with address/prefix.
 */
int interface_range_in_use(struct rtnl *r,
	const struct interface_address *address, uint8_t prefix, bool *ret);

#endif
