/*
 * What all leaves of one key share, built once, when the first leaf is made:
 * most sandboxes never meet a client without ECDSA, and many wait for long
 * before they meet any.
 */
#ifndef SBX_LEAF_MOULD_H
#define SBX_LEAF_MOULD_H

#include <stdbool.h>

#include <openssl/x509.h>

enum {
	LEAF_MOULD_EXTENSIONS = 5,
};

struct leaf_mould {
	EVP_PKEY *key;        /* NULL: no leaf of this kind can be made */
	EVP_PKEY *public_key; /* its public half; NULL: not built yet */
	X509_EXTENSION *extensions[LEAF_MOULD_EXTENSIONS];
};

/* Takes a reference to key. */
void leaf_mould_init(struct leaf_mould *mould, EVP_PKEY *key);

/* Builds it if that was not done yet.  False: libcrypto's error is queued. */
bool leaf_mould_build(struct leaf_mould *mould, const X509 *issuer);

/* The mould may be all zeros. */
void leaf_mould_done(struct leaf_mould *mould);

#endif
