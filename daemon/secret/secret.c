/*
 * secret.c - memory for values that nobody else may read
 *
 * Theory of operation
 *
 * Values live in blocks of whole pages that hold nothing else.  A block is
 * divided into slots of one size (64, 256, 1024 or 4096 bytes, or one slot of
 * as many pages as a large value needs), because a page costs a system call or
 * four and a share of RLIMIT_MEMLOCK, and tokens are short.  A new value goes
 * into the first free slot of its size; a block is given back when its last
 * value has gone.  The pages come from memfd_secret(2), which not even root can
 * read through /proc; where the kernel has none, they are anonymous and locked.
 * Either way they are in no core dump, and a forked child does not have them.
 *
 * A process that secret_reserve()d makes none later: it takes its blocks from
 * an arena of secret pages, which are memory only once they are touched, and
 * locks anonymous ones when that is full.
 *
 * The struct itself, which holds no byte of the value, is ordinary memory.
 */
#include "secret.h"

#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "array.h"

enum {
	BLOCK_SLOTS_MAX = 64, /* bits of struct block's used */
	ARENA_SIZE = 4 << 20, /* half of the usual RLIMIT_MEMLOCK */
	ARENA_PAGES = ARENA_SIZE / 4096,
};

struct block {
	struct block *next;
	uint8_t *base;
	size_t size;
	size_t slot_size;
	uint64_t used; /* bit n: slot n holds a value */
};

struct secret {
	unsigned refs;
	unsigned slot;
	struct block *block;
	size_t len;
};

static const size_t slot_sizes[] = {64, 256, 1024, 4096};

static struct block *blocks;

static struct {
	bool reserved;
	uint8_t *base;
	size_t pages; /* 0: there are no secret pages */
	bool taken[ARENA_PAGES];
} arena;

static size_t
page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static void *
map_secret_pages(size_t size)
{
	/* The manual page says FD_CLOEXEC; the kernel wants this. */
	int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
	void *base = MAP_FAILED;

	if (fd < 0)
		return MAP_FAILED;
	if (ftruncate(fd, (off_t)size) == 0)
		base = mmap(
			NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return base;
}

static void *
map_locked_pages(size_t size)
{
	void *base = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (base == MAP_FAILED)
		return MAP_FAILED;
	/* By its number: without a flag glibc makes mlock() of it, which no
	 * worker may call, and which sanitizers make do nothing. */
	if (syscall(SYS_mlock2, base, size, 0) == 0 &&
		madvise(base, size, MADV_DONTDUMP) == 0)
		return base;
	munmap(base, size);
	return MAP_FAILED;
}

static void *
without_children(void *base, size_t size)
{
	if (base == MAP_FAILED)
		return NULL;
	if (madvise(base, size, MADV_DONTFORK) == 0)
		return base;
	munmap(base, size);
	return NULL;
}

static void *
map_pages(size_t size)
{
	void *base = MAP_FAILED;

	if (!arena.reserved)
		base = map_secret_pages(size);
	if (base == MAP_FAILED)
		base = map_locked_pages(size);
	return without_children(base, size);
}

/* ---- the arena ---------------------------------------------------------- */

/* As much as the limit of locked memory admits. */
void
secret_reserve(void)
{
	size_t page = page_size();

	assert(!arena.reserved);
	arena.reserved = true;
	for (size_t size = ARENA_SIZE; arena.base == NULL && size >= page;
		size /= 2) {
		arena.base = without_children(map_secret_pages(size), size);
		arena.pages = arena.base != NULL ? size / page : 0;
	}
}

static uint8_t *
arena_take(size_t size)
{
	size_t page = page_size(), want = size / page, run = 0;

	for (size_t i = 0; i < arena.pages; i++) {
		run = arena.taken[i] ? 0 : run + 1;
		if (run < want)
			continue;
		i -= want - 1;
		memset(arena.taken + i, true, want);
		return arena.base + i * page;
	}
	return NULL;
}

/* Whether it was the arena's. */
static bool
arena_give(const uint8_t *base, size_t size)
{
	size_t page = page_size();

	if (base < arena.base || base >= arena.base + arena.pages * page)
		return false;
	memset(arena.taken + (size_t)(base - arena.base) / page, false,
		size / page);
	return true;
}

/* ---- blocks ------------------------------------------------------------- */

static struct block *
add_block(size_t slot_size)
{
	size_t page = page_size();
	struct block *block = calloc(1, sizeof(*block));

	if (block == NULL)
		return NULL;
	block->slot_size = slot_size;
	block->size = (slot_size + page - 1) / page * page;
	block->base = arena_take(block->size);
	if (block->base == NULL)
		block->base = map_pages(block->size);
	if (block->base == NULL) {
		free(block);
		return NULL;
	}
	block->next = blocks;
	blocks = block;
	return block;
}

static void
remove_block(struct block *block)
{
	struct block **link = &blocks;

	while (*link != block)
		link = &(*link)->next;
	*link = block->next;
	if (!arena_give(block->base, block->size))
		munmap(block->base, block->size);
	free(block);
}

/* The first free slot, or as many as there are slots. */
static unsigned
free_slot(const struct block *block, unsigned *ret_count)
{
	size_t count = block->size / block->slot_size;
	unsigned slot = 0;

	*ret_count =
		count < BLOCK_SLOTS_MAX ? (unsigned)count : BLOCK_SLOTS_MAX;
	while (slot < *ret_count && (block->used >> slot & 1) != 0)
		slot++;
	return slot;
}

static size_t
slot_size_for(size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(slot_sizes); i++) {
		if (len <= slot_sizes[i])
			return slot_sizes[i];
	}
	return len;
}

/* A large value has a block to itself: its size is nobody else's. */
static struct block *
find_block(size_t slot_size, unsigned *ret_slot)
{
	struct block *block;
	unsigned count;

	for (block = blocks; block != NULL; block = block->next) {
		if (block->slot_size != slot_size)
			continue;
		*ret_slot = free_slot(block, &count);
		if (*ret_slot < count)
			return block;
	}
	*ret_slot = 0;
	return add_block(slot_size);
}

static uint8_t *
slot_bytes(const struct secret *s)
{
	return s->block->base + s->slot * s->block->slot_size;
}

struct secret *
secret_new(const void *data, size_t len)
{
	struct secret *s;

	if (len > SECRET_MAX)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->block = find_block(slot_size_for(len), &s->slot);
	if (s->block == NULL) {
		free(s);
		return NULL;
	}
	s->block->used |= UINT64_C(1) << s->slot;
	s->refs = 1;
	s->len = len;
	if (len > 0)
		memcpy(slot_bytes(s), data, len);
	return s;
}

struct secret *
secret_ref(struct secret *s)
{
	s->refs++;
	return s;
}

void
secret_unref(struct secret *s)
{
	struct block *block;

	if (s == NULL)
		return;
	assert(s->refs > 0);
	if (--s->refs > 0)
		return;
	block = s->block;
	explicit_bzero(slot_bytes(s), block->slot_size);
	block->used &= ~(UINT64_C(1) << s->slot);
	if (block->used == 0)
		remove_block(block);
	free(s);
}

struct span
secret_bytes(const struct secret *s)
{
	return (struct span){(const char *)slot_bytes(s), s->len};
}

bool
secret_equals(const struct secret *a, const struct secret *b)
{
	const uint8_t *p, *q;
	uint8_t difference = 0;

	if (a == NULL || b == NULL)
		return a == b;
	if (a->len != b->len)
		return false;
	p = slot_bytes(a);
	q = slot_bytes(b);
	for (size_t i = 0; i < a->len; i++)
		difference |= p[i] ^ q[i];
	return difference == 0;
}
