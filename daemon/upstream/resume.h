/*
 * TLS sessions to resume with origins, for one sandbox: by name and port, each
 * of TLS 1.3 used once (RFC 8446 C.4), never shared with another sandbox.
 */
#ifndef SBX_RESUME_H
#define SBX_RESUME_H

#include <stdint.h>

#include <openssl/ssl.h>

struct resume;

struct resume *resume_new(void);    /* NULL: out of memory */
void resume_free(struct resume *r); /* accepts NULL */

/* Takes the session. */
void resume_put(struct resume *r, const char *host, uint16_t port,
	SSL_SESSION *session);

/* The newest for that origin, now the caller's; NULL: none. */
SSL_SESSION *resume_take(struct resume *r, const char *host, uint16_t port);

#endif
