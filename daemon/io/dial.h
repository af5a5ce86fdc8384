/*
 * From a name or an address to a connected socket: resolve, guard, connect.
 *
 * The only caller of connect() in a worker.  Every address passes the guard,
 * and the very address that passed is the one connected to.  Several addresses
 * are tried as RFC 8305 says: families in turn, the next one after 250 ms or
 * when the one before has failed.
 */
#ifndef SBX_DIAL_H
#define SBX_DIAL_H

#include <stdint.h>
#include <sys/socket.h>

struct dial;
struct ev_loop;
struct guard;
struct resolver;
struct resolver_share;

enum dial_failure {
	DIAL_OK,
	DIAL_NO_ADDRESS, /* the name does not resolve */
	DIAL_REFUSED,    /* the guard refuses every address */
	DIAL_FAILED,     /* nobody accepted */
	DIAL_TIMEOUT,
};

struct dialler { /* what dialling needs; borrowed */
	struct ev_loop *loop;
	struct resolver *resolver;
	const struct guard *guard;
	double timeout;               /* seconds, over everything */
	struct resolver_share *share; /* of whom names are asked; or NULL */
};

struct dial_result {
	enum dial_failure failure;
	int fd; /* non-blocking, the receiver's; -1 on failure */
	const struct sockaddr *address; /* connected to, or last tried; NULL */
	const char *why;                /* for people, on failure */
};

/* Called once, never from inside dial_name() or dial_address(); the dial is
 * gone then. */
typedef void dial_done(void *arg, const struct dial_result *result);

/* NULL: out of memory. */
struct dial *dial_name(const struct dialler *d, const char *host, uint16_t port,
	dial_done *done, void *arg);
struct dial *dial_address(const struct dialler *d, const struct sockaddr *to,
	dial_done *done, void *arg);

/* done() will not be called.  Accepts NULL. */
void dial_cancel(struct dial *dial);

#endif
