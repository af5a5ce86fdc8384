#include "patience.h"

#include <time.h>

enum { LOOK_MS = 10 };

bool
patience_wait(struct patience *p)
{
	const struct timespec look = {.tv_nsec = LOOK_MS * 1000000L};

	if (p->left_ms <= 0)
		return false;
	p->left_ms -= LOOK_MS;
	nanosleep(&look, NULL);
	return true;
}
