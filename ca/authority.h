/*
 * The body of struct ca, for the files of this folder only.
 */
#ifndef SBX_AUTHORITY_H
#define SBX_AUTHORITY_H

#include <stdint.h>

#include <openssl/types.h>

#include "ca.h"
#include "leaf_cache.h"
#include "leaf_mould.h"
#include "mint_budget.h"

enum {
	CA_DAY = 24 * 60 * 60,
	CA_BACKDATE_DAYS = 30,   /* guests resumed from a snapshot are behind */
	CA_ROOT_DAYS = 10 * 365, /* longer than any sandbox lives */
	CA_LEAF_DAYS = 30,
	CA_LEAF_RENEW_DAYS = 7, /* a leaf with less left is made anew */
	CA_TICKET_SECRET = 32,
};

struct ca {
	X509 *root;
	EVP_PKEY *root_key;
	EVP_PKEY *leaf_key;
	char *pem;
	EVP_MD_CTX *signer; /* ready to sign with root_key; copied each time;
			       NULL: not prepared yet */
	time_t not_before;  /* of the root */
	time_t not_after;
	struct leaf_mould moulds[2]; /* by enum ca_key_type */
	struct leaf_cache cache;
	struct mint_budget budget;
	uint8_t ticket_secret[CA_TICKET_SECRET];
};

/*
 * Makes an authority of its three parts, whose references pass to it at once,
 * even on failure; any of them may be NULL, which is a failure.
 */
int authority_assemble(
	X509 *root, EVP_PKEY *root_key, EVP_PKEY *leaf_key, struct ca **ret);

/* All that a leaf of that type, whose key is there, is made with.  False:
 * libcrypto's error is queued. */
bool authority_prepare(struct ca *ca, enum ca_key_type type);

#endif
