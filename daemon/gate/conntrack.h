/*
 * Connections of the kernel that the gate has let pass, told by their mark.
 * They go on without being asked about; here they are found again, and ended.
 */
#ifndef SBX_CONNTRACK_H
#define SBX_CONNTRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conntrack;
struct packet;

/*
 * In the namespace of the caller; tries whether this kernel can do it
 * (ctnetlink).  0 and *ret, which the caller closes; or -errno with a line in
 * reterr.
 */
int conntrack_open(uint32_t mark, struct conntrack **ret, char *reterr,
	size_t reterr_size);
void conntrack_close(struct conntrack *c); /* accepts NULL */

/* Whether a connection stays; p is as its first packet was. */
typedef bool conntrack_stays(void *arg, const struct packet *p);

/*
 * Looks at every one and ends those that do not stay, or all of them when the
 * kernel does not tell which there are.  How many ended, or -errno: then some
 * that should have may live.
 */
int conntrack_sweep(struct conntrack *c, conntrack_stays *stays, void *arg);

#endif
