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

enum { NAME_MAX_BYTES = 63 };

/* ---- the kernel's sets ------------------------------------------------ */

void
keeper_fill_kernel(struct keeper *k)
{
	char text[KEEPER_TEXT];

	for (size_t i = 0; i < registry_count(k->registry); i++) {
		struct sandbox *s = registry_at(k->registry, i);

		if (s->in_kernel || s->phase != SANDBOX_LIVING)
			continue;
		if (kernel_side_add(k->kernel, s->spec, text, sizeof(text)) < 0)
			log_error("sandbox %s: %s", s->name, text);
		else
			s->in_kernel = true;
	}
}

static void
take_out(struct keeper *k, struct sandbox *s, const struct sandbox_spec *spec)
{
	char text[KEEPER_TEXT];

	if (!s->in_kernel)
		return;
	s->in_kernel = false;
	if (kernel_side_remove(k->kernel, spec, text, sizeof(text)) < 0)
		log_error("sandbox %s: %s", s->name, text);
}

/* Before workers are told: those that go, and those that move. */
static void
empty_kernel(struct keeper *k)
{
	struct sandbox *s;

	for (size_t i = 0; (s = registry_marked(k->registry, i)) != NULL; i++) {
		if (s->phase == SANDBOX_LEAVING)
			take_out(k, s, s->spec);
		else if (s->old_spec != NULL &&
			 !sandbox_spec_same_place(s->old_spec, s->spec))
			take_out(k, s, s->old_spec);
	}
}

static void
find_interfaces(struct keeper *k)
{
	for (size_t i = 0; i < registry_count(k->registry); i++) {
		struct sandbox *s = registry_at(k->registry, i);

		s->ifindex = hostnet_ifindex(k->hostnet, s->spec->interface);
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
	empty_kernel(k);
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
	empty_kernel(k);
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

/* ---- a sandbox more --------------------------------------------------- */

static bool
is_name(const char *name)
{
	static const char word[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	static const char more[] = "abcdefghijklmnopqrstuvwxyz0123456789_.-";
	size_t len = strlen(name);

	return len > 0 && len <= NAME_MAX_BYTES && strspn(name, word) > 0 &&
	       strspn(name, more) == len;
}

static const struct policy_sandbox *
find_declared(const struct policy *p, const char *name)
{
	const struct policy_sandbox *all;
	size_t count = policy_sandboxes(p, &all);

	for (size_t i = 0; i < count; i++)
		if (strcmp(all[i].name, name) == 0)
			return &all[i];
	return NULL;
}

static int
fail(char **ret_text, int r, const char *text)
{
	*ret_text = strdup(text);
	return r;
}

static int
begin_add(struct keeper *k, struct change *c, char **ret_text)
{
	const struct policy_sandbox *declared;
	struct policy *policy = NULL;
	char text[KEEPER_TEXT];
	struct sandbox *s;
	int r;

	if (!is_name(c->name))
		return fail(ret_text, -EINVAL,
			"a name is 1 to 63 of a-z, 0-9, \"_\", \".\", \"-\", "
			"and begins with a letter or digit");
	if (registry_find(k->registry, c->name) != NULL)
		return fail(ret_text, -EEXIST, "it is there already");
	r = documents_compile_sandbox(
		k->documents, c->name, c->entry, &policy, ret_text);
	if (r < 0)
		return r;
	declared = find_declared(policy, c->name);
	r = -EINVAL;
	snprintf(text, sizeof(text), "the document declares no sandbox");
	if (declared != NULL)
		r = registry_enter(
			k->registry, declared, &s, text, sizeof(text));
	policy_unref(policy);
	if (r == 0) {
		r = keeper_load_overlays(k, text, sizeof(text));
		if (r < 0)
			registry_undo(k->registry);
		else if (s->overlay != NULL)
			snprintf(c->note, sizeof(c->note),
				"the overlay that was kept for it holds");
	}
	if (r < 0)
		return fail(ret_text, r, text);
	s->ifindex = hostnet_ifindex(k->hostnet, s->spec->interface);
	return 0;
}

static int
commit_add(struct keeper *k, struct change *c, char **ret_text)
{
	struct sandbox *s = registry_find(k->registry, c->name);
	char text[KEEPER_TEXT];
	int r;

	r = kernel_side_add(k->kernel, s->spec, text, sizeof(text));
	if (r < 0)
		return fail(ret_text, r, text);
	s->in_kernel = true;
	registry_settle(k->registry);
	return 0;
}

static void
undo_sandbox(struct keeper *k, struct change *c)
{
	(void)c;
	registry_reverse(k->registry);
	if (kernel_side_is_good(k->kernel))
		keeper_fill_kernel(k);
}

static const struct change_kind add = {
	"add a sandbox", begin_add, commit_add, undo_sandbox, NULL};

/* ---- a sandbox less --------------------------------------------------- */

static int
begin_remove(struct keeper *k, struct change *c, char **ret_text)
{
	struct sandbox *s = registry_find(k->registry, c->name);

	if (s == NULL)
		return fail(ret_text, -ENOENT, "there is no such sandbox");
	if (!s->runtime)
		return fail(ret_text, -EBUSY,
			"it is declared in a file: remove it there and reload");
	take_out(k, s, s->spec);
	registry_leave(k->registry, s);
	return 0;
}

static int
commit_settle(struct keeper *k, struct change *c, char **ret_text)
{
	(void)c, (void)ret_text;
	keeper_drop_overlays(k);
	keeper_drop_stand_ins(k);
	registry_settle(k->registry);
	strongbox_settle(k->strongbox);
	return 0;
}

static const struct change_kind remove_one = {
	"remove a sandbox", begin_remove, commit_settle, undo_sandbox, NULL};

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

const struct change_kind change_again = {
	"tell it all again", begin_nothing, commit_settle, undo_nothing, NULL};

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

void
keeper_add_sandbox(struct keeper *k, const char *name, const char *document,
	keeper_done *done, void *arg)
{
	struct change c = {.kind = &add, .done = done, .arg = arg};

	keeper_submit(k, &c, name, document);
}

void
keeper_remove_sandbox(
	struct keeper *k, const char *name, keeper_done *done, void *arg)
{
	struct change c = {.kind = &remove_one, .done = done, .arg = arg};

	keeper_submit(k, &c, name, NULL);
}
