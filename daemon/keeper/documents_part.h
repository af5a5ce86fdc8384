/*
 * What the files that make documents share.  Internal: see documents.h.
 */
#ifndef SBX_DOCUMENTS_PART_H
#define SBX_DOCUMENTS_PART_H

#include <stddef.h>

struct document;
struct documents;
struct report;

enum { DOCUMENTS_MAX = 4096 };

/* A file that was read, parsed and added; takes text (NULL: it could not be
 * read).  0; -EINVAL, which is in report, when there are too many; -ENOMEM. */
int documents_add_text(struct documents *d, const char *path, char *text,
	size_t len, struct report *report);

/* What the kits say that the policies of d name, and its notes.  0, -EINVAL
 * with report filled, -ENOMEM. */
int documents_add_kits(struct documents *d, struct report *report);

/* At the end; takes what document has, even if it fails: -ENOMEM. */
int documents_add(struct documents *d, struct document *document);

/* Settings and policy.  0, -EINVAL with report filled, -ENOMEM. */
int documents_compile(struct documents *d, struct report *report);

/* Frees it; on -EINVAL its text goes to *ret_report.  r, or -ENOMEM. */
int documents_close_report(struct report *report, int r, char **ret_report);

#endif
