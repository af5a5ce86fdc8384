/*
 * Where a Vault is asked.  Pure.
 */
#ifndef SBX_VAULT_URL_H
#define SBX_VAULT_URL_H

#include <stddef.h>

struct source_vault;

enum { VAULT_URL_MAX = 16 * 1024 }; /* bytes; any words of a question fit */

/*
 * Each into ret, every byte that means something in a URL escaped.  0, or
 * -EINVAL: a name in a mount or path is empty, "." or "..", or it is too long.
 */
int vault_url_read(const struct source_vault *v, char ret[VAULT_URL_MAX]);
int vault_url_login(const struct source_vault *v, char ret[VAULT_URL_MAX]);
int vault_url_revoke(const struct source_vault *v, char ret[VAULT_URL_MAX]);

/* The path of the socket that is asked, or NULL: it is no such address. */
const char *vault_url_socket(const struct source_vault *v);

#endif
