#include "chunk.h"

#include <stdlib.h>

enum {
	LEAST_SHIFT = 11, /* 2 KiB, a buffer's first size */
	CLASSES = 4,      /* … to 16 KiB, by powers of two */
	KEPT = 64,        /* of each */
};

#if defined(__SANITIZE_ADDRESS__)
#define KEEPS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEEPS 0
#endif
#endif
#ifndef KEEPS
#define KEEPS 1
#endif

struct spare {
	struct spare *next;
};

static struct {
	struct spare *first;
	unsigned count;
} spares[CLASSES];

/* The class of exactly that size; CLASSES: none. */
static unsigned
class_of(size_t size)
{
	unsigned class = 0;

	while (class < CLASSES && size != (size_t)1 << (LEAST_SHIFT + class))
		class ++;
	return class;
}

void *
chunk_alloc(size_t size)
{
	unsigned class = KEEPS ? class_of(size) : CLASSES;
	struct spare *spare;

	if (class == CLASSES || spares[class].first == NULL)
		return malloc(size);
	spare = spares[class].first;
	spares[class].first = spare->next;
	spares[class].count--;
	return spare;
}

void
chunk_free(void *chunk, size_t size)
{
	unsigned class = KEEPS ? class_of(size) : CLASSES;
	struct spare *spare = chunk;

	if (chunk == NULL)
		return;
	if (class == CLASSES || spares[class].count == KEPT) {
		free(chunk);
		return;
	}
	spare->next = spares[class].first;
	spares[class].first = spare;
	spares[class].count++;
}
