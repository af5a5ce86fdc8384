/*
 * Many host patterns, and which of them a name matches, in time that does not
 * grow with their number.  Pure; looking up allocates nothing.
 */
#ifndef SBX_HOST_INDEX_H
#define SBX_HOST_INDEX_H

#include "host_pattern.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host_index;
struct host_index_entry;

struct host_index *host_index_new(void);    /* NULL: out of memory */
void host_index_free(struct host_index *x); /* accepts NULL */

/*
 * Adds a pattern, whose texts must outlive the index, under an id; ids must
 * not go down from call to call.  Returns 0 or -ENOMEM.
 */
int host_index_add(
	struct host_index *x, const struct host_pattern *p, uint32_t id);

/* Nothing more will be added: lets go of what only adding needs. */
void host_index_close(struct host_index *x);

struct host_matches { /* a lookup under way; on the caller's stack */
	const struct host_index *index;
	const char *label; /* the host's first one */
	size_t label_len;
	size_t count;
	/* Heads of lists: for each suffix, and exact, one label, globs. */
	uint32_t heads[HOST_LABELS_MAX + 4];
};

/* Starts a lookup of host (from host_normalise(), which must live on). */
void host_index_find(
	const struct host_index *x, const char *host, struct host_matches *ret);

/* The next id in ascending order, each once; false at the end. */
bool host_matches_next(struct host_matches *m, uint32_t *ret);

#endif
