/*
 * What the parts of a session share: session.c walks the states and ends
 * them, opening.c knows the first ones.  Internal to them.
 */
#ifndef SBX_SESSION_PART_H
#define SBX_SESSION_PART_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "conn.h"
#include "deadline.h"
#include "flow.h"
#include "names.h"
#include "turn.h"

enum state {
	S_FIRST, /* of a session that nothing else was said of */
	S_NAME,
	S_SCOUT,
	S_HANDSHAKE,
	S_SERVE,
	S_TUNNEL,
	S_DNS,
	S_LINGER
};

enum next { NEXT_WAIT, NEXT_STEP, NEXT_CLOSE };

struct policy_verdict;
struct scout;
struct serve;

struct session {
	TAILQ_ENTRY(session) link; /* sandbox->sessions */
	enum state state;
	struct flow flow;
	struct deadline deadline;
	struct turn_task again, run, reap;
	struct name_wait name; /* of the address that was dialled */
	bool closed;
	bool listening, silent; /* the server may speak first; has to now */
	bool offers_h2, offers_http1, offers_ecdsa; /* in the client's hello */
	uint64_t lingered, written; /* lingering: bytes read, bytes sent */
	bool said_all;              /* … and all was, with the end */
	struct scout *scout;
	struct serve *serve;
	struct tunnel *tunnel;
	struct questions *questions;
};

/* The `wake` of what a session holds. */
void session_wake(void *arg);

/* Refused as a whole: on record, then closed. */
enum next session_refuse(
	struct session *s, enum record_reason reason, const char *detail);

/* From here on HTTP is spoken. */
enum next session_serve(struct session *s, enum http_version version);

/* opening.c: all that can be decided before the first byte; and the states
 * until the session serves, tunnels or is refused. */
enum next opening_begin(struct session *s);
enum next opening_first(struct session *s);
enum next opening_scout(struct session *s);
enum next opening_handshake(struct session *s);

/* Carried unopened, as the verdict has it. */
enum next opening_tunnel(
	struct session *s, const struct policy_verdict *verdict);

/* opening_name.c: to a synthetic address; and the state until it is known what
 * for. */
enum next opening_synthetic(struct session *s);
enum next opening_name(struct session *s);

/* Whether nothing came so far and a verdict carries it all the same. */
bool opening_listens(const struct session *s, struct policy_verdict *ret);

#endif
