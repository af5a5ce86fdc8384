/*
 * swap_set.c - many words looked for at once
 *
 * Two searches, each for what the other is bad at.
 *
 * Where nothing is (which is nearly everywhere), the table: a window as long as
 * the shortest word, and for the two bytes at its end how far on the next
 * window can begin that has them somewhere in a word (Wu and Manber).  Most
 * pairs of bytes are in no word at all, and the window goes on by its length
 * less one.
 *
 * Where the table says "perhaps here", the automaton: the tree of all words,
 * each place with a link to the longest other place that its text ends with.
 * It goes over each byte once, so whoever sends beginnings of his stand-ins
 * over and over gains nothing: a byte costs one look in the table and two steps
 * at most (a link takes back a byte of depth that a step had added).  A step
 * looks at the children of a place, of which 16 words have 16.
 *
 * A place is 12 bytes; for words of 40 bytes all of this is in the processor's
 * nearest cache.
 */
#include "swap_set.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	PAIRS = 4096, /* slots of the table; two pairs may share one */
	SHIFT_MAX = UINT8_MAX,
	NODES_MAX = SWAP_MAX * SWAP_LEN_MAX + 1,
	NO_ENTRY = -1,
};

static_assert(NODES_MAX <= UINT16_MAX, "places are numbered in 16 bits");

struct node {
	uint16_t child, sibling; /* the first; the next of the same parent */
	uint16_t link;           /* where to go on when no child fits */
	uint16_t depth;
	char byte;
	int8_t entry; /* that ends here */
	int8_t owner; /* a word that begins with this place's text */
};

struct swap_set {
	unsigned refs;
	size_t count, shortest, node_count;
	struct span words[SWAP_MAX]; /* in text */
	char *text;
	struct node *nodes; /* the first is SWAP_NOWHERE */
	uint8_t shift[PAIRS];
};

static unsigned
slot_of(char first, char second)
{
	return ((unsigned)(unsigned char)first << 5 ^ (unsigned char)second) %
	       PAIRS;
}

static bool
is_word(struct span s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-._~";

	if (s.len < SWAP_LEN_MIN || s.len > SWAP_LEN_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (memchr(letters, s.ptr[i], sizeof(letters) - 1) == NULL)
			return false;
	}
	return true;
}

/* ---- the tree ----------------------------------------------------------- */

static uint16_t
find_child(const struct swap_set *set, swap_node at, char byte)
{
	uint16_t child = set->nodes[at].child;

	while (child != SWAP_NOWHERE && set->nodes[child].byte != byte)
		child = set->nodes[child].sibling;
	return child;
}

static uint16_t
add_child(struct swap_set *set, swap_node at, char byte, int owner)
{
	uint16_t child = (uint16_t)set->node_count++;

	set->nodes[child] = (struct node){
		.sibling = set->nodes[at].child,
		.depth = (uint16_t)(set->nodes[at].depth + 1),
		.byte = byte,
		.entry = NO_ENTRY,
		.owner = (int8_t)owner,
	};
	set->nodes[at].child = child;
	return child;
}

static int
add_word(struct swap_set *set, int entry)
{
	struct span word = set->words[entry];
	swap_node at = SWAP_NOWHERE;

	for (size_t i = 0; i < word.len; i++) {
		uint16_t child = find_child(set, at, word.ptr[i]);

		at = child != SWAP_NOWHERE
			     ? child
			     : add_child(set, at, word.ptr[i], entry);
	}
	if (set->nodes[at].entry != NO_ENTRY)
		return -EEXIST;
	set->nodes[at].entry = (int8_t)entry;
	return 0;
}

/* The links of all places less deep are there. */
static void
set_link(struct swap_set *set, swap_node parent, swap_node at)
{
	swap_node from = parent, to = SWAP_NOWHERE;

	while (from != SWAP_NOWHERE && to == SWAP_NOWHERE) {
		from = set->nodes[from].link;
		to = find_child(set, from, set->nodes[at].byte);
	}
	set->nodes[at].link = (uint16_t)to;
}

/* A word that ends where another one goes on, or which that place's text ends
 * with, lies inside the other one. */
static bool
is_inside(const struct swap_set *set, swap_node at, bool last)
{
	return (set->nodes[at].entry != NO_ENTRY && !last) ||
	       set->nodes[set->nodes[at].link].entry != NO_ENTRY;
}

/* From the top down, one byte of every word at a time. */
static int
link_all(struct swap_set *set)
{
	swap_node at[SWAP_MAX] = {SWAP_NOWHERE};

	for (size_t depth = 0; depth < SWAP_LEN_MAX; depth++) {
		for (size_t i = 0; i < set->count; i++) {
			struct span word = set->words[i];
			swap_node parent = at[i];

			if (depth >= word.len)
				continue;
			at[i] = find_child(set, parent, word.ptr[depth]);
			set_link(set, parent, at[i]);
			if (is_inside(set, at[i], depth + 1 == word.len))
				return -EEXIST;
		}
	}
	return 0;
}

/* ---- the table ---------------------------------------------------------- */

static void
fill_table(struct swap_set *set)
{
	size_t window = set->shortest;
	size_t most = window - 1 < SHIFT_MAX ? window - 1 : SHIFT_MAX;

	memset(set->shift, (int)most, sizeof(set->shift));
	for (size_t i = 0; i < set->count; i++) {
		for (size_t end = 1; end < window; end++) {
			const char *pair = set->words[i].ptr + end - 1;
			uint8_t *shift = &set->shift[slot_of(pair[0], pair[1])];
			size_t left = window - 1 - end;

			if (left < *shift)
				*shift = (uint8_t)left;
		}
	}
}

/* ---- the whole ---------------------------------------------------------- */

static void
set_free(struct swap_set *set)
{
	free(set->nodes);
	free(set->text);
	free(set);
}

static int
fill(struct swap_set *set, const struct span *stand_ins, size_t size)
{
	char *text = set->text = malloc(size);
	int r = 0;

	set->nodes = calloc(size + 1, sizeof(*set->nodes));
	if (text == NULL || set->nodes == NULL)
		return -ENOMEM;
	set->nodes[SWAP_NOWHERE].entry = NO_ENTRY;
	set->node_count = 1;
	set->shortest = SWAP_LEN_MAX;
	for (size_t i = 0; i < set->count && r == 0; i++) {
		size_t len = stand_ins[i].len;

		memcpy(text, stand_ins[i].ptr, len);
		set->words[i] = (struct span){text, len};
		text += len;
		if (len < set->shortest)
			set->shortest = len;
		r = add_word(set, (int)i);
	}
	if (r == 0)
		r = link_all(set);
	if (r == 0)
		fill_table(set);
	return r;
}

int
swap_set_new(const struct span *stand_ins, size_t count, struct swap_set **ret)
{
	struct swap_set *set;
	size_t size = 0;
	int r;

	if (count == 0 || count > SWAP_MAX)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		if (!is_word(stand_ins[i]))
			return -EINVAL;
		size += stand_ins[i].len;
	}
	set = calloc(1, sizeof(*set));
	if (set == NULL)
		return -ENOMEM;
	set->refs = 1;
	set->count = count;
	r = fill(set, stand_ins, size);
	if (r < 0) {
		set_free(set);
		return r;
	}
	*ret = set;
	return 0;
}

struct swap_set *
swap_set_ref(struct swap_set *set)
{
	set->refs++;
	return set;
}

void
swap_set_unref(struct swap_set *set)
{
	if (set != NULL && --set->refs == 0)
		set_free(set);
}

size_t
swap_set_count(const struct swap_set *set)
{
	return set->count;
}

struct span
swap_set_get(const struct swap_set *set, size_t entry)
{
	assert(entry < set->count);
	return set->words[entry];
}

/* ---- over a text -------------------------------------------------------- */

size_t
swap_set_skip(
	const struct swap_set *set, struct span text, size_t most, size_t *work)
{
	size_t at = 0, looks = 0, shift = 1;
	const char *end = text.ptr + set->shortest - 2;
	size_t windows;

	if (text.len < set->shortest)
		return 0;
	windows = text.len - set->shortest + 1;
	if (windows > most)
		windows = most;
	while (at < windows && shift > 0) {
		shift = set->shift[slot_of(end[at], end[at + 1])];
		at += shift;
		looks++;
	}
	*work += looks;
	return at < most ? at : most;
}

swap_node
swap_set_step(
	const struct swap_set *set, swap_node from, char byte, size_t *work)
{
	swap_node to = find_child(set, from, byte);

	++*work;
	while (to == SWAP_NOWHERE && from != SWAP_NOWHERE) {
		from = set->nodes[from].link;
		to = find_child(set, from, byte);
		++*work;
	}
	return to;
}

/* The places that a word has added are numbered in a row. */
size_t
swap_set_follow(const struct swap_set *set, swap_node *at, struct span text)
{
	const struct node *from = &set->nodes[*at];
	struct span word = set->words[from->owner];
	size_t n = 0, most;

	if (*at == SWAP_NOWHERE)
		return 0;
	most = word.len - from->depth;
	most = most > 0 ? most - 1 : 0;
	if (most > text.len)
		most = text.len;
	while (n < most && word.ptr[from->depth + n] == text.ptr[n])
		n++;
	*at += (swap_node)n;
	return n;
}

struct span
swap_set_text(const struct swap_set *set, swap_node at)
{
	const struct node *n = &set->nodes[at];

	return (struct span){set->words[n->owner].ptr, n->depth};
}

int
swap_set_entry(const struct swap_set *set, swap_node at)
{
	return set->nodes[at].entry;
}
