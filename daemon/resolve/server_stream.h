/*
 * One connection to one name server, over TCP or TLS, opened when something is
 * asked and shared by all questions: many at a time (RFC 7766), each found by
 * its id and its question.  Knows nothing of other servers, of patience or of
 * what replies mean.
 */
#ifndef SBX_SERVER_STREAM_H
#define SBX_SERVER_STREAM_H

#include <sys/queue.h>

#include <openssl/types.h>

#include "span.h"

struct ev_loop;
struct name_server_address;
struct question_wire;
struct server_stream;

/* Embedded in what the owner keeps for a question. */
struct stream_question {
	TAILQ_ENTRY(stream_question) link;
	const struct question_wire *wire; /* borrowed until it is over */
	double asked;                     /* when: monotonic_now() */
};

/* Called from the loop, never from inside server_stream_ask(); q is not ours
 * any more then.  May ask anew. */
struct server_stream_ops {
	void (*replied)(struct stream_question *q, struct span reply);
	/* The connection is gone or cannot be had; why is static. */
	void (*failed)(struct stream_question *q, const char *why);
};

/* All are borrowed; the server is copied.  NULL: out of memory. */
struct server_stream *server_stream_new(struct ev_loop *loop,
	const struct name_server_address *server,
	const struct server_stream_ops *ops);

/* Accepts NULL; calls nobody back. */
void server_stream_free(struct server_stream *s);

/* What TLS is spoken with; borrowed.  NULL: then it is not spoken. */
void server_stream_set_tls(struct server_stream *s, SSL_CTX *context);

/* Sends q->wire, which stays until the question is over or given up. */
void server_stream_ask(struct server_stream *s, struct stream_question *q);

/*
 * Nobody waits for q any more.  A connection on which nothing came since it was
 * asked is taken for dead, and what else is asked on it has failed.
 */
void server_stream_give_up(struct server_stream *s, struct stream_question *q);

#endif
