/*
 * A word of a source that is another one for each sandbox: ${sandbox} is its
 * name, ${label.KEY} one of its labels.  Pure.
 */
#ifndef SBX_OWN_WORD_H
#define SBX_OWN_WORD_H

#include <stdbool.h>
#include <stddef.h>

/* Whether there is something to fill in. */
bool own_word_is(const char *word);

/* NULL when only those two are, else what was expected. */
const char *own_word_error(const char *word);

struct own_word_facts {
	const char *sandbox;
	/* NULL: there is no such label. */
	const char *(*label)(void *arg, const char *key);
	void *arg;
};

/*
 * The word of that sandbox into ret.  What is filled in is letters, digits,
 * "_", "." and "-", and begins with a letter, a digit or "_": it makes no way
 * to another folder.  0, or -EINVAL (-ENOENT: no such label) and in reterr why.
 */
int own_word_fill(const char *word, const struct own_word_facts *facts,
	char *ret, size_t ret_size, char *reterr, size_t reterr_size);

#endif
