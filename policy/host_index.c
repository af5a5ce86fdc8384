/*
 * host_index.c - which patterns match a name
 *
 * Theory of operation
 *
 * A tree of labels, read from the right: example.org is the node "example"
 * below the node "org".  Children are not kept in their parents but in one hash
 * table of (parent, label), so that a step costs one probe however many
 * children there are.  A node has a list of ids for each way in which a pattern
 * can end there:
 *
 *	EXACT  x       the name ends here
 *	ONE    *.x     one label is left
 *	DEEP   **.x    one label or more are left
 *	GLOB   a*b.x   one label is left, and it must match
 *
 * .x is EXACT and DEEP; * is DEEP at the root.  A lookup walks down while
 * there are nodes, collecting the lists that apply, and then merges them:
 * ids go up in each list, and so the caller sees them in the order in which
 * the document has its rules.
 *
 * Sandboxes choose the names that are looked up, hence the keyed hash.  Only
 * globs over the same x are tried one after another.
 */
#include "host_index.h"

#include "siphash.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum list { EXACT, ONE, DEEP, GLOB, LISTS };

enum {
	ROOT = 0, /* a node */
	NONE = 0, /* an entry that is not there; also: no child (the root) */
	FIRST_SLOTS = 16,
};

/* One cache line; so the few labels that are longer are kept elsewhere. */
enum { SHORT_LABEL = 64 - (LISTS + 1) * 4 - 1 };

struct node {
	uint32_t heads[LISTS];
	uint32_t parent;
	uint8_t label_len;
	char label[SHORT_LABEL]; /* or a pointer into a pattern's text */
};
static_assert(sizeof(struct node) == 64, "a node is a cache line");
static_assert(HOST_LABEL_MAX <= UINT8_MAX, "label_len holds any label");

struct tails {
	uint32_t entry[LISTS];
};

struct host_index_entry {
	uint32_t id, next;
	const struct host_pattern *glob;
};

struct slot {
	uint32_t hash, node; /* node ROOT: empty */
};

struct host_index {
	struct siphash_key key;
	struct node *nodes;
	struct tails *tails; /* of the nodes' lists: for adding only */
	struct host_index_entry *entries;
	struct slot *slots;
	size_t node_count, node_room;
	size_t entry_count, entry_room;
	size_t slot_count; /* a power of two, at most half full */
};

struct host_index *
host_index_new(void)
{
	struct host_index *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->key = siphash_process_key();
	x->slot_count = FIRST_SLOTS;
	x->node_room = x->entry_room = FIRST_SLOTS / 2;
	x->node_count = x->entry_count = 1; /* the root; NONE */
	x->nodes = calloc(x->node_room, sizeof(*x->nodes));
	x->tails = calloc(x->node_room, sizeof(*x->tails));
	x->entries = calloc(x->entry_room, sizeof(*x->entries));
	x->slots = calloc(x->slot_count, sizeof(*x->slots));
	if (x->nodes == NULL || x->tails == NULL || x->entries == NULL ||
		x->slots == NULL) {
		host_index_free(x);
		return NULL;
	}
	return x;
}

void
host_index_free(struct host_index *x)
{
	if (x == NULL)
		return;
	free(x->nodes);
	free(x->tails);
	free(x->entries);
	free(x->slots);
	free(x);
}

/* To count pieces of size; as it is, if there is no memory for less. */
static void *
trim(void *pieces, size_t count, size_t size)
{
	void *less = realloc(pieces, count * size);

	return less != NULL ? less : pieces;
}

void
host_index_close(struct host_index *x)
{
	free(x->tails);
	x->tails = NULL;
	x->nodes = trim(x->nodes, x->node_count, sizeof(*x->nodes));
	x->entries = trim(x->entries, x->entry_count, sizeof(*x->entries));
}

/* ---- nodes -------------------------------------------------------------- */

static uint32_t
hash_child(const struct host_index *x, uint32_t parent, const char *label,
	size_t len)
{
	struct siphash_key key = x->key;

	key.k0 ^= parent;
	return (uint32_t)siphash(key, label, len);
}

static void
set_label(struct node *n, const char *label, size_t len)
{
	n->label_len = (uint8_t)len;
	if (len <= SHORT_LABEL)
		memcpy(n->label, label, len);
	else
		memcpy(n->label, &label, sizeof(label));
}

static bool
has_label(const struct node *n, const char *label, size_t len)
{
	const char *text = n->label;

	if (n->label_len != len)
		return false;
	if (len > SHORT_LABEL)
		memcpy(&text, n->label, sizeof(text));
	return memcmp(text, label, len) == 0;
}

static uint32_t
find_child(const struct host_index *x, uint32_t parent, const char *label,
	size_t len)
{
	uint32_t hash = hash_child(x, parent, label, len);
	size_t mask = x->slot_count - 1;

	for (size_t i = hash & mask; x->slots[i].node != ROOT;
		i = (i + 1) & mask) {
		const struct node *n;

		if (x->slots[i].hash != hash)
			continue;
		n = &x->nodes[x->slots[i].node];
		if (n->parent == parent && has_label(n, label, len))
			return x->slots[i].node;
	}
	return NONE;
}

static void
put_slot(struct slot *slots, size_t count, struct slot slot)
{
	size_t i = slot.hash & (count - 1);

	while (slots[i].node != ROOT)
		i = (i + 1) & (count - 1);
	slots[i] = slot;
}

static int
grow_slots(struct host_index *x)
{
	size_t count = x->slot_count * 2;
	struct slot *slots = calloc(count, sizeof(*slots));

	if (slots == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < x->slot_count; i++) {
		if (x->slots[i].node != ROOT)
			put_slot(slots, count, x->slots[i]);
	}
	free(x->slots);
	x->slots = slots;
	x->slot_count = count;
	return 0;
}

static int
grow_nodes(struct host_index *x)
{
	size_t room = x->node_room * 2;
	struct node *nodes;
	struct tails *tails;

	if (room > UINT32_MAX / 2)
		return -ENOMEM;
	nodes = reallocarray(x->nodes, room, sizeof(*nodes));
	if (nodes == NULL)
		return -ENOMEM;
	x->nodes = nodes;
	tails = reallocarray(x->tails, room, sizeof(*tails));
	if (tails == NULL)
		return -ENOMEM;
	x->tails = tails;
	x->node_room = room;
	return 0;
}

static int
add_child(struct host_index *x, uint32_t parent, const char *label, size_t len,
	uint32_t *ret)
{
	uint32_t node = (uint32_t)x->node_count;

	if (x->node_count == x->node_room && grow_nodes(x) < 0)
		return -ENOMEM;
	if (x->node_count * 2 >= x->slot_count && grow_slots(x) < 0)
		return -ENOMEM;
	x->nodes[node] = (struct node){.parent = parent};
	set_label(&x->nodes[node], label, len);
	x->tails[node] = (struct tails){{NONE}};
	x->node_count++;
	put_slot(x->slots, x->slot_count,
		(struct slot){hash_child(x, parent, label, len), node});
	*ret = node;
	return 0;
}

/* The label that ends at end: where it begins in text. */
static const char *
label_before(const char *text, const char *end)
{
	const char *dot = memrchr(text, '.', (size_t)(end - text));

	return dot != NULL ? dot + 1 : text;
}

/* The node of a base, made with all above it where it is new. */
static int
node_of(struct host_index *x, const char *base, uint32_t *ret)
{
	const char *end = base + strlen(base);
	uint32_t node = ROOT;

	while (end > base) {
		const char *label = label_before(base, end);
		size_t len = (size_t)(end - label);
		uint32_t child = find_child(x, node, label, len);

		if (child == NONE && add_child(x, node, label, len, &child) < 0)
			return -ENOMEM;
		node = child;
		end = label > base ? label - 1 : base;
	}
	*ret = node;
	return 0;
}

/* ---- lists -------------------------------------------------------------- */

static int
add_entry(struct host_index *x, uint32_t node, enum list list,
	const struct host_index_entry *entry)
{
	uint32_t *tail = &x->tails[node].entry[list];
	uint32_t at = (uint32_t)x->entry_count;

	if (x->entry_count == x->entry_room) {
		size_t room = x->entry_room * 2;
		struct host_index_entry *entries;

		if (room > UINT32_MAX / 2)
			return -ENOMEM;
		entries = reallocarray(x->entries, room, sizeof(*entries));
		if (entries == NULL)
			return -ENOMEM;
		x->entries = entries;
		x->entry_room = room;
	}
	x->entries[at] = *entry;
	x->entry_count++;
	if (*tail == NONE) {
		x->nodes[node].heads[list] = at;
	} else {
		assert(x->entries[*tail].id <= entry->id);
		x->entries[*tail].next = at;
	}
	*tail = at;
	return 0;
}

int
host_index_add(struct host_index *x, const struct host_pattern *p, uint32_t id)
{
	struct host_index_entry entry = {.id = id};
	uint32_t node;

	if (node_of(x, p->base, &node) < 0)
		return -ENOMEM;
	switch (p->kind) {
	case HOST_EXACT:
		return add_entry(x, node, EXACT, &entry);
	case HOST_ONE:
		return add_entry(x, node, ONE, &entry);
	case HOST_GLOB:
		entry.glob = p;
		return add_entry(x, node, GLOB, &entry);
	case HOST_APEX:
		if (add_entry(x, node, EXACT, &entry) < 0)
			return -ENOMEM;
		return add_entry(x, node, DEEP, &entry);
	case HOST_DEEP:
	case HOST_ANY:
		return add_entry(x, node, DEEP, &entry);
	}
	return -EINVAL;
}

/* ---- looking up --------------------------------------------------------- */

/* From here on, the first entry that the host's first label matches. */
static uint32_t
settle(const struct host_matches *m, uint32_t entry)
{
	const struct host_index_entry *entries = m->index->entries;

	while (entry != NONE && entries[entry].glob != NULL &&
		!host_glob_matches(entries[entry].glob->text,
			entries[entry].glob->glob_len, m->label, m->label_len))
		entry = entries[entry].next;
	return entry;
}

static void
collect(struct host_matches *m, uint32_t node, enum list list)
{
	uint32_t head = settle(m, m->index->nodes[node].heads[list]);

	if (head == NONE)
		return;
	assert(m->count < sizeof(m->heads) / sizeof(m->heads[0]));
	m->heads[m->count++] = head;
}

void
host_index_find(
	const struct host_index *x, const char *host, struct host_matches *ret)
{
	const char *end = host + strlen(host);
	uint32_t node = ROOT;

	ret->index = x;
	ret->label = host;
	ret->label_len = strcspn(host, ".");
	ret->count = 0;
	collect(ret, ROOT, DEEP);
	for (int depth = 0; end > host && depth < HOST_LABELS_MAX; depth++) {
		const char *label = label_before(host, end);

		node = find_child(x, node, label, (size_t)(end - label));
		if (node == NONE)
			return;
		if (label == host) {
			collect(ret, node, EXACT);
			return;
		}
		collect(ret, node, DEEP);
		end = label - 1;
		if (end == host + ret->label_len) {
			collect(ret, node, ONE);
			collect(ret, node, GLOB);
		}
	}
}

bool
host_matches_next(struct host_matches *m, uint32_t *ret)
{
	const struct host_index_entry *entries = m->index->entries;
	uint32_t id = UINT32_MAX;

	if (m->count == 0)
		return false;
	for (size_t i = 0; i < m->count; i++) {
		if (entries[m->heads[i]].id < id)
			id = entries[m->heads[i]].id;
	}
	/* One id may stand in several lists, and twice in one. */
	for (size_t i = 0; i < m->count;) {
		uint32_t head = m->heads[i];

		while (head != NONE && entries[head].id == id)
			head = settle(m, entries[head].next);
		if (head != NONE)
			m->heads[i++] = head;
		else
			m->heads[i] = m->heads[--m->count];
	}
	*ret = id;
	return true;
}
