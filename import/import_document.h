/*
 * An intake as one of our documents.  Pure.
 */
#ifndef SBX_IMPORT_DOCUMENT_H
#define SBX_IMPORT_DOCUMENT_H

#include <stdbool.h>
#include <stdio.h>

struct foreign_host;
struct intake;

/*
 * The document, with a comment at every line that means something else than
 * it did, and for all that is left out; with or without the credentials.
 * Nothing but printable ASCII and newlines.  malloc'd: the caller frees it.
 * NULL: out of memory.
 */
char *import_document_print(const struct intake *in, bool credentials);

/* ASCII as one word of YAML; a host's keys, without braces. */
void import_put_word(FILE *out, const char *text);
void import_put_host(FILE *out, const struct foreign_host *h);

/* The same remarks as lines `file:line:col: note: ...`; malloc'd or NULL. */
char *import_document_notes(const struct intake *in);

#endif
