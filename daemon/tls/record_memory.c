#include "record_memory.h"

#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>

#include <openssl/crypto.h>

#include "sanitized.h"

enum {
	/* One record with its header and tag, and malloc's rounding. */
	RECORD_LEAST = 16 * 1024,
	RECORD_MOST = 18 * 1024,
	KEPT = 32,
};

static void *kept[KEPT];
static size_t kept_count;

static void *
take(size_t size, const char *file, int line)
{
	(void)file, (void)line;
	if (size > RECORD_LEAST && size <= RECORD_MOST && kept_count > 0)
		return kept[--kept_count];
	/* All of a class are made alike, so that each fits every asker. */
	if (size > RECORD_LEAST && size <= RECORD_MOST)
		size = RECORD_MOST;
	return malloc(size);
}

static void
give(void *block, const char *file, int line)
{
	size_t size;

	(void)file, (void)line;
	if (block == NULL)
		return;
	size = malloc_usable_size(block);
	if (size >= RECORD_MOST && size < RECORD_MOST + 64 && kept_count < KEPT)
		kept[kept_count++] = block;
	else
		free(block);
}

static void *
resize(void *block, size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return realloc(block, size);
}

void
record_memory_keep(void)
{
	if (!SANITIZED)
		CRYPTO_set_mem_functions(take, resize, give);
}
