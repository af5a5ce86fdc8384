/*
 * The stand-ins of a sandbox, made ready to be looked for all at once: a table
 * that says how far may be skipped, and an automaton (Aho and Corasick) for
 * what cannot be skipped.  swap.h walks it over a stream.  Pure.
 *
 * None lies inside another, so of those that overlap in a text the one that
 * begins first is also the one that ends first, and what is found is never in
 * doubt.
 */
#ifndef SBX_SWAP_SET_H
#define SBX_SWAP_SET_H

#include <stddef.h>

#include "span.h"

enum {
	SWAP_MAX = 16,       /* stand-ins in a set */
	SWAP_LEN_MIN = 8,    /* bytes of one */
	SWAP_LEN_MAX = 1024, /* … */
};

struct swap_set;

/* A place in the automaton: the longest beginning of a stand-in that the text
 * so far ends with. */
typedef unsigned swap_node;
enum { SWAP_NOWHERE = 0 };

/*
 * A copy of them, with one reference.  They are numbered as they stand here.
 * 0; -EINVAL: none or too many, or one is too short, too long or not all
 * letters, digits and "-._~"; -EEXIST: one is, or is inside of, another;
 * -ENOMEM.
 */
int swap_set_new(
	const struct span *stand_ins, size_t count, struct swap_set **ret);

/* Not for several threads at once. */
struct swap_set *swap_set_ref(struct swap_set *set);
void swap_set_unref(struct swap_set *set); /* accepts NULL */

size_t swap_set_count(const struct swap_set *set);
struct span swap_set_get(const struct swap_set *set, size_t entry);

/*
 * How many bytes at the front of text are begin of no stand-in, as long as
 * these are below `most`; in *work, how many looks were added by that.  A text
 * that is shorter than the shortest is not looked at: 0.
 */
size_t swap_set_skip(const struct swap_set *set, struct span text, size_t most,
	size_t *work);

/* Where the text is after one more byte; *work as above, of which there are at
 * most two a byte, taken over a whole text. */
swap_node swap_set_step(
	const struct swap_set *set, swap_node from, char byte, size_t *work);

/*
 * Goes on from *at, with *at, in the stand-in that made this place, and stops
 * before its last byte: how many bytes of text were read.  What swap_set_step()
 * would do with each, only faster.
 */
size_t swap_set_follow(
	const struct swap_set *set, swap_node *at, struct span text);

/* The beginning of a stand-in that this place is. */
struct span swap_set_text(const struct swap_set *set, swap_node at);

/* Which stand-in has ended here, or -1. */
int swap_set_entry(const struct swap_set *set, swap_node at);

#endif
