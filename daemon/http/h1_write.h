/*
 * Heads and chunks as bytes of HTTP/1.1.  Each function writes all of it with
 * one reservation in `out`, or nothing.  Internal to the codec.
 */
#ifndef SBX_HTTP_H1_WRITE_H
#define SBX_HTTP_H1_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "span.h"

struct buf;
struct http_head;

enum h1_wire_framing {
	H1_WIRE_NONE,
	H1_WIRE_LENGTH,
	H1_WIRE_CHUNKED,
};

struct h1_wire {
	enum h1_wire_framing framing;
	uint64_t length;
	struct span connection; /* value of Connection; empty: no such field */
	struct span upgrade;    /* likewise */
};

/* A request head, or a response head if h->status is set.  Fields of h that
 * belong to the codec are left out.  0, -ENOBUFS, -EMSGSIZE, -ENOMEM. */
int h1_write_head(
	struct buf *out, const struct http_head *h, const struct h1_wire *wire);

/* How much data one chunk can hold where there is this much room for it all. */
size_t h1_chunk_room(size_t room);

/* One chunk: 0 < len <= h1_chunk_room(buf_room(out)).  0, -ENOMEM. */
int h1_write_chunk(struct buf *out, const void *data, size_t len);

/* The last one and the trailers (may be NULL).  As h1_write_head(). */
int h1_write_last_chunk(struct buf *out, const struct http_head *trailers);

#endif
