/*
 * jail.c - a command behind walls
 *
 * Theory of operation
 *
 *	caller
 *	  └─ init     pid 1 of a new PID namespace: builds the walls, gives up
 *	       │      its rights, then only waits and passes signals on
 *	       └─ the command
 *
 * When init ends, the kernel ends everything in the namespace: nothing that
 * the command left in the background survives.  Init in turn ends with the
 * command, and is killed by the kernel when the caller dies.
 *
 * All three stay in the caller's process group and session, so the terminal
 * and its signals belong to the command as if we were not there.  What the
 * terminal sends reaches the command directly (si_code SI_KERNEL), and is not
 * passed on a second time; what kill(2) sends to the caller is passed on.
 *
 * Until the command is executed errors travel to the caller through a pipe
 * that closes on exec: its end without a text means success.
 */
#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/close_range.h>

enum {
	CANNOT_BUILD = 125,
	CANNOT_EXECUTE = 126,
	CANNOT_FIND = 127,
	FIRST_FD = 3, /* what the command does not inherit */
};

static int
status_of(int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	return 128 + WTERMSIG(status);
}

/* Only what a process sends to a process is passed on; see above. */
static void
pass_on(pid_t command, const siginfo_t *info)
{
	if (info->si_code <= 0)
		kill(command, info->si_signo);
}

/* Signals that we do not steal: they stop or kill, or are our own fault. */
static void
waited_signals(sigset_t *ret)
{
	static const int not_ours[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT,
		SIGTRAP, SIGSYS, SIGTSTP, SIGTTIN, SIGTTOU};

	sigfillset(ret);
	for (size_t i = 0; i < sizeof(not_ours) / sizeof(not_ours[0]); i++)
		sigdelset(ret, not_ours[i]);
}

/*
 * Until that child ends: passes signals on, and reaps whoever else ends, which
 * for pid 1 is every orphan.  The exit status.
 */
static int
wait_for(pid_t child)
{
	siginfo_t info;
	sigset_t waited;
	int status;
	pid_t pid;

	waited_signals(&waited);
	for (;;) {
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
			if (pid == child)
				return status_of(status);
		}
		if (sigwaitinfo(&waited, &info) > 0 && info.si_signo != SIGCHLD)
			pass_on(child, &info);
	}
}

static void
execute(const struct jail *jail)
{
	sigset_t none;
	int status;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvpe(jail->argv[0], jail->argv, jail->envp);
	status = errno == ENOENT ? CANNOT_FIND : CANNOT_EXECUTE;
	dprintf(STDERR_FILENO, "sbx-netctl: cannot run %s: %s\n", jail->argv[0],
		strerror(errno));
	_exit(status);
}

/* Dies with the caller, even if it died before we could say so. */
static int
tie_to_caller(int life_fd)
{
	struct pollfd life = {.fd = life_fd, .events = POLLIN};

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	return poll(&life, 1, 0) == 0 ? 0 : -ECANCELED;
}

static int
build(const struct jail *jail, char *reterr, size_t size)
{
	int e = tie_to_caller(jail->life_fd);

	if (e < 0)
		return e;
	if (setns(jail->netns_fd, CLONE_NEWNET) < 0 ||
		unshare(CLONE_NEWNS | CLONE_NEWIPC) < 0) {
		e = -errno;
		snprintf(reterr, size, "cannot enter the namespaces: %s",
			strerror(errno));
		return e;
	}
	e = jail_mounts(jail, reterr, size);
	if (e < 0)
		return e;
	e = jail_drop(&jail->user, reterr, size);
	if (e < 0)
		return e;
	/* A change of user forgets the tie. */
	return tie_to_caller(jail->life_fd);
}

/* Nothing that is withheld from the command may be in its sandbox, not even in
 * a process that it cannot look into. */
static void
forget_environment(const struct jail *jail)
{
	for (char **p = environ; *p != NULL; p++)
		explicit_bzero(*p, strlen(*p));
	environ = (char **)jail->envp;
}

static void
run_init(const struct jail *jail, int error_fd)
{
	char text[512] = "the caller is gone";
	pid_t command;

	if (build(jail, text, sizeof(text)) < 0) {
		(void)!write(error_fd, text, strlen(text));
		_exit(CANNOT_BUILD);
	}
	forget_environment(jail);
	/* The command must not look into its keeper. */
	prctl(PR_SET_DUMPABLE, 0);
	close_range(FIRST_FD, ~0U, CLOSE_RANGE_CLOEXEC);
	command = fork();
	if (command == 0)
		execute(jail);
	if (command < 0) {
		dprintf(error_fd, "cannot fork: %s", strerror(errno));
		_exit(CANNOT_BUILD);
	}
	close_range(FIRST_FD, ~0U, 0);
	_exit(wait_for(command));
}

/* What init had to say before the command ran: "" when all went well. */
static void
read_error(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size - 1) {
		n = read(fd, text + len, size - 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
}

/*
 * fork() into a new PID namespace.  Not unshare() and fork(): that would tie
 * the caller's later children to a namespace that ends with the first.
 */
static pid_t
fork_pid_1(void)
{
	return (pid_t)syscall(
		SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, NULL);
}

int
jail_start(const struct jail *jail, pid_t *ret, char *reterr, size_t size)
{
	char text[512];
	sigset_t waited;
	int error[2];
	pid_t pid;
	int e;

	waited_signals(&waited);
	sigprocmask(SIG_SETMASK, &waited, NULL);
	if (pipe2(error, O_CLOEXEC) < 0) {
		e = -errno;
		snprintf(reterr, size, "cannot make a pipe: %s", strerror(-e));
		return e;
	}
	pid = fork_pid_1();
	if (pid == 0) {
		close(error[0]);
		run_init(jail, error[1]);
	}
	e = -errno;
	close(error[1]);
	if (pid < 0) {
		close(error[0]);
		snprintf(reterr, size, "cannot make a PID namespace: %s",
			strerror(-e));
		return e;
	}
	read_error(error[0], text, sizeof(text));
	close(error[0]);
	if (text[0] != '\0') {
		waitpid(pid, NULL, 0);
		snprintf(reterr, size, "%s", text);
		return -ECHILD;
	}
	*ret = pid;
	return 0;
}

int
jail_wait(pid_t init)
{
	return wait_for(init);
}
