/*
 * Waiting, while nothing else runs yet, for what goes away by itself within a
 * moment: what a killed process of ours still held.
 */
#ifndef SBX_PATIENCE_H
#define SBX_PATIENCE_H

#include <stdbool.h>

struct patience {
	int left_ms; /* set by whoever waits */
};

/* Sleeps a little and says to look again; false: no more. */
bool patience_wait(struct patience *p);

#endif
