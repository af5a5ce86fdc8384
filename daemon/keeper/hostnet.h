/*
 * What the kernel says about this host's interfaces and addresses, by
 * rtnetlink: all of it at the start, then each change.
 */
#ifndef SBX_HOSTNET_H
#define SBX_HOSTNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ev_loop;
struct hostnet;

struct hostnet_link { /* an interface */
	const char *name;
	const char *was; /* its name until now, if that is what changed */
	uint32_t ifindex;
	bool up;
};

struct hostnet_events {
	/* An address of the host, when its first interface gets it and when
	 * its last one loses it. */
	void (*address)(
		void *arg, bool added, int family, const uint8_t *address);
	/* It is there, has another name, or was taken up or down. */
	void (*link)(void *arg, const struct hostnet_link *link);
	void (*unlink)(void *arg, const char *name, uint32_t ifindex);
};

/*
 * Calls the events for what is there before it returns.  events is borrowed.
 * 0 and *ret, or -errno with a line in reterr.
 */
int hostnet_open(struct ev_loop *loop, const struct hostnet_events *events,
	void *arg, struct hostnet **ret, char *reterr, size_t reterr_size);
void hostnet_close(struct hostnet *h); /* accepts NULL */

/* Tells each address of the host once, for a listener that came late. */
typedef void hostnet_each(void *arg, int family, const uint8_t *address);
void hostnet_addresses(const struct hostnet *h, hostnet_each *each, void *arg);

/* 0: there is none of that name. */
uint32_t hostnet_ifindex(const struct hostnet *h, const char *name);

/* NULL: there is none of that number.  Borrowed until the loop turns. */
const char *hostnet_name(const struct hostnet *h, uint32_t ifindex);
bool hostnet_is_up(const struct hostnet *h, uint32_t ifindex);

#endif
