/*
 * jail_nss.c - a database of authorities for Chromium and its kin
 *
 * They read neither a bundle nor a variable, but NSS's database in the user's
 * home.  The command sees one there that holds the sandbox's authority and
 * nothing else; what it adds ends with it, and the user's own is not touched.
 * It is made by certutil, as the user and without rights.
 *
 * All this is for one kind of program.  Where it cannot be done the command
 * runs without.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "array.h"
#include "jail.h"
#include "nss_place.h"
#include "trust.h"

#define NSS_DIR JAIL_TRUST_DIR "/nssdb"

static const char database[] = "sql:" NSS_DIR;
static const char authority[] = JAIL_TRUST_DIR "/" TRUST_CA_FILE;

/* In the child. */
static void
become_certutil(const struct jail *jail, const char *const *words)
{
	static char *const no_environment[] = {NULL};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char text[256];

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	if (null >= 0 && jail_drop(&jail->user, text, sizeof(text)) == 0)
		execve(NSS_PROGRAM, (char *const *)words, no_environment);
	_exit(1);
}

static bool
run_certutil(const struct jail *jail, const char *const *words)
{
	int status = 1;
	pid_t pid = fork();

	if (pid == 0)
		become_certutil(jail, words);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && status == 0;
}

static bool
make_database(const struct jail *jail)
{
	static const char *const make[] = {
		"certutil", "-N", "--empty-password", "-d", database, NULL};
	static const char *const add[] = {"certutil", "-A", "-d", database,
		"-n", "sbx-net", "-t", "C,,", "-i", authority, NULL};

	if (mkdir(NSS_DIR, 0700) < 0 ||
		chown(NSS_DIR, jail->user.uid, jail->user.gid) < 0)
		return false;
	return run_certutil(jail, make) && run_certutil(jail, add);
}

void
jail_nss(const struct jail *jail)
{
	char target[64];
	int fd;

	if (jail->home == NULL || access(NSS_PROGRAM, X_OK) < 0)
		return;
	fd = nss_place_open(jail->home, &jail->user);
	if (fd < 0)
		return;
	snprintf(target, sizeof(target), "/proc/self/fd/%d", fd);
	if (make_database(jail))
		(void)!mount(NSS_DIR, target, NULL, MS_BIND, NULL);
	close(fd);
}
