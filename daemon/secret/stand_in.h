/*
 * What a sandbox is given in place of a credential's value: a text that looks
 * like it and is worth nothing.  Asks the kernel for randomness (getrandom) and
 * for nothing else.
 */
#ifndef SBX_STAND_IN_H
#define SBX_STAND_IN_H

#include <stdbool.h>
#include <stddef.h>

#include "span.h"

enum {
	STAND_IN_MAX = 1024, /* bytes of one */
	STAND_IN_PLAIN = 40, /* … of one that looks like nothing */
	STAND_IN_BITS = 64,  /* at least so many are random */
};

/*
 * Draws one for that value (of length 0: there is none now): as long, letters
 * and digits replaced by random ones of their kind, - _ . where they were,
 * all else a random letter, so that it reads the same in every encoding (a
 * browser writes ~ of a form as %7E); and
 * with the beginning by which a value's issuer is known.  Where too little
 * would be random, or the value is too long, it is plain letters and digits.
 * Never the value itself.  0, or -errno: there is no randomness.
 */
int stand_in_draw(struct span value, char ret[STAND_IN_MAX + 1]);

/* Whether it could have been drawn: its length and its characters. */
bool stand_in_is_valid(struct span text);

#endif
