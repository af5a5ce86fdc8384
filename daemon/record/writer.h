/*
 * The append side of the decision log, in a worker: an fd that was opened
 * (O_APPEND) elsewhere and lines that are written in batches.
 *
 * A caller adds lines during a loop turn and flushes once at its end; only
 * when the flush has returned 0 are the decisions on record and may bytes go
 * upstream.  Several processes append to the same file: each flush is one
 * write(2), and lines never mix.
 *
 * Knows nothing of what is in a line, and never waits: a pipe or socket that
 * nobody reads is an error like a full disk.  SIGPIPE is the caller's to
 * ignore.
 */
#ifndef SBX_WRITER_H
#define SBX_WRITER_H

#include <stddef.h>

enum { WRITER_BATCH_MAX = 256 * 1024 }; /* bytes between two flushes */

struct writer;

/* Takes the fd, also when it fails; NULL: out of memory. */
struct writer *writer_new(int fd);

/* Accepts NULL; flushes if it can. */
void writer_free(struct writer *w);

/* A new file after rotation: takes the fd, closes the old one.  A batch that
 * is not flushed yet goes to the new file. */
void writer_reopen(struct writer *w, int fd);

/* 0 or -ENOBUFS when the batch (256 KiB) is full: flush first. */
int writer_add(struct writer *w, const char *line, size_t len);

/*
 * Writes the batch.  0; or -errno (-ENOSPC, -EIO, -EAGAIN ...): then nothing
 * of the batch counts as recorded, the batch is dropped, and the writer sees
 * to it that a line half written before is ended by a newline first next time,
 * so that a reader skips just that one.
 */
int writer_flush(struct writer *w);

#endif
