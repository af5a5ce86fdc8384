/*
 * Filling a head from inside the module: pieces of text as a parser meets them,
 * and fields copied from one head to another.  The caller has checked the
 * characters; bounds are checked here.
 */
#ifndef SBX_HTTP_HEAD_BUILD_H
#define SBX_HTTP_HEAD_BUILD_H

#include "message.h"

/* Adds text at the end, and its offset in *ret (may be NULL).  Successive calls
 * are contiguous.  text may lie in h itself.  0, -E2BIG, -ENOMEM. */
int http_head_append(struct http_head *h, struct span text, uint32_t *ret);

/* Adds a field whose text is in h already; sets its known.  0, -E2BIG, -ENOMEM.
 */
int http_head_push(struct http_head *h, struct http_field field);

/* Adds a copy of a field of another head.  0, -E2BIG, -ENOMEM. */
int http_head_copy_field(struct http_head *h, const struct http_head *from,
	const struct http_field *f);

#endif
