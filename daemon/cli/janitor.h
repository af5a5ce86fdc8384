/*
 * The process that cleans up after `sbx-netctl run`, whatever happens to the
 * latter: it holds what the sandbox needs on the host, waits for its parent to
 * end, in whichever way, and takes all of it away.
 */
#ifndef SBX_JANITOR_H
#define SBX_JANITOR_H

#include <stddef.h>

#include "wire.h"

struct jail_user;
struct janitor;
struct own_daemon_spec;

struct janitor_plan {            /* borrowed for the call */
	const char *socket_path; /* of the daemon, ours or not */
	const char *sandbox;     /* its name, to be registered */
	const struct wire *wire; /* names and addresses, made or not yet */
	const struct own_daemon_spec *own; /* NULL: the daemon is not ours */
	const char *home;                  /* of that user; NULL: none */
	const struct jail_user *user;
};

/*
 * Starts it, and waits until our own daemon, if there is to be one, is ready.
 * 0 and *ret; or -errno with text in reterr, everything undone.
 */
int janitor_start(const struct janitor_plan *plan, struct janitor **ret,
	char *reterr, size_t size);

/*
 * Has it register the sandbox with that document (JSON).  0 when the daemon
 * has done so; or -errno with text in reterr.
 */
int janitor_register(
	struct janitor *j, const char *document, char *reterr, size_t size);

/* The read end of a pipe that ends when this process does. */
int janitor_life_fd(const struct janitor *j);

/* Lets it clean up, waits for that and frees.  Accepts NULL.  0, or -EIO when
 * it complained. */
int janitor_dismiss(struct janitor *j);

#endif
