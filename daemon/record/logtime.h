/*
 * Points in time as people and records write them, to microseconds since the
 * epoch.  Pure: now is a parameter.
 */
#ifndef SBX_LOGTIME_H
#define SBX_LOGTIME_H

#include <stdint.h>

/*
 * RFC 3339: "2025-11-21T03:25:01.000042Z", with a fraction or without, with Z
 * or an offset, with T or a space.  0 and *ret, or -EINVAL.
 */
int logtime_parse(const char *text, uint64_t *ret);

/*
 * The same, or how long ago: "90s", "10m", "2h", "1d", "1w", and added up
 * "1h30m".  0 and *ret, or -EINVAL.
 */
int logtime_since(const char *text, uint64_t now_us, uint64_t *ret);

#endif
