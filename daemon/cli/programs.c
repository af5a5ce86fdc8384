#include "programs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CANNOT_EXECUTE = 126 };

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

int
program_run(enum program which, const char **argv, int quiet)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		if (quiet)
			silence();
		(void)program_become(which, argv);
		_exit(CANNOT_EXECUTE);
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}
