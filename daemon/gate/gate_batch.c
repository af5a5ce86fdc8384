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

#include "guard.h"
#include "link_message.h"
#include "monotonic.h"
#include "policy.h"
#include "report.h"
#include "resident.h"
#include "settings.h"
#include "tree.h"

enum { TEXT_MAX = 4096, BURST_SECONDS = 2 };

struct document {
	STAILQ_ENTRY(document) link;
	struct tree *tree;
};

struct news { /* one sandbox: new, anew, or gone */
	STAILQ_ENTRY(news) link;
	struct resident *resident; /* NULL: gone */
	char name[];
};

struct gate_batch {
	uint64_t generation;
	struct report *report;
	size_t document_count;
	int bad; /* of a sandbox: -errno, and why */
	bool documents_bad;
	STAILQ_HEAD(, document) documents;
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
	STAILQ_INIT(&b->documents);
	STAILQ_INIT(&b->news);
	b->report = report_new();
	if (b->report == NULL) {
		free(b);
		return NULL;
	}
	return b;
}

void
gate_batch_free(struct gate_batch *b)
{
	struct document *d;
	struct news *n;

	if (b == NULL)
		return;
	while ((d = STAILQ_FIRST(&b->documents)) != NULL) {
		STAILQ_REMOVE_HEAD(&b->documents, link);
		tree_free(d->tree);
		free(d);
	}
	while ((n = STAILQ_FIRST(&b->news)) != NULL) {
		STAILQ_REMOVE_HEAD(&b->news, link);
		resident_unref(n->resident);
		free(n);
	}
	report_free(b->report);
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
	struct document *doc = calloc(1, sizeof(*doc));
	int r;

	if (doc == NULL)
		return -ENOMEM;
	r = tree_parse(
		d->name, d->text.ptr, d->text.len, &doc->tree, b->report);
	if (r < 0)
		free(doc);
	if (r == -ENOMEM)
		return r;
	b->document_count++;
	if (r < 0)
		b->documents_bad = true;
	else
		STAILQ_INSERT_TAIL(&b->documents, doc, link);
	return 0;
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

static int
compile(struct gate_batch *b, struct policy **ret, char *reterr, size_t size)
{
	const struct tree **trees =
		calloc(b->document_count + 1, sizeof(struct tree *));
	struct document *d;
	size_t n = 0;
	char *text;
	int r;

	if (trees == NULL)
		return -ENOMEM;
	STAILQ_FOREACH(d, &b->documents, link)
		trees[n++] = d->tree;
	r = b->documents_bad
		    ? -EINVAL
		    : policy_compile(trees, n, settings_keys(), ret, b->report);
	free(trees);
	if (r == -EINVAL) {
		text = report_text(b->report);
		snprintf(reterr, size, "%s",
			text != NULL ? text : "the documents are bad");
		free(text);
	}
	return r;
}

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
		if (old != NULL)
			unguard(rules->guard, old, old->address_count);
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
	if (r == 0 && b->document_count > 0)
		r = compile(b, &fresh, reterr, reterr_size);
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
