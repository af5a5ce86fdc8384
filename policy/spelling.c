#include "spelling.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
	WORD_MAX = 64, /* longer words are not compared */
};

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/*
 * Insert, delete, replace, and swap of neighbours each cost one (optimal string
 * alignment), case does not count.  Three rows are enough.
 */
static unsigned
distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned rows[3][WORD_MAX + 1];

	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned *row = rows[i % 3], *up = rows[(i + 2) % 3];
		const unsigned *up2 = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned cost =
				strncasecmp(&a[i - 1], &b[j - 1], 1) != 0;

			row[j] = min3(
				up[j] + 1, row[j - 1] + 1, up[j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
				a[i - 2] == b[j - 1] && up2[j - 2] + 1 < row[j])
				row[j] = up2[j - 2] + 1;
		}
	}
	return rows[a_len % 3][b_len];
}

void
spelling_init(struct spelling *s, const char *word)
{
	size_t len = strlen(word);

	*s = (struct spelling){.word = word};
	/* How far off still counts as the same word, plus one. */
	if (len <= WORD_MAX)
		s->distance = (len <= 3 ? 1 : len <= 8 ? 2 : 3) + 1;
}

void
spelling_try(struct spelling *s, const char *known)
{
	size_t known_len = strlen(known), len = strlen(s->word);
	unsigned d;

	if (s->distance == 0 || known_len > WORD_MAX)
		return;
	d = distance(s->word, len, known, known_len);
	/* As many edits as letters: another word altogether. */
	if (d < s->distance && d < known_len && d < len) {
		s->distance = d;
		s->best = known;
	}
}

const char *
spelling_hint(const struct spelling *s, char ret[SPELLING_HINT])
{
	if (s->best == NULL)
		ret[0] = '\0';
	else
		snprintf(
			ret, SPELLING_HINT, " (did you mean \"%s\"?)", s->best);
	return ret;
}
