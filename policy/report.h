/*
 * What is wrong with the documents: a growing, bounded list of
 * `file:line:col: what`.  Knows nothing of YAML or policy.
 */
#ifndef SBX_REPORT_H
#define SBX_REPORT_H

#include <stdbool.h>
#include <stddef.h>

struct report;

struct report_mark {      /* a place in a document; line and column from 1 */
	const char *file; /* borrowed */
	unsigned line, column; /* 0: the file as a whole */
};

struct report *report_new(void);    /* NULL: out of memory */
void report_free(struct report *r); /* accepts NULL */

/*
 * Adds one line.  The text is copied.  Only the first few hundred are kept
 * (and none when memory is short), but all are counted.
 */
void report_add(struct report *r, struct report_mark at, const char *format,
	...) __attribute__((format(printf, 3, 4)));

size_t report_count(const struct report *r);

/* Whether a line is kept about that very place. */
bool report_has(const struct report *r, struct report_mark at);

/*
 * The whole report, one line each with its newline, sorted by place (files in
 * the order in which they were first named); "" when nothing is wrong.
 * malloc'd: the caller frees it.  NULL: out of memory.
 */
char *report_text(const struct report *r);

enum { REPORT_QUOTE = 96 };

/*
 * text in double quotes, cut to fit, with what is not printable escaped: a
 * document's words inside our own.  Returns ret.
 */
const char *report_quote(const char *text, char ret[REPORT_QUOTE]);

#endif
