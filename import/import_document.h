/*
 * An intake as one of our documents.  Pure.
 */
#ifndef SBX_IMPORT_DOCUMENT_H
#define SBX_IMPORT_DOCUMENT_H

#include <stdbool.h>

struct intake;

/*
 * The document, with a comment at every line that means something else than
 * it did, and for all that is left out; with or without the credentials.
 * Nothing but printable ASCII and newlines.  malloc'd: the caller frees it.
 * NULL: out of memory.
 */
char *import_document_print(const struct intake *in, bool credentials);

/* The same remarks as lines `file:line:col: note: ...`; malloc'd or NULL. */
char *import_document_notes(const struct intake *in);

#endif
