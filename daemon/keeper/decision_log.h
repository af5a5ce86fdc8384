/*
 * The decision log's file as the keeper sees it: opens it for the workers, and
 * appends what is done to or by the daemon itself (kind control).
 */
#ifndef SBX_DECISION_LOG_H
#define SBX_DECISION_LOG_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "record.h"

struct decision_log;

/*
 * Opens or creates path, readable by group (-1: by nobody else).  0 and *ret,
 * which the caller frees, or -errno with a line in reterr.
 */
int decision_log_open(const char *path, gid_t group, struct decision_log **ret,
	char *reterr, size_t reterr_size);
void decision_log_free(struct decision_log *log); /* accepts NULL */

/* After a rotation: the file of that name now.  On failure the old one stays.
 */
int decision_log_reopen(
	struct decision_log *log, char *reterr, size_t reterr_size);

int decision_log_fd(const struct decision_log *log); /* borrowed */
const char *decision_log_path(const struct decision_log *log);

struct decision_event {
	enum record_reason reason;
	const char *sandbox; /* NULL: of nobody in particular */
	const char *labels;
	const char *detail;
	uint64_t generation;
};

/* One control record, written at once; its id.  A failure is logged. */
uint64_t decision_log_add(
	struct decision_log *log, const struct decision_event *event);

/* How that one ended, as event says it: over, mended, another trouble. */
void decision_log_end(struct decision_log *log, uint64_t id,
	const struct decision_event *event);

#endif
