/*
 * Starts a child process: another user, no capability or a single one, nothing
 * open but standard error and its end of the link (descriptor 3), dead when we
 * are.
 */
#ifndef SBX_LAUNCH_H
#define SBX_LAUNCH_H

#include <sys/types.h>

struct identity;

enum { LAUNCH_LINK_FD = 3, LAUNCH_NO_CAPABILITY = -1 };

struct launch {
	const char *name; /* of such a process, for people: "worker" */
	int program;      /* O_PATH descriptor of what to run */
	const char *const *argv;
	const struct identity *identity;
	int capability; /* CAP_… that it keeps, or LAUNCH_NO_CAPABILITY */
};

/* Opens a program for struct launch: NULL: the one we are.  fd or -errno. */
int launch_open(const char *path);

/*
 * Returns 0, and the process in *ret_pid, a pidfd of it and our end of its
 * link, both the caller's; or -errno.
 */
int launch_worker(
	const struct launch *s, pid_t *ret_pid, int *ret_pidfd, int *ret_link);

#endif
