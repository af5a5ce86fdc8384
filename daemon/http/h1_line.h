/*
 * The line discipline of HTTP/1.1: whether heads and chunk framing are spelled
 * in the one way that every reader takes alike.  Reads the same bytes as
 * llhttp, beside it, and knows nothing of what they mean.  Internal.
 */
#ifndef SBX_HTTP_H1_LINE_H
#define SBX_HTTP_H1_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "h1_refusal.h"

enum h1_line_kind {
	H1_LINE_START, /* request or status line */
	H1_LINE_FIELD,
	H1_LINE_SIZE, /* of a chunk */
	H1_LINE_GAP,  /* the CRLF behind a chunk's data */
};

struct h1_line {
	uint64_t tail; /* the last eight bytes of the start line */
	enum h1_line_kind kind;
	uint32_t bytes;     /* of this head or these trailers */
	uint32_t column;    /* in the start line */
	uint32_t extension; /* bytes of chunk extensions in this body */
	uint8_t spaces, digits;
	bool request;
	bool at_start, cr;
	bool blank; /* the one empty line before a request was seen */
	bool size;  /* some digit of the chunk size is not 0 */
	bool in_extension;
	bool ended; /* the empty line behind the head or the trailers was seen
		     */
};

void h1_line_begin_head(struct h1_line *l, bool request);
void h1_line_begin_chunks(struct h1_line *l);

/* The next bytes, without those of chunk data. */
enum h1_refused h1_line_check(struct h1_line *l, const char *bytes, size_t len);

#endif
