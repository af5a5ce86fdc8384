/*
 * The stand-ins that a sandbox was given, each with the name of its credential,
 * as a worker knows them.  Never changes; shared by reference.
 */
#ifndef SBX_STAND_INS_H
#define SBX_STAND_INS_H

#include <stddef.h>

#include "swap_set.h"

struct stand_ins {
	unsigned others; /* references beside the first */
	struct swap_set *set;
	char *credentials[SWAP_MAX]; /* by the numbers of the set */
	size_t count;
};

/*
 * json: {credential: text}.  0 and *ret with one reference, NULL when there are
 * none; -EINVAL: it is something else; -ENOMEM.
 */
int stand_ins_new(const char *json, struct stand_ins **ret);

struct stand_ins *stand_ins_ref(struct stand_ins *s); /* accepts NULL */
void stand_ins_unref(struct stand_ins *s);            /* likewise */

#endif
