/*
 * The one type that holds a credential's value: locked in memory, in no core
 * dump, in no forked child, wiped when the last reference goes, and without a
 * print function.  Not for several threads at once.
 *
 * System calls: memfd_secret, ftruncate, close, mmap, munmap, mlock2, madvise.
 * Where memfd_secret fails, plain locked memory is used.  The first three are
 * not made after secret_reserve().
 */
#ifndef SBX_SECRET_H
#define SBX_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "span.h"

enum {
	SECRET_MAX = 64 * 1024, /* bytes of one value */
};

struct secret;

/*
 * Once, by a process that gives up these calls, before it does: a bounded
 * stock of secret pages.  When that is used up, or cannot be had, plain locked
 * memory is used.
 */
void secret_reserve(void);

/*
 * A copy of data, with one reference.  The caller wipes what it copied from.
 * NULL: more than SECRET_MAX, out of memory or over the limit of locked memory.
 */
struct secret *secret_new(const void *data, size_t len);

struct secret *secret_ref(struct secret *s);
void secret_unref(struct secret *s); /* accepts NULL */

/* To look at, not to keep: valid as long as the reference. */
struct span secret_bytes(const struct secret *s);

/* Takes as long for any two values of one length.  NULL equals only NULL. */
bool secret_equals(const struct secret *a, const struct secret *b);

#endif
