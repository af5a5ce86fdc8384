/*
 * Pipes through which the kernel moves bytes from one socket to another, so
 * that they never come here, and the pool that a worker has of them.
 *
 * A pipe is taken when there is something to move and given back when it is
 * empty, within the same turn unless who shall get the bytes does not take
 * them: an idle connection holds none.
 */
#ifndef SBX_SPLICE_PIPE_H
#define SBX_SPLICE_PIPE_H

#include <stddef.h>
#include <sys/queue.h>
#include <sys/types.h>

struct splice_pipes;

struct splice_pipe {
	int read_end, write_end;
	size_t held; /* bytes in it */
	SLIST_ENTRY(splice_pipe) link;
};

enum {
	SPLICE_MOST = 256 * 1024, /* what one fill moves at most */
};

/* NULL: out of memory. */
struct splice_pipes *splice_pipes_new(void);

/* All that were taken have been given back.  Accepts NULL. */
void splice_pipes_free(struct splice_pipes *pool);

/* An empty pipe, which is given back with splice_pipe_give().  NULL: there is
 * none to be had now, and bytes have to be copied. */
struct splice_pipe *splice_pipe_take(struct splice_pipes *pool);

/* What it may still hold is lost.  Accepts NULL. */
void splice_pipe_give(struct splice_pipes *pool, struct splice_pipe *pipe);

/*
 * Moves from a socket into the pipe, which must be empty.  How many bytes;
 * 0: the peer has finished sending; -EAGAIN: nothing now, or nothing that can
 * be moved this way; or what broke.
 */
ssize_t splice_pipe_fill(struct splice_pipe *pipe, int fd);

/* Moves what the pipe holds, which must be something, into a socket, once.
 * How many bytes, -EAGAIN, or what broke.  SIGPIPE must be ignored. */
ssize_t splice_pipe_drain(struct splice_pipe *pipe, int fd);

#endif
