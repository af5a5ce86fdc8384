/*
 * nss_place.c - a directory that is there as long as somebody needs it
 *
 * Theory of operation
 *
 * Several commands of one user may run at a time, each with a mount of its own
 * over the same directory, and removing a directory takes every mount on it
 * away.  So each holds a shared lock on it, and only who can have it alone
 * removes it: the last one.
 *
 * Who made it does not matter then, and nobody has to remember: what we make
 * has the sticky bit, which nobody else gives to a directory of this kind.
 * That way a run also takes away what one that was killed, together with its
 * janitor, has left.  What is not empty stays, whoever made it.
 */
#include "nss_place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "array.h"
#include "jail.h"

enum {
	OURS = S_ISVTX | S_IRWXU,
	TRIES = 8, /* to lock it before somebody removes it */
};

static const char *const parts[] = {".pki", ".pki/nssdb"};

static int
path_in(const char *home, const char *part, char ret[PATH_MAX])
{
	int n = snprintf(ret, PATH_MAX, "%s/%s", home, part);

	return home[0] == '/' && n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* What follows is done as the user, until stop_acting().  False: it cannot be.
 */
static bool
act_as(const struct jail_user *user)
{
	return setegid(user->gid) == 0 && seteuid(user->uid) == 0;
}

static void
stop_acting(uid_t uid, gid_t gid)
{
	/* The saved ids are what we were: this cannot fail. */
	(void)!seteuid(uid);
	(void)!setegid(gid);
}

static void
make(const char *home)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (path_in(home, parts[i], path) < 0 ||
			mkdir(path, S_IRWXU) < 0)
			continue;
		/* mkdir() does not give that bit. */
		(void)!chmod(path, OURS);
	}
}

static int
open_place(const char *home, int flags)
{
	char path[PATH_MAX];

	if (path_in(home, parts[ARRAY_LEN(parts) - 1], path) < 0)
		return -1;
	return open(path, flags | O_DIRECTORY | O_CLOEXEC);
}

/* -1 when it was removed before the lock was ours. */
static int
make_and_lock(const char *home)
{
	struct stat st;
	int fd;

	make(home);
	fd = open_place(home, O_RDONLY);
	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_SH | LOCK_NB) == 0 && fstat(fd, &st) == 0 &&
		st.st_nlink > 0)
		return fd;
	close(fd);
	return -1;
}

int
nss_place_enter(const char *home, const struct jail_user *user)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int fd = -1;

	if (access(NSS_PROGRAM, X_OK) == 0 && act_as(user)) {
		for (int i = 0; i < TRIES && fd < 0; i++)
			fd = make_and_lock(home);
	}
	stop_acting(uid, gid);
	return fd;
}

static void
remove_ours(const char *home)
{
	char path[PATH_MAX];
	struct stat st;

	for (size_t i = ARRAY_LEN(parts); i-- > 0;) {
		if (path_in(home, parts[i], path) < 0 || lstat(path, &st) < 0 ||
			!S_ISDIR(st.st_mode) || (st.st_mode & S_ISVTX) == 0 ||
			rmdir(path) < 0)
			return;
	}
}

void
nss_place_leave(int fd, const char *home, const struct jail_user *user)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (fd < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && act_as(user))
		remove_ours(home);
	stop_acting(uid, gid);
	close(fd);
}

int
nss_place_open(const char *home, const struct jail_user *user)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	struct stat st;
	int fd = -1;

	if (act_as(user))
		fd = open_place(home, O_PATH);
	stop_acting(uid, gid);
	if (fd >= 0 && (fstat(fd, &st) < 0 || st.st_uid != user->uid)) {
		close(fd);
		fd = -1;
	}
	return fd;
}
