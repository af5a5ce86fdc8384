/*
 * Which sandbox claims which address behind which interface: a hash table, so
 * that one sandbox more costs the same however many there are.  Internal to
 * the registry.
 *
 * The links lie in each spec's seats, which it has from its beginning, so that
 * nothing here fails but the first table.
 */
#ifndef SBX_PLACE_INDEX_H
#define SBX_PLACE_INDEX_H

#include <stdbool.h>
#include <stddef.h>

struct place_index;
struct sandbox;
struct sandbox_spec;

struct place { /* one address of one spec */
	struct place *next;
	struct sandbox *sandbox;
	const struct sandbox_spec *spec;
	size_t i; /* of its addresses */
};

struct place_index *place_index_new(void);    /* NULL: out of memory */
void place_index_free(struct place_index *x); /* accepts NULL; not the specs */

/* spec stays where it is until it is removed. */
void place_index_add(struct place_index *x, const struct sandbox_spec *spec,
	struct sandbox *sandbox);
void place_index_remove(struct place_index *x, const struct sandbox_spec *spec);

/*
 * The next sandbox that claims an address of this spec; *at is the finder's
 * own, zeroed at first.  NULL: no more.
 */
struct place_walk {
	const struct place *last;
	size_t i;
};

struct sandbox *place_index_next(const struct place_index *x,
	const struct sandbox_spec *spec, struct place_walk *at);

#endif
