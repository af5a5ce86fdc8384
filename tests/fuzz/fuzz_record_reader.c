/* Any bytes as a decision log: read, filtered, never more than it holds. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "logfilter.h"
#include "logline.h"
#include "reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct logfilter filter = {.since_us = 1};
	int fd = memfd_create("log", MFD_CLOEXEC);
	const struct logline *l;
	struct reader *r;
	char path[32], error[256];
	uint64_t found = 0;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	logfilter_add(&filter, LOGFILTER_HOST, "*.example.org");
	if (reader_open(path, false, &r, error, sizeof(error)) < 0)
		abort();
	if (size > 0 && reader_tail(r, data[0]) < 0)
		abort();
	for (; reader_next(r, &l) == 1; found++) {
		if (logfilter_matches_target(&filter, l))
			free(logline_json(l, "labels"));
	}
	if (found + reader_broken(r) > size)
		abort();
	reader_free(r);
	return close(fd);
}
