/*
 * writer.c - whole lines or nothing, into a file that others append to as well
 *
 * Theory of operation
 *
 * O_APPEND makes one write(2) one place in the file, so a batch is one write
 * and is never split over two: what another process appends in between would
 * stand inside a line.  A short write (a disk that fills up, a pipe) therefore
 * fails the whole batch, even where some of its lines are in the file by now:
 * they say of requests that were then denied that they were allowed, never
 * the other way round.
 *
 * A short write may leave half a line behind: the file is *torn*.  The newline
 * that ends it is written at once if that works, and else in front of the next
 * batch, in the same write.  Should another process append between the two,
 * its first line stands behind our half: a reader finds it there (entry.c).
 *
 * data[0] is kept free for that newline.
 */
#include "writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct writer {
	int fd;
	bool torn;
	size_t len; /* of the batch, at data + 1 */
	char data[1 + WRITER_BATCH_MAX];
};

/* A regular file never makes us wait; a pipe or socket must not either. */
static void
never_wait(int fd)
{
	struct stat st;
	int flags;

	if (fstat(fd, &st) < 0 ||
		(!S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode)))
		return;
	flags = fcntl(fd, F_GETFL);
	if (flags >= 0)
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

static bool
same_file(int a, int b)
{
	struct stat sta, stb;

	return fstat(a, &sta) == 0 && fstat(b, &stb) == 0 &&
	       sta.st_dev == stb.st_dev && sta.st_ino == stb.st_ino;
}

struct writer *
writer_new(int fd)
{
	struct writer *w = malloc(sizeof(*w));

	if (w == NULL) {
		close(fd);
		return NULL;
	}
	w->fd = fd;
	w->torn = false;
	w->len = 0;
	never_wait(fd);
	return w;
}

void
writer_free(struct writer *w)
{
	if (w == NULL)
		return;
	(void)writer_flush(w);
	close(w->fd);
	free(w);
}

void
writer_reopen(struct writer *w, int fd)
{
	if (!same_file(w->fd, fd))
		w->torn = false;
	close(w->fd);
	w->fd = fd;
	never_wait(fd);
}

int
writer_add(struct writer *w, const char *line, size_t len)
{
	if (len > WRITER_BATCH_MAX - w->len)
		return -ENOBUFS;
	memcpy(w->data + 1 + w->len, line, len);
	w->len += len;
	return 0;
}

/* One write: how much of it went, or -errno. */
static ssize_t
write_once(int fd, const char *data, size_t len)
{
	ssize_t n;

	do {
		n = write(fd, data, len);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* Only len > done >= 0 bytes went.  Returns why, as far as one can know. */
static int
mend(struct writer *w, const char *data, size_t done)
{
	ssize_t n;

	if (done > 0)
		w->torn = data[done - 1] != '\n';
	if (!w->torn)
		return -EIO;
	n = write_once(w->fd, "\n", 1);
	if (n == 1)
		w->torn = false;
	return n < 0 ? (int)n : -EIO;
}

int
writer_flush(struct writer *w)
{
	char *data = w->data + 1;
	size_t len = w->len;
	ssize_t n;

	if (len == 0)
		return 0;
	if (w->torn) {
		*--data = '\n';
		len++;
	}
	w->len = 0;
	n = write_once(w->fd, data, len);
	if (n < 0)
		return (int)n;
	if ((size_t)n < len)
		return mend(w, data, (size_t)n);
	w->torn = false;
	return 0;
}
