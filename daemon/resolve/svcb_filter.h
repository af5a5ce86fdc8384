/*
 * HTTPS and SVCB records (RFC 9460) without what leads around us: another
 * protocol, port or address, a key to hide the name with.  What stays is the
 * target and which HTTP over TCP is spoken.  Pure.
 */
#ifndef SBX_SVCB_FILTER_H
#define SBX_SVCB_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether records of this type have to go through here. */
bool svcb_filter_wants(uint16_t type);

/*
 * Filters one record's data in place.  False: it is malformed, or means nothing
 * without what was taken; the record goes.
 */
bool svcb_filter(uint8_t *data, size_t *len);

#endif
