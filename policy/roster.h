/*
 * Names that were given to things, each once, and where.
 */
#ifndef SBX_ROSTER_H
#define SBX_ROSTER_H

#include "report.h"

#include <stdbool.h>
#include <stddef.h>

struct roster_entry {
	const char *name; /* borrowed; NULL: a thing whose name was bad */
	struct report_mark at;
	size_t index; /* of the thing, in order of definition */
};

struct roster {
	const char *what; /* for errors: "policy" */
	struct roster_entry *entries;
	size_t count;
};

/* Sorts entries by name, drops those without, reports what is there twice. */
void roster_close(struct roster *r, struct report *report);

/* Finds a name in a closed roster; NULL when there is none. */
const struct roster_entry *roster_find(
	const struct roster *r, const char *name);

/* Finds, or reports at that there is none, with the nearest name. */
const struct roster_entry *roster_expect(const struct roster *r,
	const char *name, struct report_mark at, struct report *report);

#endif
