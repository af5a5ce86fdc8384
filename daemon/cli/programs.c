#include "programs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CANNOT_EXECUTE = 126, CAPTURE_MAX = 1024 * 1024 };

/* Where each may lie, from the folder that we lie in. */
static const struct {
	const char *name;
	const char *places[4];
} programs[] = {
	[PROGRAM_DAEMON] = {"sbx-netd", {"sbx-netd", "../sbin/sbx-netd"}},
	[PROGRAM_LOG] = {"sbx-netlog", {"sbx-netlog"}},
	[PROGRAM_SETUP] = {"sbx-net-setup",
		{"sbx-net-setup", "../sbin/sbx-net-setup",
			"../lib/sbx-net/sbx-net-setup",
			"../../scripts/sbx-net-setup"}},
};

const char *
program_name(enum program which)
{
	return programs[which].name;
}

int
program_find(enum program which, char ret[PATH_MAX])
{
	char self[PATH_MAX], path[PATH_MAX];
	const char *const *places = programs[which].places;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n < 0)
		return -errno;
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (slash == NULL)
		return -ENOENT;
	*slash = '\0';
	for (size_t i = 0; i < 4 && places[i] != NULL; i++) {
		if (snprintf(path, sizeof(path), "%s/%s", self, places[i]) >=
			(int)sizeof(path))
			continue;
		if (access(path, X_OK) == 0 && realpath(path, ret) != NULL)
			return 0;
	}
	return -ENOENT;
}

static void
silence(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
}

int
program_become(enum program which, const char **argv)
{
	char path[PATH_MAX];
	int e = program_find(which, path);

	if (e < 0)
		return e;
	argv[0] = programs[which].name;
	execv(path, (char *const *)argv);
	return -errno;
}

static int
wait_for_end(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

int
program_run(enum program which, const char **argv, int quiet)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		if (quiet)
			silence();
		(void)program_become(which, argv);
		_exit(CANNOT_EXECUTE);
	}
	return wait_for_end(pid);
}

/* To the end, so that nobody writes into a closed pipe. */
static char *
read_all(int fd)
{
	char *text = malloc(CAPTURE_MAX + 1);
	char rest[4096];
	size_t len = 0;
	ssize_t n;

	do {
		size_t room = text != NULL ? CAPTURE_MAX - len : 0;

		n = room > 0 ? read(fd, text + len, room)
			     : read(fd, rest, sizeof(rest));
		if (room > 0 && n > 0)
			len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (text != NULL)
		text[len] = '\0';
	return text;
}

int
program_capture(enum program which, const char **argv, char **ret)
{
	int out[2];
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		(void)program_become(which, argv);
		_exit(CANNOT_EXECUTE);
	}
	close(out[1]);
	*ret = pid < 0 ? NULL : read_all(out[0]);
	close(out[0]);
	return pid < 0 ? -EAGAIN : wait_for_end(pid);
}
