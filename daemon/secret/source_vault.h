/*
 * How a secret of a Vault is asked for: this very program is run once more, as
 * `--fetch`, and reads on its standard input what is wanted.  Both ends of that
 * are here; what the process then does is fetch/fetch.h's.  Pure.
 */
#ifndef SBX_SOURCE_VAULT_H
#define SBX_SOURCE_VAULT_H

#include <stddef.h>

enum source_vault_word { /* in the order of enum vault_word */
	SOURCE_VAULT_ADDRESS,
	SOURCE_VAULT_MOUNT,
	SOURCE_VAULT_PATH,
	SOURCE_VAULT_FIELD,
	SOURCE_VAULT_VERSION,
	SOURCE_VAULT_NAMESPACE,
	SOURCE_VAULT_CA_FILE,
	SOURCE_VAULT_TOKEN_FILE,
	SOURCE_VAULT_ROLE_ID,
	SOURCE_VAULT_SECRET_ID_FILE,
	SOURCE_VAULT_APPROLE_MOUNT,
	SOURCE_VAULT_WORDS
};

struct source_vault {
	const char *words[SOURCE_VAULT_WORDS]; /* "": not said */
	unsigned timeout_seconds;
};

#define SOURCE_VAULT_OPTION "--fetch"
extern char *const source_vault_argv[]; /* of that process */

/* What it reads; the caller frees it.  NULL: out of memory. */
char *source_vault_write(const struct source_vault *v);

/* And back: text is cut into the words.  0, or -EINVAL. */
int source_vault_read(char *text, struct source_vault *ret);

#endif
