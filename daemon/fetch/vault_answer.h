/*
 * What a Vault answers: the token of a login, a field of a secret, or why there
 * is none, in words for people.  What it reads is foreign, and no byte of a
 * value is ever in a reason; names of fields may be.  Pure.
 */
#ifndef SBX_VAULT_ANSWER_H
#define SBX_VAULT_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "span.h"

struct secret;

enum { VAULT_ANSWER_MAX = 1024 * 1024 }; /* bytes of a body */

struct vault_answer {
	long status; /* HTTP's */
	struct span body;
};

/*
 * A new reference, or NULL with one line in reterr.  Of a secret, *ret_expires
 * is the second since 1970 in which its version is deleted; 0: it is not.
 */
struct secret *vault_answer_token(
	const struct vault_answer *a, char *reterr, size_t reterr_size);
struct secret *vault_answer_field(const struct vault_answer *a,
	const char *field, int64_t *ret_expires, char *reterr,
	size_t reterr_size);

#endif
