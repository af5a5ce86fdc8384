/*
 * Which user the workers are: `worker_user`, else the user sbx-net-worker if
 * there is one, else the number 61053, which no distribution hands out.  Who
 * asks a Vault is another, for the kernel's rules let workers reach nothing
 * private: the user sbx-net-fetch, or 61054.  The gate is a third, because it
 * keeps a capability: sbx-net-gate, or 61055.  Where we may not change users
 * (not root, or a user namespace without that user), they are who we are.
 */
#ifndef SBX_IDENTITY_H
#define SBX_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
	IDENTITY_NUMBER = 61053,
	IDENTITY_FETCH_NUMBER = 61054,
	IDENTITY_GATE_NUMBER = 61055,
};

struct identity {
	bool change; /* false: they are who we are */
	uid_t uid;
	gid_t gid;
};

/* user: NULL for the default.  0 or -errno with a line in reterr. */
int identity_find(const char *user, struct identity *ret, char *reterr,
	size_t reterr_size);

/* The same for who asks a Vault. */
int identity_find_fetcher(
	struct identity *ret, char *reterr, size_t reterr_size);

/* … and for the gate. */
int identity_find_gate(struct identity *ret, char *reterr, size_t reterr_size);

/* The number of a group; 0 or -errno with a line in reterr. */
int identity_group(
	const char *name, gid_t *ret, char *reterr, size_t reterr_size);

#endif
