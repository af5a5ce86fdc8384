/*
 * One question to a Vault, from the words of a source to a value: in the order
 * in which a process may do less and less.
 */
#ifndef SBX_FETCH_ERRAND_H
#define SBX_FETCH_ERRAND_H

#include <stddef.h>
#include <stdint.h>

#include "fetch_link.h"
#include "source_vault.h"

struct secret;

struct fetch_errand { /* all zeros but question */
	struct source_vault question;
	struct secret *token, *secret_id; /* NULL: the question names none */
	struct fetch_place place;
};

/*
 * Reads the files that the question names.  0, or -errno with a line in reterr.
 */
int fetch_errand_prepare(
	struct fetch_errand *e, char *reterr, size_t reterr_size);

/*
 * Asks.  A new reference, and when the value ends as of vault_answer_field();
 * or NULL with a line in reterr.  A token that a login brought is used, given
 * back to the Vault and forgotten.
 */
struct secret *fetch_errand_run(struct fetch_errand *e, int64_t *ret_expires,
	char *reterr, size_t reterr_size);

/* Wipes what it has. */
void fetch_errand_done(struct fetch_errand *e);

#endif
