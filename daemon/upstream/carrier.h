/*
 * One connection of a pool and the leases on it.  Internal to pool.c and
 * carrier.c, which has the theory of operation.
 */
#ifndef SBX_CARRIER_H
#define SBX_CARRIER_H

#include <stdbool.h>
#include <sys/queue.h>

#include "deadline.h"
#include "lease.h"
#include "protocols.h"
#include "turn.h"

struct resolver_share;
struct resume;

TAILQ_HEAD(carrier_list, carrier);
TAILQ_HEAD(lease_list, lease);

struct pool {
	const struct upstream *upstream;
	struct resume *resume;
	struct resolver_share *share; /* borrowed, or NULL */
	struct protocols *protocols;
	struct carrier_list carriers; /* last used first */
	size_t idle;                  /* of them without a lease */
};

struct carrier {
	TAILQ_ENTRY(carrier) link;
	struct pool *pool;
	struct origin *origin;
	enum tls_offer offer;
	struct lease_list leases;
	unsigned lease_count;
	unsigned waiting;  /* leases that are neither admitted nor stranded */
	unsigned promised; /* of them, may send a request and have not yet */
	bool begun;        /* the origin is ready, and its leases were told */
	bool bound;        /* its credentials are settled */
	bool retired;      /* takes no more leases */
	bool closed;       /* out of the pool; freed at the end of the turn */
	bool over;         /* HTTP/2: nothing more will come; they were told */
	struct deadline idle;
	double since; /* it has been idle */
	struct turn_task run, reap;
};

struct lease {
	TAILQ_ENTRY(lease) link;
	struct carrier *carrier; /* NULL: out of memory */
	struct lease_want want;
	struct http_stream *stream;
	bool admitted;  /* it may send its request, or has */
	bool stranded;  /* nowhere would it be taken */
	uint64_t heard; /* bytes, when the request was sent */
	void (*changed)(void *arg);
	void *arg;
};

/* pool.c: one that suits, or a new one.  NULL: out of memory. */
struct carrier *pool_carrier(struct pool *p, const struct lease_want *want);

/* A new connection for that; in the pool.  NULL: out of memory. */
struct carrier *carrier_open(struct pool *p, const struct lease_want *want);

/* carrier_choice.c: what a new connection for that offers. */
enum tls_offer carrier_offer(struct pool *p, const struct lease_want *want);

/* … and whether a lease for that can be taken of this one. */
bool carrier_suits(const struct carrier *c, const struct lease_want *want,
	enum spoken spoken, double now);

/* Its credentials, if the lease has any, are the lease's. */
void carrier_add(struct carrier *c, struct lease *l);

/* Settles with which credentials it is used, once.  False: it is settled in
 * another way, or there is no memory. */
bool carrier_bind(struct carrier *c, const char *credentials);

/* Whether it speaks HTTP/2; it has begun. */
bool carrier_is_http2(const struct carrier *c);

/* Over HTTP/2: at the end of this turn, looks what is due and what has come. */
void carrier_queue(struct carrier *c);

/* The lease is over: kept for the next one, or closed. */
void carrier_remove(struct carrier *c, struct lease *l);

/* The lease has sent its request. */
void carrier_begun_one(struct carrier *c);

/* No lease is on it. */
void carrier_close(struct carrier *c);

#endif
