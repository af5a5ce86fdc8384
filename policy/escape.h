/*
 * What paths and queries are written with: percent escapes, and UTF-8.  Pure.
 */
#ifndef SBX_ESCAPE_H
#define SBX_ESCAPE_H

#include <stdbool.h>

/* The value of a hexadecimal digit, or -1. */
int escape_digit(char c);

/*
 * The byte that the escape at s (a '%' and what follows, terminated) stands
 * for, or -1 when it is broken.
 */
int escape_value(const char *s);

struct escape_utf8 { /* what must follow a lead byte; all 0 at first */
	int need;
	int low, high; /* of the next byte */
};

/* Whether byte c may come next; it was whole in the end when need is 0. */
bool escape_utf8_accepts(struct escape_utf8 *u, int c);

#endif
