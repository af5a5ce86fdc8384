/*
 * gate_batch.c - all of it or nothing
 *
 * Documents become trees and sandboxes residents as they come; what is wrong
 * with them is said at COMMIT.  Applying makes a new policy beside what holds,
 * room for who comes, and counts their addresses in the guard, which may fail;
 * then it exchanges the one and lets in the others, which cannot.
 */
#include "gate_batch.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "document_set.h"
#include "guard.h"
#include "link_message.h"
#include "monotonic.h"
#include "policy.h"
#include "resident.h"

enum { TEXT_MAX = 4096, BURST_SECONDS = 2 };

struct news { /* one sandbox: new, anew, or gone */
	STAILQ_ENTRY(news) link;
	struct resident *resident; /* NULL: gone */
	char name[];
};

struct gate_batch {
	uint64_t generation;
	struct document_set *documents;
	int bad; /* of a sandbox: -errno, and why */
	STAILQ_HEAD(, news) news;
	char why[TEXT_MAX];
};

struct gate_batch *
gate_batch_new(uint64_t generation)
{
	struct gate_batch *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->generation = generation;
	STAILQ_INIT(&b->news);
	b->documents = document_set_new();
	if (b->documents == NULL) {
		free(b);
		return NULL;
	}
	return b;
}

void
gate_batch_free(struct gate_batch *b)
{
	struct news *n;

	if (b == NULL)
		return;
	while ((n = STAILQ_FIRST(&b->news)) != NULL) {
		STAILQ_REMOVE_HEAD(&b->news, link);
		resident_unref(n->resident);
		free(n);
	}
	document_set_free(b->documents);
	free(b);
}

uint64_t
gate_batch_generation(const struct gate_batch *b)
{
	return b->generation;
}

int
gate_batch_document(struct gate_batch *b, const struct link_document *d)
{
	return document_set_add(
		b->documents, d->name, d->text.ptr, d->text.len);
}

static struct news *
add_news(struct gate_batch *b, const char *name)
{
	size_t len = strlen(name) + 1;
	struct news *n = calloc(1, sizeof(*n) + len);

	if (n == NULL)
		return NULL;
	memcpy(n->name, name, len);
	STAILQ_INSERT_TAIL(&b->news, n, link);
	return n;
}

int
gate_batch_sandbox(struct gate_batch *b, const struct link_sandbox *s)
{
	struct news *n;
	struct resident *resident = NULL;
	char why[TEXT_MAX];
	int r = resident_new(s, monotonic_now(), &resident, why, sizeof(why));

	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		b->bad = r;
		snprintf(b->why, sizeof(b->why), "%s", why);
		return 0;
	}
	n = add_news(b, s->name);
	if (n == NULL) {
		resident_unref(resident);
		return -ENOMEM;
	}
	n->resident = resident;
	return 0;
}

int
gate_batch_gone(struct gate_batch *b, const char *name)
{
	return add_news(b, name) != NULL ? 0 : -ENOMEM;
}

/* ---- the half that may fail --------------------------------------------- */

/* Of r, the first count of its addresses. */
static void
unguard(struct guard *guard, const struct resident *r, size_t count)
{
	for (size_t i = 0; i < count; i++)
		guard_remove_self(
			guard, r->addresses[i].family, r->addresses[i].bytes);
}

static int
guard_one(struct guard *guard, const struct resident *r)
{
	for (size_t i = 0; i < r->address_count; i++) {
		int e = guard_add_self(
			guard, r->addresses[i].family, r->addresses[i].bytes);

		if (e < 0) {
			unguard(guard, r, i);
			return e;
		}
	}
	return 0;
}

/* Each address counts in the guard, so that old and new may overlap. */
static int
guard_news(struct gate_batch *b, struct guard *guard)
{
	struct news *n, *done;

	STAILQ_FOREACH(n, &b->news, link) {
		int r = n->resident != NULL ? guard_one(guard, n->resident) : 0;

		if (r == 0)
			continue;
		for (done = STAILQ_FIRST(&b->news); done != n;
			done = STAILQ_NEXT(done, link))
			if (done->resident != NULL)
				unguard(guard, done->resident,
					done->resident->address_count);
		return r;
	}
	return 0;
}

static int
make_room(struct gate_batch *b, struct gate_rules *rules)
{
	size_t count = 0, addresses = 0;
	struct news *n;

	STAILQ_FOREACH(n, &b->news, link) {
		count += n->resident != NULL;
		addresses +=
			n->resident != NULL ? n->resident->address_count : 0;
	}
	if (rules->residents == NULL)
		rules->residents = residents_new();
	if (rules->residents == NULL)
		return -ENOMEM;
	return residents_reserve(rules->residents, count, addresses);
}

/* ---- the half that cannot ----------------------------------------------- */

static void
move_in(struct gate_batch *b, struct gate_rules *rules)
{
	struct resident *old;
	struct news *n;

	STAILQ_FOREACH(n, &b->news, link) {
		if (n->resident == NULL)
			old = residents_take(rules->residents, n->name);
		else
			old = residents_put(
				rules->residents, resident_ref(n->resident));
		if (old == NULL)
			continue;
		unguard(rules->guard, old, old->address_count);
		if (n->resident != NULL) /* the same sandbox, registered anew */
			n->resident->unsaid = old->unsaid;
		resident_unref(old);
	}
}

/* Of all if it is another one, else of who has come. */
static void
set_policies(
	struct gate_batch *b, struct gate_rules *rules, struct policy *fresh)
{
	struct news *n;

	if (fresh == NULL) {
		STAILQ_FOREACH(n, &b->news, link) {
			if (n->resident != NULL)
				resident_set_policy(n->resident, rules->policy);
		}
		return;
	}
	for (size_t i = 0; i < residents_count(rules->residents); i++)
		resident_set_policy(residents_at(rules->residents, i), fresh);
	policy_unref(rules->policy);
	rules->policy = fresh;
}

static void
fill_budgets(struct gate_batch *b, double flows_per_second)
{
	struct news *n;

	STAILQ_FOREACH(n, &b->news, link) {
		if (n->resident != NULL)
			budget_init(&n->resident->flows, flows_per_second,
				BURST_SECONDS * flows_per_second,
				monotonic_now());
	}
}

int
gate_batch_apply(struct gate_batch *b, struct gate_rules *rules, char *reterr,
	size_t reterr_size)
{
	struct policy *fresh = NULL;
	int r = b->bad;

	snprintf(reterr, reterr_size, "%s", r < 0 ? b->why : "out of memory");
	if (r == 0 && document_set_count(b->documents) > 0)
		r = document_set_compile(
			b->documents, &fresh, reterr, reterr_size);
	if (r == 0)
		r = make_room(b, rules);
	if (r == 0)
		r = guard_news(b, rules->guard);
	if (r < 0) {
		policy_unref(fresh);
		return r;
	}
	move_in(b, rules);
	set_policies(b, rules, fresh);
	fill_budgets(b, rules->flows_per_second);
	return 0;
}
