#include "chunk.h"

#include <stdlib.h>

#include "sanitized.h"

enum {
	LEAST_SHIFT = 11, /* 2 KiB, a buffer's first size */
	CLASSES = 6,      /* … to 64 KiB, by powers of two */
	KEPT = 64,        /* of each, and of each no more bytes than: */
	KEPT_BYTES = 1 << 20,
};

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
	unsigned class = SANITIZED ? CLASSES : class_of(size);
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
	unsigned class = SANITIZED ? CLASSES : class_of(size);
	struct spare *spare = chunk;

	if (chunk == NULL)
		return;
	if (class == CLASSES || spares[class].count == KEPT ||
		spares[class].count * size >= KEPT_BYTES) {
		free(chunk);
		return;
	}
	spare->next = spares[class].first;
	spares[class].first = spare;
	spares[class].count++;
}
