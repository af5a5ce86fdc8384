/*
 * keeper_entry.c - the change of one policy or credential
 *
 * Theory of operation
 *
 * What was put over the control socket has no place of its own in the keeper:
 * it is among the documents of the generation that holds, behind the files.  A
 * change makes the documents of the next generation out of these, with one
 * entry more, another or one less, and from there on it is a reload; a reload
 * of the files takes the entries along.
 *
 * It is on disk before its done() is called, and after all workers have it, as
 * an overlay is.  Once something ephemeral was done, disk and memory differ: no
 * change that is to be kept may lean on what will not be there, or the next
 * start would fail.  So it has to hold among what is on disk, too.
 */
#include "keeper_entry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "documents.h"
#include "entry_store.h"
#include "keeper_state.h"
#include "policy.h"
#include "registry.h"

enum { USERS_NAMED = 5 };

/* ---- what there is ------------------------------------------------------ */

static const struct document *
find(const struct documents *d, enum policy_entry_kind kind, const char *name)
{
	struct document_list entries = documents_entries(d);

	return document_list_find(&entries, kind, name);
}

/* Before the first generation holds there is the one that is to be. */
static const struct documents *
present(const struct keeper *k)
{
	return k->documents != NULL ? k->documents : k->target;
}

int
keeper_entry_of(struct keeper *k, enum policy_entry_kind kind, const char *name,
	char **ret_text, char ret_tag[KEEPER_TAG])
{
	const struct policy *p = keeper_policy(k);
	struct report_mark at;
	char *text;
	int r;

	if (!policy_entry_find(p, kind, name, &at))
		return -ENOENT;
	text = policy_entry_print(p, kind, name);
	if (text == NULL)
		return -ENOMEM;
	r = keeper_tag_of(text, ret_tag);
	if (r == 0)
		*ret_text = text;
	else
		free(text);
	return r;
}

json_t *
keeper_entry_place(
	struct keeper *k, enum policy_entry_kind kind, const char *name)
{
	const struct document *d = find(present(k), kind, name);
	char text[KEEPER_TEXT] = "socket";
	struct report_mark at;

	if (!policy_entry_find(keeper_policy(k), kind, name, &at))
		return NULL;
	if (d == NULL)
		snprintf(text, sizeof(text), "%s:%u", at.file, at.line);
	return json_pack("{s:o, s:b}", "source", keeper_text(text), "ephemeral",
		d != NULL && d->ephemeral);
}

/* ---- who uses it -------------------------------------------------------- */

struct users {
	char text[KEEPER_TEXT];
	size_t count;
};

static void
add_user(struct users *u, const char *what, const char *name)
{
	size_t len = strlen(u->text);

	if (u->count++ < USERS_NAMED)
		snprintf(u->text + len, sizeof(u->text) - len, "%s%s %s",
			len > 0 ? ", " : "", what, name);
}

static void
find_sandboxes(const struct keeper *k, const char *policy, struct users *ret)
{
	for (size_t i = 0; i < registry_count(k->registry); i++) {
		const struct sandbox *s = registry_at(k->registry, i);

		if (strcmp(s->spec->policy, policy) == 0)
			add_user(ret, "sandbox", s->name);
	}
}

static void
find_policies(const struct keeper *k, const char *credential, struct users *ret)
{
	const struct policy_set *set;
	const char *const *names;

	for (size_t i = 0; (set = policy_at(keeper_policy(k), i)) != NULL;
		i++) {
		size_t count = policy_credential_names(set, &names);

		for (size_t n = 0; n < count; n++)
			if (strcmp(names[n], credential) == 0)
				add_user(ret, "policy", policy_name(set));
	}
}

static int
check_unused(struct keeper *k, const struct change *c, char **ret_text)
{
	struct users users = {.count = 0};

	if (c->entry_kind == POLICY_ENTRY_POLICY)
		find_sandboxes(k, c->name, &users);
	else
		find_policies(k, c->name, &users);
	if (users.count == 0)
		return 0;
	if (asprintf(ret_text, "%s %s is in use by %s%s",
		    policy_entry_noun(c->entry_kind), c->name, users.text,
		    users.count > USERS_NAMED ? " and others" : "") < 0)
		*ret_text = NULL;
	return -ENOTEMPTY;
}

/* ---- whether it may be -------------------------------------------------- */

static int
refuse(int r, const struct change *c, const char *why, char **ret_text)
{
	if (asprintf(ret_text, "%s %s %s", policy_entry_noun(c->entry_kind),
		    c->name, why) < 0)
		*ret_text = NULL;
	return r;
}

static int
check_match(struct keeper *k, const struct change *c, bool is_there,
	char **ret_text)
{
	char tag[KEEPER_TAG], *text = NULL;
	int r;

	if (c->create && is_there)
		return refuse(-ESTALE, c, "is there already", ret_text);
	if (c->match == NULL)
		return 0;
	if (!is_there)
		return refuse(-ESTALE, c, "is not there any more", ret_text);
	if (strcmp(c->match, "*") == 0)
		return 0;
	r = keeper_entry_of(k, c->entry_kind, c->name, &text, tag);
	if (r < 0)
		return r;
	free(text);
	return strcmp(c->match, tag) == 0
		       ? 0
		       : refuse(-ESTALE, c, "has changed since", ret_text);
}

static int
check_change(struct keeper *k, const struct change *c, char **ret_text)
{
	struct report_mark at;
	bool is_there = policy_entry_find(
		keeper_policy(k), c->entry_kind, c->name, &at);
	char where[KEEPER_TEXT];
	int r = check_match(k, c, is_there, ret_text);

	if (r < 0)
		return r;
	if (!is_there && c->entry == NULL)
		return refuse(-ENOENT, c, "is not there", ret_text);
	if (is_there && find(present(k), c->entry_kind, c->name) == NULL) {
		snprintf(where, sizeof(where),
			"is declared at %s:%u: change that file, and reload",
			at.file, at.line);
		return refuse(-EBUSY, c, where, ret_text);
	}
	return c->entry == NULL ? check_unused(k, c, ret_text) : 0;
}

/* ---- what is on disk ---------------------------------------------------- */

/* Whether the next start could load what will be there then. */
static int
check_kept(struct keeper *k, const struct change *c, char **ret_text)
{
	struct document_list kept = {0};
	struct documents *then = NULL;
	const struct document *d = find(c->documents, c->entry_kind, c->name);
	struct document ours;
	char *report = NULL;
	int r = entry_store_load(k->entries, &kept, ret_text);

	if (r < 0)
		return r;
	document_list_remove(&kept, c->entry_kind, c->name);
	if (d != NULL) {
		document_share(d, &ours);
		r = document_list_add(&kept, &ours);
	}
	if (r == 0)
		r = documents_with(present(k), &kept, &then, &report);
	if (report != NULL && asprintf(ret_text,
				      "after a restart, without what is "
				      "ephemeral, this would not load:\n%s",
				      report) < 0)
		*ret_text = NULL;
	free(report);
	documents_free(then);
	document_list_done(&kept);
	return r;
}

static int
keep(struct keeper *k, const struct change *c, char *reterr, size_t reterr_size)
{
	const struct document *d = find(c->documents, c->entry_kind, c->name);

	if (d != NULL)
		return entry_store_put(k->entries, d, reterr, reterr_size);
	return entry_store_remove(
		k->entries, c->entry_kind, c->name, reterr, reterr_size);
}

/* ---- the change --------------------------------------------------------- */

static int
make_documents(struct keeper *k, struct change *c, char **ret_text)
{
	struct documents_change wanted = {
		.kind = c->entry_kind,
		.name = c->name,
		.text = c->entry,
		.ephemeral = c->ephemeral,
	};
	int r = check_change(k, c, ret_text);

	if (r == 0)
		r = documents_change(
			present(k), &wanted, &c->documents, ret_text);
	if (r == -ENOSPC)
		return refuse(r, c,
			"would be one too many: let files have some", ret_text);
	if (r < 0 || c->ephemeral || !k->strayed)
		return r;
	r = check_kept(k, c, ret_text);
	if (r < 0) {
		documents_free(c->documents);
		c->documents = NULL;
	}
	return r;
}

static int
begin_entry(struct keeper *k, struct change *c, char **ret_text)
{
	int r = c->documents == NULL ? make_documents(k, c, ret_text) : 0;

	return r < 0 ? r : keeper_begin_reload(k, c, ret_text);
}

static int
commit_entry(struct keeper *k, struct change *c, char **ret_text)
{
	bool replaces = find(k->documents, c->entry_kind, c->name) != NULL;
	char text[KEEPER_TEXT];
	int r = c->ephemeral ? 0 : keep(k, c, text, sizeof(text));

	if (r < 0) {
		*ret_text = strdup(text);
		return r;
	}
	k->strayed |= c->ephemeral;
	if (replaces && c->entry != NULL)
		snprintf(c->note, sizeof(c->note), "it takes another's place");
	return keeper_commit_reload(k, c, ret_text);
}

static const struct change_kind put = {"put an entry", begin_entry,
	commit_entry, keeper_undo_reload, keeper_abandon_reload};

static const struct change_kind take = {"remove an entry", begin_entry,
	commit_entry, keeper_undo_reload, keeper_abandon_reload};

void
keeper_set_entry(struct keeper *k, const struct keeper_entry *entry,
	keeper_done *done, void *arg)
{
	struct change c = {
		.kind = entry->document != NULL ? &put : &take,
		.done = done,
		.arg = arg,
		.entry_kind = entry->kind,
		.create = entry->create,
		.ephemeral = entry->ephemeral,
	};

	if (entry->match != NULL && (c.match = strdup(entry->match)) == NULL) {
		done(arg, -ENOMEM, strerror(ENOMEM), NULL);
		return;
	}
	keeper_submit(k, &c, entry->name, entry->document);
}
