/*
 * splice_pipe.c - bytes from socket to socket, inside the kernel
 *
 * Theory of operation
 *
 * splice(2) moves references to the memory that the network has filled into a
 * pipe, and from there to the other socket.  A pipe is only filled when it is
 * empty: whether it is full cannot be told from the number of its bytes (it
 * has slots, and a small segment takes a whole one), and -EAGAIN does not say
 * which end it is about.  That is also the back-pressure: while the other side
 * has not taken all of it, nothing more is read.
 *
 * Pipes cost two descriptors each, and their slots are counted for the user of
 * all workers.  So there are few: at most PIPES of them at once, of which only
 * those of stalled directions are held over turns; KEPT wait for the next one
 * who asks.  A pipe is made larger than usual where the kernel lets us; one
 * that is smaller than usual, because its user has too many, is no gain and is
 * not used.  That, and having no pipe or descriptor left, means the same to the
 * caller: copy, and ask again later.
 *
 * One that is given back with bytes in it is closed: the next connection must
 * never see the last one's.
 */
#include "splice_pipe.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	PIPES = 32,             /* at once */
	KEPT = 4,               /* open and empty, for the next */
	LEAST_SIZE = 64 * 1024, /* what the kernel gives, if it need not save */
};

SLIST_HEAD(pipe_list, splice_pipe);

struct splice_pipes {
	struct splice_pipe pipes[PIPES];
	struct pipe_list kept;   /* open */
	struct pipe_list closed; /* to be opened */
	size_t kept_count, taken_count;
};

struct splice_pipes *
splice_pipes_new(void)
{
	struct splice_pipes *pool = calloc(1, sizeof(*pool));

	if (pool == NULL)
		return NULL;
	SLIST_INIT(&pool->kept);
	SLIST_INIT(&pool->closed);
	for (size_t i = 0; i < PIPES; i++)
		SLIST_INSERT_HEAD(&pool->closed, &pool->pipes[i], link);
	return pool;
}

static void
close_ends(struct splice_pipe *p)
{
	close(p->read_end);
	close(p->write_end);
}

void
splice_pipes_free(struct splice_pipes *pool)
{
	struct splice_pipe *p;

	if (pool == NULL)
		return;
	assert(pool->taken_count == 0);
	SLIST_FOREACH(p, &pool->kept, link)
		close_ends(p);
	free(pool);
}

static int
open_ends(struct splice_pipe *p)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	p->read_end = ends[0];
	p->write_end = ends[1];
	p->held = 0;
	if (fcntl(p->write_end, F_SETPIPE_SZ, SPLICE_MOST) < 0 &&
		fcntl(p->write_end, F_GETPIPE_SZ) < LEAST_SIZE) {
		close_ends(p);
		return -ENOBUFS;
	}
	return 0;
}

struct splice_pipe *
splice_pipe_take(struct splice_pipes *pool)
{
	struct splice_pipe *p = SLIST_FIRST(&pool->kept);

	if (p != NULL) {
		SLIST_REMOVE_HEAD(&pool->kept, link);
		pool->kept_count--;
	} else {
		p = SLIST_FIRST(&pool->closed);
		if (p == NULL || open_ends(p) < 0)
			return NULL;
		SLIST_REMOVE_HEAD(&pool->closed, link);
	}
	pool->taken_count++;
	return p;
}

void
splice_pipe_give(struct splice_pipes *pool, struct splice_pipe *pipe)
{
	if (pipe == NULL)
		return;
	assert(pool->taken_count > 0);
	pool->taken_count--;
	if (pipe->held > 0 || pool->kept_count == KEPT) {
		close_ends(pipe);
		SLIST_INSERT_HEAD(&pool->closed, pipe, link);
		return;
	}
	SLIST_INSERT_HEAD(&pool->kept, pipe, link);
	pool->kept_count++;
}

static ssize_t
splice_some(int from, int to, size_t len)
{
	ssize_t n;

	do {
		n = splice(from, NULL, to, NULL, len,
			SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

ssize_t
splice_pipe_fill(struct splice_pipe *pipe, int fd)
{
	ssize_t n;

	assert(pipe->held == 0);
	n = splice_some(fd, pipe->write_end, SPLICE_MOST);
	if (n > 0)
		pipe->held = (size_t)n;
	return n;
}

ssize_t
splice_pipe_drain(struct splice_pipe *pipe, int fd)
{
	ssize_t n;

	assert(pipe->held > 0);
	n = splice_some(pipe->read_end, fd, pipe->held);
	if (n > 0)
		pipe->held -= (size_t)n;
	return n;
}
