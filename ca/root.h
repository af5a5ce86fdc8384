/*
 * The root certificate of one sandbox: self-signed, P-256, able to sign leaves
 * and nothing deeper.
 */
#ifndef SBX_ROOT_H
#define SBX_ROOT_H

#include <time.h>

#include <openssl/types.h>

/*
 * A root for key, named after the sandbox and a random number.  The caller
 * frees it.  NULL: libcrypto's error is queued.
 */
X509 *root_new(EVP_PKEY *key, const char *sandbox, time_t now);

#endif
