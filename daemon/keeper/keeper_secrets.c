/*
 * keeper_secrets.c - what the sources of secrets do to us
 *
 * A new value is told to the workers, and so is that there is none any more;
 * that is put on record as well, because requests that used it end with it.
 */
#include <stdio.h>

#include "decision_log.h"
#include "documents.h"
#include "keeper_state.h"
#include "policy.h"
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
		"credential %s has no value any more: %s", e->spec->name,
		e->why);
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

void
keeper_refresh_secrets(struct keeper *k)
{
	strongbox_refresh(k->strongbox);
}
