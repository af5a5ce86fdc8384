/*
 * A keyed hash (SipHash-1-3, after the paper of its authors), so that whoever
 * chooses the names that are looked up cannot choose collisions.  Pure.
 */
#ifndef SBX_SIPHASH_H
#define SBX_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t k0, k1;
};

/*
 * A key that other processes do not know, from the random bytes which the
 * kernel gives each process at exec: no system call, so that it works behind
 * any seccomp filter, and no failure.  The same within one process.
 */
struct siphash_key siphash_process_key(void);

uint64_t siphash(struct siphash_key key, const void *data, size_t len);

#endif
