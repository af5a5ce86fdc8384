/*
 * Memory that is given back all at once: what one document, or one generation
 * of policy, consists of.  Grows in blocks; single pieces are never freed.
 * Knows nothing of what is stored.
 */
#ifndef SBX_REGION_H
#define SBX_REGION_H

#include <stddef.h>

struct region;

struct region *region_new(void);    /* NULL: out of memory */
void region_free(struct region *r); /* accepts NULL */

/*
 * Zeroed memory for count pieces of size bytes, aligned for any type; it lives
 * as long as the region.  count 0 gives a valid pointer that must not be read.
 * NULL: out of memory, and every later call fails too, so that a builder may
 * ask once at its end (region_failed()).
 */
void *region_alloc(struct region *r, size_t count, size_t size);

/* A terminated copy of len bytes.  NULL: out of memory. */
char *region_copy(struct region *r, const char *text, size_t len);

/* Formatted text.  NULL: out of memory. */
char *region_format(struct region *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

int region_failed(const struct region *r); /* 0 or -ENOMEM */

/* Notes that memory was short elsewhere in the same work. */
void region_fail(struct region *r);

#endif
