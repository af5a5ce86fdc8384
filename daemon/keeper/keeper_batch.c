/*
 * keeper_batch.c - what a worker is told
 *
 * Theory of operation
 *
 * Every difference between what we hold and what workers know is marked where
 * it is: a sandbox is dirty or leaving, a credential is dirty or wanted where
 * it is not held.  A batch reads the marks; the larger ones tell everything to
 * a worker that knows nothing, or something that was taken back.  So no kind of
 * change needs a batch of its own.
 *
 * A sandbox is told to all workers, because any of them may get its DNS
 * queries; its authority and the credentials of its policy only to those that
 * its addresses are steered to.  The gate gets neither, ever.
 */
#include <assert.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "ca.h"
#include "child.h"
#include "crew.h"
#include "documents.h"
#include "keeper_state.h"
#include "link_message.h"
#include "policy.h"
#include "registry.h"
#include "secret.h"
#include "strongbox.h"

static void
send_documents(const struct documents *d, struct child *child)
{
	for (size_t i = 0; i < d->count; i++) {
		struct link_message m = {
			.type = LINK_DOCUMENT,
			.document = {d->files[i].name,
				{d->files[i].text, d->files[i].len}},
		};

		if (d->files[i].for_workers)
			child_send(child, &m);
	}
}

static_assert((int)LINK_BUDGETS == (int)POLICY_BUDGETS, "each has its place");

/* worker: whether it is one; the gate gets neither authority nor stand-ins. */
static void
send_sandbox(const struct sandbox *s, struct child *child, bool worker)
{
	struct link_message m = {.type = LINK_SANDBOX};
	struct link_sandbox *to = &m.sandbox;
	uint8_t *authority = NULL;
	char *stand_ins = NULL;
	size_t len = 0;

	to->name = s->name;
	to->interface = s->spec->interface;
	to->policy = s->spec->policy;
	to->labels = s->spec->labels;
	to->source = s->spec->source;
	to->overlay = sandbox_overlay(s);
	to->limit_source = s->spec->limit_source;
	for (int i = 0; i < POLICY_BUDGETS; i++)
		to->limit[i] =
			(struct link_amount){s->spec->limit.amounts[i].amount,
				s->spec->limit.amounts[i].seconds};
	to->ifindex = s->ifindex;
	to->address_count = s->spec->address_count;
	for (size_t i = 0; i < to->address_count; i++) {
		to->addresses[i].family = s->spec->addresses[i].family;
		memcpy(to->addresses[i].bytes, s->spec->addresses[i].bytes,
			sizeof(to->addresses[i].bytes));
	}
	to->served = worker && (s->served >> child_index(child) & 1) != 0;
	if (to->served && ca_export(s->ca, &authority, &len) < 0) {
		child_kill(child, "no memory to tell it an authority");
		return;
	}
	if (to->served && s->stand_ins != NULL)
		stand_ins = json_dumps(s->stand_ins, JSON_COMPACT);
	to->authority = (struct span){(const char *)authority, len};
	to->stand_ins = stand_ins;
	child_send(child, &m);
	OPENSSL_clear_free(authority, len);
	free(stand_ins);
}

static void
send_gone(const struct sandbox *s, struct child *child)
{
	struct link_message m = {
		.type = LINK_SANDBOX_GONE, .sandbox_gone = s->name};

	child_send(child, &m);
}

static void
send_sandboxes(struct keeper *k, struct child *child, enum batch batch)
{
	bool worker = !crew_is_gate(k->crew, child_index(child));
	const struct registry *r = k->registry;
	const struct sandbox *s;

	for (size_t i = 0; batch != BATCH_NEWS && i < registry_count(r); i++) {
		s = registry_at(r, i);
		if (s->phase != SANDBOX_LEAVING)
			send_sandbox(s, child, worker);
	}
	for (size_t i = 0; (s = registry_marked(r, i)) != NULL; i++) {
		if (s->phase == SANDBOX_LEAVING && batch != BATCH_FIRST)
			send_gone(s, child);
		else if (s->phase != SANDBOX_LEAVING && s->dirty &&
			 batch == BATCH_NEWS)
			send_sandbox(s, child, worker);
	}
}

/* Whether another entry takes this one's place in that worker. */
static bool
is_replaced(const struct strongbox *b, const struct strongbox_entry *old,
	uint64_t bit)
{
	for (size_t i = 0; i < strongbox_count(b); i++) {
		const struct strongbox_entry *e = strongbox_at(b, i);

		if (e != old && e->phase != STRONGBOX_LEAVING &&
			(e->wanted & bit) != 0 && strcmp(e->key, old->key) == 0)
			return true;
	}
	return false;
}

static void
send_secret(struct child *child, const struct strongbox_entry *e, bool wanted)
{
	struct link_message m = {
		.type = LINK_SECRET,
		.secret = {.name = e->key, .why = e->why},
	};

	if (!wanted) {
		m.secret.why = "no policy of this worker lists it";
	} else if (e->value != NULL) {
		m.secret.present = true;
		m.secret.value = secret_bytes(e->value);
	}
	child_send(child, &m);
}

static void
send_secrets(struct keeper *k, struct child *child, enum batch batch)
{
	uint64_t bit = UINT64_C(1) << child_index(child);

	for (size_t i = 0; i < strongbox_count(k->strongbox); i++) {
		struct strongbox_entry *e = strongbox_at(k->strongbox, i);
		bool held = (e->holders & bit) != 0;
		bool wanted =
			(e->wanted & bit) != 0 && e->phase != STRONGBOX_LEAVING;

		if (wanted && (batch != BATCH_NEWS || !held || e->dirty)) {
			send_secret(child, e, true);
			e->holders |= bit;
		} else if (!wanted && held) {
			if (!is_replaced(k->strongbox, e, bit))
				send_secret(child, e, false);
			e->holders &= ~bit;
		}
	}
}

void
keeper_send_batch(struct keeper *k, uint32_t index, enum batch batch)
{
	struct child *child = crew_child(k->crew, index);
	struct link_message m = {
		.type = LINK_BEGIN, .generation = k->generation};

	if (!child_has_link(child))
		return;
	if (batch == BATCH_FIRST && !crew_is_gate(k->crew, index))
		strongbox_forget_worker(k->strongbox, index);
	child_send(child, &m);
	if (batch != BATCH_NEWS || k->target != k->documents)
		send_documents(k->target, child);
	send_sandboxes(k, child, batch);
	if (!crew_is_gate(k->crew, index))
		send_secrets(k, child, batch);
	m.type = LINK_COMMIT;
	child_send(child, &m);
}

/* Nothing goes that a credential was sent for, and no policy is another. */
static bool
only_comes(const struct keeper *k, enum batch batch)
{
	const struct sandbox *s;

	if (batch != BATCH_NEWS || k->target != k->documents)
		return false;
	for (size_t i = 0; (s = registry_marked(k->registry, i)) != NULL; i++)
		if (s->phase == SANDBOX_LEAVING || s->old_spec != NULL)
			return false;
	return true;
}

void
keeper_send_all(struct keeper *k, enum batch batch)
{
	if (only_comes(k, batch))
		strongbox_assign_more(
			k->strongbox, k->target->policy, k->registry);
	else
		strongbox_assign(k->strongbox, k->target->policy, k->registry);
	keeper_assign_stand_ins(k, batch);
	for (uint32_t i = 0; i < crew_count(k->crew); i++)
		keeper_send_batch(k, i, batch);
	registry_told(k->registry);
	for (size_t i = 0; i < strongbox_count(k->strongbox); i++)
		strongbox_at(k->strongbox, i)->dirty = false;
}
