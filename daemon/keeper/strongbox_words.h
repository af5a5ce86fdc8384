/*
 * The sources of a credential as they are asked: with the words that a sandbox
 * has of its own filled in.
 */
#ifndef SBX_STRONGBOX_WORDS_H
#define SBX_STRONGBOX_WORDS_H

#include <stddef.h>

#include "source.h"

struct policy_credential;

enum { STRONGBOX_SOURCES = 16 }; /* of one credential */

struct strongbox_words {
	struct secret_source_spec
		specs[STRONGBOX_SOURCES]; /* borrow the rest */
	size_t count;
	char **filled[STRONGBOX_SOURCES]; /* NULL: the policy's words */
};

/*
 * sandbox and labels (a JSON object) NULL: nothing is filled in.  A source for
 * which the sandbox has no label is left out.  0; -ENOENT: they all are; or
 * -EINVAL, -ENOMEM; with a line in reterr.  strongbox_words_done() is due.
 */
int strongbox_words_init(struct strongbox_words *w,
	const struct policy_credential *spec, const char *sandbox,
	const char *labels, char *reterr, size_t reterr_size);
void strongbox_words_done(struct strongbox_words *w);

#endif
