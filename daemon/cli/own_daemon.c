/*
 * own_daemon.c - a daemon for one command
 *
 * Theory of operation
 *
 * Everything is made in one order and undone in the reverse one; each step
 * leaves a mark in the struct, so that own_daemon_stop() undoes what was done
 * and no more.
 *
 *	directory   made by us, or it is an error: never somebody else's
 *	rules       whether they were there; the daemon installs what is missing
 *	daemon      our child; dies with us (PR_SET_PDEATHSIG), if need be
 *	ready       it says so on the socket that NOTIFY_SOCKET names
 *
 * The daemon's words go to a file: the terminal belongs to the command.  When
 * it does not get ready, the end of that file is the error text.
 */
#include "own_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "array.h"
#include "netclaim.h"
#include "own_config.h"
#include "programs.h"

enum {
	READY_SECONDS = 30,
	STOP_SECONDS = 10,
	CANNOT_EXECUTE = 126,
};

struct own_daemon {
	char *dir;
	bool made_dir;
	bool own_config; /* lies in dir */
	bool had_rules;
	bool started;
	pid_t pid;
	int pid_fd;
	int ready_fd;
};

static int
path_in(const struct own_daemon *d, const char *name, char ret[PATH_MAX])
{
	int n = snprintf(ret, PATH_MAX, "%s/%s", d->dir, name);

	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* The socket on which the daemon will say that it is ready. */
static int
open_ready(struct own_daemon *d)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	char path[PATH_MAX];

	if (path_in(d, "notify", path) < 0 ||
		strlen(path) >= sizeof(name.sun_path))
		return -ENAMETOOLONG;
	memcpy(name.sun_path, path, strlen(path));
	d->ready_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (d->ready_fd < 0 ||
		bind(d->ready_fd, (struct sockaddr *)&name, sizeof(name)) < 0)
		return -errno;
	return 0;
}

/* In the child: never returns. */
static void
become_daemon(const struct own_daemon *d, const char *config)
{
	const char *argv[] = {
		NULL, "--config", config, "--runtime-dir", d->dir, NULL};
	char notify[PATH_MAX], log[PATH_MAX];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int out = -1;
	sigset_t none;
	int e;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (path_in(d, "notify", notify) == 0 &&
		path_in(d, "sbx-netd.log", log) == 0)
		out = open(
			log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (null < 0 || out < 0)
		_exit(CANNOT_EXECUTE);
	/* A configuration of ours is named from where it lies, so that every
	 * verdict names its file in a few words. */
	if (d->own_config && chdir(d->dir) < 0)
		_exit(CANNOT_EXECUTE);
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	setenv("NOTIFY_SOCKET", notify, 1);
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	e = program_become(PROGRAM_DAEMON, argv);
	dprintf(STDERR_FILENO, "cannot run sbx-netd: %s\n", strerror(-e));
	_exit(CANNOT_EXECUTE);
}

static int
start(struct own_daemon *d, const char *config)
{
	d->pid = fork();
	if (d->pid < 0)
		return -errno;
	if (d->pid == 0)
		become_daemon(d, config);
	d->started = true;
	d->pid_fd = pidfd_open(d->pid, 0);
	return d->pid_fd < 0 ? -errno : 0;
}

static bool
says_ready(int fd)
{
	char text[1024];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	if (n < 0)
		return false;
	text[n] = '\0';
	return strncmp(text, "READY=1", 7) == 0 ||
	       strstr(text, "\nREADY=1") != NULL;
}

static int
wait_ready(struct own_daemon *d, int life_fd)
{
	struct pollfd fds[] = {
		{.fd = d->ready_fd, .events = POLLIN},
		{.fd = d->pid_fd, .events = POLLIN},
		{.fd = life_fd, .events = POLLIN},
	};

	for (;;) {
		int n = poll(fds, ARRAY_LEN(fds), READY_SECONDS * 1000);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -ETIMEDOUT;
		if (fds[2].revents != 0)
			return -ECANCELED;
		if (fds[0].revents != 0 && says_ready(d->ready_fd))
			return 0;
		if (fds[1].revents != 0)
			return -ECHILD;
	}
}

/* The end of the daemon's log, from the start of a line. */
static void
last_words(const struct own_daemon *d, char *reterr, size_t size)
{
	char path[PATH_MAX];
	size_t len, n;
	FILE *file;
	char *text;

	len = (size_t)snprintf(reterr, size, "sbx-netd did not start:\n");
	if (path_in(d, "sbx-netd.log", path) < 0 || len >= size)
		return;
	file = fopen(path, "re");
	if (file == NULL)
		return;
	text = reterr + len;
	size -= len;
	if (fseek(file, -(long)(size - 1), SEEK_END) < 0)
		rewind(file);
	n = fread(text, 1, size - 1, file);
	text[n] = '\0';
	fclose(file);
	while (n > 0 && text[n - 1] == '\n')
		text[--n] = '\0';
}

/* Its words name a file in our directory: say which one that was. */
static void
name_policy_file(const struct own_daemon_spec *spec, char *reterr, size_t size)
{
	size_t len = strlen(reterr);
	const char *slash = strrchr(spec->policy_file, '/');

	snprintf(reterr + len, size - len,
		"\npolicies.d/%s is %s, beside the settings of --log and "
		"--allow-address.\nIf it has settings of its own, give it with "
		"--config, and those options as settings in it: log.file, "
		"upstream.allow_addresses",
		slash != NULL ? slash + 1 : spec->policy_file,
		spec->policy_file);
}

static int
prepare(struct own_daemon *d, const struct own_daemon_spec *spec,
	char config[PATH_MAX], char *reterr, size_t size)
{
	const char *check[] = {NULL, "check", NULL};
	int e;

	d->dir = strdup(spec->runtime_dir);
	if (d->dir == NULL)
		return -ENOMEM;
	if (mkdir(d->dir, 0700) < 0) {
		e = -errno;
		snprintf(reterr, size, "cannot make %s: %s", d->dir,
			strerror(-e));
		return e;
	}
	d->made_dir = true;
	d->had_rules = program_run(PROGRAM_SETUP, check, 1) == 0;
	e = open_ready(d);
	if (e < 0) {
		snprintf(reterr, size, "cannot make a socket in %s: %s", d->dir,
			strerror(-e));
		return e;
	}
	if (spec->config != NULL || !own_config_is_needed(spec)) {
		snprintf(config, PATH_MAX, "%s",
			spec->config != NULL ? spec->config
					     : spec->policy_file);
		return 0;
	}
	d->own_config = true;
	snprintf(config, PATH_MAX, OWN_CONFIG);
	return own_config_write(spec, reterr, size);
}

int
own_daemon_start(const struct own_daemon_spec *spec, int life_fd,
	struct own_daemon **ret, char *reterr, size_t size)
{
	struct own_daemon *d = calloc(1, sizeof(*d));
	char config[PATH_MAX];
	int e;

	if (d == NULL)
		return -ENOMEM;
	d->pid_fd = d->ready_fd = -1;
	e = prepare(d, spec, config, reterr, size);
	if (e < 0)
		goto fail;
	e = start(d, config);
	if (e == 0)
		e = wait_ready(d, life_fd);
	if (e < 0) {
		last_words(d, reterr, size);
		if (d->own_config && spec->policy_file != NULL)
			name_policy_file(spec, reterr, size);
		goto fail;
	}
	*ret = d;
	return 0;
fail:
	own_daemon_stop(d);
	return e;
}

static void
end_process(struct own_daemon *d)
{
	struct pollfd end = {.fd = d->pid_fd, .events = POLLIN};

	kill(d->pid, SIGTERM);
	if (d->pid_fd < 0 || poll(&end, 1, STOP_SECONDS * 1000) != 1)
		kill(d->pid, SIGKILL);
	while (waitpid(d->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void
remove_rules(void)
{
	const char *remove_them[] = {NULL, "remove", NULL};
	char text[256];
	int claim = netclaim_open(text, sizeof(text));

	/* Another daemon's, because of which ours did not start, or that has
	 * come behind it.  While we have the claim, none comes. */
	if (claim == -EBUSY)
		return;
	if (program_run(PROGRAM_SETUP, remove_them, 1) != 0)
		fprintf(stderr,
			"sbx-netctl: the kernel rules could not be removed; "
			"try 'sbx-net-setup remove'\n");
	if (claim >= 0)
		close(claim);
}

void
own_daemon_stop(struct own_daemon *d)
{
	enum { OPEN_FDS = 16 };

	if (d == NULL)
		return;
	if (d->started)
		end_process(d);
	if (d->started && !d->had_rules)
		remove_rules();
	if (d->made_dir &&
		nftw(d->dir, remove_one, OPEN_FDS, FTW_DEPTH | FTW_PHYS) < 0)
		fprintf(stderr, "sbx-netctl: cannot remove %s: %s\n", d->dir,
			strerror(errno));
	if (d->pid_fd >= 0)
		close(d->pid_fd);
	if (d->ready_fd >= 0)
		close(d->ready_fd);
	free(d->dir);
	free(d);
}
