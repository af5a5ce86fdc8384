/*
 * The target of a control request, taken apart: path segments and query
 * values, decoded.  Pure; the bytes are a local user's.
 */
#ifndef SBX_CONTROL_QUERY_H
#define SBX_CONTROL_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "span.h"

enum {
	CONTROL_NAME_MAX = 256,  /* decoded segment, with its end */
	CONTROL_VALUE_MAX = 4096 /* decoded query value, with its end */
};

/*
 * Whether path is pattern, in which one segment may be "NAME": that one,
 * decoded, goes to name ("" if there is none).
 */
bool control_path_matches(
	const char *pattern, struct span path, char name[CONTROL_NAME_MAX]);

/*
 * The first value of key in a query (what follows '?'), decoded ('+' is a
 * blank).  1 and ret; 0 when there is none; -EINVAL for what cannot be
 * decoded, holds a NUL or is too long.
 */
int control_query_get(
	struct span query, const char *key, char *ret, size_t size);

/* The same, from *rest on: what follows the value is left in it. */
int control_query_next(
	struct span *rest, const char *key, char *ret, size_t size);

#endif
