/*
 * The authority of one sandbox: a P-256 root that only this sandbox trusts,
 * one leaf key, and leaves minted from them (DESIGN 7; RFC 5280).  Everything
 * is in memory, nothing ever on disk.  Knows nothing of sockets, the event
 * loop or policy.  Never logs.  Time is a parameter: seconds since the epoch.
 *
 * Not for several threads at once.  libcrypto's error queue is empty after
 * each call.  A process that calls CRYPTO_secure_malloc_init() first gets the
 * private keys into locked, undumped memory.
 */
#ifndef SBX_CA_H
#define SBX_CA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <openssl/types.h>

struct ca;
struct ca_leaf;

/*
 * A fresh authority for that sandbox, with issuer name unique to it.  Returns
 * 0 and *ret, which the caller frees, or -errno with a line in reterr.
 */
int ca_new(const char *sandbox, time_t now, struct ca **ret, char *reterr,
	size_t reterr_size);

/* Accepts NULL.  Wipes the keys.  Leaves already handed out stay valid. */
void ca_free(struct ca *ca);

/*
 * The authority as bytes (root certificate, root key, leaf key; neither the
 * RSA key nor the budget), for the worker that serves the sandbox.  Secret:
 * the caller wipes and frees *ret.  Returns 0, -ENOMEM or -EIO.
 */
int ca_export(const struct ca *ca, uint8_t **ret, size_t *ret_len);

/* -EINVAL, with the reason in reterr, for anything that is not an export. */
int ca_import(const uint8_t *data, size_t len, struct ca **ret, char *reterr,
	size_t reterr_size);

/* Whether it has the shape of an export; what is in it is not looked at. */
bool ca_is_export(const uint8_t *data, size_t len);

/* The root certificate as PEM text, owned by the authority. */
const char *ca_pem(const struct ca *ca);

/*
 * An RSA key for leaves towards clients that offer no ECDSA.  Made elsewhere,
 * ahead of need; takes a reference.
 */
void ca_set_rsa_key(struct ca *ca, EVP_PKEY *key);

enum ca_key_type { CA_KEY_EC, CA_KEY_RSA };

/*
 * The leaf whose only subject alternative name is host (a dNSName, byte for
 * byte) or, from ca_leaf_address(), the address (an iPAddress; family AF_INET
 * or AF_INET6).  Cached: at most 256 a sandbox, least recently used first out,
 * renewed when near its end.  *ret_minted says whether it had to be made.
 * Returns 0 and *ret with a reference of the caller's, or -EINVAL for a name
 * that is no host name (lower case letters, digits, '-' and '_', no trailing
 * dot, no address), -ENOKEY when there is no key of that type, -EBUSY when the
 * mint budget (see ca_set_budget) is used up, -ENOMEM, or -EIO when libcrypto
 * fails.
 */
int ca_leaf(struct ca *ca, const char *host, enum ca_key_type type, time_t now,
	struct ca_leaf **ret, bool *ret_minted);
int ca_leaf_address(struct ca *ca, int family, const uint8_t *address,
	enum ca_key_type type, time_t now, struct ca_leaf **ret,
	bool *ret_minted);

/* At most per_second mints sustained, burst of twice that.  Default 50. */
void ca_set_budget(struct ca *ca, unsigned per_second);

X509 *ca_leaf_certificate(const struct ca_leaf *leaf); /* borrowed */
EVP_PKEY *ca_leaf_key(const struct ca_leaf *leaf);     /* borrowed */
void ca_leaf_unref(struct ca_leaf *leaf);              /* accepts NULL */

/* 32 bytes derived (HKDF) from the root key for TLS ticket keys: the same in
 * every process that holds the authority. */
void ca_ticket_secret(const struct ca *ca, uint8_t ret[32]);

#endif
