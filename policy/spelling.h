/*
 * The nearest of some known words to an unknown one: "did you mean".  Pure.
 */
#ifndef SBX_SPELLING_H
#define SBX_SPELLING_H

struct spelling {
	const char *word; /* as somebody wrote it */
	const char *best; /* the nearest so far, or NULL */
	unsigned distance;
};

void spelling_init(struct spelling *s, const char *word);

/* Offers one known word, which must live as long as s does. */
void spelling_try(struct spelling *s, const char *known);

enum { SPELLING_HINT = 96 };

/* ` (did you mean "x"?)`, or "" when nothing is near.  Returns ret. */
const char *spelling_hint(const struct spelling *s, char ret[SPELLING_HINT]);

#endif
