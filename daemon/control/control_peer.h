/*
 * Who is at the other end of a Unix socket, and what may they do?  The kernel
 * says who it is; the operator's two groups say the rest.
 */
#ifndef SBX_CONTROL_PEER_H
#define SBX_CONTROL_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum control_right {
	CONTROL_NOTHING,
	CONTROL_READ,
	CONTROL_WRITE, /* and read */
};

enum { CONTROL_PEER_GROUPS = 256 }; /* more are not looked at */

struct control_peer {
	uid_t uid;
	gid_t groups[CONTROL_PEER_GROUPS]; /* its own first */
	size_t group_count;
};

struct control_access { /* (gid_t)-1: no such group */
	uid_t owner;    /* writes; so does root */
	gid_t readers;
	gid_t writers;
};

/* As the peer was when it connected.  0 or -errno. */
int control_peer_get(int fd, struct control_peer *ret);

enum control_right control_peer_right(
	const struct control_peer *peer, const struct control_access *access);

/*
 * Looks both groups up; NULL: nobody but root and us.  0, or -ENOENT with a
 * line in reterr.
 */
int control_access_find(const char *readers, const char *writers,
	struct control_access *ret, char *reterr, size_t size);

#endif
