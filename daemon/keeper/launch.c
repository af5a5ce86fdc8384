/*
 * launch.c - fork, give everything away, become a worker
 *
 * Theory of operation
 *
 * Between fork and exec the child only makes system calls: the keeper may have
 * had a thread that held a lock.  The order matters.  Capabilities are needed
 * to leave the bounding set and the user, so they go last; changing the user
 * clears the parent-death signal, so that is set behind it, and then the
 * parent may already be dead: hence the look at getppid().  The environment is
 * empty, because credentials may be in ours.  The program is run by its
 * descriptor: what a package manager puts at its path meanwhile is not us.
 */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "identity.h"

enum {
	PROGRAM_FD_MIN = 16, /* out of the way of LAUNCH_LINK_FD */
	CAP_END = 64,
	EXIT_SETUP = 126, /* the worker's status when it could not be made */
};

int
launch_open(const char *path)
{
	int fd, high;

	fd = open(path != NULL ? path : "/proc/self/exe", O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	high = fcntl(fd, F_DUPFD_CLOEXEC, PROGRAM_FD_MIN);
	if (high < 0)
		high = -errno;
	close(fd);
	return high;
}

static int
set_descriptors(int link_fd)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 ||
		dup2(null_fd, STDOUT_FILENO) < 0)
		return -1;
	if (link_fd == LAUNCH_LINK_FD) {
		if (fcntl(link_fd, F_SETFD, 0) < 0)
			return -1;
	} else if (dup2(link_fd, LAUNCH_LINK_FD) < 0) {
		return -1;
	}
	return close_range(LAUNCH_LINK_FD + 1, ~0U, (int)CLOSE_RANGE_CLOEXEC);
}

static int
set_limits(void)
{
	struct rlimit none = {0, 0}, files;

	if (setrlimit(RLIMIT_CORE, &none) < 0 ||
		getrlimit(RLIMIT_NOFILE, &files) < 0)
		return -1;
	files.rlim_cur = files.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &files);
}

/* An unprivileged program gets through exec what is in the ambient set.  Who
 * has not the capability himself starts a child that has none. */
static int
set_capabilities(int keep)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2] = {{0}};

	if (keep != LAUNCH_NO_CAPABILITY) {
		uint32_t bit = UINT32_C(1) << (keep % 32);
		struct __user_cap_data_struct *half = &caps[keep / 32];

		half->permitted = half->effective = half->inheritable = bit;
		if (syscall(SYS_capset, &head, caps) == 0)
			return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, keep,
				0, 0);
		*half = (struct __user_cap_data_struct){0};
	}
	return (int)syscall(SYS_capset, &head, caps);
}

static int
drop_privileges(const struct launch *s)
{
	const struct identity *identity = s->identity;

	/* Fails for numbers this kernel has not, or if we had none anyway. */
	for (int cap = 0; cap < CAP_END; cap++)
		if (cap != s->capability)
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (s->capability != LAUNCH_NO_CAPABILITY &&
		prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return -1;
	if (identity->change && (setgroups(0, NULL) < 0 ||
					setresgid(identity->gid, identity->gid,
						identity->gid) < 0 ||
					setresuid(identity->uid, identity->uid,
						identity->uid) < 0))
		return -1;
	if (set_capabilities(s->capability) < 0)
		return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void
reset_signals(void)
{
	sigset_t all;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
}

static _Noreturn void
become_worker(const struct launch *s, int link_fd, pid_t parent)
{
	char *const environment[] = {NULL};

	reset_signals();
	setsid();
	if (set_descriptors(link_fd) < 0 || set_limits() < 0 ||
		drop_privileges(s) < 0 ||
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		_exit(EXIT_SETUP);
	if (getppid() != parent)
		_exit(EXIT_SETUP);
	syscall(SYS_execveat, s->program, "", s->argv, environment,
		AT_EMPTY_PATH);
	_exit(EXIT_SETUP);
}

int
launch_worker(
	const struct launch *s, pid_t *ret_pid, int *ret_pidfd, int *ret_link)
{
	pid_t parent = getpid(), pid;
	int pair[2], pidfd;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		become_worker(s, pair[1], parent);
	pidfd = pid < 0 ? -errno : (int)syscall(SYS_pidfd_open, pid, 0);
	close(pair[1]);
	if (pidfd < 0) {
		/* Without the link it ends by itself. */
		pidfd = pid < 0 ? pidfd : -errno;
		close(pair[0]);
		return pidfd;
	}
	*ret_pid = pid;
	*ret_pidfd = pidfd;
	*ret_link = pair[0];
	return 0;
}
