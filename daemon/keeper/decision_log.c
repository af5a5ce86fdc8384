#include "decision_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "writer.h"

struct decision_log {
	char *path;
	gid_t group;
	int fd;
	struct writer *writer;
};

static int
open_file(const char *path, gid_t group, char *reterr, size_t reterr_size)
{
	struct stat st;
	int fd, r;

	/* O_NONBLOCK: a FIFO put there must not hold us up. */
	fd = open(path,
		O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
			O_NONBLOCK,
		0600);
	if (fd < 0 || fstat(fd, &st) < 0) {
		r = -errno;
	} else if (!S_ISREG(st.st_mode)) {
		r = -EINVAL;
	} else {
		r = fchmod(fd, group == (gid_t)-1 ? 0600 : 0640) < 0 ? -errno
								     : 0;
		if (r == 0 && group != (gid_t)-1 &&
			fchown(fd, (uid_t)-1, group) < 0)
			r = -errno;
	}
	if (r == 0)
		return fd;
	snprintf(reterr, reterr_size, "log %s: %s", path,
		r == -EINVAL ? "not a regular file" : strerror(-r));
	if (fd >= 0)
		close(fd);
	return r;
}

int
decision_log_open(const char *path, gid_t group, struct decision_log **ret,
	char *reterr, size_t reterr_size)
{
	struct decision_log *log = calloc(1, sizeof(*log));
	int r = -ENOMEM, copy;

	if (log == NULL)
		goto fail;
	log->fd = -1;
	log->group = group;
	log->path = strdup(path);
	if (log->path == NULL)
		goto fail;
	log->fd = r = open_file(path, group, reterr, reterr_size);
	if (r < 0)
		goto fail;
	r = -ENOMEM;
	copy = fcntl(log->fd, F_DUPFD_CLOEXEC, 0);
	log->writer = writer_new(copy);
	if (log->writer == NULL) {
		close(copy);
		goto fail;
	}
	*ret = log;
	return 0;
fail:
	decision_log_free(log);
	return r;
}

void
decision_log_free(struct decision_log *log)
{
	if (log == NULL)
		return;
	writer_free(log->writer);
	if (log->fd >= 0)
		close(log->fd);
	free(log->path);
	free(log);
}

int
decision_log_reopen(struct decision_log *log, char *reterr, size_t reterr_size)
{
	int fd, copy;

	fd = open_file(log->path, log->group, reterr, reterr_size);
	if (fd < 0)
		return fd;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0) {
		snprintf(reterr, reterr_size, "log: %s", strerror(errno));
		close(fd);
		return -EMFILE;
	}
	writer_reopen(log->writer, copy);
	close(log->fd);
	log->fd = fd;
	return 0;
}

int
decision_log_fd(const struct decision_log *log)
{
	return log->fd;
}

const char *
decision_log_path(const struct decision_log *log)
{
	return log->path;
}

static void
write_record(struct decision_log *log, enum record_event what, uint64_t id,
	const struct decision_event *event)
{
	struct record record = {
		.id = id,
		.event = what,
		.kind = RECORD_CONTROL,
		.verdict = RECORD_ERROR,
		.reason = event->reason,
		.sandbox = event->sandbox,
		.labels = event->labels,
		.generation = event->generation,
		.detail = event->detail,
		.dur_us = -1,
		.ttfb_us = -1,
	};
	char line[RECORD_LINE_MAX];
	struct timespec now;
	size_t len;
	int r;

	clock_gettime(CLOCK_REALTIME, &now);
	record.ts_us =
		(uint64_t)now.tv_sec * 1000000U + (uint64_t)now.tv_nsec / 1000U;
	len = record_format(&record, line, sizeof(line));
	r = writer_add(log->writer, line, len);
	if (r == 0)
		r = writer_flush(log->writer);
	if (r < 0)
		log_error("log %s: %s", log->path, strerror(-r));
}

uint64_t
decision_log_add(struct decision_log *log, const struct decision_event *event)
{
	struct timespec now;
	uint64_t id;

	if (getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id) || id == 0) {
		clock_gettime(CLOCK_REALTIME, &now);
		id = (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
	}
	write_record(log, RECORD_DECISION, id, event);
	return id;
}

void
decision_log_end(struct decision_log *log, uint64_t id,
	const struct decision_event *event)
{
	write_record(log, RECORD_OUTCOME, id, event);
}
