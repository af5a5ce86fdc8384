/*
 * A daemon of one's own: sbx-netd started for one command, with a runtime
 * directory that goes away with it, and with the kernel rules that it brought.
 */
#ifndef SBX_OWN_DAEMON_H
#define SBX_OWN_DAEMON_H

#include <stddef.h>

struct own_daemon;

struct own_daemon_spec {         /* borrowed for the call */
	const char *runtime_dir; /* must not exist yet */
	const char *config;      /* NULL: one is made of what follows */
	const char *policy_file; /* or NULL */
	const char *policy_text; /* a document instead; neither: nothing is
				    allowed */
	const char *log;         /* absolute; NULL: in runtime_dir */
	const char *const *allow_addresses;
	size_t allow_address_count;
};

/*
 * Starts it and waits until it is ready.  0 and *ret; -errno with text (the
 * daemon's own words, perhaps several lines) in reterr, and everything undone;
 * -ECANCELED when life_fd came to its end meanwhile.
 */
int own_daemon_start(const struct own_daemon_spec *spec, int life_fd,
	struct own_daemon **ret, char *reterr, size_t size);

/*
 * Stops it, takes away the kernel rules unless they were there before, and the
 * runtime directory.  Accepts NULL.  Complains on standard error.
 */
void own_daemon_stop(struct own_daemon *d);

#endif
