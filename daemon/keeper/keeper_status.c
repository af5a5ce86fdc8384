/*
 * keeper_status.c - what the keeper can say of itself, as JSON
 *
 * Never a value of a credential, never a key.
 */
#include <arpa/inet.h>
#include <unistd.h>

#include "ca.h"
#include "child.h"
#include "crew.h"
#include "decision_log.h"
#include "documents.h"
#include "keeper_entry.h"
#include "keeper_state.h"
#include "kernel_side.h"
#include "limit_text.h"
#include "monotonic.h"
#include "policy.h"
#include "registry.h"
#include "settings.h"
#include "strongbox.h"

/* ---- parts ------------------------------------------------------------ */

/* A worker may say what it likes: only its numbers are taken over. */
static void
add_numbers(json_t *worker, const char *status)
{
	json_t *said, *value;
	const char *key;

	said = status != NULL ? json_loads(status, JSON_REJECT_DUPLICATES, NULL)
			      : NULL;
	json_object_foreach(
		said, key, value) if (json_is_integer(value) &&
				      json_object_get(worker, key) == NULL)
		json_object_set(worker, key, value);
	json_decref(said);
}

static json_t *
workers(const struct keeper *k)
{
	json_t *array = json_array(), *worker;

	for (uint32_t i = 0; i < crew_workers(k->crew); i++) {
		const struct child *child = crew_child(k->crew, i);

		worker = json_pack("{s:i, s:i, s:s, s:i}", "index", (int)i,
			"pid", (int)child_pid(child), "state",
			child_state_name(child_state(child)), "restarts",
			(int)child_restarts(child));
		add_numbers(worker, crew_status(k->crew, i));
		json_array_append_new(array, worker);
	}
	return array;
}

/* null: there is none. */
static json_t *
gate(const struct keeper *k)
{
	uint32_t index = crew_workers(k->crew);
	const struct child *child;
	json_t *object;

	if (index == crew_count(k->crew))
		return json_null();
	child = crew_child(k->crew, index);
	object = json_pack("{s:i, s:s, s:i, s:s}", "pid", (int)child_pid(child),
		"state", child_state_name(child_state(child)), "restarts",
		(int)child_restarts(child), "queue",
		kernel_side_queue(k->kernel));
	add_numbers(object, crew_status(k->crew, index));
	return object;
}

json_t *
keeper_text(const char *text)
{
	json_t *ret = json_string(text);
	char ascii[KEEPER_TEXT];
	size_t len = 0;

	if (ret != NULL)
		return ret;
	for (; text[len] != '\0' && len < sizeof(ascii) - 1; len++)
		ascii[len] = text[len];
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)ascii[i] > '~')
			ascii[i] = '?';
	return json_stringn(ascii, len);
}

static json_t *
credentials(struct keeper *k)
{
	json_t *array = json_array(), *one, *place;

	for (size_t i = 0; i < strongbox_count(k->strongbox); i++) {
		const struct strongbox_entry *e = strongbox_at(k->strongbox, i);

		if (e->phase == STRONGBOX_LEAVING ||
			(e->spec->own && e->sandbox == NULL) ||
			(e->sandbox != NULL && e->wanted == 0))
			continue;
		one = json_pack("{s:s, s:b, s:o}", "name", e->key, "available",
			e->value != NULL, "why",
			keeper_text(e->value != NULL ? "" : e->why));
		place = keeper_entry_place(
			k, POLICY_ENTRY_CREDENTIAL, e->spec->name);
		json_object_update(one, place);
		json_decref(place);
		json_array_append_new(array, one);
	}
	return array;
}

static json_t *
addresses(const struct sandbox_spec *spec)
{
	json_t *array = json_array();
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < spec->address_count; i++) {
		inet_ntop(spec->addresses[i].family, spec->addresses[i].bytes,
			text, sizeof(text));
		json_array_append_new(array, json_string(text));
	}
	return array;
}

static json_t *
served_by(const struct sandbox *s)
{
	json_t *array = json_array();

	for (int i = 0; i < 64; i++)
		if ((s->served >> i & 1) != 0)
			json_array_append_new(array, json_integer(i));
	return array;
}

/* As a document says it; none: null. */
static json_t *
limit(const struct sandbox_spec *spec)
{
	char text[LIMIT_AMOUNT];
	json_t *object = json_object();

	if (spec->limit_source == NULL) {
		json_decref(object);
		return json_null();
	}
	for (int i = 0; i < POLICY_BUDGETS; i++) {
		enum policy_budget b = (enum policy_budget)i;
		const struct policy_amount *a = &spec->limit.amounts[i];

		if (a->amount > 0)
			json_object_set_new(object, limit_key(b),
				json_string(limit_amount(b, a, text)));
	}
	return object;
}

static const char *const links[] = {
	[SANDBOX_UNSEEN] = "unseen",
	[SANDBOX_ATTACHED] = "attached",
	[SANDBOX_DOWN] = "down",
	[SANDBOX_ABSENT] = "absent",
	[SANDBOX_RENAMED] = "renamed",
};

static json_t *
sandbox(const struct sandbox *s)
{
	return json_pack("{s:s, s:s, s:i, s:s, s:o, s:s, s:o, s:s, s:b, s:b, "
			 "s:o, s:o}",
		"name", s->name, "interface", s->spec->interface, "ifindex",
		(int)s->ifindex, "state", links[s->link], "addresses",
		addresses(s->spec), "policy", s->spec->policy, "labels",
		json_loads(s->spec->labels, 0, NULL), "source", s->spec->source,
		"runtime", (int)s->runtime, "kernel", (int)s->in_kernel,
		"workers", served_by(s), "limit", limit(s->spec));
}

/* Not in lists: it may be long. */
static json_t *
with_overlay(const struct sandbox *s, json_t *object)
{
	const char *text = sandbox_overlay(s);
	char tag[KEEPER_TAG];

	if (text != NULL && keeper_tag_of(text, tag) == 0) {
		json_object_set_new(object, "overlay", json_string(text));
		json_object_set_new(object, "tag", json_string(tag));
		json_object_set_new(object, "overlay_declared",
			json_boolean(s->overlay == NULL));
	}
	return object;
}

/* What a caller may see of it: not before it is there, not after it goes. */
static const struct sandbox *
find(const struct keeper *k, const char *name)
{
	const struct sandbox *s = registry_find(k->registry, name);

	return s != NULL && s->phase == SANDBOX_LIVING ? s : NULL;
}

/* ---- wholes ----------------------------------------------------------- */

json_t *
keeper_status(struct keeper *k)
{
	return json_pack("{s:s, s:i, s:f, s:b, s:I, s:o, s:o, s:I, "
			 "s:{s:b, s:s}, s:o, s:o, s:s}",
		"version", SBX_VERSION, "pid", (int)getpid(), "uptime",
		monotonic_now() - k->started, "ready", (int)k->ready,
		"generation", (json_int_t)k->generation, "workers", workers(k),
		"gate", gate(k), "sandboxes",
		(json_int_t)registry_count(k->registry), "kernel", "ok",
		(int)kernel_side_is_good(k->kernel), "text",
		kernel_side_text(k->kernel), "health", keeper_health(k),
		"credentials", credentials(k), "log",
		decision_log_path(k->log));
}

json_t *
keeper_sandboxes(struct keeper *k)
{
	json_t *array = json_array();

	for (size_t i = 0; i < registry_count(k->registry); i++) {
		const struct sandbox *s = registry_at(k->registry, i);

		if (s->phase == SANDBOX_LIVING)
			json_array_append_new(array, sandbox(s));
	}
	return array;
}

json_t *
keeper_sandbox(struct keeper *k, const char *name)
{
	const struct sandbox *s = find(k, name);

	return s != NULL ? with_overlay(s, sandbox(s)) : NULL;
}

const char *
keeper_sandbox_policy(struct keeper *k, const char *name)
{
	const struct sandbox *s = find(k, name);

	return s != NULL ? s->spec->policy : NULL;
}

const struct policy_limit *
keeper_sandbox_limit(
	struct keeper *k, const char *name, const char **ret_source)
{
	const struct sandbox *s = find(k, name);

	if (s == NULL || s->spec->limit_source == NULL)
		return NULL;
	*ret_source = s->spec->limit_source;
	return &s->spec->limit;
}

const char *
keeper_sandbox_ca(struct keeper *k, const char *name)
{
	const struct sandbox *s = find(k, name);

	return s != NULL ? ca_pem(s->ca) : NULL;
}

const struct policy *
keeper_policy(const struct keeper *k)
{
	return k->documents != NULL ? k->documents->policy : k->target->policy;
}

uint64_t
keeper_generation(const struct keeper *k)
{
	return k->generation;
}

const char *
keeper_trust_pem(struct keeper *k)
{
	return k->target->trust;
}

const char *
keeper_log_path(struct keeper *k)
{
	return decision_log_path(k->log);
}

const char *
keeper_control_group(struct keeper *k)
{
	return k->target->settings->control.group;
}

const char *
keeper_admin_group(struct keeper *k)
{
	return k->target->settings->control.admin_group;
}
