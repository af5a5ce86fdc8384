/*
 * What an isolated process may do: each try in a process of its own, which
 * isolates itself as a worker or the gate does and then tries it.
 */
#ifndef SBX_ISOLATED_H
#define SBX_ISOLATED_H

#include <stddef.h>

struct ev_loop;

enum {
	WORKED = 0,
	FAILED = 1, /* … as the row expects a call to be refused */
	NOT_ISOLATED = 2,
	KILLED = 1000,
};

/* Made before, as a worker's is. */
extern struct ev_loop *isolated_loop;

int worked(long r);

/* How it ended: KILLED by the filter, or with its status. */
int isolated_try(
	int (*isolate)(char *reterr, size_t reterr_size), int (*try)(void));

#endif
