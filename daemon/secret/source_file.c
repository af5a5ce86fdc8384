#include "source_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "secret.h"
#include "secret_format.h"

enum {
	READ_MAX = SECRET_MAX + 2, /* a newline, and one byte too many */
};

/* What forbids to believe this file, or NULL. */
static const char *
find_fault(int fd, bool owner_only)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "is not a regular file";
	if (!owner_only)
		return NULL;
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return "belongs to somebody else";
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return "is open to group or others (chmod 600)";
	return NULL;
}

static ssize_t
read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, buf + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static struct secret *
read_value(int fd, const struct secret_format *format, int64_t *ret_expires,
	char *reterr, size_t reterr_size)
{
	char *buf = malloc(READ_MAX);
	struct secret *value = NULL;
	ssize_t len;

	len = buf != NULL ? read_all(fd, buf, READ_MAX) : -1;
	if (len < 0)
		snprintf(reterr, reterr_size, "%s", strerror(errno));
	else
		value = secret_format_read(format,
			(struct span){buf, (size_t)len}, time(NULL),
			ret_expires, reterr, reterr_size);
	if (buf != NULL)
		explicit_bzero(buf, READ_MAX);
	free(buf);
	return value;
}

struct secret *
source_file_read(const struct source_file *file, int64_t *ret_expires,
	char *reterr, size_t reterr_size)
{
	/* O_NONBLOCK: a FIFO must not stop us before we see that it is one. */
	int fd = open(file->path,
		O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct secret *value = NULL;
	const char *fault;

	if (fd < 0) {
		snprintf(reterr, reterr_size, "%s",
			errno == ELOOP ? "is a symbolic link"
				       : strerror(errno));
		return NULL;
	}
	fault = find_fault(fd, file->owner_only);
	if (fault != NULL)
		snprintf(reterr, reterr_size, "%s", fault);
	else
		value = read_value(
			fd, &file->format, ret_expires, reterr, reterr_size);
	close(fd);
	return value;
}
