/*
 * The documents of one generation as the keeper tells them, one by one, and the
 * policy that they are together.
 */
#ifndef SBX_DOCUMENT_SET_H
#define SBX_DOCUMENT_SET_H

#include <stddef.h>

struct document_set;
struct policy;

struct document_set *document_set_new(void);    /* NULL: out of memory */
void document_set_free(struct document_set *s); /* accepts NULL */

/* 0, of a bad one as well: what is wrong with it is said when all are compiled;
 * or -ENOMEM, and it is as before.  Nothing is borrowed. */
int document_set_add(
	struct document_set *s, const char *name, const char *text, size_t len);

/* The bad ones with them. */
size_t document_set_count(const struct document_set *s);

/* Once.  0 and *ret with one reference; -EINVAL with all that is wrong, lines
 * as in report_text(), in reterr; or -ENOMEM, which says nothing there. */
int document_set_compile(
	struct document_set *s, struct policy **ret, char *reterr, size_t size);

#endif
