/*
 * Patterns for host names, and what two of them have in common.  Pure.
 *
 *	x          that name
 *	*.x        one label and x
 *	**.x       one or more labels and x
 *	.x         x itself, and **.x
 *	a*b.x      one label that begins with a and ends with b, and x
 *	*          every name
 */
#ifndef SBX_HOST_PATTERN_H
#define SBX_HOST_PATTERN_H

#include "host.h"

#include <stdbool.h>

struct region;

enum host_pattern_kind {
	HOST_EXACT,
	HOST_ONE,  /* *.x */
	HOST_DEEP, /* **.x */
	HOST_APEX, /* .x */
	HOST_GLOB, /* a star inside the first label */
	HOST_ANY,
};

struct host_pattern {
	enum host_pattern_kind kind;
	const char *text; /* canonical */
	const char *base; /* the x of it, inside text; HOST_ANY: "" */
	size_t glob_len;  /* HOST_GLOB: the first label, at text */
};

enum { HOST_PATTERN_ERROR = 200 };

/*
 * Reads text; the pattern's texts go into region.  Returns 0; -EINVAL (not a
 * pattern); -EPERM (a wildcard over everything or over a public suffix, and
 * not broad), both with a line in reterr; or -ENOMEM.
 */
int host_pattern_compile(struct region *region, const char *text, bool broad,
	struct host_pattern *ret, char reterr[HOST_PATTERN_ERROR]);

/* host: from host_normalise(). */
bool host_pattern_matches(const struct host_pattern *p, const char *host);

/* Whether outer matches each host that inner matches. */
bool host_pattern_covers(
	const struct host_pattern *outer, const struct host_pattern *inner);

/* Whether a glob (one label of HOST_GLOB) matches a label. */
bool host_glob_matches(
	const char *glob, size_t glob_len, const char *label, size_t label_len);

/* Whether some host matches both; if so, one of them in ret. */
bool host_pattern_common(const struct host_pattern *a,
	const struct host_pattern *b, char ret[HOST_MAX + 1]);

#endif
