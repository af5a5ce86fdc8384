/*
 * strongbox_assign.c - which worker needs which credential
 *
 * Theory of operation
 *
 * A worker needs what the policy of a sandbox lists that it serves.  All of
 * that is worked out anew when something goes or a policy is another; when a
 * sandbox only comes, what it needs is added, so that ten thousand of them do
 * not look at each other.  A sandbox's own entries are found by a tree.
 */
#include <search.h>
#include <string.h>

#include "log.h"
#include "policy.h"
#include "registry.h"
#include "secret.h"
#include "source.h"
#include "strongbox.h"
#include "strongbox_part.h"

/* ---- those of one sandbox --------------------------------------------- */

static int
compare_own(const void *a, const void *b)
{
	const struct strongbox_entry *x = a, *y = b;
	int order = strcmp(x->sandbox, y->sandbox);

	if (order == 0)
		order = strcmp(x->labels, y->labels);
	if (order == 0)
		order = x->spec < y->spec ? -1 : x->spec > y->spec;
	return order;
}

static struct strongbox_entry *
find_own(const struct strongbox *b, const struct policy_credential *spec,
	const struct sandbox *s)
{
	const struct strongbox_entry wanted = {
		.spec = spec, .sandbox = s->name, .labels = s->spec->labels};
	struct strongbox_entry **found = tfind(&wanted, &b->own, compare_own);

	return found != NULL ? *found : NULL;
}

/* Of two that are alike only one is in the tree. */
void
strongbox_forget_own(const struct strongbox_entry *e)
{
	struct strongbox_entry **found = NULL;

	if (e->sandbox != NULL && e->labels != NULL)
		found = tfind(e, &e->strongbox->own, compare_own);
	if (found != NULL && *found == e)
		tdelete(e, &e->strongbox->own, compare_own);
}

/* ---- who needs what --------------------------------------------------- */

/* In the box and in the tree.  NULL: out of memory. */
static struct strongbox_entry *
add_own(struct strongbox *b, const struct strongbox_entry *all,
	const struct sandbox *s)
{
	struct strongbox_entry *e =
		strongbox_entry_new(b, all->policy, all->spec, s);

	if (e != NULL && tsearch(e, &b->own, compare_own) == NULL) {
		b->count--;
		strongbox_entry_free(e);
		e = NULL;
	}
	if (e == NULL)
		log_error("credential %s: out of memory", all->spec->name);
	else
		e->phase = STRONGBOX_LIVING;
	return e;
}

/* The sandbox's own entry of that credential; NULL: out of memory. */
static struct strongbox_entry *
own_entry(struct strongbox *b, const struct strongbox_entry *all,
	const struct sandbox *s)
{
	struct strongbox_entry *e = find_own(b, all->spec, s);

	if (e == NULL)
		e = add_own(b, all, s);
	/* One that is there may have been wiped when its sandbox went. */
	if (e != NULL && e->source == NULL &&
		strongbox_entry_open(e, e->why, sizeof(e->why)) < 0)
		log_warning("credential %s: %s", e->key, e->why);
	return e;
}

static void
want(struct strongbox *b, size_t i, const struct sandbox *s)
{
	struct strongbox_entry *e = b->entries[i];

	if (e->spec->own)
		e = own_entry(b, e, s);
	if (e != NULL)
		e->wanted |= s->served;
}

/* What no sandbox is there for is wiped now; its entry goes when the workers
 * have been told. */
static void
drop_own(struct strongbox *b)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->count; i++) {
		struct strongbox_entry *e = b->entries[i];

		if (e->sandbox != NULL && e->wanted == 0) {
			secret_source_free(e->source);
			secret_unref(e->value);
			e->source = NULL;
			e->value = NULL;
		}
		if (e->sandbox != NULL && e->wanted == 0 && e->holders == 0)
			strongbox_entry_free(e);
		else
			b->entries[kept++] = e;
	}
	b->count = kept;
}

/* The first `count` entries are not the sandboxes' own. */
static void
assign(struct strongbox *b, const struct policy *p, const struct sandbox *s,
	size_t count)
{
	const struct policy_set *set = policy_find(p, s->spec->policy);

	if (s->phase == SANDBOX_LEAVING || set == NULL)
		return;
	for (size_t i = 0; i < count; i++)
		if (b->entries[i]->sandbox == NULL &&
			b->entries[i]->phase != STRONGBOX_LEAVING &&
			strongbox_lists(set, b->entries[i]->spec->name))
			want(b, i, s);
}

void
strongbox_assign(
	struct strongbox *b, const struct policy *p, const struct registry *r)
{
	size_t count = b->count; /* own entries come behind these */

	for (size_t i = 0; i < count; i++)
		b->entries[i]->wanted = 0;
	for (size_t i = 0; count > 0 && i < registry_count(r); i++)
		assign(b, p, registry_at(r, i), count);
	drop_own(b);
}

void
strongbox_assign_more(
	struct strongbox *b, const struct policy *p, const struct registry *r)
{
	size_t count = b->count;
	const struct sandbox *s;

	for (size_t i = 0; (s = registry_marked(r, i)) != NULL; i++)
		assign(b, p, s, count);
}
