/*
 * One direction between two streams, both without TLS: what one side sent and
 * the other has room for is moved, copied at first and spliced once much has
 * come; then the end is passed on.  Knows nothing of who is at either side.
 */
#ifndef SBX_CONDUIT_H
#define SBX_CONDUIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct splice_pipe;
struct splice_pipes;
struct stream;

enum {
	CONDUIT_COPIES = 64 * 1024, /* bytes, before a pipe is worth it */
};

struct conduit {
	struct stream *from, *to;
	struct splice_pipes *pipes;
	struct splice_pipe *pipe; /* NULL: none is in use */
	uint64_t splice_at;       /* once from->bytes_in has come that far */
	uint64_t carried;         /* bytes taken on so far, either way */
};

/* Borrows all three; what `from` already holds goes first. */
void conduit_init(struct conduit *c, struct stream *from, struct stream *to,
	struct splice_pipes *pipes);

/*
 * Moves once: how many bytes, at most SPLICE_MOST; 0: nothing now; -ENOMEM.
 * What broke is in the streams.  Whoever has moved as much as it wants calls
 * conduit_rest().
 */
ssize_t conduit_move(struct conduit *c);

/* Whether `from` has sent more than was taken on; reads some to know. */
bool conduit_has_more(struct conduit *c);

/* Until the next event: waits for what can be moved. */
void conduit_rest(struct conduit *c);

/* What was read and not yet written is lost.  Accepts one that was never
 * initialised, if it is all zero. */
void conduit_done(struct conduit *c);

#endif
