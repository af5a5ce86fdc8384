/*
 * One DNS question of a sandbox: decided, recorded, resolved.
 *
 * A name that policy does not allow never leaves as a query: it does not exist
 * here.  What arrives over UDP and over TCP comes together in this place.
 */
#ifndef SBX_LOOKUP_H
#define SBX_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "query.h"

struct lookup;
struct sandbox;
struct services;

struct lookup_from {
	struct sandbox *sandbox;
	const struct sockaddr *source, *server; /* the one it asked */
	const char *proto;                      /* "udp" or "tcp" */
};

/* content: NULL for none. */
typedef void lookup_done(
	void *arg, enum dns_rcode rcode, const struct dns_content *content);

/* Whether the sandbox has a question left in its budget; takes it. */
bool lookup_may_ask(struct services *services, struct sandbox *sandbox);

/*
 * done() is called once, at the end of this turn at the earliest; the lookup
 * is gone then.  NULL: out of memory.
 */
struct lookup *lookup_new(struct services *services,
	const struct lookup_from *from, const struct dns_query *query,
	lookup_done *done, void *arg);

/* done() will not be called; the outcome goes on record.  Accepts NULL. */
void lookup_cancel(struct lookup *l);

#endif
