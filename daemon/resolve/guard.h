/*
 * The one guard in front of every connect() (threats 8, 16, 56): which
 * addresses a daemon that dials for sandboxes must never reach.  IPv4 inside
 * IPv6 is judged once, here.  Pure: knows nothing of sockets, names or policy;
 * whoever resolves or dials asks it with the very sockaddr that it will use.
 */
#ifndef SBX_GUARD_H
#define SBX_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;
struct guard;

/* A range that is refused unless the operator allows it. */
struct guard_range {
	const char *range;  /* "10.0.0.0/8" */
	const char *reason; /* as guard_refuses() says it */
	const char *source; /* who assigned it: "RFC 1918" */
	/*
	 * Only a range at least as narrow as this one re-allows it.  So
	 * 169.254.0.0/16 does not open the metadata service in it, nor ::/0 the
	 * IPv4-mapped form.
	 */
	bool exact;
};

/* NULL: out of memory. */
struct guard *guard_new(void);
void guard_free(struct guard *g); /* accepts NULL */

/*
 * A range that the operator allows (`upstream.allow_addresses`): "10.1.0.0/16",
 * "fd00::/8", a bare address.  0; -EINVAL, also when bits beyond the prefix are
 * set; -ENOSPC at the 1,025th; -ENOMEM.  Never re-allows a self address.
 */
int guard_allow(struct guard *g, const char *range);

/*
 * An address of the host itself or of a sandbox (4 or 16 bytes, by family):
 * refused whatever is allowed.  Counted, so that add and remove pair up;
 * removing what is not there does nothing.  0, -EAFNOSUPPORT or -ENOMEM.
 */
int guard_add_self(struct guard *g, int family, const uint8_t *address);
void guard_remove_self(struct guard *g, int family, const uint8_t *address);

/*
 * NULL: may be dialled.  Else why not, in static words: "loopback", "private",
 * "link-local", "cloud metadata", "carrier-grade NAT", "multicast",
 * "documentation", "NAT64", "6to4", "Teredo", "IPv4-mapped", "unspecified",
 * "reserved" (also: not an Internet address); and, whatever is allowed,
 * "synthetic" (naming/synthetic.h) and "this host or a sandbox".
 *
 * An IPv6 form that embeds an IPv4 address passes only if the form is allowed
 * and the embedded address would pass by itself.
 */
const char *guard_refuses(const struct guard *g, const struct sockaddr *dst);

/* Whether dst, or an IPv4 address embedded in it, is the host or a sandbox. */
bool guard_is_self(const struct guard *g, const struct sockaddr *dst);

/* All refused ranges, a narrower one before any that contains it. */
const struct guard_range *guard_ranges(size_t *ret_count);

#endif
