/*
 * h2_memory.c - what the library remembers of heads
 *
 * Theory of operation
 *
 * A credential is never indexed, so the library has it nowhere but in buffers
 * of frames, which are its larger blocks.  One of them it makes at once and
 * keeps as long as the session lives: a head would stay there, readable to
 * whoever decodes Huffman's code, until a longer one is written over it, and
 * on an idle connection none is.  So that one is known, and wiped when a head
 * with a secret has gone out; the others are wiped as they are given back.
 */
#include "h2_memory.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

enum {
	FRAME_LEAST = 16384,
};

static void *
take(size_t size, void *arg)
{
	struct h2_memory *m = arg;
	void *block = malloc(size);

	if (!m->settled && m->frames == NULL && size >= FRAME_LEAST)
		m->frames = block;
	return block;
}

static void
give(void *block, void *arg)
{
	struct h2_memory *m = arg;
	size_t size = malloc_usable_size(block);

	if (block == m->frames)
		m->frames = NULL;
	if (size >= FRAME_LEAST)
		explicit_bzero(block, size);
	free(block);
}

static void *
take_zeroed(size_t count, size_t size, void *arg)
{
	(void)arg;
	return calloc(count, size);
}

/* By hand, for realloc() would leave the old bytes in freed memory. */
static void *
take_again(void *block, size_t size, void *arg)
{
	size_t had = malloc_usable_size(block);
	void *ret = take(size, arg);

	if (ret == NULL || block == NULL)
		return ret;
	memcpy(ret, block, had < size ? had : size);
	give(block, arg);
	return ret;
}

void
h2_memory_init(struct h2_memory *m)
{
	*m = (struct h2_memory){.hooks = {
					.mem_user_data = m,
					.malloc = take,
					.free = give,
					.calloc = take_zeroed,
					.realloc = take_again,
				}};
}

void
h2_memory_settle(struct h2_memory *m)
{
	m->settled = true;
}

void
h2_memory_wipe_frames(struct h2_memory *m)
{
	if (m->frames != NULL)
		explicit_bzero(m->frames, malloc_usable_size(m->frames));
}
