/* Why an origin was not trusted, or a handshake failed, in words. */
#ifndef SBX_VERIFY_H
#define SBX_VERIFY_H

#include <stddef.h>

#include <openssl/types.h>

/*
 * After a failed handshake: the verification error if there was one, else the
 * peer's alert or the library's reason.  Empties the error queue.  Returns ret.
 */
const char *verify_explain(const SSL *ssl, char *ret, size_t size);

#endif
