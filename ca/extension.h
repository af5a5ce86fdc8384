/*
 * The certificate extensions we use, each built from typed values and never
 * from a formatted string, so that no name can turn into syntax.  Each returns
 * an extension that the caller frees, or NULL with libcrypto's error queued.
 */
#ifndef SBX_EXTENSION_H
#define SBX_EXTENSION_H

#include <stdbool.h>

#include <openssl/x509.h>

struct leaf_name;

/* A CA that may sign leaves and no further CA, or no CA.  Critical. */
X509_EXTENSION *extension_constraints(bool is_ca);

/* bits: a list of key usage bit numbers (RFC 5280 4.2.1.3) up to -1. */
X509_EXTENSION *extension_key_usage(const int *bits);

X509_EXTENSION *extension_server_auth(void);

/* The subject key identifier of that certificate's public key. */
X509_EXTENSION *extension_subject_id(const X509 *certificate);

/* Names the issuer by a byte copy of its own subject key identifier. */
X509_EXTENSION *extension_authority_id(const X509 *issuer);

X509_EXTENSION *extension_alt_name(
	const struct leaf_name *name, bool is_critical);

#endif
