/* The two macros that C lacks.  Knows nothing else. */
#ifndef SBX_ARRAY_H
#define SBX_ARRAY_H

#include <stddef.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
