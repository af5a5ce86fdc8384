#include "region.h"

#include <errno.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIRST_BLOCK = 4096,
	LARGEST_BLOCK = 1 << 20, /* a piece that needs more gets its own */
	SHARE = 4, /* what is left empty is at most this part of the whole */
};

struct block {
	struct block *next;
	size_t size, used;
	alignas(max_align_t) char data[];
};

struct region {
	struct block *blocks; /* the first one is being filled */
	size_t total;         /* of the blocks */
	bool failed;
};

struct region *
region_new(void)
{
	return calloc(1, sizeof(struct region));
}

void
region_free(struct region *r)
{
	if (r == NULL)
		return;
	while (r->blocks != NULL) {
		struct block *next = r->blocks->next;

		free(r->blocks);
		r->blocks = next;
	}
	free(r);
}

static struct block *
add_block(struct region *r, size_t need)
{
	size_t size = r->total / SHARE;
	struct block *b;

	if (size < FIRST_BLOCK)
		size = FIRST_BLOCK;
	if (size > LARGEST_BLOCK)
		size = LARGEST_BLOCK;
	if (size < need)
		size = need;
	if (size > SIZE_MAX - sizeof(*b))
		return NULL;
	b = calloc(1, sizeof(*b) + size);
	if (b == NULL)
		return NULL;
	b->size = size;
	b->next = r->blocks;
	r->blocks = b;
	r->total += size;
	return b;
}

void *
region_alloc(struct region *r, size_t count, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct block *b = r->blocks;
	size_t need;
	void *piece;

	if (r->failed)
		return NULL;
	if (__builtin_mul_overflow(count, size, &need) ||
		need > SIZE_MAX - align)
		goto fail;
	need = need > 0 ? (need + align - 1) / align * align : align;
	if (b == NULL || b->size - b->used < need)
		b = add_block(r, need);
	if (b == NULL)
		goto fail;
	piece = b->data + b->used;
	b->used += need;
	return piece;
fail:
	r->failed = true;
	return NULL;
}

char *
region_copy(struct region *r, const char *text, size_t len)
{
	char *copy;

	if (len == SIZE_MAX) {
		r->failed = true;
		return NULL;
	}
	copy = region_alloc(r, len + 1, 1);
	if (copy != NULL && len > 0)
		memcpy(copy, text, len);
	return copy;
}

char *
region_format(struct region *r, const char *format, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0) {
		r->failed = true;
		return NULL;
	}
	text = region_alloc(r, (size_t)len + 1, 1);
	if (text == NULL)
		return NULL;
	va_start(args, format);
	vsnprintf(text, (size_t)len + 1, format, args);
	va_end(args);
	return text;
}

int
region_failed(const struct region *r)
{
	return r->failed ? -ENOMEM : 0;
}

void
region_fail(struct region *r)
{
	r->failed = true;
}
