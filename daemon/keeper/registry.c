#include "registry.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ca.h"
#include "name_table.h"
#include "place_index.h"
#include "policy.h"
#include "sandbox_spec.h"

enum {
	SANDBOXES_MAX = 16384,
	ADDRESSES_MAX = 64,
};

struct registry {
	uint32_t workers;
	bool by_source;
	struct sandbox **sorted;
	size_t count, size;
	struct sandbox **marked; /* has room for all that there are */
	size_t marked_count;
	struct place_index *places; /* of every spec that is not an old one */
};

/* ---- one sandbox ------------------------------------------------------ */

static void
sandbox_free(struct sandbox *s)
{
	if (s == NULL)
		return;
	sandbox_spec_free(s->spec);
	sandbox_spec_free(s->old_spec);
	free(s->overlay);
	free(s->old_overlay);
	free(s->attached_as);
	json_decref(s->stand_ins);
	ca_free(s->ca);
	name_table_free(s->names);
	free(s->name);
	free(s);
}

static uint64_t
served_by(const struct registry *r, const struct sandbox_spec *spec)
{
	if (r->by_source)
		return sandbox_spec_served(spec, r->workers);
	return r->workers == 64 ? UINT64_MAX : (UINT64_C(1) << r->workers) - 1;
}

static int
sandbox_new(const struct registry *r, const struct policy_sandbox *declared,
	struct sandbox **ret, char *reterr, size_t reterr_size)
{
	struct sandbox *s = calloc(1, sizeof(*s));
	int e = -ENOMEM;

	if (s == NULL)
		goto fail;
	s->name = strdup(declared->name);
	s->spec = sandbox_spec_new(declared);
	if (s->name == NULL || s->spec == NULL)
		goto fail;
	e = ca_new(s->name, time(NULL), &s->ca, reterr, reterr_size);
	if (e < 0)
		goto fail;
	s->phase = SANDBOX_ENTERING;
	s->served = served_by(r, s->spec);
	*ret = s;
	return 0;
fail:
	sandbox_free(s);
	return e;
}

/* ---- the sorted table ------------------------------------------------- */

/* Where name is or would be. */
static size_t
position(const struct registry *r, const char *name)
{
	size_t low = 0, high = r->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(r->sorted[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct sandbox *
registry_find(const struct registry *r, const char *name)
{
	size_t at = position(r, name);

	if (at < r->count && strcmp(r->sorted[at]->name, name) == 0)
		return r->sorted[at];
	return NULL;
}

/* Room for one more. */
static int
make_room(struct registry *r)
{
	size_t size = r->size > 0 ? 2 * r->size : 16;
	struct sandbox **more;

	if (r->count == SANDBOXES_MAX)
		return -ENOSPC;
	if (r->count < r->size)
		return 0;
	more = realloc(r->sorted, size * sizeof(struct sandbox *));
	if (more == NULL)
		return -ENOMEM;
	r->sorted = more;
	more = realloc(r->marked, size * sizeof(struct sandbox *));
	if (more == NULL)
		return -ENOMEM;
	r->marked = more;
	r->size = size;
	return 0;
}

static int
insert(struct registry *r, struct sandbox *s)
{
	size_t at = position(r, s->name);
	int e = make_room(r);

	if (e < 0)
		return e;
	memmove(r->sorted + at + 1, r->sorted + at,
		(r->count - at) * sizeof(struct sandbox *));
	r->sorted[at] = s;
	r->count++;
	place_index_add(r->places, s->spec, s);
	return 0;
}

static void
take_out(struct registry *r, struct sandbox *s)
{
	size_t at = position(r, s->name);

	r->count--;
	memmove(r->sorted + at, r->sorted + at + 1,
		(r->count - at) * sizeof(struct sandbox *));
	place_index_remove(r->places, s->spec);
	sandbox_free(s);
}

static void
put_spec(struct registry *r, struct sandbox *s, struct sandbox_spec *spec)
{
	place_index_remove(r->places, s->spec);
	s->spec = spec;
	s->served = served_by(r, spec);
	place_index_add(r->places, spec, s);
}

/* ---- the list of what is marked --------------------------------------- */

static void
mark(struct registry *r, struct sandbox *s)
{
	if (!s->marked)
		r->marked[r->marked_count++] = s;
	s->marked = true;
}

struct sandbox *
registry_marked(const struct registry *r, size_t i)
{
	return i < r->marked_count ? r->marked[i] : NULL;
}

void
registry_soil(struct registry *r, struct sandbox *s)
{
	s->dirty = true;
	mark(r, s);
}

void
registry_told(struct registry *r)
{
	for (size_t i = 0; i < r->marked_count; i++)
		r->marked[i]->dirty = false;
}

/* Frees those in that phase; of the others only what is dirty stays listed. */
static void
sweep(struct registry *r, enum sandbox_phase phase)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->marked_count; i++) {
		struct sandbox *s = r->marked[i];

		if (s->phase == phase) {
			take_out(r, s);
			continue;
		}
		s->phase = SANDBOX_LIVING;
		s->marked = s->dirty;
		if (s->dirty)
			r->marked[kept++] = s;
	}
	r->marked_count = kept;
}

/* ---- marking ---------------------------------------------------------- */

static int
collision(const struct registry *r, const struct sandbox *s, char *reterr,
	size_t reterr_size)
{
	struct place_walk at = {0};
	const struct sandbox *other;

	while ((other = place_index_next(r->places, s->spec, &at)) != NULL) {
		if (other == s || other->phase == SANDBOX_LEAVING)
			continue;
		snprintf(reterr, reterr_size,
			"%s: sandbox %s: an address behind %s is that of "
			"sandbox %s already (%s)",
			s->spec->source, s->name, s->spec->interface,
			other->name, other->spec->source);
		return -EEXIST;
	}
	return 0;
}

/* It is there: what is new about it? */
static int
change(struct registry *r, struct sandbox *s,
	const struct policy_sandbox *declared)
{
	struct sandbox_spec *spec = sandbox_spec_new(declared);

	if (spec == NULL)
		return -ENOMEM;
	s->phase = SANDBOX_LIVING;
	if (sandbox_spec_equal(spec, s->spec)) {
		sandbox_spec_free(spec);
		return 0;
	}
	assert(s->old_spec == NULL);
	s->old_spec = s->spec;
	put_spec(r, s, spec);
	registry_soil(r, s);
	return 0;
}

static int
check_addresses(
	const struct policy_sandbox *declared, char *reterr, size_t reterr_size)
{
	if (declared->address_count <= ADDRESSES_MAX)
		return 0;
	snprintf(reterr, reterr_size,
		"%s: sandbox %s has more than %d addresses", declared->source,
		declared->name, ADDRESSES_MAX);
	return -EINVAL;
}

static int
declare_one(struct registry *r, const struct policy_sandbox *declared,
	char *reterr, size_t reterr_size)
{
	struct sandbox *s = registry_find(r, declared->name);
	int e = check_addresses(declared, reterr, reterr_size);

	if (e < 0)
		return e;
	if (s != NULL && s->runtime) {
		snprintf(reterr, reterr_size,
			"%s: sandbox %s was added at run time: remove it there "
			"first",
			declared->source, declared->name);
		return -EEXIST;
	}
	if (s != NULL)
		return change(r, s, declared);
	e = sandbox_new(r, declared, &s, reterr, reterr_size);
	if (e < 0)
		return e;
	e = insert(r, s);
	if (e < 0)
		sandbox_free(s);
	else
		registry_soil(r, s);
	return e;
}

int
registry_declare(struct registry *r, const struct policy *p, char *reterr,
	size_t reterr_size)
{
	const struct policy_sandbox *declared;
	size_t count = policy_sandboxes(p, &declared);
	int e = 0;

	reterr[0] = '\0';
	for (size_t i = 0; i < r->count; i++)
		if (!r->sorted[i]->runtime)
			registry_leave(r, r->sorted[i]);
	for (size_t i = 0; i < count && e == 0; i++)
		e = declare_one(r, &declared[i], reterr, reterr_size);
	for (size_t i = 0; i < r->marked_count && e == 0; i++) {
		const struct sandbox *s = r->marked[i];

		if (s->phase == SANDBOX_ENTERING || s->old_spec != NULL)
			e = collision(r, s, reterr, reterr_size);
	}
	if (e < 0)
		registry_undo(r);
	if (e < 0 && reterr[0] == '\0')
		snprintf(reterr, reterr_size, "sandboxes: %s", strerror(-e));
	return e;
}

int
registry_enter(struct registry *r, const struct policy_sandbox *declared,
	struct sandbox **ret, char *reterr, size_t reterr_size)
{
	struct sandbox *s = registry_find(r, declared->name);
	int e;

	if (s != NULL) {
		snprintf(reterr, reterr_size,
			"sandbox %s is there already (%s)", s->name,
			s->spec->source);
		return -EEXIST;
	}
	e = declare_one(r, declared, reterr, reterr_size);
	if (e < 0)
		return e;
	s = registry_find(r, declared->name);
	s->runtime = true;
	e = collision(r, s, reterr, reterr_size);
	if (e < 0)
		registry_undo(r);
	else
		*ret = s;
	return e;
}

int
registry_replace(struct registry *r, struct sandbox *s,
	const struct policy_sandbox *declared, char *reterr, size_t reterr_size)
{
	int e = check_addresses(declared, reterr, reterr_size);

	if (e == 0)
		e = change(r, s, declared);
	if (e == 0)
		e = collision(r, s, reterr, reterr_size);
	if (e < 0)
		registry_undo(r);
	return e;
}

/* ---- both ways out ---------------------------------------------------- */

void
registry_settle(struct registry *r)
{
	for (size_t i = 0; i < r->marked_count; i++) {
		struct sandbox *s = r->marked[i];

		sandbox_spec_free(s->old_spec);
		s->old_spec = NULL;
		free(s->old_overlay);
		s->old_overlay = NULL;
		s->overlaid = false;
	}
	sweep(r, SANDBOX_LEAVING);
}

/* What changed is what it was. */
static void
change_back(struct registry *r, struct sandbox *s)
{
	struct sandbox_spec *undone = s->spec;

	if (s->overlaid) {
		free(s->overlay);
		s->overlay = s->old_overlay;
		s->old_overlay = NULL;
		s->overlaid = false;
		s->dirty = true;
	}
	if (s->old_spec == NULL)
		return;
	put_spec(r, s, s->old_spec);
	s->old_spec = NULL;
	sandbox_spec_free(undone);
	s->dirty = true;
}

void
registry_undo(struct registry *r)
{
	for (size_t i = 0; i < r->marked_count; i++)
		change_back(r, r->marked[i]);
	sweep(r, SANDBOX_ENTERING);
}

void
registry_reverse(struct registry *r)
{
	for (size_t i = 0; i < r->marked_count; i++) {
		struct sandbox *s = r->marked[i];

		s->phase = s->phase == SANDBOX_ENTERING ? SANDBOX_LEAVING
							: SANDBOX_LIVING;
		change_back(r, s);
	}
}

const char *
sandbox_overlay(const struct sandbox *s)
{
	return s->overlay != NULL ? s->overlay : s->spec->overlay;
}

void
registry_overlay(struct registry *r, struct sandbox *s, char *overlay)
{
	assert(!s->overlaid);
	s->old_overlay = s->overlay;
	s->overlay = overlay;
	s->overlaid = true;
	registry_soil(r, s);
}

void
registry_leave(struct registry *r, struct sandbox *s)
{
	s->phase = SANDBOX_LEAVING;
	mark(r, s);
}

/* ---- life ------------------------------------------------------------- */

struct registry *
registry_new(uint32_t workers, bool by_source)
{
	struct registry *r = calloc(1, sizeof(*r));

	assert(workers > 0 && workers <= 64);
	if (r == NULL)
		return NULL;
	r->workers = workers;
	r->by_source = by_source;
	r->places = place_index_new();
	if (r->places == NULL) {
		free(r);
		return NULL;
	}
	return r;
}

void
registry_free(struct registry *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->count; i++)
		sandbox_free(r->sorted[i]);
	free(r->sorted);
	free(r->marked);
	place_index_free(r->places);
	free(r);
}

size_t
registry_count(const struct registry *r)
{
	return r->count;
}

struct sandbox *
registry_at(const struct registry *r, size_t i)
{
	return r->sorted[i];
}
