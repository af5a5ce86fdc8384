/*
 * The daemon's end of the control socket: listens, knows its callers by their
 * credentials, and keeps each of them within bounds, so that a slow or hostile
 * local user harms nobody.
 */
#ifndef SBX_CONTROL_SERVER_H
#define SBX_CONTROL_SERVER_H

#include <stddef.h>

struct control_server;
struct ev_loop;
struct keeper;

struct control_server_options {  /* borrowed for the call */
	const char *socket_path; /* a socket left over there is replaced */
	const char *group;       /* may read; NULL: none */
	const char *admin_group; /* may write; NULL: none */
};

/*
 * Listens.  Root and the daemon's own user may write, whatever the groups are.
 * Returns 0 and *ret, which the caller frees, before the keeper; or -errno with
 * a line in reterr.
 */
int control_server_new(struct ev_loop *loop, struct keeper *keeper,
	const struct control_server_options *options,
	struct control_server **ret, char *reterr, size_t reterr_size);

/* Hangs up on everybody and removes the socket.  Accepts NULL. */
void control_server_free(struct control_server *s);

#endif
