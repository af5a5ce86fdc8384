/*
 * A netlink socket that asks the kernel and gets its answer at once: the
 * kernel works on a request within the send, so nothing here ever waits.
 * What cannot be read without waiting did not come.
 */
#ifndef SBX_NLSOCK_H
#define SBX_NLSOCK_H

#include <stddef.h>
#include <stdint.h>

struct batch;
struct nlmsghdr;
struct nlsock;

/* What is done with a message of a dump: 0, or -errno to give up. */
typedef int nlsock_each(const struct nlmsghdr *nlh, void *arg);

/* protocol: NETLINK_NETFILTER or NETLINK_ROUTE.  0, or -errno. */
int nlsock_open(int protocol, struct nlsock **ret);
void nlsock_close(struct nlsock *s); /* accepts NULL */

/* What the kernel calls us in events. */
uint32_t nlsock_port(const struct nlsock *s);

/* The next free sequence number. */
uint32_t nlsock_seq(const struct nlsock *s);

/*
 * Sends the transaction: 0, it stands; -errno, none of it does, and reterr
 * says which part was refused and why.
 */
int nlsock_commit(struct nlsock *s, struct batch *b, char *reterr, size_t size);

/*
 * One request with an acknowledgement; sets its flags and seq.  0, or what
 * the kernel said, in its own words when it has any.
 */
int nlsock_request(
	struct nlsock *s, struct nlmsghdr *nlh, char *reterr, size_t size);

/*
 * A dump: each() for every message of it.  0; -EINTR, it changed meanwhile
 * and is not to be trusted; -errno.
 */
int nlsock_dump(
	struct nlsock *s, struct nlmsghdr *nlh, nlsock_each *each, void *arg);

/*
 * A bare socket for what comes unasked: bound, never waits, with a receive
 * buffer of that many bytes if we may.  groups: the bits of sockaddr_nl.  The
 * descriptor, the caller's; or -errno.
 */
int nlsock_listen(int protocol, uint32_t groups, int buffer);

#endif
