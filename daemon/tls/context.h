/*
 * The two kinds of SSL_CTX: one per sandbox towards its clients, one per
 * process towards origins.  Versions, options and verification are decided
 * here and nowhere else (DESIGN 7, "Upstream TLS" and "CA").
 */
#ifndef SBX_CONTEXT_H
#define SBX_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "span.h"

/*
 * Towards the clients of one sandbox: TLS 1.2 and 1.3, one ticket, its keys
 * derived from ticket_secret, so that every process that serves the sandbox
 * accepts them and no other sandbox's.  The caller frees it with
 * SSL_CTX_free(); NULL: out of memory.
 */
SSL_CTX *context_accept(const uint8_t ticket_secret[32], const char *sandbox);

/*
 * Towards origins: security level 2, chain verified against the certificates
 * in trust (PEM).  Returns 0 and *ret, or -EINVAL with a line in reterr when
 * trust holds no certificate.
 */
int context_connect(
	struct span trust, SSL_CTX **ret, char *reterr, size_t reterr_size);

#endif
