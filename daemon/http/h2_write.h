/*
 * Heads as lists of fields for HPACK: pseudo fields first, then those of the
 * head that are not the codec's own, in lower case.  The list borrows all of
 * its text.  Internal to the codec.
 */
#ifndef SBX_HTTP_H2_WRITE_H
#define SBX_HTTP_H2_WRITE_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>

#include "message.h"

enum {
	H2_PSEUDO_MAX = 5, /* and content-length, and te */
};

struct h2_fields {
	nghttp2_nv list[HTTP_FIELDS_MAX + H2_PSEUDO_MAX + 2];
	size_t count;
	size_t wire;     /* no more than that, with frame headers */
	bool secret;     /* one of them is never indexed */
	char status[4];  /* text of :status */
	char length[24]; /* … of content-length */
};

/* A request; -EINVAL without exactly one Host. */
int h2_fields_of_request(
	struct h2_fields *f, const struct http_head *h, bool plain);

/* A response; length: with what h->content_length says. */
void h2_fields_of_response(
	struct h2_fields *f, const struct http_head *h, bool length);

void h2_fields_of_trailers(struct h2_fields *f, const struct http_head *h);

#endif
