/*
 * For tests: memory that runs out when it is told to.
 *
 * The link line puts malloc() and its kin behind --wrap for all that is linked
 * statically, which is what is ours; libcrypto and libssl ask through hooks.
 * Other libraries (libc, libev) are let be: libev ends the process.
 */
#ifndef SBX_TEST_FAILING_MEMORY_H
#define SBX_TEST_FAILING_MEMORY_H

#include <stdbool.h>

enum memory_kind { MEMORY_OURS, MEMORY_OPENSSL, MEMORY_KINDS };

struct memory_plan {
	enum memory_kind kind;
	long at;      /* the request that fails, from 0; negative: none */
	bool goes_on; /* … and all later ones, of both kinds */
};

/* Before anything has called OpenSSL. */
void failing_memory_hook(void);

/* Counts from 0 again.  Nothing counts or fails before it is armed. */
void failing_memory_plan(const struct memory_plan *plan);

/* A test's own requests, made while it is not armed, neither count nor fail. */
void failing_memory_arm(bool armed);

long failing_memory_asked(enum memory_kind kind);
bool failing_memory_has_failed(void);

#endif
