/*
 * The wire between the host and one sandbox: a veth pair with an address on
 * either end, v4 and, where the host has it, v6.  Names, hardware addresses
 * and addresses are drawn at random, so that two wires never know of each
 * other; all of them are known before the first one is made, so that whoever
 * cleans up needs to be told nothing more.
 */
#ifndef SBX_WIRE_H
#define SBX_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "interface.h"

struct rtnl;

/* A range of addresses to draw from, and what to draw. */
struct wire_pool {
	struct interface_address first;
	unsigned prefix;
};

struct wire_pair { /* of one family */
	struct interface_address gateway, sandbox;
};

struct wire {
	struct interface_end host, guest;
	struct wire_pair v4, v6;
	bool has_v6; /* set by wire_make(): the host speaks it */
};

/*
 * Reads "100.127.0.0/16": an IPv4 range of at least two addresses.  0 or
 * -EINVAL with a line in reterr.
 */
int wire_pool_parse(
	const char *text, struct wire_pool *ret, char *reterr, size_t size);

/*
 * Draws a wire whose addresses no route of the host r covers.  0; -EADDRINUSE
 * when the pool seems to be in use; -errno.
 */
int wire_draw(struct rtnl *r, const struct wire_pool *pool, struct wire *ret);

/*
 * Makes it: host is a socket of the host's namespace, guest one of the
 * sandbox's, netns_fd the latter.  0: it carries packets; or -errno with a line
 * in reterr: what was made so far goes with wire_cut().
 */
int wire_make(struct wire *w, struct rtnl *host, struct rtnl *guest,
	int netns_fd, char *reterr, size_t size);

/* Deletes it, if it is there: 0 or -errno.  Never somebody else's. */
int wire_cut(const struct wire *w, struct rtnl *host);

#endif
