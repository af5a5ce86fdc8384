/*
 * What every session of a worker uses; made by the worker, borrowed by all
 * others, and outliving every session.
 */
#ifndef SBX_SERVICES_H
#define SBX_SERVICES_H

#include <stdint.h>

#include "budget.h"
#include "names.h"
#include "origin.h"
#include "sandbox_limits.h"

struct guard;
struct daybook;
struct resolver;
struct sandboxes;
struct keyring;
struct receipt;
struct splice_pipes;

struct services {
	struct ev_loop *loop;
	struct turn *turn;
	struct daybook *daybook;
	struct guard *guard;
	struct resolver *resolver;
	struct sandboxes *sandboxes;
	struct keyring *keyring;
	struct receipt *receipt; /* of the change under way, or NULL */
	struct splice_pipes *pipes;
	struct name_giver names; /* of synthetic addresses */
	struct upstream upstream;
	struct limits limits;
	EVP_PKEY *rsa_key;       /* for leaves; NULL: not made yet */
	struct budget strangers; /* records about nobody's packets */
	uint64_t generation;     /* of the documents in force */
};

#endif
