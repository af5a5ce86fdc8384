/*
 * The asking end of the control protocol: one connection to the daemon's Unix
 * socket, one question at a time, each with a deadline.  Blocking: this is for
 * command lines.  Knows nothing of what the questions mean.
 */
#ifndef SBX_CONTROL_CLIENT_H
#define SBX_CONTROL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct control_client;

struct control_question {
	const char *method;
	const char *target; /* path and query, encoded */
	const char *body;   /* NULL: none */
	size_t body_len;
	const char *if_match;      /* the ETag that must hold; NULL: any */
	const char *if_none_match; /* "*": none may be there; or NULL */
	int seconds;               /* until the answer must be complete */
};

struct control_answer { /* for control_answer_done() */
	int status;     /* HTTP */
	char *body;     /* terminated */
	size_t body_len;
};

/*
 * Connects to the socket.  0 and *ret, which the caller closes; -ENOENT or
 * -ECONNREFUSED when no daemon is there; -EACCES; -errno; with a line in
 * reterr.
 */
int control_client_open(const char *socket_path, struct control_client **ret,
	char *reterr, size_t size);
void control_client_close(struct control_client *c); /* accepts NULL */

/*
 * Asks.  0 and *ret, whatever the status; -ETIMEDOUT, -EPROTO, -EPIPE, … with a
 * line in reterr: then the connection is of no more use.
 */
int control_client_ask(struct control_client *c,
	const struct control_question *question, struct control_answer *ret,
	char *reterr, size_t size);

bool control_answer_is_ok(const struct control_answer *a); /* 2xx */
void control_answer_done(struct control_answer *a);

/* text with everything but unreserved characters as %XX, malloc'd. */
char *control_escape(const char *text);

#endif
