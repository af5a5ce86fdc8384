/*
 * One connected socket with its watcher, its two buffers and, once it was
 * secured, its TLS session.
 *
 * The owner reads from `in`, adds to `out` and asks for a flush, which happens
 * at the end of the turn.  When the socket is ready or something broke, ready()
 * is called: it must look at the state, for it is not told what happened.
 */
#ifndef SBX_STREAM_H
#define SBX_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ev.h>

#include "buf.h"
#include "turn.h"

struct splice_pipe;
struct tls;

enum {
	STREAM_BUFFER = 16 * 1024, /* read and not yet taken */
	STREAM_OUT = 64 * 1024,    /* added and not yet written */
};

struct stream {
	int fd; /* -1: closed */
	struct tls *tls;
	struct ev_loop *loop;
	struct turn *turn;
	struct ev_io io;
	struct turn_task flush;
	struct buf in, out;
	size_t read_size; /* what to ask for: grows while reads fill it */
	uint64_t bytes_in, bytes_out; /* plaintext, for the record */
	bool read_done;               /* the peer has finished sending */
	bool write_done; /* we have; nothing may be added to `out` */
	bool shut;       /* … and it was said to the peer */
	bool drained;    /* the last read was short: wait for an event */
	bool read_waits; /* reading goes on when something can be written */
	bool hears_out;  /* a failed write ends writing only: see below */
	int error;       /* -errno of what broke it; 0 */
	void (*ready)(void *arg);
	void *arg;
};

/*
 * Takes fd, which must be non-blocking.  Who sets hears_out goes on reading
 * when the peer takes no more: an origin may have said why before it reset the
 * connection.
 */
void stream_init(
	struct stream *s, struct ev_loop *loop, struct turn *turn, int fd);

/* Who is called from now on. */
void stream_own(struct stream *s, void (*ready)(void *arg), void *arg);

/* Makes the coming close a reset: what was sent must not look complete. */
void stream_set_reset(struct stream *s);

/* Closes and frees everything; may be called twice, and inside ready(). */
void stream_done(struct stream *s);

/* No event is reported any more; the memory goes with stream_done(). */
void stream_silence(struct stream *s);

/* From now on through TLS; takes t. */
void stream_secure(struct stream *s, struct tls *t);

/* Waits for what the TLS handshake waits for. */
void stream_watch_handshake(struct stream *s);

/*
 * Reads once into `in`, as far as it has room.  How many bytes; 0: nothing
 * now, or the end (read_done), or broken (error).
 */
size_t stream_fill(struct stream *s);

/*
 * Reads once into an empty pipe, past `in`, which must be empty: as
 * stream_fill(), but where it says "nothing now" a read may still get
 * something (see splice_pipe_fill()).  Not over TLS.
 */
size_t stream_fill_pipe(struct stream *s, struct splice_pipe *pipe);

/* Nothing is going on: gives the buffers' memory back. */
void stream_shrink(struct stream *s);

/* Whether stream_fill() may give bytes without a new event. */
bool stream_has_pending(const struct stream *s);

/* Writes `out` at the end of this turn, and then as the socket takes it. */
void stream_flush(struct stream *s);

/* Writes what the socket takes now, for one who has much to write. */
void stream_flush_now(struct stream *s);

/*
 * Writes what the pipe holds, past `out`, which must be empty.  How many
 * bytes; when that is not all, ready() is called once there may be room.
 */
size_t stream_drain_pipe(struct stream *s, struct splice_pipe *pipe);

/* No more will be added to `out`: when it is drained, tell the peer. */
void stream_finish(struct stream *s);

/* Waits for bytes to read, or leaves the peer waiting (back-pressure). */
void stream_watch(struct stream *s, bool read);

bool stream_is_broken(const struct stream *s);

/* Everything that was added has been written. */
bool stream_is_drained(const struct stream *s);

#endif
