/*
 * The public half of a key, in the form that is fast to put into a certificate.
 */
#ifndef SBX_PUBLIC_HALF_H
#define SBX_PUBLIC_HALF_H

#include <openssl/types.h>

/* Of a P-256 or an RSA key.  The caller's; NULL: libcrypto's error is queued.
 */
EVP_PKEY *public_half(const EVP_PKEY *key);

#endif
