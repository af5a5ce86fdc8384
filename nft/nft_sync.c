/*
 * nft_sync.c - makes the kernel's sets and prohibit rules follow the ledger
 *
 * What the kernel holds is read, compared with what it should hold, and the
 * difference is sent: a sandbox that stands in both is never out of the sets
 * for a moment.  What is added is added before anything is taken away.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <net/if.h>
#include <sys/socket.h>

#include "batch.h"
#include "nft_state.h"
#include "nlsock.h"

/* They are sorted by set, so this is a handful of messages. */
enum { ELEMENTS_A_BATCH = 128 };

struct elements {
	struct element *e;
	size_t count;
};

static bool
holds(const struct elements *sorted, const struct element *e)
{
	return sorted->count > 0 &&
	       bsearch(e, sorted->e, sorted->count, sizeof(*e),
		       element_compare) != NULL;
}

/* Sends those of a that b lacks. */
static int
send_missing(struct nft *nft, enum batch_op op, const struct elements *a,
	const struct elements *b, char *reterr, size_t size)
{
	struct element part[ELEMENTS_A_BATCH];
	size_t n = 0;

	for (size_t i = 0; i <= a->count; i++) {
		struct batch *batch;
		int r;

		if (i < a->count && !holds(b, &a->e[i]))
			part[n++] = a->e[i];
		if (n == 0 || (n < ELEMENTS_A_BATCH && i < a->count))
			continue;
		batch = nft_begin(nft);
		r = batch == NULL ? -ENOMEM
				  : batch_elements(batch, op, part, n);
		if (r < 0) {
			snprintf(reterr, size, "%s", strerror(-r));
			batch_free(batch);
			return r;
		}
		r = nft_commit(nft, batch, reterr, size);
		if (r < 0)
			return r;
		n = 0;
	}
	return 0;
}

/* Of the interfaces that have a cage and are there, sorted. */
static size_t
wanted_indexes(const struct ledger *l, struct element *e)
{
	size_t n = 0;

	for (size_t i = 0; i < l->cage_count; i++) {
		if (l->cages[i].ifindex != 0)
			element_of_index(l->cages[i].ifindex, &e[n++]);
	}
	if (n > 0)
		qsort(e, n, sizeof(*e), element_compare);
	return n;
}

/* Room for the elements of all sets; NULL: out of memory. */
static struct element *
wanted_elements(const struct ledger *l, size_t *ret_count)
{
	size_t n = 0;
	struct element *e =
		calloc(2 * l->cage_count + l->source_count + 1, sizeof(*e));

	if (e == NULL)
		return NULL;
	for (size_t i = 0; i < l->cage_count; i++)
		e[n++] = l->cages[i].interface;
	/* By set, then by key: the order of element_compare() already. */
	if (l->source_count > 0)
		memcpy(e + n, l->sources, l->source_count * sizeof(*e));
	n += l->source_count;
	*ret_count = n + wanted_indexes(l, e + n);
	return e;
}

static int
held_elements(struct nft *nft, struct elements *ret, char *reterr, size_t size)
{
	for (int set = SET_IFACES; set <= SET_CAGES; set++) {
		struct element *part = NULL, *grown;
		size_t count = 0;
		int r = nft_dump_set(nft, set, &part, &count);

		if (r < 0) {
			snprintf(reterr, size, "cannot read the set %s: %s%s",
				element_set_name(set), strerror(-r),
				r == -ENOENT ? " (sbx-net-setup install)" : "");
			return r;
		}
		grown = reallocarray(
			ret->e, ret->count + count + 1, sizeof(*grown));
		if (grown == NULL) {
			free(part);
			snprintf(reterr, size, "%s", strerror(ENOMEM));
			return -ENOMEM;
		}
		if (count > 0)
			memcpy(grown + ret->count, part, count * sizeof(*part));
		ret->e = grown;
		ret->count += count;
		free(part);
	}
	return 0;
}

/* The interface that an element cages, by its name of today; false: it is gone,
 * or the element is none of a cage. */
static bool
caged_name(const struct element *e, char ret[ELEMENT_NAME_SIZE])
{
	if (e->set == SET_CAGES)
		return if_indextoname(element_index(e), ret) != NULL;
	if (e->set != SET_IFACES)
		return false;
	element_interface(e, ret);
	return if_nametoindex(ret) != 0;
}

/* An interface that exists and is caged stays caged, whoever did it, and
 * whatever it is called by now. */
static int
adopt_strangers(struct nft *nft, const struct elements *held)
{
	for (size_t i = 0; i < held->count; i++) {
		char name[ELEMENT_NAME_SIZE];
		struct element interface;
		int r;

		if (!caged_name(&held->e[i], name) ||
			element_of_interface(name, &interface) < 0)
			continue;
		r = ledger_reserve(&nft->ledger, 0);
		if (r < 0)
			return r;
		ledger_adopt(&nft->ledger, &interface);
	}
	return 0;
}

/* Cages follow the interfaces that have their names; those of interfaces that
 * are gone, and whose sandboxes are too, go. */
static void
follow_interfaces(struct nft *nft)
{
	size_t i = 0;

	while (i < nft->ledger.cage_count) {
		struct ledger_cage cage = nft->ledger.cages[i];
		char name[ELEMENT_NAME_SIZE];

		element_interface(&cage.interface, name);
		cage.ifindex = if_nametoindex(name);
		ledger_number(&nft->ledger, &cage.interface, cage.ifindex);
		if (cage.sources == 0 && cage.ifindex == 0 && !cage.held)
			ledger_drop_cage(&nft->ledger, &cage.interface);
		else
			i++;
	}
}

struct strangers {
	const struct nft *nft;
	struct elements found;
};

/* A prohibit rule for an interface that is gone and has no cage. */
static int
on_prohibit(const struct iprule *rule, void *arg)
{
	struct strangers *s = arg;
	struct element e, *grown;

	if (rule->kind != IPRULE_PROHIBIT ||
		element_of_interface(rule->interface, &e) < 0 ||
		ledger_cage(&s->nft->ledger, &e) != NULL ||
		if_nametoindex(rule->interface) != 0)
		return 0;
	grown = reallocarray(
		s->found.e, s->found.count + 1, sizeof(*s->found.e));
	if (grown == NULL)
		return -ENOMEM;
	s->found.e = grown;
	s->found.e[s->found.count++] = e;
	return 0;
}

static int
sync_prohibits(struct nft *nft, char *reterr, size_t size)
{
	static const int families[] = {AF_INET, AF_INET6};
	struct strangers s = {.nft = nft};
	char name[ELEMENT_NAME_SIZE];
	int r = 0;

	for (size_t i = 0; r == 0 && i < nft->ledger.cage_count; i++) {
		element_interface(&nft->ledger.cages[i].interface, name);
		r = iprule_guard(nft->rtnl, name, true, reterr, size);
	}
	for (int i = 0; r == 0 && i < 2; i++) {
		r = iprule_dump(
			nft->rtnl, families[i], &nft->names, on_prohibit, &s);
		if (r < 0)
			snprintf(reterr, size, "cannot read the ip rules: %s",
				strerror(-r));
	}
	for (size_t i = 0; r == 0 && i < s.found.count; i++) {
		element_interface(&s.found.e[i], name);
		r = iprule_guard(nft->rtnl, name, false, reterr, size);
	}
	free(s.found.e);
	return r;
}

static int
sync_sets(struct nft *nft, char *reterr, size_t size)
{
	struct elements held = {0}, wanted = {0};
	int r = held_elements(nft, &held, reterr, size);

	if (r < 0)
		goto out;
	r = adopt_strangers(nft, &held);
	follow_interfaces(nft);
	wanted.e = wanted_elements(&nft->ledger, &wanted.count);
	if (r == 0 && wanted.e == NULL)
		r = -ENOMEM;
	if (r < 0) {
		snprintf(reterr, size, "%s", strerror(-r));
		goto out;
	}
	r = send_missing(nft, BATCH_ADD, &wanted, &held, reterr, size);
	if (r == 0)
		r = send_missing(
			nft, BATCH_DELETE, &held, &wanted, reterr, size);
out:
	free(held.e);
	free(wanted.e);
	return r;
}

static int
sync_exempt(struct nft *nft, char *reterr, size_t size)
{
	struct batch *b = nft_begin(nft);
	int r = -ENOMEM;

	if (b != NULL)
		r = nft_put_exempt(b, nft->exempt, nft->exempt_count);
	if (r == 0)
		return nft_commit(nft, b, reterr, size);
	snprintf(reterr, size, "%s", strerror(-r));
	batch_free(b);
	return r;
}

static int
sync_gate(struct nft *nft, char *reterr, size_t size)
{
	int rules = 0;
	int r;

	if (!nft->gate.wanted)
		return 0;
	r = nft_gate_rules(nft, &rules);
	if (r == 0 && rules == 1)
		return 0;
	return nft_put_gate(nft, reterr, size);
}

int
nft_sync(struct nft *nft, char *reterr, size_t size)
{
	char ignored[1];
	int r = sync_sets(nft, reterr, size);
	/* Without a table the prohibit rules are all that is left. */
	int guard = sync_prohibits(
		nft, r < 0 ? ignored : reterr, r < 0 ? sizeof(ignored) : size);

	if (r == 0)
		r = guard;
	if (r == 0)
		r = sync_exempt(nft, reterr, size);
	if (r == 0)
		r = sync_gate(nft, reterr, size);
	return r;
}
