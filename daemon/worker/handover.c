/*
 * handover.c - all of it or nothing
 *
 * Theory of operation
 *
 * Applying has two halves.  The first makes everything new beside the old: the
 * policy, each sandbox with its authority and TLS context and its addresses in
 * the guard (which counts), the place of each secret in the keyring.  It may
 * fail, and then takes back what it made.  The second only moves pointers and
 * closes what has to be closed: it cannot fail.
 */
#include "handover.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <ev.h>

#include "document_set.h"
#include "guard.h"
#include "keyring.h"
#include "link_message.h"
#include "monotonic.h"
#include "names.h"
#include "policy.h"
#include "pool.h"
#include "sandbox.h"
#include "secret.h"
#include "services.h"
#include "session.h"

struct arriving { /* a sandbox, new or replaced */
	STAILQ_ENTRY(arriving) link;
	struct link_sandbox spec; /* strings owned */
	struct sandbox *sandbox;
	struct sandbox *kept; /* the one that stays, and takes its rules */
	size_t guarded; /* of its addresses, how many the guard has from us */
};

struct leaving {
	STAILQ_ENTRY(leaving) link;
	char name[];
};

struct value {
	STAILQ_ENTRY(value) link;
	struct secret *secret; /* NULL: there is none now */
	char name[];
};

struct handover {
	uint64_t generation;
	struct document_set *documents;
	STAILQ_HEAD(, arriving) arriving;
	STAILQ_HEAD(, leaving) leaving;
	STAILQ_HEAD(, value) values;
};

struct handover *
handover_new(uint64_t generation)
{
	struct handover *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->generation = generation;
	STAILQ_INIT(&b->arriving);
	STAILQ_INIT(&b->leaving);
	STAILQ_INIT(&b->values);
	b->documents = document_set_new();
	if (b->documents == NULL) {
		free(b);
		return NULL;
	}
	return b;
}

static void
free_arriving(struct arriving *a)
{
	free((char *)a->spec.name);
	free((char *)a->spec.policy);
	free((char *)a->spec.labels);
	free((char *)a->spec.overlay);
	free((char *)a->spec.stand_ins);
	free((char *)a->spec.limit_source);
	if (a->spec.authority.ptr != NULL) {
		explicit_bzero(
			(char *)a->spec.authority.ptr, a->spec.authority.len);
		free((char *)a->spec.authority.ptr);
	}
	sandbox_unref(a->sandbox);
	free(a);
}

void
handover_free(struct handover *b)
{
	struct arriving *a;
	struct leaving *l;
	struct value *v;

	if (b == NULL)
		return;
	while ((a = STAILQ_FIRST(&b->arriving)) != NULL) {
		STAILQ_REMOVE_HEAD(&b->arriving, link);
		free_arriving(a);
	}
	while ((l = STAILQ_FIRST(&b->leaving)) != NULL) {
		STAILQ_REMOVE_HEAD(&b->leaving, link);
		free(l);
	}
	while ((v = STAILQ_FIRST(&b->values)) != NULL) {
		STAILQ_REMOVE_HEAD(&b->values, link);
		secret_unref(v->secret);
		free(v);
	}
	document_set_free(b->documents);
	free(b);
}

uint64_t
handover_generation(const struct handover *b)
{
	return b->generation;
}

int
handover_add_document(struct handover *b, const struct link_document *d)
{
	return document_set_add(
		b->documents, d->name, d->text.ptr, d->text.len);
}

int
handover_add_sandbox(struct handover *b, const struct link_sandbox *s)
{
	struct arriving *a = calloc(1, sizeof(*a));
	bool whole;

	if (a == NULL)
		return -ENOMEM;
	a->spec = *s;
	a->spec.interface = a->spec.source = NULL;
	a->spec.name = strdup(s->name);
	a->spec.policy = strdup(s->policy);
	a->spec.labels = strdup(s->labels);
	a->spec.overlay = strdup(s->overlay);
	a->spec.stand_ins = strdup(s->stand_ins != NULL ? s->stand_ins : "");
	a->spec.limit_source = strdup(s->limit_source);
	a->spec.authority.ptr = NULL;
	whole = a->spec.name != NULL && a->spec.policy != NULL &&
		a->spec.labels != NULL && a->spec.overlay != NULL &&
		a->spec.stand_ins != NULL && a->spec.limit_source != NULL;
	if (whole && s->served) {
		char *copy = malloc(s->authority.len);

		if (copy != NULL)
			memcpy(copy, s->authority.ptr, s->authority.len);
		a->spec.authority.ptr = copy;
		whole = copy != NULL;
	}
	if (!whole) {
		free_arriving(a);
		return -ENOMEM;
	}
	STAILQ_INSERT_TAIL(&b->arriving, a, link);
	return 0;
}

int
handover_add_gone(struct handover *b, const char *name)
{
	size_t len = strlen(name) + 1;
	struct leaving *l = malloc(sizeof(*l) + len);

	if (l == NULL)
		return -ENOMEM;
	memcpy(l->name, name, len);
	STAILQ_INSERT_TAIL(&b->leaving, l, link);
	return 0;
}

int
handover_add_secret(struct handover *b, const struct link_secret *s)
{
	size_t len = strlen(s->name) + 1;
	struct value *v = calloc(1, sizeof(*v) + len);

	if (v == NULL)
		return -ENOMEM;
	memcpy(v->name, s->name, len);
	if (s->present) {
		v->secret = secret_new(s->value.ptr, s->value.len);
		if (v->secret == NULL) {
			free(v);
			return -ENOMEM;
		}
	}
	STAILQ_INSERT_TAIL(&b->values, v, link);
	return 0;
}

/* ---- the half that may fail ------------------------------------------- */

static int
make_sandbox(struct arriving *a, const struct services *services, char *reterr,
	size_t reterr_size)
{
	struct sandbox_address addresses[SANDBOX_ADDRESSES];
	struct sandbox_spec spec = {
		.name = a->spec.name,
		.policy_name = a->spec.policy,
		.labels = a->spec.labels,
		.overlay = a->spec.overlay,
		.stand_ins = a->spec.stand_ins,
		.limit_source = a->spec.limit_source,
		.ifindex = a->spec.ifindex,
		.addresses = addresses,
		.address_count = a->spec.address_count,
		.now = monotonic_now(),
	};

	if (spec.address_count > SANDBOX_ADDRESSES)
		return -EINVAL;
	for (size_t i = 0; i < spec.address_count; i++) {
		addresses[i].family = a->spec.addresses[i].family;
		memcpy(addresses[i].bytes, a->spec.addresses[i].bytes, 16);
	}
	for (int i = 0; i < POLICY_BUDGETS; i++)
		spec.limit.amounts[i] = (struct policy_amount){
			a->spec.limit[i].amount, a->spec.limit[i].seconds};
	if (a->spec.served) {
		spec.authority = (const uint8_t *)a->spec.authority.ptr;
		spec.authority_len = a->spec.authority.len;
	}
	return sandbox_new(&spec, &services->limits, &services->upstream,
		&a->sandbox, reterr, reterr_size);
}

/* Before it is served: no other sandbox may dial it, not for a moment. */
static int
guard_places(struct arriving *a, struct services *services)
{
	const struct sandbox *s = a->sandbox;
	int r;

	for (; a->guarded < s->address_count; a->guarded++) {
		const struct sandbox_address *at = &s->addresses[a->guarded];

		r = guard_add_self(services->guard, at->family, at->bytes);
		if (r < 0)
			return r;
	}
	return 0;
}

static void
unguard_places(struct arriving *a, struct services *services)
{
	while (a->guarded > 0) {
		const struct sandbox_address *at =
			&a->sandbox->addresses[--a->guarded];

		guard_remove_self(services->guard, at->family, at->bytes);
	}
}

static int
prepare(struct handover *b, struct services *services, struct policy **ret,
	char *reterr, size_t reterr_size)
{
	struct arriving *a;
	struct value *v;
	int r = 0;

	if (document_set_count(b->documents) > 0)
		r = document_set_compile(
			b->documents, ret, reterr, reterr_size);
	STAILQ_FOREACH(v, &b->values, link) {
		if (r == 0)
			r = keyring_reserve(services->keyring, v->name);
	}
	STAILQ_FOREACH(a, &b->arriving, link) {
		if (r == 0)
			r = make_sandbox(a, services, reterr, reterr_size);
		if (r == 0)
			r = guard_places(a, services);
	}
	return r;
}

/* ---- the half that cannot --------------------------------------------- */

static void
forget(struct services *services, const char *name)
{
	struct sandbox *old = sandboxes_find(services->sandboxes, name);

	if (old == NULL)
		return;
	session_close_all(old);
	for (size_t i = 0; i < old->address_count; i++)
		guard_remove_self(services->guard, old->addresses[i].family,
			old->addresses[i].bytes);
	names_close(old->told);
	sandboxes_remove(services->sandboxes, name);
}

static void
admit(struct services *services, struct arriving *a, struct policy *policy)
{
	struct sandbox *s = a->sandbox;
	struct sandbox *old = sandboxes_find(services->sandboxes, s->name);

	/* Told anew, but nothing that its connections stand on has changed. */
	if (old != NULL && sandbox_is_alike(old, s)) {
		unguard_places(a, services); /* the old one's stand */
		sandbox_take_rules(old, s);
		sandbox_set_policy(old, policy);
		a->kept = old;
		return;
	}
	forget(services, s->name);
	sandbox_set_policy(s, policy);
	sandbox_set_rsa_key(s, services->rsa_key);
	sandboxes_put(services->sandboxes, s);
	a->sandbox = NULL; /* the table's now */
}

static void
end_uses(struct sandbox *s, const char *credential, bool revoked)
{
	if (s->pool != NULL)
		pool_revoke(s->pool, credential);
	if (revoked)
		session_revoke_all(s, credential);
}

/*
 * The old value leaves with the connections that carried it: after the requests
 * that are on them, or, when no other comes in its place, with those.  "a/b" is
 * the value of credential a that is sandbox b's alone.
 */
static void
exchange_value(struct services *services, struct value *v)
{
	bool revoked = v->secret == NULL &&
		       keyring_get(services->keyring, v->name) != NULL;
	size_t len = strcspn(v->name, "/");
	struct sandbox *s = NULL;
	int r;

	r = keyring_set(services->keyring, v->name, v->secret);
	assert(r == 0); /* its place was reserved */
	v->secret = NULL;
	if (v->name[len] == '/') {
		s = sandboxes_find(services->sandboxes, v->name + len + 1);
		v->name[len] = '\0';
		if (s != NULL)
			end_uses(s, v->name, revoked);
		return;
	}
	while ((s = sandboxes_next(services->sandboxes, s)) != NULL)
		end_uses(s, v->name, revoked);
}

static void
replace_policy(
	struct services *services, struct policy **policy, struct policy *fresh)
{
	struct sandbox *s = NULL;

	policy_unref(*policy);
	*policy = fresh;
	while ((s = sandboxes_next(services->sandboxes, s)) != NULL)
		sandbox_set_policy(s, fresh);
}

/* All rules are in force: what they forbid ends, and nothing else. */
static void
recheck(struct handover *b, struct services *services, bool all)
{
	struct sandbox *s = NULL;
	struct arriving *a;

	if (all) {
		while ((s = sandboxes_next(services->sandboxes, s)) != NULL)
			session_recheck_all(s);
		return;
	}
	STAILQ_FOREACH(a, &b->arriving, link) {
		if (a->kept != NULL)
			session_recheck_all(a->kept);
	}
}

int
handover_apply(struct handover *b, struct services *services,
	struct policy **policy, char *reterr, size_t reterr_size)
{
	struct policy *fresh = NULL;
	struct arriving *a;
	struct leaving *l;
	struct value *v;
	int r;

	snprintf(reterr, reterr_size, "out of memory");
	r = prepare(b, services, &fresh, reterr, reterr_size);
	if (r == 0 && fresh == NULL && *policy == NULL &&
		!STAILQ_EMPTY(&b->arriving)) {
		snprintf(reterr, reterr_size,
			"sandboxes came before any document");
		r = -EPROTO;
	}
	if (r < 0) {
		STAILQ_FOREACH(a, &b->arriving, link)
			unguard_places(a, services);
		policy_unref(fresh);
		return r;
	}
	services->generation = b->generation;
	STAILQ_FOREACH(l, &b->leaving, link)
		forget(services, l->name);
	if (fresh != NULL)
		replace_policy(services, policy, fresh);
	STAILQ_FOREACH(v, &b->values, link)
		exchange_value(services, v);
	STAILQ_FOREACH(a, &b->arriving, link)
		admit(services, a, *policy);
	recheck(b, services, fresh != NULL);
	return 0;
}
