/*
 * DNS by UDP for sandboxes: datagrams in, a request each to the owner, answers
 * out, sent from the very address that the sandbox asked.
 *
 * Opens nothing (dns_socket.h) and decides nothing but this: what is no query
 * gets no answer, what is malformed or not of class IN is refused.  TCP is the
 * session's, with dns_tcp.h and query.h.
 */
#ifndef SBX_RESPONDER_H
#define SBX_RESPONDER_H

#include <stdint.h>
#include <sys/socket.h>

#include "query.h"

struct dns_responder;
struct ev_loop;

enum {
	DNS_RESPONDER_REQUESTS = 1024, /* unanswered ones; more are dropped */
	DNS_RESPONDER_SOCKETS = 4,
};

/* The responder's until dns_request_answer() or dns_request_drop(). */
struct dns_request {
	struct sockaddr_storage peer;
	struct sockaddr_storage dst; /* the server that was asked */
	unsigned ifindex;            /* where the datagram came in */
	struct dns_query query;
	void *data; /* the owner's, NULL at first */
};

struct dns_responder_ops {
	/*
	 * A well-formed question.  The owner answers or drops it, once, now or
	 * later.
	 */
	void (*ask)(void *arg, struct dns_request *req);
	/* dns_responder_free(): req was not answered and is now gone. */
	void (*gone)(void *arg, struct dns_request *req);
};

struct dns_responder_counts {
	uint64_t received;
	uint64_t asked;      /* given to the owner */
	uint64_t answered;   /* by the owner, and sent */
	uint64_t refused;    /* by us: FORMERR, NOTIMP, BADVERS, REFUSED */
	uint64_t ignored;    /* no query, too long, or not told whom it asked */
	uint64_t overflowed; /* over DNS_RESPONDER_REQUESTS, or no memory */
	uint64_t unsent;     /* the kernel would not take the answer */
};

/* All are borrowed.  NULL: out of memory. */
struct dns_responder *dns_responder_new(
	struct ev_loop *loop, const struct dns_responder_ops *ops, void *arg);

/* Accepts NULL.  Closes its sockets.  Not from inside ask(). */
void dns_responder_free(struct dns_responder *r);

/*
 * Serves a socket of dns_socket_open() too.  0, and the fd is the responder's;
 * -ENOSPC at the fifth, or -errno if it is no such socket.
 */
int dns_responder_add(struct dns_responder *r, int fd);

const struct dns_responder_counts *dns_responder_counts(
	const struct dns_responder *r);

/* Sends the answer (see dns_answer()) and ends the request. */
void dns_request_answer(struct dns_request *req, enum dns_rcode rcode,
	const struct dns_content *content);

/* Ends the request without an answer. */
void dns_request_drop(struct dns_request *req);

#endif
