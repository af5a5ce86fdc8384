/*
 * What both ends of the control protocol agree on: HTTP/1.1 and JSON over a
 * Unix socket, and these bounds.
 */
#ifndef SBX_CONTROL_PROTO_H
#define SBX_CONTROL_PROTO_H

#define CONTROL_SOCKET "control.sock" /* in the runtime directory */

enum {
	CONTROL_BUFFER = 96 * 1024, /* each direction; holds the largest head */
	CONTROL_QUESTION_MAX = 1024 * 1024,    /* bytes of body */
	CONTROL_ANSWER_MAX = 64 * 1024 * 1024, /* many sandboxes */
};

#endif
