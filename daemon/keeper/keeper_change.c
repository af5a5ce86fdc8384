/*
 * keeper_change.c - the kinds of change
 *
 * Each is a row of change.h's table type: begin() marks what comes and goes in
 * the registry and the strongbox, commit() lets that come true, undo() marks
 * the way back.  The kernel's sets are emptied before workers hear that a
 * sandbox goes, and filled after they know one that comes: in between its
 * packets are dropped, and never meet a worker that does not know them.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "documents.h"
#include "hostnet.h"
#include "keeper_state.h"
#include "kernel_side.h"
#include "log.h"
#include "policy.h"
#include "registry.h"
#include "settings.h"
#include "strongbox.h"

/* ---- the kernel's sets ------------------------------------------------ */

void
keeper_fill_kernel(struct keeper *k)
{
	char text[KEEPER_TEXT];

	for (size_t i = 0; i < registry_count(k->registry); i++) {
		struct sandbox *s = registry_at(k->registry, i);

		if (s->in_kernel || s->phase != SANDBOX_LIVING ||
			s->link == SANDBOX_RENAMED)
			continue;
		if (kernel_side_add(k->kernel, s->spec, text, sizeof(text)) < 0)
			log_error("sandbox %s: %s", s->name, text);
		else
			s->in_kernel = true;
	}
}

void
keeper_take_out(
	struct keeper *k, struct sandbox *s, const struct sandbox_spec *spec)
{
	char text[KEEPER_TEXT];

	if (s->link == SANDBOX_RENAMED)
		kernel_side_let_go(k->kernel, spec->interface);
	if (!s->in_kernel)
		return;
	s->in_kernel = false;
	if (kernel_side_remove(k->kernel, spec, text, sizeof(text)) < 0)
		log_error("sandbox %s: %s", s->name, text);
}

void
keeper_empty_kernel(struct keeper *k)
{
	struct sandbox *s;

	for (size_t i = 0; (s = registry_marked(k->registry, i)) != NULL; i++) {
		if (s->phase == SANDBOX_LEAVING)
			keeper_take_out(k, s, s->spec);
		else if (s->old_spec != NULL &&
			 !sandbox_spec_same_place(s->old_spec, s->spec))
			keeper_take_out(k, s, s->old_spec);
	}
}

static void
find_interfaces(struct keeper *k)
{
	for (size_t i = 0; i < registry_count(k->registry); i++) {
		struct sandbox *s = registry_at(k->registry, i);

		if (keeper_see_interface(k, s))
			registry_soil(k->registry, s);
	}
}

/* ---- reload ----------------------------------------------------------- */

static void
note_settings(const struct keeper *k, struct change *c)
{
	const char *key;

	if (k->documents == NULL)
		return;
	key = settings_difference(
		k->documents->files[0].tree, c->documents->files[0].tree);
	if (key != NULL)
		snprintf(c->note, sizeof(c->note),
			"\"%s\" has changed: settings take effect when "
			"sbx-netd starts again",
			key);
}

/* Nobody was told of them. */
void
keeper_abandon_reload(struct keeper *k, struct change *c)
{
	if (c->opened)
		strongbox_undo(k->strongbox);
	/* At the start workers may be told the settings: keeper_free()'s. */
	if (k->target != c->documents)
		documents_free(c->documents);
	c->documents = NULL;
}

static int
open_documents(struct keeper *k, struct change *c, char **ret_text)
{
	struct document_list entries;
	char text[KEEPER_TEXT];
	int r;

	if (c->documents == NULL) {
		entries = documents_entries(k->target);
		r = documents_load(k->config, k->runtime_dir, &entries,
			&c->documents, ret_text);
		if (r < 0)
			return r;
	}
	note_settings(k, c);
	r = strongbox_open(k->strongbox, c->documents, text, sizeof(text));
	if (r < 0) {
		*ret_text = strdup(text);
		keeper_abandon_reload(k, c);
	}
	c->opened = r == 0;
	return r;
}

static int
declare_sandboxes(struct keeper *k, const struct documents *documents,
	char *reterr, size_t reterr_size)
{
	int r = registry_declare(
		k->registry, documents->policy, reterr, reterr_size);

	if (r < 0)
		return r;
	r = keeper_load_overlays(k, reterr, reterr_size);
	if (r < 0)
		registry_undo(k->registry);
	return r;
}

int
keeper_begin_reload(struct keeper *k, struct change *c, char **ret_text)
{
	char text[KEEPER_TEXT];
	int r;

	if (!c->opened) {
		r = open_documents(k, c, ret_text);
		if (r < 0)
			return r;
	}
	r = strongbox_check(k->strongbox, c->documents, text, sizeof(text));
	if (r == -EAGAIN)
		return r;
	if (r == 0)
		r = declare_sandboxes(k, c->documents, text, sizeof(text));
	if (r < 0) {
		*ret_text = strdup(text);
		keeper_abandon_reload(k, c);
		return r;
	}
	strongbox_declare(k->strongbox, c->documents);
	k->target = c->documents;
	find_interfaces(k);
	keeper_empty_kernel(k);
	return 0;
}

/* Its settings hold from the beginning: workers are started with them while a
 * secret is still waited for. */
static int
begin_start(struct keeper *k, struct change *c, char **ret_text)
{
	k->target = c->documents;
	return keeper_begin_reload(k, c, ret_text);
}

int
keeper_commit_reload(struct keeper *k, struct change *c, char **ret_text)
{
	(void)ret_text;
	keeper_drop_overlays(k);
	keeper_drop_stand_ins(k);
	registry_settle(k->registry);
	strongbox_settle(k->strongbox);
	documents_free(k->documents);
	k->documents = c->documents;
	c->documents = NULL;
	assert(k->target == k->documents);
	if (kernel_side_is_good(k->kernel))
		keeper_fill_kernel(k);
	log_notice("generation %lu holds: %zu documents, %zu sandboxes",
		(unsigned long)c->generation, k->documents->count,
		registry_count(k->registry));
	return 0;
}

void
keeper_undo_reload(struct keeper *k, struct change *c)
{
	if (k->documents == NULL)
		return; /* the start has nothing to go back to */
	keeper_empty_kernel(k);
	registry_reverse(k->registry);
	strongbox_reverse(k->strongbox);
	k->target = k->documents;
	documents_free(c->documents);
	c->documents = NULL;
	if (kernel_side_is_good(k->kernel))
		keeper_fill_kernel(k);
}

static const struct change_kind start = {"start", begin_start,
	keeper_commit_reload, keeper_undo_reload, keeper_abandon_reload};

static const struct change_kind reload = {"reload", keeper_begin_reload,
	keeper_commit_reload, keeper_undo_reload, keeper_abandon_reload};

int
keeper_commit_settle(struct keeper *k, struct change *c, char **ret_text)
{
	(void)c, (void)ret_text;
	keeper_drop_overlays(k);
	keeper_drop_stand_ins(k);
	registry_settle(k->registry);
	strongbox_settle(k->strongbox);
	return 0;
}

/* ---- nothing but what is dirty ---------------------------------------- */

static int
begin_nothing(struct keeper *k, struct change *c, char **ret_text)
{
	(void)k, (void)c, (void)ret_text;
	return 0;
}

static int
commit_nothing(struct keeper *k, struct change *c, char **ret_text)
{
	(void)k, (void)c, (void)ret_text;
	return 0;
}

static void
undo_nothing(struct keeper *k, struct change *c)
{
	(void)k, (void)c;
}

static const struct change_kind update = {
	"update", begin_nothing, commit_nothing, undo_nothing, NULL};

const struct change_kind change_again = {"tell it all again", begin_nothing,
	keeper_commit_settle, undo_nothing, NULL};

/* ---- submitting ------------------------------------------------------- */

void
keeper_submit(struct keeper *k, const struct change *wanted, const char *name,
	const char *entry)
{
	struct change *c = malloc(sizeof(*c));

	if (c == NULL)
		goto fail;
	*c = *wanted;
	c->name = name != NULL ? strdup(name) : NULL;
	c->entry = entry != NULL ? strdup(entry) : NULL;
	if ((name != NULL && c->name == NULL) ||
		(entry != NULL && c->entry == NULL))
		goto fail;
	change_submit(&k->changes, c);
	return;
fail:
	change_free(c);
	if (wanted->done != NULL)
		wanted->done(wanted->arg, -ENOMEM, strerror(ENOMEM), NULL);
}

void
keeper_apply_start(struct keeper *k, struct documents *first, keeper_done *done)
{
	struct change c = {
		.kind = &start, .done = done, .arg = k, .documents = first};

	keeper_submit(k, &c, NULL, NULL);
}

void
keeper_apply_update(struct keeper *k)
{
	struct change c = {.kind = &update};

	if (!change_is_waiting(&k->changes, &update))
		keeper_submit(k, &c, NULL, NULL);
}

void
keeper_reload(struct keeper *k, keeper_done *done, void *arg)
{
	struct change c = {.kind = &reload, .done = done, .arg = arg};

	keeper_submit(k, &c, NULL, NULL);
}
