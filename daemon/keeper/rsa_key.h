/*
 * An RSA key, made ahead of need: 200 ms of work for the few clients that
 * offer no ECDSA, done in a thread so that nobody waits for it.
 */
#ifndef SBX_RSA_KEY_H
#define SBX_RSA_KEY_H

#include "span.h"

struct ev_loop;
struct rsa_key;

typedef void rsa_key_ready(void *arg, struct span der);

/* NULL: no thread or no memory.  ready is called once, if ever, on the loop. */
struct rsa_key *rsa_key_new(
	struct ev_loop *loop, rsa_key_ready *ready, void *arg);

/* Waits for the thread if it still works; wipes the key.  Accepts NULL. */
void rsa_key_free(struct rsa_key *k);

struct span rsa_key_der(const struct rsa_key *k); /* empty: not yet */

#endif
