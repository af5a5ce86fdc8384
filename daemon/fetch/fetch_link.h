/*
 * The way to a Vault: HTTP over verified TLS, over a loopback address or over
 * an agent's socket.  One question at a time; blocks.  No proxy, no redirect,
 * no .netrc, whatever the environment says.
 */
#ifndef SBX_FETCH_LINK_H
#define SBX_FETCH_LINK_H

#include <stddef.h>

#include "span.h"

struct buf;
struct fetch_link;
struct secret;
struct source_vault;

struct fetch_place {
	char *trusted; /* PEM of the authorities to trust; NULL: the system's */
	size_t trusted_len;
	const char
		*socket; /* the path of an agent's; NULL: the URL says where */
};

struct fetch_call {
	const char *url;
	const struct secret *token; /* NULL: none is sent */
	const char *space;          /* the namespace, or "" */
	const char *body;           /* it is a POST of this; NULL: a GET */
	unsigned timeout_ms;
};

/*
 * Loads libcurl.  place is borrowed as long as the link lives.  0, or -errno
 * with a line in reterr.
 */
int fetch_link_new(const struct fetch_place *place, struct fetch_link **ret,
	char *reterr, size_t reterr_size);
void fetch_link_free(struct fetch_link *l); /* accepts NULL */

/*
 * Asks, and puts what comes back into body, up to its bound.  0 and the status
 * in *ret, or -errno with a line in reterr.
 */
int fetch_link_ask(struct fetch_link *l, const struct fetch_call *call,
	struct buf *body, long *ret, char *reterr, size_t reterr_size);

#endif
