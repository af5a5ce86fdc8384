/*
 * keeper_sandbox.c - the changes of one sandbox: it comes, is another, goes
 *
 * The kernel's sets are emptied before workers hear that a sandbox goes or
 * moves, and filled after they know one that comes (keeper_change.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "documents.h"
#include "hostnet.h"
#include "keeper_state.h"
#include "kernel_side.h"
#include "policy.h"
#include "registry.h"
#include "strongbox.h"

enum { NAME_MAX_BYTES = 63 };

/* ---- one more, or another --------------------------------------------- */

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

/* What c's document says of its sandbox; *ret_policy keeps it alive. */
static int
read_declared(struct keeper *k, struct change *c,
	const struct policy_sandbox **ret, struct policy **ret_policy,
	char **ret_text)
{
	int r;

	if (!is_name(c->name))
		return fail(ret_text, -EINVAL,
			"a name is 1 to 63 of a-z, 0-9, \"_\", \".\", \"-\", "
			"and begins with a letter or digit");
	r = documents_compile_sandbox(
		k->documents, c->name, c->entry, ret_policy, ret_text);
	if (r < 0)
		return r;
	*ret = find_declared(*ret_policy, c->name);
	if (*ret != NULL)
		return 0;
	policy_unref(*ret_policy);
	return fail(ret_text, -EINVAL, "the document declares no sandbox");
}

static int
enter(struct keeper *k, struct change *c, const struct policy_sandbox *declared,
	char *reterr, size_t reterr_size)
{
	struct sandbox *s;
	int r = registry_enter(k->registry, declared, &s, reterr, reterr_size);

	if (r < 0)
		return r;
	r = keeper_load_overlays(k, reterr, reterr_size);
	if (r < 0)
		registry_undo(k->registry);
	else if (s->overlay != NULL)
		snprintf(c->note, sizeof(c->note),
			"the overlay that was kept for it holds");
	return r;
}

/* It is there; its connections stand where nothing else forbids them. */
static int
replace(struct keeper *k, struct sandbox *s,
	const struct policy_sandbox *declared, char *reterr, size_t reterr_size)
{
	int r = registry_replace(k->registry, s, declared, reterr, reterr_size);

	if (r == 0)
		keeper_empty_kernel(k);
	return r;
}

static int
begin_put(struct keeper *k, struct change *c, char **ret_text)
{
	struct sandbox *s = registry_find(k->registry, c->name);
	const struct policy_sandbox *declared;
	struct policy *policy;
	char text[KEEPER_TEXT];
	int r;

	if (s != NULL && !s->runtime)
		return fail(ret_text, -EEXIST,
			"it is declared in a file: change it there and reload");
	if (s != NULL && c->create)
		return fail(ret_text, -ESTALE, "it is there already");
	r = read_declared(k, c, &declared, &policy, ret_text);
	if (r < 0)
		return r;
	r = s != NULL ? replace(k, s, declared, text, sizeof(text))
		      : enter(k, c, declared, text, sizeof(text));
	policy_unref(policy);
	if (r < 0)
		return fail(ret_text, r, text);
	s = registry_find(k->registry, c->name);
	keeper_forget_interface(s);
	(void)keeper_see_interface(k, s);
	return 0;
}

static int
commit_put(struct keeper *k, struct change *c, char **ret_text)
{
	struct sandbox *s = registry_find(k->registry, c->name);
	char text[KEEPER_TEXT];
	int r = 0;

	if (!s->in_kernel && s->link != SANDBOX_RENAMED) {
		r = kernel_side_add(k->kernel, s->spec, text, sizeof(text));
		if (r < 0)
			return fail(ret_text, r, text);
		s->in_kernel = true;
	}
	registry_settle(k->registry);
	strongbox_settle(k->strongbox);
	return 0;
}

static void
undo_sandbox(struct keeper *k, struct change *c)
{
	(void)c;
	keeper_empty_kernel(k);
	registry_reverse(k->registry);
	if (kernel_side_is_good(k->kernel))
		keeper_fill_kernel(k);
}

static const struct change_kind put = {
	"put a sandbox", begin_put, commit_put, undo_sandbox, NULL};

/* ---- one less ---------------------------------------------------------- */

static int
begin_remove(struct keeper *k, struct change *c, char **ret_text)
{
	struct sandbox *s = registry_find(k->registry, c->name);

	if (s == NULL)
		return fail(ret_text, -ENOENT, "there is no such sandbox");
	if (!s->runtime)
		return fail(ret_text, -EBUSY,
			"it is declared in a file: remove it there and reload");
	keeper_take_out(k, s, s->spec);
	registry_leave(k->registry, s);
	return 0;
}

static const struct change_kind remove_one = {"remove a sandbox", begin_remove,
	keeper_commit_settle, undo_sandbox, NULL};

/* ---- submitting ------------------------------------------------------- */

void
keeper_add_sandbox(struct keeper *k, const char *name, const char *document,
	keeper_done *done, void *arg)
{
	struct change c = {
		.kind = &put, .done = done, .arg = arg, .create = true};

	keeper_submit(k, &c, name, document);
}

void
keeper_put_sandbox(struct keeper *k, const char *name, const char *document,
	keeper_done *done, void *arg)
{
	struct change c = {.kind = &put, .done = done, .arg = arg};

	keeper_submit(k, &c, name, document);
}

void
keeper_remove_sandbox(
	struct keeper *k, const char *name, keeper_done *done, void *arg)
{
	struct change c = {.kind = &remove_one, .done = done, .arg = arg};

	keeper_submit(k, &c, name, NULL);
}
