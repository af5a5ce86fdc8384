/*
 * An intake as parts of a policy that names it.  Pure.
 */
#ifndef SBX_IMPORT_PART_H
#define SBX_IMPORT_PART_H

#include <stddef.h>

struct intake;

/* What is allowed, what is denied, and each credential. */
size_t import_part_count(const struct intake *in);

/* The nth, as YAML; malloc'd, the caller frees it.  NULL: out of memory. */
char *import_part_print(const struct intake *in, const char *policy, size_t n);

#endif
