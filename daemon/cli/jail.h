/*
 * A command behind walls: its own network, mounts and processes, the calling
 * user's rights and no more.  Makes walls out of what it is given; knows
 * nothing of daemons, policies or the control socket.
 */
#ifndef SBX_JAIL_H
#define SBX_JAIL_H

#include <stddef.h>
#include <sys/types.h>

struct trust;

struct jail_user {
	uid_t uid;
	gid_t gid;
	const char *name; /* whose groups to take; NULL: those we have */
};

struct jail { /* everything borrowed for the call */
	int netns_fd;
	int life_fd; /* read end of a pipe: at its end our parent is gone */
	const struct trust *trust;
	const char *resolv_conf; /* text */
	const char *hidden;      /* a directory that is to look empty */
	const char *home;        /* of the user; NULL: none */
	struct jail_user user;
	char *const *argv;
	char *const *envp;
};

#define JAIL_TRUST_DIR "/run/sbx-net-ca"

/*
 * Starts the command.  0 and in *ret the process to wait for and to send
 * signals to: it ends with the command, with the command's exit status or 128
 * and the signal's number, and nothing that the command started outlives it;
 * it is killed when the caller dies.  126 and 127 say, as in a shell, that the
 * command could not be executed or found.  -errno with a line in reterr when
 * the walls cannot be built.
 */
int jail_start(const struct jail *jail, pid_t *ret, char *reterr, size_t size);

/*
 * Waits for that process and passes signals on to it; its exit status.  Most
 * signals stay blocked in the caller since jail_start(): what comes once
 * the command is gone no longer ends anything.
 */
int jail_wait(pid_t init);

/* The two halves of the work, each in a file of its own; called in the new
 * process only. */
int jail_mounts(const struct jail *jail, char *reterr, size_t size);
int jail_drop(const struct jail_user *user, char *reterr, size_t size);

/* A part of the first that need not succeed: what browsers trust. */
void jail_nss(const struct jail *jail);

#endif
