#include "netspace.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "rtnl.h"

static int
open_current(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int
netspace_new(int *ret_fd, struct rtnl **ret)
{
	int home = open_current();
	struct rtnl *r = NULL;
	int back, e, fd;

	if (home < 0)
		return home;
	if (unshare(CLONE_NEWNET) < 0) {
		e = -errno;
		close(home);
		return e;
	}
	fd = open_current();
	e = fd < 0 ? fd : rtnl_open(&r);
	/* To go on in the wrong namespace would be worse than to end here. */
	back = setns(home, CLONE_NEWNET);
	assert(back == 0);
	close(home);
	if (e < 0) {
		if (fd >= 0)
			close(fd);
		return e;
	}
	*ret_fd = fd;
	*ret = r;
	return 0;
}
