/*
 * Makes the certificate of one leaf.  No cache, no budget, no state.
 */
#ifndef SBX_LEAF_MINT_H
#define SBX_LEAF_MINT_H

#include <time.h>

#include <openssl/x509.h>

struct leaf_mould;
struct leaf_name;

struct leaf_issuer {
	const X509 *root;
	const EVP_MD_CTX *signer; /* initialised with the root's key */
};

/*
 * A signed certificate of that mould for that name, which the caller frees.
 * NULL: libcrypto's error is queued.
 */
X509 *leaf_mint(const struct leaf_issuer *issuer,
	const struct leaf_mould *mould, const struct leaf_name *name,
	time_t not_before, time_t not_after);

#endif
