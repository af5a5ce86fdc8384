/*
 * What we were told should be in the sets: sources, one sandbox each, and the
 * interfaces they share.  Pure.
 */
#ifndef SBX_LEDGER_H
#define SBX_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "element.h"

struct ledger_cage {
	struct element interface;
	size_t sources;   /* behind it */
	uint32_t ifindex; /* of who has the name, in @cages; 0: nobody */
	bool held;        /* stays without sources, and without interface */
};

/* Both sorted by key; read by others, changed here only. */
struct ledger {
	struct element *sources;
	size_t source_count;
	size_t source_room;
	struct ledger_cage *cages;
	size_t cage_count;
	size_t cage_room;
};

void ledger_done(struct ledger *l);

bool ledger_has(const struct ledger *l, const struct element *source);

/* The cage of an interface; NULL: none. */
const struct ledger_cage *ledger_cage(
	const struct ledger *l, const struct element *interface);

/*
 * Room for so many more sources and one more cage, so that what follows
 * cannot fail: 0, -ENOSPC over the bound, -ENOMEM.
 */
int ledger_reserve(struct ledger *l, size_t sources);

/* Not there yet, and reserved.  The cage comes or its count goes up. */
void ledger_add(struct ledger *l, const struct element *source);

/* It is there.  The cage stays, with a count that may be 0. */
void ledger_remove(struct ledger *l, const struct element *source);

/* A cage that somebody else made; reserved. */
void ledger_adopt(struct ledger *l, const struct element *interface);

/* It is there. */
void ledger_number(
	struct ledger *l, const struct element *interface, uint32_t ifindex);
void ledger_hold(struct ledger *l, const struct element *interface, bool held);

/* Its count is 0. */
void ledger_drop_cage(struct ledger *l, const struct element *interface);

#endif
