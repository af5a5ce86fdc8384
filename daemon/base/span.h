/*
 * Borrowed bytes: a pointer and a length, owned by somebody else and valid for
 * as long as the owner says.  Not terminated.
 */
#ifndef SBX_SPAN_H
#define SBX_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct span {
	const char *ptr;
	size_t len;
};

#define SPAN_LITERAL(s) ((struct span){(s), sizeof(s) - 1})

static inline struct span
span_of(const char *s)
{
	return (struct span){s, s != NULL ? strlen(s) : 0};
}

static inline bool
span_equals(struct span a, struct span b)
{
	return a.len == b.len &&
	       (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* ASCII case-insensitive, as field names and tokens compare. */
static inline bool
span_equals_nocase(struct span a, struct span b)
{
	return a.len == b.len &&
	       (a.len == 0 || strncasecmp(a.ptr, b.ptr, a.len) == 0);
}

#endif
