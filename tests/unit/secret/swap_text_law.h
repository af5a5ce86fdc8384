/*
 * The law of swapping: what comes out of a text is what an obvious, slow loop
 * makes of it, however the text is cut and however little room there is; and it
 * takes no more looks than three a byte.
 */
#ifndef SBX_SWAP_TEXT_LAW_H
#define SBX_SWAP_TEXT_LAW_H

#include <stddef.h>

#include "span.h"

enum { SWAP_LAW_WORDS = 4, SWAP_LAW_TEXT = 4096 };

struct swap_law {
	struct span words[SWAP_LAW_WORDS];
	struct span values[SWAP_LAW_WORDS]; /* len 0: only looked for */
	size_t count;
	struct span text;          /* up to SWAP_LAW_TEXT bytes */
	const unsigned char *cuts; /* sizes of pieces and of rooms, in turn */
	size_t cut_count;
};

/* Words that swap_set_new() does not take: nothing is done.  Aborts when the
 * law is broken. */
void swap_law(const struct swap_law *law);

#endif
