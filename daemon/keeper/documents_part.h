/*
 * What the files that make documents share.  Internal: see documents.h.
 */
#ifndef SBX_DOCUMENTS_PART_H
#define SBX_DOCUMENTS_PART_H

struct document;
struct documents;
struct report;

/* At the end; takes what document has, even if it fails: -ENOMEM. */
int documents_add(struct documents *d, struct document *document);

/* Settings and policy.  0, -EINVAL with report filled, -ENOMEM. */
int documents_compile(struct documents *d, struct report *report);

/* Frees it; on -EINVAL its text goes to *ret_report.  r, or -ENOMEM. */
int documents_close_report(struct report *report, int r, char **ret_report);

#endif
