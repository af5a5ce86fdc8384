/*
 * reader.c - follows a file by lines, over rotation
 *
 * Theory of operation
 *
 * A source is one open file and the bytes of it that are read and not used.
 * There are up to two: the file that has the name now, and the one that had it
 * before.  Rotation renames the file, and each process that writes gets the
 * new one a little later than the next; until then it appends to the old.  So
 * the old source stays open, and is asked first, until the rotation after.
 *
 * What can have changed is told by inotify: on the folder (the name means
 * another file) and on each source (there are more bytes).  It is only a bell:
 * on the way to "nothing more" it is silenced first, and then files and name
 * are looked at once again, so that nothing is missed between the two.
 */
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "logline.h"

enum {
	BLOCK = 64 * 1024, /* how a file is searched backwards */
};

struct source {
	int fd;
	int watch;    /* inotify's, -1: none */
	off_t offset; /* of the next read */
	struct buf bytes;
	size_t used;   /* of bytes: the line handed out last */
	bool overlong; /* in the middle of a line that is too long */
};

struct reader {
	char *path;
	bool follow;
	int bell; /* inotify */
	struct source now, before;
	struct logline line; /* handed out last */
	uint64_t broken;
};

static const struct source no_source = {.fd = -1, .watch = -1};

static void say(char *reterr, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void
say(char *reterr, size_t size, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(reterr, size, format, ap);
	va_end(ap);
}

/* ---- one file ---------------------------------------------------------- */

static void
source_close(struct reader *r, struct source *s)
{
	if (s->watch >= 0)
		(void)inotify_rm_watch(r->bell, s->watch);
	if (s->fd >= 0)
		close(s->fd);
	buf_done(&s->bytes);
	*s = no_source;
}

/* Takes the fd.  The watch comes before the first read. */
static void
source_init(struct reader *r, struct source *s, int fd)
{
	char path[64];

	*s = no_source;
	s->fd = fd;
	buf_init(&s->bytes, READER_LINE_MAX);
	if (!r->follow)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	s->watch = inotify_add_watch(r->bell, path, IN_MODIFY);
}

static void
source_seek(struct source *s, off_t offset)
{
	s->offset = lseek(s->fd, offset, SEEK_SET);
	buf_done(&s->bytes);
	s->used = 0;
	s->overlong = false;
}

/* More bytes: 1, 0 at the end of the file, or -errno. */
static int
source_fill(struct source *s)
{
	size_t room;
	struct stat st;
	ssize_t n;
	char *tail;

	tail = buf_reserve(&s->bytes, 1, &room);
	if (tail == NULL)
		return -ENOMEM;
	do {
		n = read(s->fd, tail, room);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n > 0) {
		buf_commit(&s->bytes, (size_t)n);
		s->offset += n;
		return 1;
	}
	if (fstat(s->fd, &st) == 0 && S_ISREG(st.st_mode) &&
		st.st_size < s->offset) {
		source_seek(s, 0); /* emptied under us */
		return st.st_size > 0;
	}
	return 0;
}

/*
 * The next line: 1 and *ret without its newline, 0 when there is no whole one,
 * -EMSGSIZE for one that was too long, or -errno.
 */
static int
source_line(struct source *s, struct span *ret)
{
	size_t seen = 0;
	struct span all;
	const char *end;
	int r;

	buf_consume(&s->bytes, s->used);
	s->used = 0;
	for (;;) {
		all = buf_span(&s->bytes);
		end = all.len > seen
			      ? memchr(all.ptr + seen, '\n', all.len - seen)
			      : NULL;
		if (end != NULL)
			break;
		seen = all.len;
		if (buf_room(&s->bytes) == 0) {
			buf_consume(&s->bytes, all.len);
			s->overlong = true;
			seen = 0;
		}
		r = source_fill(s);
		if (r <= 0)
			return r;
		if (s->bytes.len < seen)
			seen = 0; /* it started over */
	}
	s->used = (size_t)(end - all.ptr) + 1;
	*ret = (struct span){all.ptr, s->used - 1};
	if (!s->overlong)
		return 1;
	s->overlong = false;
	return -EMSGSIZE;
}

/* What stands behind the last newline of a file that nobody appends to. */
static int
source_rest(struct source *s, struct span *ret)
{
	bool overlong = s->overlong;

	*ret = buf_span(&s->bytes);
	s->used = ret->len;
	s->overlong = false;
	return overlong ? -EMSGSIZE : ret->len > 0;
}

/* ---- the name ---------------------------------------------------------- */

static int
open_log(const char *path)
{
	int fd;

	if (strcmp(path, "-") == 0)
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

static bool
is_same(int a, int b)
{
	struct stat sta, stb;

	return fstat(a, &sta) == 0 && fstat(b, &stb) == 0 &&
	       sta.st_dev == stb.st_dev && sta.st_ino == stb.st_ino;
}

/* Does the name mean another file by now?  Then that is the source. */
static bool
look_for_rotation(struct reader *r)
{
	int fd = open_log(r->path);

	if (fd < 0)
		return false;
	if (r->now.fd >= 0 && is_same(fd, r->now.fd)) {
		close(fd);
		return false;
	}
	source_close(r, &r->before);
	r->before = r->now;
	source_init(r, &r->now, fd);
	return true;
}

static void
silence(struct reader *r)
{
	char events[4096] __attribute__((aligned(8)));

	while (read(r->bell, events, sizeof(events)) > 0)
		continue;
}

static int
watch_folder(struct reader *r, char *reterr, size_t reterr_size)
{
	char path[PATH_MAX];
	const char *folder;

	r->bell = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (r->bell < 0) {
		say(reterr, reterr_size, "inotify: %s", strerror(errno));
		return -errno;
	}
	if (strlen(r->path) >= sizeof(path)) {
		say(reterr, reterr_size, "%s", strerror(ENAMETOOLONG));
		return -ENAMETOOLONG;
	}
	memcpy(path, r->path, strlen(r->path) + 1);
	folder = dirname(path);
	if (inotify_add_watch(r->bell, folder,
		    IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) < 0) {
		say(reterr, reterr_size, "%s: %s", folder, strerror(errno));
		return -errno;
	}
	return 0;
}

/* ---- the face ---------------------------------------------------------- */

int
reader_open(const char *path, bool follow, struct reader **ret, char *reterr,
	size_t reterr_size)
{
	struct reader *r = calloc(1, sizeof(*r));
	int fd, error = -ENOMEM;

	say(reterr, reterr_size, "%s", strerror(ENOMEM));
	if (r == NULL)
		return -ENOMEM;
	r->bell = -1;
	r->now = r->before = no_source;
	r->follow = follow && strcmp(path, "-") != 0;
	r->path = strdup(path);
	if (r->path == NULL)
		goto fail;
	if (r->follow) {
		error = watch_folder(r, reterr, reterr_size);
		if (error < 0)
			goto fail;
	}
	fd = open_log(path);
	if (fd < 0 && !(r->follow && fd == -ENOENT)) {
		error = fd;
		say(reterr, reterr_size, "%s: %s", path, strerror(-fd));
		goto fail;
	}
	if (fd >= 0)
		source_init(r, &r->now, fd);
	*ret = r;
	return 0;
fail:
	reader_free(r);
	return error;
}

void
reader_free(struct reader *r)
{
	if (r == NULL)
		return;
	logline_done(&r->line);
	source_close(r, &r->before);
	source_close(r, &r->now);
	if (r->bell >= 0)
		close(r->bell);
	free(r->path);
	free(r);
}

/* The next line of either source, as source_line(). */
static int
next_line(struct reader *r, struct span *ret)
{
	bool silent = !r->follow;
	int n;

	for (;;) {
		n = r->before.fd >= 0 ? source_line(&r->before, ret) : 0;
		if (n == 0 && r->now.fd >= 0)
			n = source_line(&r->now, ret);
		if (n != 0)
			return n;
		if (silent)
			break;
		silence(r);
		silent = true;
		if (look_for_rotation(r))
			silent = false;
	}
	return r->follow ? 0 : source_rest(&r->now, ret);
}

int
reader_next(struct reader *r, const struct logline **ret)
{
	struct span line;
	int n;

	logline_done(&r->line);
	while ((n = next_line(r, &line)) != 0) {
		if (n < 0 && n != -EMSGSIZE)
			return n;
		if (n > 0 && line.len == 0)
			continue; /* a writer ends what may be half a line */
		if (n > 0 && logline_parse(line, &r->line) == 0) {
			*ret = &r->line;
			return 1;
		}
		r->broken++;
	}
	return 0;
}

/* Where the last so many lines begin; 0 if there are no more. */
static off_t
find_tail(int fd, off_t size, size_t lines)
{
	static char block[BLOCK];
	off_t start = size;
	size_t found = 0;
	ssize_t n;

	while (start > 0) {
		n = start < BLOCK ? start : BLOCK;
		start -= n;
		if (pread(fd, block, (size_t)n, start) != n)
			return 0;
		/* The newline of the very last line begins no other. */
		while (n-- > 0) {
			if (block[n] != '\n' || start + n == size - 1)
				continue;
			if (++found == lines)
				return start + n + 1;
		}
	}
	return 0;
}

int
reader_tail(struct reader *r, size_t lines)
{
	struct stat st;
	off_t at;

	r->broken = 0;
	if (r->now.fd < 0)
		return 0;
	if (fstat(r->now.fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ESPIPE;
	at = lines > 0 ? find_tail(r->now.fd, st.st_size, lines) : st.st_size;
	source_seek(&r->now, at);
	return at > 0;
}

int
reader_fd(const struct reader *r)
{
	return r->bell;
}

bool
reader_is_waiting(const struct reader *r)
{
	return r->now.fd < 0;
}

uint64_t
reader_broken(const struct reader *r)
{
	return r->broken;
}
