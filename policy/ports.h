/*
 * Sets of port numbers.  Pure.
 */
#ifndef SBX_PORTS_H
#define SBX_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct port_range {
	uint16_t first, last;
};

struct ports { /* ranges in ascending order, apart from each other */
	const struct port_range *ranges;
	size_t count;
};

extern const struct ports ports_all;
extern const struct ports ports_web; /* 80 and 443 */
extern const struct ports ports_tls; /* 443 */

/* "443" or "8000-8999".  False for anything else, and for port 0. */
bool port_range_parse(const char *text, struct port_range *ret);

/* Sorts and joins ranges in place; returns how many are left. */
size_t port_ranges_join(struct port_range *ranges, size_t count);

bool ports_contain(const struct ports *p, uint16_t port);

/* Whether every port of inner is in outer. */
bool ports_cover(const struct ports *outer, const struct ports *inner);

/* The lowest port that both have, from port on; false when there is none. */
bool ports_common(const struct ports *a, const struct ports *b, unsigned port,
	uint16_t *ret);

#endif
