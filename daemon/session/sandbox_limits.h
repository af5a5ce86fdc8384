/*
 * What one sandbox may use (DESIGN 12), and how long each wait may take.
 * Seconds are seconds; everything else counts per sandbox.
 */
#ifndef SBX_SANDBOX_LIMITS_H
#define SBX_SANDBOX_LIMITS_H

#include "name_watch.h"

struct limits {
	double hello_seconds, head_seconds, idle_seconds, connect_seconds;
	unsigned connections;
	unsigned connections_per_second, mints_per_second, dns_per_second;
	struct name_bounds names;
};

#endif
