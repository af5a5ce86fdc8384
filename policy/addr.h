/*
 * Address ranges (CIDR), v4 and v6.  Pure.
 */
#ifndef SBX_ADDR_H
#define SBX_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct addr_range {
	int family; /* AF_INET or AF_INET6 */
	uint8_t bytes[16];
	unsigned prefix; /* bits */
};

/*
 * "192.0.2.1", "192.0.2.0/24", "2001:db8::/32".  Returns 0; -EINVAL for what
 * is no address or range; -ERANGE when bits are set behind the prefix;
 * -EAFNOSUPPORT for v4-mapped v6, which no packet carries.
 */
int addr_parse(const char *text, struct addr_range *ret);

/* Whether dst (v4-mapped v6 taken as v4) lies in the range. */
bool addr_contains(const struct addr_range *range, const struct sockaddr *dst);

/* The port of an AF_INET or AF_INET6 address; 0 for any other family. */
uint16_t addr_port(const struct sockaddr *dst);

enum { ADDR_TEXT = 64 };

/* Canonical text; a range of one address without its prefix.  Returns ret. */
const char *addr_text(const struct addr_range *range, char ret[ADDR_TEXT]);

#endif
