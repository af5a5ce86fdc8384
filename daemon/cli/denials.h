/*
 * What a sandbox was refused, gathered from the decision log: the summary that
 * stands at the end of `sbx-netctl run`, with what would have allowed it.
 */
#ifndef SBX_DENIALS_H
#define SBX_DENIALS_H

#include <stdio.h>

struct denials;

/*
 * From the log's present end on, for that sandbox.  0 and *ret, which the
 * caller frees; or -errno.
 */
int denials_open(
	const char *log_path, const char *sandbox, struct denials **ret);
void denials_free(struct denials *d); /* accepts NULL */

/* Reads what has been added since, and prints it; nothing for nothing. */
void denials_print(struct denials *d, FILE *to);

#endif
