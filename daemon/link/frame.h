/*
 * How a message lies in the byte stream between keeper and worker: a head,
 * then fields.  All numbers are little-endian.
 *
 *	u32 length	of the whole frame, head included
 *	u16 type	enum link_type
 *	u16 fds		how many descriptors came with its first byte
 *	u64 generation
 *	fields		each u32 length, that many bytes, one NUL
 *
 * The NUL behind a field is not counted: it lets a reader use the text where
 * it lies.  Pure.  Bytes come from a process that may be hostile; reading is
 * sticky: after one bad field everything reads as empty, and frame_end() says
 * so.
 */
#ifndef SBX_FRAME_H
#define SBX_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "span.h"

enum {
	FRAME_HEAD = 16,
	FRAME_MAX = 16 * 1024 * 1024,
	FRAME_FDS = 5,
};

struct frame_head {
	uint32_t length;
	uint16_t type, fds;
	uint64_t generation;
};

/* 1: a head in *ret; 0: more bytes are needed; -EPROTO: no frame of ours. */
int frame_read_head(struct span data, struct frame_head *ret);

struct frame_reader {
	const char *at;
	size_t left;
	bool bad;
};

/* frame: all of it, with its head, which frame_read_head() has accepted. */
void frame_reader_init(struct frame_reader *r, struct span frame);

struct span frame_take_span(struct frame_reader *r);
const char *frame_take_text(struct frame_reader *r); /* no NUL inside */
uint32_t frame_take_u32(struct frame_reader *r);
bool frame_take_bool(struct frame_reader *r); /* 0 or 1, else bad */

/* A u32 that must not be over max: how many things follow. */
size_t frame_take_count(struct frame_reader *r, size_t max);

/* 0 when every field was good and none is left over, else -EPROTO. */
int frame_end(const struct frame_reader *r);

/*
 * Writes to memory of the caller's, or only measures while at is NULL; the
 * two passes let a frame with a secret be built in one exact allocation.
 */
struct frame_writer {
	char *at;
	size_t len;
};

void frame_put_head(struct frame_writer *w, const struct frame_head *head);
void frame_put_span(struct frame_writer *w, struct span bytes);
void frame_put_text(struct frame_writer *w, const char *text); /* NULL: "" */
void frame_put_u32(struct frame_writer *w, uint32_t value);

#endif
