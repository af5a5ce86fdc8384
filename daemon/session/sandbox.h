/*
 * A sandbox as a worker knows it: who it is, what it may do, and everything
 * that is its own and nobody else's: authority, TLS context, pool, budgets,
 * open sessions.
 *
 * struct sandboxes: all sandboxes of this process, found by ingress interface
 * and source address together, never by the address alone (DESIGN 5).
 */
#ifndef SBX_SANDBOX_H
#define SBX_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <openssl/types.h>

#include "budget.h"
#include "own_limit.h"

struct accounts;
struct ca;
struct limits;
struct name_watch;
struct name_giver;
struct names;
struct overlay;
struct policy;
struct policy_set;
struct pool;
struct resolver_share;
struct seat;
struct session;
struct stand_ins;
struct upstream;

enum { SANDBOX_ADDRESSES = 64 };

struct sandbox_address {
	int family;
	uint8_t bytes[16];
};

struct sandbox {
	char *name, *policy_name;
	char *labels; /* a JSON object */
	uint32_t ifindex;
	struct sandbox_address addresses[SANDBOX_ADDRESSES];
	size_t address_count;
	struct policy *policy;        /* a reference */
	struct overlay *overlay;      /* a reference, or NULL */
	const struct policy_set *set; /* of both; NULL: denies everything */
	struct stand_ins *stand_ins;  /* a reference; NULL: it has none */
	struct {
		uint8_t *bytes; /* not opened yet; wiped when it is */
		size_t len;
		uint8_t digest[32];
		EVP_PKEY *rsa_key; /* a reference, or NULL */
		unsigned mints_per_second;
		struct ca *open;
	} authority;               /* see sandbox_ca() */
	SSL_CTX *accept;           /* see sandbox_accept() */
	struct names *told;        /* see sandbox_names() */
	struct pool *pool;         /* NULL: not served here */
	struct accounts *accounts; /* of rules with a limit, and of: */
	struct own_limit limit;
	struct budget connects, questions, complaints;
	struct name_watch *names; /* what its DNS questions hold */
	unsigned connections;
	struct resolver_share *share; /* of the resolver's questions */
	unsigned lookups; /* DNS questions that wait for an answer */
	uint32_t unsaid;  /* refusals over a limit since the last record */
	TAILQ_HEAD(, session) sessions;
	unsigned references;
	struct seat *seat; /* in a table; sandboxes.c knows what it is */
};

/* What a sandbox is made of; strings and bytes are copied. */
struct sandbox_spec {
	const char *name, *policy_name, *labels;
	const char *overlay;      /* YAML, or "" */
	const char *stand_ins;    /* see stand_ins.h; NULL or "": it has none */
	const char *limit_source; /* "file:line"; NULL or "": no limit */
	struct policy_limit limit;
	uint32_t ifindex;
	const struct sandbox_address *addresses;
	size_t address_count;
	const uint8_t *authority; /* ca_export(); NULL: not served here */
	size_t authority_len;
	double now; /* from when on its budgets fill */
};

/* 0 and *ret with one reference, or -errno with a line in reterr. */
int sandbox_new(const struct sandbox_spec *spec, const struct limits *limits,
	const struct upstream *upstream, struct sandbox **ret, char *reterr,
	size_t reterr_size);
struct sandbox *sandbox_ref(struct sandbox *s);
void sandbox_unref(struct sandbox *s); /* accepts NULL */

/* From now on decisions are those of that policy. */
void sandbox_set_policy(struct sandbox *s, struct policy *policy);

/* The same place, the same authority: a's connections may stand as b's. */
bool sandbox_is_alike(const struct sandbox *a, const struct sandbox *b);

/* Takes policy name, overlay, stand-ins, limit and labels from b, which keeps
 * what s had; the policy has to be set anew. */
void sandbox_take_rules(struct sandbox *s, struct sandbox *b);

/* Whether an address of it is steered to this process. */
bool sandbox_is_served(const struct sandbox *s);

/* Its authority, opened when the first leaf is wanted: that costs more than all
 * the rest of a sandbox.  NULL: it cannot be, and reterr says why.  Served here
 * only. */
struct ca *sandbox_ca(struct sandbox *s, char *reterr, size_t reterr_size);

/* For its clients' TLS: made when the first one comes, for it is the largest
 * part of a sandbox that only waits.  Borrowed; NULL: out of memory.  Served
 * here only. */
SSL_CTX *sandbox_accept(struct sandbox *s);

/* For leaves towards clients without ECDSA; takes a reference. */
void sandbox_set_rsa_key(struct sandbox *s, EVP_PKEY *key);

/* Its synthetic addresses; borrowed, as giver is.  NULL: out of memory. */
struct names *sandbox_names(struct sandbox *s, const struct name_giver *giver);

bool sandbox_has_family(const struct sandbox *s, int family);

struct sandboxes;

/* For one sandbox with so many addresses; free() it. */
struct seat *seat_new(size_t address_count);

struct sandboxes *sandboxes_new(void);    /* NULL: out of memory */
void sandboxes_free(struct sandboxes *r); /* accepts NULL */

/* Replaces one of the same name, whose sessions the caller has closed.  Takes
 * the reference.  A sandbox is in one table at most. */
void sandboxes_put(struct sandboxes *r, struct sandbox *s);
void sandboxes_remove(struct sandboxes *r, const char *name);

struct sandbox *sandboxes_find(const struct sandboxes *r, const char *name);
struct sandbox *sandboxes_identify(const struct sandboxes *r, uint32_t ifindex,
	const struct sockaddr *source);

/* Walks all: the first with after = NULL, NULL at the end. */
struct sandbox *sandboxes_next(
	const struct sandboxes *r, const struct sandbox *after);

#endif
