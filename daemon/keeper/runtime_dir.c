#include "runtime_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "patience.h"

enum {
	PATH_SIZE = 4096,
	LOCK_MS = 2000,
};

/* Who could replace the socket in it could speak in our name. */
static int
check_owner(const char *path, char *reterr, size_t reterr_size)
{
	struct stat st;

	if (lstat(path, &st) < 0) {
		snprintf(reterr, reterr_size, "%s: %s", path, strerror(errno));
		return -errno;
	}
	if (!S_ISDIR(st.st_mode)) {
		snprintf(reterr, reterr_size, "%s: not a directory", path);
		return -ENOTDIR;
	}
	if ((st.st_uid != geteuid() && st.st_uid != 0) ||
		(st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		snprintf(reterr, reterr_size,
			"%s: refused, others may write there", path);
		return -EPERM;
	}
	return 0;
}

/* What a killed keeper has forked holds its lock until it has become another
 * program, or is dead as well: that is no other keeper. */
static int
lock_soon(int fd)
{
	struct patience patience = {LOCK_MS};

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return -errno;
		if (!patience_wait(&patience))
			return -EBUSY;
	}
	return 0;
}

int
runtime_dir_open(const char *path, char *reterr, size_t reterr_size)
{
	char name[PATH_SIZE];
	int fd, r;

	if (mkdir(path, 0755) < 0 && errno != EEXIST) {
		r = -errno;
		snprintf(reterr, reterr_size, "%s: %s", path, strerror(-r));
		return r;
	}
	r = check_owner(path, reterr, reterr_size);
	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "%s/lock", path);
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		r = -errno;
		snprintf(reterr, reterr_size, "%s: %s", name, strerror(-r));
		return r;
	}
	r = lock_soon(fd);
	if (r == 0)
		return fd;
	if (r == -EBUSY)
		snprintf(reterr, reterr_size,
			"%s: another sbx-netd is running there", path);
	else
		snprintf(reterr, reterr_size, "%s: %s", name, strerror(-r));
	close(fd);
	return r;
}
