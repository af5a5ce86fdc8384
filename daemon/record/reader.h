/*
 * The read side of the decision log: record after record out of a file that
 * others append to, and that is moved away and made anew while we look on.
 *
 * Never waits: when there is nothing more, reader_fd() says when to ask again.
 */
#ifndef SBX_READER_H
#define SBX_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct logline;
struct reader;

enum { READER_LINE_MAX = 64 * 1024 }; /* a longer line is broken */

/*
 * Opens path at its start; "-" is standard input.  When it will be followed,
 * the file need not be there yet, but its folder must.  Returns 0 and *ret,
 * which the caller frees; or -errno with one line of text in reterr.
 */
int reader_open(const char *path, bool follow, struct reader **ret,
	char *reterr, size_t reterr_size);

/* Accepts NULL. */
void reader_free(struct reader *r);

/*
 * The next record: 1 and *ret, valid until the next call; 0 when there is
 * nothing more (now); -errno.  Lines that are no record are counted, and
 * skipped.
 */
int reader_next(struct reader *r, const struct logline **ret);

/*
 * Starts over, at the last so many lines.  1: there are lines before them;
 * 0: that is the whole file; -ESPIPE: it can only be read once, from its
 * start, and that is where it is.
 */
int reader_tail(struct reader *r, size_t lines);

/* Readable when reader_next() may have more; -1 if it is not followed. */
int reader_fd(const struct reader *r);

/* It is followed, and the file is not there yet. */
bool reader_is_waiting(const struct reader *r);

/* How many lines were skipped since it was opened or started over. */
uint64_t reader_broken(const struct reader *r);

#endif
