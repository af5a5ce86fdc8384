#include "buf.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chunk.h"

enum {
	BUF_FIRST_SIZE = 2048, /* what a first byte costs */
};

void
buf_init(struct buf *b, size_t bound)
{
	*b = (struct buf){.bound = bound};
}

static void
give_back(struct buf *b)
{
	if (b->data != NULL && b->secret)
		explicit_bzero(b->data, b->size);
	chunk_free(b->data, b->size);
}

void
buf_done(struct buf *b)
{
	give_back(b);
	b->data = NULL;
	b->start = b->len = b->size = 0;
}

void
buf_wipe(struct buf *b)
{
	bool secret = b->secret;

	b->secret = true;
	buf_done(b);
	b->secret = secret;
}

void
buf_shrink(struct buf *b)
{
	if (b->len == 0)
		buf_done(b);
}

size_t
buf_room(const struct buf *b)
{
	return b->len < b->bound ? b->bound - b->len : 0;
}

struct span
buf_span(const struct buf *b)
{
	/* Nothing, not even 0, may be added to a NULL. */
	return (struct span){b->data != NULL ? b->data + b->start : "", b->len};
}

/* Moves what is unread to the front, into memory of at least need bytes. */
static int
make_room(struct buf *b, size_t need)
{
	size_t size = b->size > 0 ? b->size : BUF_FIRST_SIZE;
	char *data;

	if (b->size >= need) {
		memmove(b->data, b->data + b->start, b->len);
		b->start = 0;
		return 0;
	}
	while (size < need)
		size *= 2;
	if (size > b->bound && b->bound >= need)
		size = b->bound;
	data = chunk_alloc(size);
	if (data == NULL)
		return -ENOMEM;
	if (b->len > 0)
		memcpy(data, b->data + b->start, b->len);
	give_back(b);
	b->data = data;
	b->size = size;
	b->start = 0;
	return 0;
}

char *
buf_reserve(struct buf *b, size_t min, size_t *ret_len)
{
	size_t tail;

	if (min > buf_room(b))
		return NULL;
	if (b->len == 0)
		b->start = 0;
	if (b->start + b->len + min > b->size && make_room(b, b->len + min) < 0)
		return NULL;
	tail = b->size - b->start - b->len;
	*ret_len = tail < buf_room(b) ? tail : buf_room(b);
	return b->data + b->start + b->len;
}

void
buf_commit(struct buf *b, size_t len)
{
	assert(b->start + b->len + len <= b->size);
	assert(len <= buf_room(b));
	b->len += len;
}

int
buf_add(struct buf *b, const void *data, size_t len)
{
	size_t room;
	char *tail;

	if (len == 0)
		return 0;
	if (len > buf_room(b))
		return -ENOBUFS;
	tail = buf_reserve(b, len, &room);
	if (tail == NULL)
		return -ENOMEM;
	memcpy(tail, data, len);
	buf_commit(b, len);
	return 0;
}

size_t
buf_add_some(struct buf *b, const void *data, size_t len)
{
	if (len > buf_room(b))
		len = buf_room(b);
	return buf_add(b, data, len) == 0 ? len : 0;
}

void
buf_consume(struct buf *b, size_t len)
{
	assert(len <= b->len);
	b->len -= len;
	b->start = b->len > 0 ? b->start + len : 0;
}
