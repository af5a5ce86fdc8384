/*
 * The variables that credentials are read from: a command in a sandbox has no
 * business with them.
 */
#ifndef SBX_RUN_SECRETS_H
#define SBX_RUN_SECRETS_H

#include <stddef.h>

#include <jansson.h>

struct control_client;
struct import;

enum { RUN_SECRETS_MAX = 1024 };

struct run_secrets {
	const char *names[RUN_SECRETS_MAX]; /* borrowed from what is below */
	size_t count;
	json_t *credentials; /* of the daemon: array of {name, env: [...]} */
};

/*
 * Asks the daemon; and takes all that a kit names (NULL: none), for what could
 * not be carried over is a secret as well.  The kit has to live as long.
 * 0, or -errno with a line in reterr.
 */
int run_secrets_learn(struct run_secrets *s, struct control_client *client,
	const struct import *kit, char *reterr, size_t size);
void run_secrets_done(struct run_secrets *s);

#endif
