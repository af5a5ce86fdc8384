#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ledger.h"
#include "nft.h"

void
ledger_done(struct ledger *l)
{
	free(l->sources);
	free(l->cages);
	memset(l, 0, sizeof(*l));
}

/* The first place in a sorted array whose element is not before e. */
static size_t
place(const void *array, size_t count, size_t item, const struct element *e)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *at = (const char *)array + middle * item;

		if (element_compare(at, e) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static size_t
source_place(const struct ledger *l, const struct element *e)
{
	return place(l->sources, l->source_count, sizeof(*l->sources), e);
}

/* An element stands first in a cage: the same search serves. */
static size_t
cage_place(const struct ledger *l, const struct element *e)
{
	static_assert(offsetof(struct ledger_cage, interface) == 0, "first");
	return place(l->cages, l->cage_count, sizeof(*l->cages), e);
}

bool
ledger_has(const struct ledger *l, const struct element *source)
{
	size_t i = source_place(l, source);

	return i < l->source_count &&
	       element_compare(&l->sources[i], source) == 0;
}

static struct ledger_cage *
find_cage(const struct ledger *l, const struct element *interface)
{
	size_t i = cage_place(l, interface);

	if (i == l->cage_count ||
		element_compare(&l->cages[i].interface, interface) != 0)
		return NULL;
	return &l->cages[i];
}

const struct ledger_cage *
ledger_cage(const struct ledger *l, const struct element *interface)
{
	return find_cage(l, interface);
}

int
ledger_reserve(struct ledger *l, size_t sources)
{
	size_t count = l->source_count + sources;
	struct ledger_cage *cages;
	struct element *grown;

	if (count > NFT_MAX_SOURCES || l->cage_count >= NFT_MAX_SOURCES)
		return -ENOSPC;
	if (count > l->source_room) {
		grown = reallocarray(l->sources, count, sizeof(*grown));
		if (grown == NULL)
			return -ENOMEM;
		l->sources = grown;
		l->source_room = count;
	}
	if (l->cage_count < l->cage_room)
		return 0;
	cages = reallocarray(l->cages, l->cage_count + 1, sizeof(*cages));
	if (cages == NULL)
		return -ENOMEM;
	l->cages = cages;
	l->cage_room = l->cage_count + 1;
	return 0;
}

static struct element
interface_of(const struct element *source)
{
	struct element e = {.set = SET_IFACES, .key_len = ELEMENT_NAME_SIZE};

	memcpy(e.key, source->key, ELEMENT_NAME_SIZE);
	return e;
}

void
ledger_adopt(struct ledger *l, const struct element *interface)
{
	size_t i = cage_place(l, interface);

	if (find_cage(l, interface) != NULL)
		return;
	assert(l->cages != NULL && l->cage_count < l->cage_room);
	memmove(&l->cages[i + 1], &l->cages[i],
		(l->cage_count - i) * sizeof(*l->cages));
	l->cages[i] = (struct ledger_cage){.interface = *interface};
	l->cage_count++;
}

void
ledger_add(struct ledger *l, const struct element *source)
{
	struct element interface = interface_of(source);
	size_t i = source_place(l, source);

	assert(!ledger_has(l, source) && l->source_count < l->source_room);
	memmove(&l->sources[i + 1], &l->sources[i],
		(l->source_count - i) * sizeof(*l->sources));
	l->sources[i] = *source;
	l->source_count++;
	ledger_adopt(l, &interface);
	find_cage(l, &interface)->sources++;
	find_cage(l, &interface)->held = false;
}

void
ledger_remove(struct ledger *l, const struct element *source)
{
	struct element interface = interface_of(source);
	size_t i = source_place(l, source);

	assert(ledger_has(l, source));
	l->source_count--;
	memmove(&l->sources[i], &l->sources[i + 1],
		(l->source_count - i) * sizeof(*l->sources));
	find_cage(l, &interface)->sources--;
}

void
ledger_number(
	struct ledger *l, const struct element *interface, uint32_t ifindex)
{
	struct ledger_cage *cage = find_cage(l, interface);

	assert(cage != NULL);
	cage->ifindex = ifindex;
}

void
ledger_hold(struct ledger *l, const struct element *interface, bool held)
{
	struct ledger_cage *cage = find_cage(l, interface);

	assert(cage != NULL);
	cage->held = held;
}

void
ledger_drop_cage(struct ledger *l, const struct element *interface)
{
	struct ledger_cage *cage = find_cage(l, interface);
	size_t i = cage_place(l, interface);

	assert(cage != NULL && cage->sources == 0);
	l->cage_count--;
	memmove(&l->cages[i], &l->cages[i + 1],
		(l->cage_count - i) * sizeof(*l->cages));
}
