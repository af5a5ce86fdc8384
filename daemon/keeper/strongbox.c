#include "strongbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "documents.h"
#include "log.h"
#include "policy.h"
#include "registry.h"
#include "secret.h"
#include "source.h"
#include "strongbox_part.h"
#include "strongbox_words.h"
#include "tree.h"

/* ---- one entry -------------------------------------------------------- */

void
strongbox_entry_free(struct strongbox_entry *e)
{
	if (e == NULL)
		return;
	strongbox_forget_own(e);
	secret_source_free(e->source);
	secret_unref(e->value);
	policy_unref(e->policy);
	free(e->key);
	free(e->sandbox);
	free(e->labels);
	free(e);
}

/* Says so once; never what the value is. */
static void
on_value(void *arg, const char *name, struct secret *value, const char *why)
{
	struct strongbox_entry *e = arg;
	const struct strongbox_events *events = e->strongbox->events;
	bool had = e->value != NULL;

	snprintf(e->why, sizeof(e->why), "%s", why);
	if (had && value != NULL && secret_equals(e->value, value)) {
		log_notice("credential %s: %s", name, why);
		return;
	}
	if (value == NULL)
		log_warning("credential %s: %s", name, why);
	else
		log_info("credential %s: a value is there", name);
	secret_unref(e->value);
	e->value = value != NULL ? secret_ref(value) : NULL;
	e->dirty = true;
	if (had && value == NULL)
		events->gone(e->strongbox->arg, e);
	/* Of what nobody wants, nobody has to hear. */
	if ((e->wanted | e->holders) != 0)
		events->changed(e->strongbox->arg);
}

static void
on_settled(void *arg)
{
	struct strongbox_entry *e = arg;

	e->strongbox->events->settled(e->strongbox->arg);
}

static const struct secret_events source_events = {
	.changed = on_value, .settled = on_settled};

int
strongbox_entry_open(
	struct strongbox_entry *e, char *reterr, size_t reterr_size)
{
	struct strongbox_words words;
	int r;

	r = strongbox_words_init(
		&words, e->spec, e->sandbox, e->labels, reterr, reterr_size);
	if (r == 0)
		r = secret_source_new(e->strongbox->loop, e->key, words.specs,
			words.count, &source_events, e, &e->source, reterr,
			reterr_size);
	strongbox_words_done(&words);
	return r;
}

struct strongbox_entry *
strongbox_entry_new(struct strongbox *b, struct policy *p,
	const struct policy_credential *spec, const struct sandbox *of)
{
	struct strongbox_entry *e = calloc(1, sizeof(*e)), **more;
	int r;

	if (e == NULL)
		return NULL;
	e->strongbox = b;
	e->policy = policy_ref(p);
	e->spec = spec;
	e->phase = STRONGBOX_ENTERING;
	r = asprintf(&e->key, "%s%s%s", spec->name, of != NULL ? "/" : "",
		of != NULL ? of->name : "");
	if (r < 0)
		e->key = NULL;
	if (of != NULL) {
		e->sandbox = strdup(of->name);
		e->labels = strdup(of->spec->labels);
	}
	more = realloc(
		b->entries, (b->count + 1) * sizeof(struct strongbox_entry *));
	if (more != NULL)
		b->entries = more;
	if (more == NULL || e->key == NULL ||
		(of != NULL && (e->sandbox == NULL || e->labels == NULL))) {
		strongbox_entry_free(e);
		return NULL;
	}
	b->entries[b->count++] = e;
	return e;
}

static int
add_entry(struct strongbox *b, struct policy *p,
	const struct policy_credential *spec, char *reterr, size_t reterr_size)
{
	struct strongbox_entry *e = strongbox_entry_new(b, p, spec, NULL);
	int r;

	if (e == NULL) {
		snprintf(reterr, reterr_size, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	if (spec->own)
		return 0;
	r = strongbox_entry_open(e, reterr, reterr_size);
	if (r < 0) {
		b->count--;
		strongbox_entry_free(e);
	}
	return r;
}

static void
sweep(struct strongbox *b, enum strongbox_phase phase)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->count; i++) {
		if (b->entries[i]->phase == phase)
			strongbox_entry_free(b->entries[i]);
		else
			b->entries[kept++] = b->entries[i];
	}
	b->count = kept;
	for (size_t i = 0; i < b->count; i++)
		b->entries[i]->phase = STRONGBOX_LIVING;
}

/* ---- marking ---------------------------------------------------------- */

static bool
same_words(const struct policy_source *a, const struct policy_source *b)
{
	if (a->word_count != b->word_count)
		return false;
	for (size_t i = 0; i < a->word_count; i++)
		if (strcmp(a->words[i], b->words[i]) != 0)
			return false;
	return true;
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same_source(const struct policy_source *a, const struct policy_source *b)
{
	return a->kind == b->kind && same_words(a, b) &&
	       a->format == b->format && same_text(a->field, b->field) &&
	       same_text(a->input, b->input) &&
	       a->ttl_seconds == b->ttl_seconds &&
	       a->refresh_seconds == b->refresh_seconds &&
	       a->failure_ttl_seconds == b->failure_ttl_seconds &&
	       a->timeout_seconds == b->timeout_seconds;
}

static bool
same_sources(
	const struct policy_credential *a, const struct policy_credential *b)
{
	if (a->source_count != b->source_count)
		return false;
	for (size_t i = 0; i < a->source_count; i++)
		if (!same_source(&a->sources[i], &b->sources[i]))
			return false;
	return true;
}

bool
strongbox_lists(const struct policy_set *set, const char *credential)
{
	const char *const *names;
	size_t count = policy_credential_names(set, &names);

	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], credential) == 0)
			return true;
	return false;
}

static bool
is_listed(const struct documents *d, const char *credential)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct tree_node *policies =
			tree_get(tree_root(d->files[i].tree), "policies");
		const struct tree_node *e =
			policies != NULL ? policies->first : NULL;

		for (; e != NULL; e = e->next) {
			const struct policy_set *set =
				policy_find(d->policy, e->key->text);

			if (set != NULL && strongbox_lists(set, credential))
				return true;
		}
	}
	return false;
}

static struct strongbox_entry *
find_same(struct strongbox *b, const struct policy_credential *spec)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->entries[i]->sandbox == NULL &&
			strcmp(b->entries[i]->spec->name, spec->name) == 0 &&
			same_sources(b->entries[i]->spec, spec))
			return b->entries[i];
	return NULL;
}

int
strongbox_open(struct strongbox *b, const struct documents *d, char *reterr,
	size_t reterr_size)
{
	const struct policy_credential *specs;
	size_t count = policy_credentials(d->policy, &specs);
	struct strongbox_entry *same;
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		if (!is_listed(d, specs[i].name))
			continue;
		same = find_same(b, &specs[i]);
		if (same == NULL)
			r = add_entry(
				b, d->policy, &specs[i], reterr, reterr_size);
		else if (specs[i].required && same->value == NULL)
			secret_source_refresh(same->source);
	}
	if (r < 0)
		strongbox_undo(b);
	return r;
}

int
strongbox_check(struct strongbox *b, const struct documents *d, char *reterr,
	size_t reterr_size)
{
	const struct policy_credential *specs;
	size_t count = policy_credentials(d->policy, &specs);
	const struct strongbox_entry *e;
	int r = 0;

	for (size_t i = 0; i < count; i++) {
		e = specs[i].required ? find_same(b, &specs[i]) : NULL;
		if (e == NULL || e->value != NULL)
			continue;
		if (secret_source_is_asking(e->source))
			return -EAGAIN;
		if (r == 0)
			snprintf(reterr, reterr_size,
				"%s: credential \"%s\" is required and has no "
				"value: %s",
				specs[i].source, specs[i].name, e->why);
		r = -EINVAL;
	}
	return r;
}

void
strongbox_declare(struct strongbox *b, const struct documents *d)
{
	const struct policy_credential *specs;
	size_t count = policy_credentials(d->policy, &specs);
	struct strongbox_entry *same;

	for (size_t i = 0; i < b->count; i++)
		if (b->entries[i]->sandbox == NULL &&
			b->entries[i]->phase != STRONGBOX_ENTERING)
			b->entries[i]->phase = STRONGBOX_LEAVING;
	for (size_t i = 0; i < count; i++) {
		same = is_listed(d, specs[i].name) ? find_same(b, &specs[i])
						   : NULL;
		if (same != NULL && same->phase == STRONGBOX_LEAVING)
			same->phase = STRONGBOX_LIVING;
	}
}

void
strongbox_settle(struct strongbox *b)
{
	sweep(b, STRONGBOX_LEAVING);
}

void
strongbox_undo(struct strongbox *b)
{
	sweep(b, STRONGBOX_ENTERING);
}

void
strongbox_reverse(struct strongbox *b)
{
	for (size_t i = 0; i < b->count; i++) {
		struct strongbox_entry *e = b->entries[i];

		e->phase = e->phase == STRONGBOX_ENTERING ? STRONGBOX_LEAVING
							  : STRONGBOX_LIVING;
	}
}

void
strongbox_forget_worker(struct strongbox *b, uint32_t index)
{
	for (size_t i = 0; i < b->count; i++)
		b->entries[i]->holders &= ~(UINT64_C(1) << index);
}

/* ---- life ------------------------------------------------------------- */

struct strongbox *
strongbox_new(
	struct ev_loop *loop, const struct strongbox_events *events, void *arg)
{
	struct strongbox *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->loop = loop;
	b->events = events;
	b->arg = arg;
	return b;
}

void
strongbox_free(struct strongbox *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->count; i++)
		strongbox_entry_free(b->entries[i]);
	free(b->entries);
	free(b);
}

size_t
strongbox_count(const struct strongbox *b)
{
	return b->count;
}

struct strongbox_entry *
strongbox_at(const struct strongbox *b, size_t i)
{
	return b->entries[i];
}
