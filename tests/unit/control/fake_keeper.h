/*
 * A keeper that does as it is told: what the control server calls, without
 * files, workers or a kernel.
 */
#ifndef SBX_FAKE_KEEPER_H
#define SBX_FAKE_KEEPER_H

#include <stdbool.h>
#include <stddef.h>

#include "keeper.h"

struct keeper {
	struct policy *policy;
	int result;       /* what changes end with */
	const char *text; /* and their words */
	bool later;       /* done() is kept, not called */
	bool no_value;    /* the credential has none */
	keeper_done *done;
	void *done_arg;
	char name[512], document[4096]; /* of the last change */
	char kind[16];                  /* of entry, or "sandbox" */
	size_t changes;
};

/* A policy `agent` with a credential, and the sandbox `one` under it. */
void fake_keeper_init(struct keeper *k);
void fake_keeper_done(struct keeper *k);

/* Calls the done() that was kept. */
void fake_keeper_finish(struct keeper *k);

#endif
