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

/*
 * Listens at socket_path (a socket left over there is replaced).  group may
 * read, admin_group write; NULL: root and the daemon's own user only.  Returns
 * 0 and *ret, which the caller frees, before the keeper; or -errno with a line
 * in reterr.
 */
int control_server_new(struct ev_loop *loop, struct keeper *keeper,
	const char *socket_path, const char *group, const char *admin_group,
	struct control_server **ret, char *reterr, size_t reterr_size);

/* Hangs up on everybody and removes the socket.  Accepts NULL. */
void control_server_free(struct control_server *s);

#endif
