/*
 * One connection to an origin, from dialling its name to the HTTP spoken on
 * it.  Belongs to one sandbox and to one set of credentials for life.
 *
 * Whoever owns it is told when its state changes or bytes move; a failed one
 * says why and is only good for closing.
 */
#ifndef SBX_ORIGIN_H
#define SBX_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include <openssl/ssl.h>

#include "dial.h"
#include "tls_alpn.h"

struct ev_loop;
struct http_conn;
struct origin;
struct resolver_share;
struct resume;
struct stream;
struct turn;

/* What all origins of a process share; borrowed, outlives them. */
struct upstream {
	struct ev_loop *loop;
	struct turn *turn;
	struct dialler dialler;
	SSL_CTX *context; /* context_connect() and upstream_init() */
	double handshake_seconds, idle_seconds;
};

/* Makes the context hand new sessions to the origin that they came from. */
void upstream_init(struct upstream *u);

enum origin_state {
	ORIGIN_DIALLING,
	ORIGIN_HANDSHAKE,
	ORIGIN_READY,
	ORIGIN_FAILED,
};

enum origin_failure {
	ORIGIN_FINE,
	ORIGIN_NO_ADDRESS,
	ORIGIN_REFUSED, /* by the guard */
	ORIGIN_UNREACHABLE,
	ORIGIN_TIMEOUT,
	ORIGIN_UNTRUSTED,      /* TLS, the certificate above all */
	ORIGIN_OTHER_PROTOCOL, /* it speaks none of what was offered */
	ORIGIN_NO_MEMORY,
};

/* Two requests may share a connection when these are alike. */
struct origin_key {
	const char *host; /* normalised */
	uint16_t port;
	bool secure;
	/* Names, comma separated; "" for none; NULL: not settled yet. */
	const char *credentials;
};

/*
 * Begins to connect; key is copied.  Without TLS, HTTP/2 is spoken when only
 * that is offered (RFC 9113 3.3).  Follow with origin_own().  resume and
 * share are the sandbox's.  NULL: out of memory.
 */
struct origin *origin_open(const struct upstream *u, struct resume *resume,
	struct resolver_share *share, const struct origin_key *key,
	enum tls_offer offer);

/* Settles the credentials of one that was opened without.  False: no memory. */
bool origin_bind(struct origin *o, const char *credentials);

/* changed() is never called from inside a function here. */
void origin_own(struct origin *o, void (*changed)(void *arg), void *arg);
void origin_close(struct origin *o); /* accepts NULL */

enum origin_state origin_state(const struct origin *o);
enum origin_failure origin_failure(const struct origin *o);
const char *origin_why(const struct origin *o);
const struct origin_key *origin_key(const struct origin *o);
const struct sockaddr *origin_address(const struct origin *o); /* or NULL */
struct stream *origin_stream(struct origin *o);                /* once ready */
struct http_conn *origin_http(struct origin *o);

/* Requests have been answered on it before this one. */
bool origin_is_used(const struct origin *o);
void origin_set_used(struct origin *o);

#endif
