/*
 * An owned, bounded queue of bytes: written at the tail, read at the head,
 * always contiguous.  The memory is allocated when first needed, grows by
 * doubling up to the bound and is given back by buf_shrink() or buf_done(), so
 * that an idle connection holds none.  Knows nothing of sockets.
 */
#ifndef SBX_BUF_H
#define SBX_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "span.h"

struct buf {
	char *data;
	size_t start; /* first unread byte */
	size_t len;   /* unread bytes */
	size_t size;  /* allocated */
	size_t bound; /* what may be added stops here; may be changed */
	bool secret;  /* memory is wiped before it is given back */
};

void buf_init(struct buf *b, size_t bound);

/* Frees the memory; the bound stays, the buffer can be used again. */
void buf_done(struct buf *b);

/* As buf_done(), after overwriting it; what growing left behind was only
 * overwritten if the buffer was secret then. */
void buf_wipe(struct buf *b);

/* Gives the memory back if nothing is in it. */
void buf_shrink(struct buf *b);

/* How many bytes may still be added. */
size_t buf_room(const struct buf *b);

/* What is in it; valid until the next call that adds or takes away. */
struct span buf_span(const struct buf *b);

/*
 * Room for at least min bytes at the tail (min <= buf_room()): a pointer to it
 * and in *ret_len how much there is, or NULL when out of memory or over the
 * bound.  Follow with buf_commit().
 */
char *buf_reserve(struct buf *b, size_t min, size_t *ret_len);

void buf_commit(struct buf *b, size_t len);

/* Adds all of it or nothing: 0, -ENOBUFS over the bound, -ENOMEM. */
int buf_add(struct buf *b, const void *data, size_t len);

/* Adds as much as fits and returns how much that was. */
size_t buf_add_some(struct buf *b, const void *data, size_t len);

/* Takes len bytes off the head; len <= b->len. */
void buf_consume(struct buf *b, size_t len);

#endif
