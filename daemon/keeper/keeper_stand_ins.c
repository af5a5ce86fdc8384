/*
 * keeper_stand_ins.c - what sandboxes are given in place of values
 *
 * Theory of operation
 *
 * A stand-in is drawn when a sandbox is first told of a policy that lists the
 * credential, looks like the value of that moment, and stays: a program that
 * runs has it in its environment, whatever becomes of value, policy and daemon.
 * So it is kept in the runtime directory, a file for each sandbox that only its
 * owner can read, and goes with the sandbox.
 *
 * A sandbox has as many at most as a policy may list.  When policies change so
 * often that there would be more, those go first which no policy of it lists
 * any more.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "documents.h"
#include "keeper_state.h"
#include "log.h"
#include "policy.h"
#include "policy_swap.h"
#include "registry.h"
#include "secret.h"
#include "stand_in.h"
#include "state_folder.h"
#include "strongbox.h"

/* ---- which there have to be --------------------------------------------- */

struct wanted { /* credentials with a stand-in that a policy lists */
	const struct policy_credential *items[POLICY_STAND_INS_MAX];
	size_t count;
};

static bool
lists(const struct policy_set *set, const char *credential)
{
	const char *const *names;
	size_t count = policy_credential_names(set, &names);

	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], credential) == 0)
			return true;
	return false;
}

static struct wanted
wanted_by(const struct policy *p, const struct sandbox *s)
{
	const struct policy_set *set = policy_find(p, s->spec->policy);
	const struct policy_credential *all;
	size_t count = policy_credentials(p, &all);
	struct wanted w = {.count = 0};

	for (size_t i = 0; i < count && set != NULL; i++) {
		if (!all[i].stands_in || !lists(set, all[i].name))
			continue;
		assert(w.count < POLICY_STAND_INS_MAX); /* or it is refused */
		w.items[w.count++] = &all[i];
	}
	return w;
}

static bool
is_wanted(const struct wanted *w, const char *name)
{
	for (size_t i = 0; i < w->count; i++)
		if (strcmp(w->items[i]->name, name) == 0)
			return true;
	return false;
}

/* ---- what is kept ------------------------------------------------------- */

static json_t *
read_kept(const char *text)
{
	json_t *kept = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *value;
	bool good = json_is_object(kept) &&
		    json_object_size(kept) <= POLICY_STAND_INS_MAX;
	const char *key;

	json_object_foreach(kept, key, value)
	{
		good = good && json_is_string(value) &&
		       stand_in_is_valid((struct span){json_string_value(value),
			       json_string_length(value)});
	}
	if (good)
		return kept;
	json_decref(kept);
	return NULL;
}

static void
load(struct keeper *k, struct sandbox *s)
{
	char *text = NULL, why[KEEPER_TEXT];

	if (state_folder_get(k->stand_ins, s->name, &text, why, sizeof(why)) <
		0)
		log_error("sandbox %s: its stand-ins: %s", s->name, why);
	if (text != NULL) {
		s->stand_ins = read_kept(text);
		if (s->stand_ins == NULL)
			log_error("sandbox %s: %s/%s.yaml, which was kept for "
				  "it, holds no stand-ins: it gets new ones",
				s->name, k->stand_ins, s->name);
	}
	free(text);
	if (s->stand_ins == NULL)
		s->stand_ins = json_object();
}

static void
save(struct keeper *k, const struct sandbox *s)
{
	char *text = json_dumps(s->stand_ins, JSON_COMPACT), why[KEEPER_TEXT];
	int r = -ENOMEM;

	snprintf(why, sizeof(why), "%s", strerror(ENOMEM));
	if (text != NULL)
		r = state_folder_put(
			k->stand_ins, s->name, text, why, sizeof(why));
	if (r < 0)
		log_error("sandbox %s: its stand-ins will be others when "
			  "sbx-netd starts again: %s",
			s->name, why);
	free(text);
}

/* ---- a new one ---------------------------------------------------------- */

/* The value that it has for this sandbox; empty: none. */
static struct span
value_of(const struct keeper *k, const struct policy_credential *c,
	const struct sandbox *s)
{
	for (size_t i = 0; i < strongbox_count(k->strongbox); i++) {
		const struct strongbox_entry *e = strongbox_at(k->strongbox, i);

		if (e->phase != STRONGBOX_LEAVING && e->value != NULL &&
			strcmp(e->spec->name, c->name) == 0 &&
			(e->sandbox == NULL ||
				strcmp(e->sandbox, s->name) == 0))
			return secret_bytes(e->value);
	}
	return (struct span){"", 0};
}

static void
make_room(struct sandbox *s, const struct wanted *w)
{
	const char *key;
	json_t *value;
	void *next;

	if (json_object_size(s->stand_ins) < POLICY_STAND_INS_MAX)
		return;
	json_object_foreach_safe(s->stand_ins, next, key, value)
	{
		if (!is_wanted(w, key)) {
			json_object_del(s->stand_ins, key);
			return;
		}
	}
}

static int
mint(struct keeper *k, struct sandbox *s, const struct wanted *w,
	const struct policy_credential *c)
{
	char text[STAND_IN_MAX + 1];
	int r = stand_in_draw(value_of(k, c, s), text);

	if (r < 0)
		return r;
	make_room(s, w);
	return json_object_set_new(s->stand_ins, c->name, json_string(text)) < 0
		       ? -ENOMEM
		       : 0;
}

static void
assign(struct keeper *k, struct sandbox *s)
{
	struct wanted w = wanted_by(k->target->policy, s);
	bool changed = false;

	if (w.count > 0 && s->stand_ins == NULL)
		load(k, s);
	for (size_t i = 0; i < w.count; i++) {
		int r = 0;

		if (json_object_get(s->stand_ins, w.items[i]->name) == NULL) {
			r = mint(k, s, &w, w.items[i]);
			changed = true;
		}
		if (r < 0)
			log_error("sandbox %s: no stand-in for credential %s: "
				  "%s",
				s->name, w.items[i]->name, strerror(-r));
	}
	if (!changed)
		return;
	save(k, s);
	registry_soil(k->registry, s);
}

void
keeper_assign_stand_ins(struct keeper *k, enum batch batch)
{
	bool all = batch != BATCH_NEWS || k->target != k->documents;
	struct sandbox *s;

	for (size_t i = 0; all && i < registry_count(k->registry); i++) {
		s = registry_at(k->registry, i);
		if (s->phase != SANDBOX_LEAVING)
			assign(k, s);
	}
	for (size_t i = 0;
		!all && (s = registry_marked(k->registry, i)) != NULL; i++) {
		if (s->dirty && s->phase != SANDBOX_LEAVING)
			assign(k, s);
	}
}

void
keeper_drop_stand_ins(struct keeper *k)
{
	const struct sandbox *s;
	char why[KEEPER_TEXT];

	for (size_t i = 0; (s = registry_marked(k->registry, i)) != NULL; i++) {
		if (s->phase == SANDBOX_LEAVING &&
			state_folder_remove(
				k->stand_ins, s->name, why, sizeof(why)) < 0)
			log_error("sandbox %s: its stand-ins stay behind: %s",
				s->name, why);
	}
}

/* ---- for who starts the sandbox ------------------------------------------ */

json_t *
keeper_environment(struct keeper *k, const char *name)
{
	const struct sandbox *s = registry_find(k->registry, name);
	json_t *environment, *stand_ins, *text;
	struct wanted w;

	if (s == NULL || s->phase != SANDBOX_LIVING)
		return NULL;
	environment = json_object();
	stand_ins = json_object();
	w = wanted_by(k->documents->policy, s);
	for (size_t i = 0; i < w.count; i++) {
		text = json_object_get(s->stand_ins, w.items[i]->name);
		if (text == NULL)
			continue;
		json_object_set(stand_ins, w.items[i]->name, text);
		for (size_t v = 0; v < w.items[i]->environment_count; v++)
			json_object_set(
				environment, w.items[i]->environment[v], text);
	}
	return json_pack("{s:o, s:o}", "environment", environment, "stand_ins",
		stand_ins);
}
