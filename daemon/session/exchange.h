/*
 * One request of a sandbox and its response: decided, recorded, given its
 * credentials, sent to the origin, relayed back; or refused.
 *
 * Speaks HTTP only through the face of conn.h, so it does not know which
 * version either leg uses.
 */
#ifndef SBX_EXCHANGE_H
#define SBX_EXCHANGE_H

#include <stdbool.h>

struct exchange;
struct flow;
struct http_conn;
struct http_stream;

/*
 * For the request that s brought (or, when it has no head, the request that
 * could not be parsed).  wake() is called when something changed that is no
 * event of the client's; it is never called from inside a function here.
 * NULL: out of memory.
 */
struct exchange *exchange_new(struct flow *f, struct http_conn *server,
	struct http_stream *s, void (*wake)(void *arg), void *arg);

enum exchange_state {
	EXCHANGE_WAITS,
	EXCHANGE_DONE,   /* the stream was closed; free it */
	EXCHANGE_BROKEN, /* … with half an answer sent, or the request half read
			  */
};

/* Goes as far as bytes and room allow. *ret_moved: some bytes moved. */
enum exchange_state exchange_run(struct exchange *x, bool *ret_moved);

/* When its time will be up, unless something moves (the loop's clock). */
double exchange_expires(const struct exchange *x);

/* It is: it will answer so, if nothing was answered yet, or else break off. */
void exchange_expire(struct exchange *x);

/* Policy has changed: whether it is no longer allowed.  Then it will answer so,
 * or break off what it has begun to answer, and is in the receipt. */
bool exchange_recheck(struct exchange *x);

/* That credential was withdrawn: whether it went out with this one, which will
 * answer so, if nothing was answered yet, or else break off. */
bool exchange_revoke(struct exchange *x, const char *credential);

/* Ends it where it is, puts the outcome on record.  Accepts NULL. */
void exchange_free(struct exchange *x);

#endif
