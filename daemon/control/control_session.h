/*
 * One connection to the control socket, as bytes in and bytes out: reads a
 * request, runs its row of the table of commands, answers; then the next.
 *
 * No socket, no loop, no clock.  What a command does is control_routes.h's
 * business; this knows HTTP and nothing else.
 */
#ifndef SBX_CONTROL_SESSION_H
#define SBX_CONTROL_SESSION_H

#include <stdbool.h>

#include "control_peer.h"

struct buf;
struct keeper;
struct control_session;

enum control_phase {
	CONTROL_READING,   /* wants bytes of a request */
	CONTROL_WAITING,   /* for the keeper */
	CONTROL_ANSWERING, /* has bytes to send */
	CONTROL_OVER,      /* close, when `out` is empty */
};

/*
 * wake: called when the keeper has answered, never from within
 * control_session_run(): run it again.  NULL: out of memory.
 */
struct control_session *control_session_new(struct keeper *keeper,
	enum control_right right, void (*wake)(void *arg), void *arg);

/* Accepts NULL.  The keeper's answers that are still to come go nowhere. */
void control_session_free(struct control_session *s);

/* The buffers, for whoever owns the socket: in to be filled, out to be
 * emptied. */
struct buf *control_session_in(struct control_session *s);
struct buf *control_session_out(struct control_session *s);

/* Goes as far as it can.  eof: the peer has finished sending. */
enum control_phase control_session_run(struct control_session *s, bool eof);

/* Where it stands. */
enum control_phase control_session_phase(const struct control_session *s);

#endif
