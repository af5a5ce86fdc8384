/*
 * What a source of kind `vault` says: a row of words, each at its place, ""
 * where nothing was said.  As a row they are compared, filled in and handed on
 * like those of any other source.  Pure.
 */
#ifndef SBX_VAULT_WORD_H
#define SBX_VAULT_WORD_H

#include <stdbool.h>

enum vault_word { /* what may be "" is said */
	VAULT_ADDRESS,
	VAULT_MOUNT,
	VAULT_PATH,
	VAULT_FIELD,
	VAULT_VERSION,    /* decimal; "": the newest */
	VAULT_NAMESPACE,  /* or "" */
	VAULT_CA_FILE,    /* or "": what the system trusts */
	VAULT_TOKEN_FILE, /* one of this and VAULT_ROLE_ID, or "" both: an agent
			     adds a token */
	VAULT_ROLE_ID,
	VAULT_SECRET_ID_FILE, /* not "" beside VAULT_ROLE_ID, as the next */
	VAULT_APPROLE_MOUNT,
	VAULT_WORDS
};

/* NULL when the text (not "") will do for that word, else what was expected. */
const char *vault_word_error(enum vault_word which, const char *text);

/* Of a VAULT_ADDRESS: TLS is spoken there. */
bool vault_word_is_https(const char *address);

#endif
