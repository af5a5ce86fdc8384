/*
 * A record read back: one line of the decision log as an object that can be
 * asked for its keys.
 *
 * The bytes may be anyone's: whoever can write to the file, and a disk that
 * was full.  What is asked for and is not there, or of another type, is empty;
 * nothing here is safe to print as it is.
 */
#ifndef SBX_LOGLINE_H
#define SBX_LOGLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "record.h"
#include "span.h"

struct json_t;

struct logline {
	struct json_t *object; /* owned */
	struct span text;      /* the line it came from, borrowed */
};

/*
 * Reads a line (without its newline).  A record that stands behind half of
 * another one, which a full disk and a second writer can leave, is found.
 * Returns 0 and *ret, for logline_done(); or -EBADMSG when it is no record.
 */
int logline_parse(struct span line, struct logline *ret);

/* An empty one, {0}, is accepted. */
void logline_done(struct logline *l);

/* A string: "" for none.  Valid as long as l. */
const char *logline_text(const struct logline *l, const char *key);

/* A number, 0 for none or less. */
uint64_t logline_number(const struct logline *l, const char *key);
double logline_real(const struct logline *l, const char *key);

bool logline_flag(const struct logline *l, const char *key);

/* A value of any type as JSON text, malloc'd; NULL for none. */
char *logline_json(const struct logline *l, const char *key);

bool logline_is_outcome(const struct logline *l);

/* Whether its verdict let something pass: allowed or audited. */
bool logline_passed(const struct logline *l);

/* A decision that something follows from: what passes ends some time. */
bool logline_awaits_outcome(const struct logline *l);

uint64_t logline_id(const struct logline *l);
uint64_t logline_ts(const struct logline *l);

/* The reason, or -ENOENT: none, or one that is not in this program's list. */
int logline_reason(const struct logline *l);

#endif
