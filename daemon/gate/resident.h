/*
 * A sandbox as the gate knows it: who it is, where it is and what it may do.
 * No authority, no credential.
 *
 * struct residents: all of them, found by ingress interface and source address
 * together.
 */
#ifndef SBX_RESIDENT_H
#define SBX_RESIDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget.h"

struct link_sandbox;
struct overlay;
struct policy;
struct policy_set;

enum { RESIDENT_ADDRESSES = 64 };

struct resident_address {
	int family;
	uint8_t bytes[16]; /* of IPv4 the first four, the others 0 */
};

struct resident {
	char *name, *policy_name;
	char *labels; /* a JSON object */
	uint32_t ifindex;
	struct resident_address addresses[RESIDENT_ADDRESSES];
	size_t address_count;
	struct overlay *overlay;      /* or NULL */
	const struct policy_set *set; /* NULL: denies everything */
	struct budget records;        /* of what is denied */
	struct budget flows; /* of what is let pass; gate_batch fills it */
	uint32_t unsaid;     /* packets that no record has told of yet */
	unsigned references;
};

/* 0 and *ret with one reference; -errno with a line in reterr. */
int resident_new(const struct link_sandbox *from, double now,
	struct resident **ret, char *reterr, size_t reterr_size);
struct resident *resident_ref(struct resident *r);
void resident_unref(struct resident *r); /* accepts NULL */

/* From now on decisions are those of that policy. */
void resident_set_policy(struct resident *r, const struct policy *policy);

struct residents;

struct residents *residents_new(void);      /* NULL: out of memory */
void residents_free(struct residents *all); /* accepts NULL */

/* Room for so many more, who have so many addresses: 0 or -ENOMEM. */
int residents_reserve(struct residents *all, size_t count, size_t addresses);

/* Takes the reference, and there is room.  Whose place it is now, of the same
 * name, is the caller's; NULL: there was none. */
struct resident *residents_put(struct residents *all, struct resident *r);

/* The one of that name, who is the caller's now; NULL: there is none. */
struct resident *residents_take(struct residents *all, const char *name);

size_t residents_count(const struct residents *all);
struct resident *residents_at(const struct residents *all, size_t i);

struct resident *residents_identify(const struct residents *all,
	uint32_t ifindex, int family, const uint8_t address[static 16]);

/* Those with that address, whatever their interface: the i-th, or NULL. */
struct resident *residents_with(const struct residents *all, int family,
	const uint8_t address[static 16], size_t i);

#endif
