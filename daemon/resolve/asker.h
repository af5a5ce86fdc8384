/*
 * Questions go out to name servers, replies that can be believed come in: by
 * UDP, each from a socket of its own, by TCP where a reply does not fit or
 * forgers are at work, or by TLS.  Knows nothing of caches or of who wants to
 * know.
 */
#ifndef SBX_ASKER_H
#define SBX_ASKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <ev.h>
#include <openssl/types.h>

#include "question_wire.h"
#include "server_stream.h"

struct asker;
struct resolver_answer;

/* Embedded in what the owner keeps for a question; must stay until replied. */
struct asker_question {
	uint16_t type; /* the owner sets these two before it asks */
	const char *name;

	/* The asker's own. */
	struct asker *asker;
	TAILQ_ENTRY(asker_question) link;
	unsigned server, round;
	unsigned forgeries;
	bool without_edns;
	enum { BY_NOTHING, BY_UDP, BY_STREAM } by;
	int status; /* of the attempt that failed last */
	const char *text;
	struct ev_io io;
	struct ev_timer timer;
	struct question_wire wire;
	struct stream_question stream;
};

/*
 * The question is over and the owner's again.  Called from the loop, never from
 * inside a function of this file.  May ask anew.
 */
typedef void asker_replied(void *arg, struct asker_question *q,
	const struct resolver_answer *answer);

/* The loop and arg are borrowed.  Without servers at first.  NULL: out of
 * memory. */
struct asker *asker_new(
	struct ev_loop *loop, asker_replied *replied, void *arg);
void asker_free(struct asker *a); /* accepts NULL; calls nobody back */

/*
 * Forgets every question, without a word, then changes the servers; see
 * resolver.h.  -EINVAL, -ENOMEM: nothing changed.
 */
int asker_set_servers(struct asker *a, const char *const *servers, size_t count,
	char *reterr, size_t reterr_size);

/* See resolver_set_tls(). */
void asker_set_tls(struct asker *a, SSL_CTX *context);

/* See resolver_set_patience(); the caller has no question out. */
void asker_set_patience(struct asker *a, unsigned timeout_ms, unsigned tries);

/* The name is a host name: labels of 1 to 63 bytes, 253 in all. */
void asker_ask(struct asker *a, struct asker_question *q);

#endif
