#include "control_peer.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int
control_peer_get(int fd, struct control_peer *ret)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	struct control_peer peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	peer.uid = cred.uid;
	peer.groups[0] = cred.gid;
	peer.group_count = 1;
	len = sizeof(peer.groups) - sizeof(peer.groups[0]);
	/* With more groups than fit it fails, and only the own one counts. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer.groups + 1, &len) ==
		0)
		peer.group_count += len / sizeof(peer.groups[0]);
	*ret = peer;
	return 0;
}

static bool
is_in(const struct control_peer *peer, gid_t group)
{
	if (group == (gid_t)-1)
		return false;
	for (size_t i = 0; i < peer->group_count; i++) {
		if (peer->groups[i] == group)
			return true;
	}
	return false;
}

enum control_right
control_peer_right(
	const struct control_peer *peer, const struct control_access *access)
{
	if (peer->uid == 0 || peer->uid == access->owner ||
		is_in(peer, access->writers))
		return CONTROL_WRITE;
	return is_in(peer, access->readers) ? CONTROL_READ : CONTROL_NOTHING;
}

static int
find_group(const char *name, gid_t *ret, char *reterr, size_t size)
{
	const struct group *g;

	*ret = (gid_t)-1;
	if (name == NULL)
		return 0;
	errno = 0;
	g = getgrnam(name);
	if (g == NULL) {
		snprintf(reterr, size, "control: there is no group '%s'", name);
		return -ENOENT;
	}
	*ret = g->gr_gid;
	return 0;
}

int
control_access_find(const char *readers, const char *writers,
	struct control_access *ret, char *reterr, size_t size)
{
	struct control_access a = {.owner = geteuid()};
	int e = find_group(readers, &a.readers, reterr, size);

	if (e == 0)
		e = find_group(writers, &a.writers, reterr, size);
	if (e == 0)
		*ret = a;
	return e;
}
