/*
 * keeper_secrets.c - what the sources of secrets do to us, and we to them
 *
 * A new value is told to the workers, and so is that there is none any more;
 * that is put on record as well, because requests that used it end with it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decision_log.h"
#include "documents.h"
#include "keeper_state.h"
#include "policy.h"
#include "source.h"
#include "strongbox.h"

static void
on_changed(void *arg)
{
	struct keeper *k = arg;

	/*
	 * What comes while a change is made goes with it, or behind it.  So it
	 * is with the first one, which a command's value is late for.
	 */
	if (k->documents != NULL || k->changes.flight != NULL)
		keeper_apply_update(k);
}

static void
on_gone(void *arg, const struct strongbox_entry *e)
{
	struct keeper *k = arg;
	char detail[KEEPER_TEXT];
	struct decision_event event = {
		.reason = RECORD_CREDENTIAL_REVOKED,
		.detail = detail,
		.generation = k->generation,
	};

	snprintf(detail, sizeof(detail),
		"credential %s has no value any more: %s", e->key, e->why);
	decision_log_add(k->log, &event);
}

static void
on_settled(void *arg)
{
	struct keeper *k = arg;

	change_resume(&k->changes);
}

const struct strongbox_events keeper_strongbox_events = {
	.changed = on_changed,
	.gone = on_gone,
	.settled = on_settled,
};

/* ---- asking again ------------------------------------------------------- */

static bool
is_meant(const struct strongbox_entry *e, const char *name)
{
	return e->phase != STRONGBOX_LEAVING &&
	       (e->sandbox == NULL || e->wanted != 0) &&
	       (name == NULL || strcmp(e->spec->name, name) == 0);
}

/* All that are meant and have no value, a line each; NULL: none. */
static char *
list_missing(const struct keeper *k, const char *name)
{
	char *text = NULL, *more;

	for (size_t i = 0; i < strongbox_count(k->strongbox); i++) {
		const struct strongbox_entry *e = strongbox_at(k->strongbox, i);

		if (!is_meant(e, name) || e->value != NULL ||
			(e->spec->own && e->sandbox == NULL))
			continue;
		if (asprintf(&more, "%s%scredential %s: %s",
			    text != NULL ? text : "", text != NULL ? "\n" : "",
			    e->key, e->why) < 0)
			return text;
		free(text);
		text = more;
	}
	return text;
}

static int
begin_refresh(struct keeper *k, struct change *c, char **ret_text)
{
	size_t found = 0;
	bool asking = false;

	for (size_t i = 0; i < strongbox_count(k->strongbox); i++) {
		const struct strongbox_entry *e = strongbox_at(k->strongbox, i);

		if (!is_meant(e, c->name))
			continue;
		found++;
		if (e->source == NULL)
			continue;
		if (!c->opened)
			secret_source_refresh(e->source);
		asking = asking || secret_source_is_asking(e->source);
	}
	c->opened = true;
	if (found == 0 && c->name != NULL) {
		*ret_text = strdup("no policy lists such a credential");
		return -ENOENT;
	}
	if (asking)
		return -EAGAIN;
	*ret_text = list_missing(k, c->name);
	return *ret_text != NULL ? -EINVAL : 0;
}

static int
commit_refresh(struct keeper *k, struct change *c, char **ret_text)
{
	(void)k, (void)c, (void)ret_text;
	return 0;
}

/* What sources have said they have said. */
static void
leave_refresh(struct keeper *k, struct change *c)
{
	(void)k, (void)c;
}

static const struct change_kind refresh = {"ask for credentials again",
	begin_refresh, commit_refresh, leave_refresh, leave_refresh};

void
keeper_refresh_credentials(
	struct keeper *k, const char *name, keeper_done *done, void *arg)
{
	struct change c = {.kind = &refresh, .done = done, .arg = arg};

	keeper_submit(k, &c, name, NULL);
}

/* ---- what may be told --------------------------------------------------- */

static const char *
state_name(const struct secret_source_state *state)
{
	if (!state->has_value)
		return state->is_asking ? "waiting" : "none";
	return state->is_failing ? "failing" : "available";
}

/* The one that holds, or, before the first does, the one that comes. */
static const struct strongbox_entry *
find(const struct keeper *k, const char *name)
{
	const struct strongbox_entry *found = NULL, *e;

	for (size_t i = 0; i < strongbox_count(k->strongbox); i++) {
		e = strongbox_at(k->strongbox, i);
		if (e->sandbox == NULL && strcmp(e->spec->name, name) == 0 &&
			(found == NULL || e->phase != STRONGBOX_ENTERING))
			found = e;
	}
	return found;
}

static json_t *
describe(const struct strongbox_entry *e)
{
	struct secret_source_state state = {
		.kind = "", .left = -1, .error = e->why};

	if (e->source != NULL)
		secret_source_describe(e->source, &state);
	return json_pack("{s:s, s:s, s:o, s:o, s:o}", "state",
		state_name(&state), "from", state.kind, "age",
		state.has_value ? json_integer((json_int_t)state.age)
				: json_null(),
		"expires",
		state.left >= 0 ? json_integer((json_int_t)state.left)
				: json_null(),
		"error", keeper_text(state.error));
}

json_t *
keeper_credential(struct keeper *k, const char *name)
{
	const struct strongbox_entry *all = find(k, name), *e;
	json_t *sandboxes, *one;

	if (all == NULL || !all->spec->own)
		return all != NULL ? describe(all) : NULL;
	sandboxes = json_array();
	for (size_t i = 0; i < strongbox_count(k->strongbox); i++) {
		e = strongbox_at(k->strongbox, i);
		if (e->sandbox == NULL || e->spec != all->spec ||
			e->wanted == 0)
			continue;
		one = describe(e);
		json_object_set_new(one, "sandbox", json_string(e->sandbox));
		json_array_append_new(sandboxes, one);
	}
	return json_pack("{s:s, s:o}", "state", "own", "sandboxes", sandboxes);
}
