/*
 * The steps that the root's and a leaf's certificate have in common.
 */
#ifndef SBX_CERTIFICATE_H
#define SBX_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <openssl/x509.h>

/* A version 3 certificate with random serial and those dates, or NULL. */
X509 *certificate_new(time_t not_before, time_t not_after);

/* Adds CN=text to that name.  At most 64 bytes of UTF-8. */
bool certificate_add_name(X509_NAME *name, const char *text, size_t len);

/* Adds the extension and frees it; NULL is a failure that came earlier. */
bool certificate_take_extension(X509 *x, X509_EXTENSION *extension);

#endif
