/*
 * What the parts of a session share: session.c walks the states and ends
 * them, opening.c knows the first ones.  Internal to them.
 */
#ifndef SBX_SESSION_PART_H
#define SBX_SESSION_PART_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "deadline.h"
#include "flow.h"
#include "turn.h"

enum state { S_FIRST, S_HANDSHAKE, S_SERVE, S_TUNNEL, S_DNS, S_LINGER };

enum next { NEXT_WAIT, NEXT_STEP, NEXT_CLOSE };

struct session {
	TAILQ_ENTRY(session) link; /* sandbox->sessions */
	enum state state;
	struct flow flow;
	struct deadline deadline;
	struct turn_task again, reap;
	bool closed;
	bool head_wait; /* part of a head is here: the shorter deadline runs */
	uint64_t lingered;
	struct http_conn *http;
	struct exchange *exchange;
	struct tunnel *tunnel;
	struct questions *questions;
};

/* The `wake` of what a session holds. */
void session_wake(void *arg);

/* Refused as a whole: on record, then closed. */
enum next session_refuse(
	struct session *s, enum record_reason reason, const char *detail);

/* From here on HTTP is spoken. */
enum next session_serve(struct session *s);

/* opening.c: all that can be decided before the first byte; and the states
 * until the session serves, tunnels or is refused. */
enum next opening_begin(struct session *s);
enum next opening_first(struct session *s);
enum next opening_handshake(struct session *s);

#endif
