/*
 * swap_plan.c - stand-ins out of a head, values in
 *
 * Planning looks at every field, the path and the query, and finds bits: which
 * stand-ins are there.  Those with no binding here are wrong.  Of the others,
 * those go out as values that `swap` names for the place where they were found
 * and that have one; the rest goes as it is.  A field that an injection takes
 * out, and one that does not go to the origin at all, are looked at only for
 * what is wrong.
 *
 * Applying looks again, at the head that goes out: what was not found when the
 * request was decided is not swapped, whatever it is.
 */
#include "swap_plan.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "body_swap.h"
#include "inject.h"
#include "keyring.h"
#include "message.h"
#include "policy.h"
#include "policy_swap.h"
#include "rules.h"
#include "secret.h"
#include "stand_ins.h"
#include "swap.h"

enum {
	CANDIDATES = 64,          /* a policy lists no more credentials */
	BASIC_MAX = 16 * 1024,    /* a field that is looked into */
	TEXT_MAX = HTTP_HEAD_MAX, /* what is made of a field, or of a target */
};

/* ---- looking ------------------------------------------------------------ */

static uint32_t
found_in(const struct swap_plan *p, struct span text)
{
	struct swap s;
	uint32_t found;

	swap_init(&s, p->stand_ins->set, SWAP_PLAIN);
	swap_look(&s, text);
	found = swap_found(&s);
	swap_done(&s);
	return found;
}

static bool
may_be_basic(const struct http_field *f)
{
	return f->known == HTTP_AUTHORIZATION ||
	       f->known == HTTP_PROXY_AUTHORIZATION;
}

static uint32_t
found_in_basic(const struct swap_plan *p, struct span value)
{
	char text[BASIC_MAX];
	struct swap s;
	uint32_t found;

	swap_init(&s, p->stand_ins->set, SWAP_PLAIN);
	(void)swap_basic(&s, value, text, sizeof(text));
	found = swap_found(&s);
	swap_done(&s);
	return found;
}

static uint32_t
found_in_field(const struct swap_plan *p, const struct http_head *h,
	const struct http_field *f)
{
	struct span value = http_head_value(h, f);
	uint32_t found = found_in(p, value);

	return may_be_basic(f) ? found | found_in_basic(p, value) : found;
}

/* ---- what there is for this host ---------------------------------------- */

static void
find_bindings(struct swap_plan *p, const struct inject_target *target)
{
	const struct policy_injection *injections[CANDIDATES];
	const struct policy_swap *swaps[CANDIDATES];
	size_t in, sw;

	in = policy_injections(target->set, target->host, target->port,
		injections, CANDIDATES);
	sw = policy_swaps(
		target->set, target->host, target->port, swaps, CANDIDATES);
	assert(in <= CANDIDATES && sw <= CANDIDATES);
	for (size_t i = 0; i < p->stand_ins->count; i++) {
		const char *name = p->stand_ins->credentials[i];

		for (size_t k = 0; k < in; k++)
			if (strcmp(injections[k]->credential, name) == 0)
				p->bound |= UINT32_C(1) << i;
		for (size_t k = 0; k < sw; k++)
			if (strcmp(swaps[k]->credential, name) == 0)
				p->swaps[i] = swaps[k];
		if (p->swaps[i] != NULL)
			p->bound |= UINT32_C(1) << i;
	}
}

static struct secret *
value_of(const struct swap_plan *p, const struct keyring *keyring, size_t i)
{
	return keyring_value(keyring, p->swaps[i]->credential,
		p->swaps[i]->own ? p->sandbox : NULL);
}

void
swap_plan(struct swap_plan *p, struct stand_ins *stand_ins,
	const struct inject_target *target, const struct keyring *keyring)
{
	*p = (struct swap_plan){
		.stand_ins = stand_ins_ref(stand_ins),
		.sandbox = target->sandbox,
	};
	find_bindings(p, target);
	for (size_t i = 0; i < stand_ins->count; i++) {
		if (p->swaps[i] != NULL && target->entitled &&
			(target->secure || p->swaps[i]->plaintext) &&
			value_of(p, keyring, i) != NULL)
			p->ready |= UINT32_C(1) << i;
	}
}

void
swap_plan_done(struct swap_plan *p)
{
	stand_ins_unref(p->stand_ins);
	*p = (struct swap_plan){0};
}

/* ---- a head ------------------------------------------------------------- */

/* Those that may be swapped in that place. */
static uint32_t
ready_in(const struct swap_plan *p, enum policy_place place)
{
	uint32_t set = 0;

	for (size_t i = 0; i < p->stand_ins->count; i++)
		if ((p->ready >> i & 1) != 0 &&
			(p->swaps[i]->places & place) != 0)
			set |= UINT32_C(1) << i;
	return set;
}

/* Those whose values go out with the request, or may. */
static uint32_t
used(const struct swap_plan *p)
{
	return p->header | p->query | p->path | p->body;
}

static bool
goes_out(const struct http_head *request, size_t field,
	const struct inject_plan *inject)
{
	const struct http_field *f = &request->fields[field];
	struct span name = http_head_name(request, f);

	return !inject_takes(inject, name) &&
	       http_rules_find(request, name, &field) == f;
}

/*
 * Puts what is swapped on the list of what goes out, as long as there is room
 * there: what has none is not swapped.  left: goes as it is, somewhere.
 */
static void
list_names(struct swap_plan *p, uint32_t left, struct inject_plan *inject)
{
	uint32_t dropped = 0;

	for (size_t i = 0; i < p->stand_ins->count; i++) {
		const char *name = p->stand_ins->credentials[i];
		uint32_t bit = UINT32_C(1) << i;

		if ((used(p) & bit) != 0 && !inject_plan_has(inject, name) &&
			!inject_add_name(inject->injected, name))
			dropped |= bit;
		if (((left | dropped) & bit) != 0)
			inject_add_name(inject->skipped, name);
	}
	p->header &= ~dropped;
	p->query &= ~dropped;
	p->path &= ~dropped;
	p->body &= ~dropped;
}

void
swap_plan_head(struct swap_plan *p, const struct http_head *request,
	struct inject_plan *inject)
{
	uint32_t in_path = found_in(p, http_head_path(request));
	uint32_t in_query = found_in(p, http_head_query(request));
	uint32_t ready = ready_in(p, POLICY_IN_HEADER);
	uint32_t all = in_path | in_query, left = 0;

	for (size_t i = 0; i < request->field_count; i++) {
		uint32_t found =
			found_in_field(p, request, &request->fields[i]);

		all |= found;
		if (found == 0 || !goes_out(request, i, inject))
			continue;
		left |= found & ~ready;
		p->header |= found & ready;
	}
	p->path = in_path & ready_in(p, POLICY_IN_PATH);
	p->query = in_query & ready_in(p, POLICY_IN_QUERY);
	p->wrong = all & ~p->bound;
	left |= (in_path & ~p->path) | (in_query & ~p->query);
	if (body_swap_takes(request))
		p->body = ready_in(p, POLICY_IN_BODY);
	if (p->wrong == 0 && (all | p->body) != 0)
		list_names(p, left, inject);
}

const char *
swap_plan_first(const struct swap_plan *p, uint32_t set)
{
	for (size_t i = 0; p->stand_ins != NULL && i < p->stand_ins->count; i++)
		if ((set >> i & 1) != 0)
			return p->stand_ins->credentials[i];
	return NULL;
}

void
swap_plan_names(const struct swap_plan *p, uint32_t set, char *list)
{
	for (size_t i = 0; set != 0 && i < p->stand_ins->count; i++)
		if ((set >> i & 1) != 0)
			inject_add_name(list, p->stand_ins->credentials[i]);
}

const char *
swap_plan_wrong(const struct swap_plan *p)
{
	return swap_plan_first(p, p->wrong);
}

const char *
swap_plan_wrong_in(const struct swap_plan *p, const struct http_head *trailers)
{
	uint32_t found = 0;

	for (size_t i = 0; p->stand_ins != NULL && i < trailers->field_count;
		i++)
		found |= found_in_field(p, trailers, &trailers->fields[i]);
	return swap_plan_first(p, found & ~p->bound);
}

/* ---- values ------------------------------------------------------------- */

/* With the values of those in set.  0 or -ENOKEY; swap_done() in either case.
 */
static int
open_swap(struct swap *s, const struct swap_plan *p, uint32_t set,
	const struct keyring *keyring, enum swap_spelling spelling)
{
	swap_init(s, p->stand_ins->set, spelling);
	for (size_t i = 0; i < p->stand_ins->count; i++) {
		struct secret *value;

		if ((set >> i & 1) == 0)
			continue;
		value = value_of(p, keyring, i);
		if (value == NULL)
			return -ENOKEY;
		swap_give(s, i, value);
	}
	return 0;
}

/* One field, if there is anything to do. */
static int
apply_field(struct swap *s, struct http_head *h, size_t field, char *text)
{
	const struct http_field *f = &h->fields[field];
	struct span value = http_head_value(h, f);
	ssize_t n = 0;
	int r = 0;

	if (may_be_basic(f))
		n = swap_basic(s, value, text, TEXT_MAX);
	if (n == 0)
		n = swap_text(s, value, text, TEXT_MAX);
	if (n < 0)
		return -E2BIG;
	if ((size_t)n != value.len || memcmp(text, value.ptr, value.len) != 0)
		r = http_head_replace(h, field, (struct span){text, (size_t)n});
	explicit_bzero(text, (size_t)n);
	return r;
}

static int
apply_header(const struct swap_plan *p, const struct keyring *keyring,
	struct http_head *head, char *text)
{
	struct swap s;
	int r = open_swap(&s, p, p->header, keyring, SWAP_PLAIN);

	for (size_t i = 0; i < head->field_count && r == 0; i++)
		r = apply_field(&s, head, i, text);
	swap_done(&s);
	return r;
}

/* A part of the target, behind what is in text already. */
static int
append_part(struct swap *s, struct span part, char *text, size_t *len)
{
	ssize_t n = swap_text(s, part, text + *len, TEXT_MAX - *len);

	if (n < 0)
		return -E2BIG;
	*len += (size_t)n;
	return 0;
}

static int
apply_target(const struct swap_plan *p, const struct keyring *keyring,
	struct http_head *head, char *text)
{
	struct span path = http_head_path(head), query = http_head_query(head);
	bool has_query = path.len < http_head_target(head).len;
	struct swap in_path, in_query;
	size_t len = 0;
	int r = open_swap(&in_path, p, p->path, keyring, SWAP_PERCENT);
	int q = open_swap(&in_query, p, p->query, keyring, SWAP_PERCENT);

	r = r < 0 ? r : q;
	if (r == 0)
		r = append_part(&in_path, path, text, &len);
	if (r == 0 && has_query)
		r = append_part(&in_query, (struct span){"?", 1}, text, &len);
	if (r == 0 && has_query)
		r = append_part(&in_query, query, text, &len);
	if (r == 0) {
		head->secret_target = true;
		r = http_head_set_target(head, (struct span){text, len});
	}
	explicit_bzero(text, len);
	swap_done(&in_path);
	swap_done(&in_query);
	return r;
}

int
swap_plan_apply(const struct swap_plan *p, const struct keyring *keyring,
	struct http_head *head)
{
	char *text;
	int r = 0;

	if ((p->header | p->query | p->path) == 0)
		return 0;
	text = malloc(TEXT_MAX);
	if (text == NULL)
		return -ENOMEM;
	if (p->header != 0)
		r = apply_header(p, keyring, head, text);
	if (r == 0 && (p->path | p->query) != 0)
		r = apply_target(p, keyring, head, text);
	free(text);
	return r;
}

int
swap_plan_body(const struct swap_plan *p, const struct keyring *keyring,
	struct body_swap_want *ret)
{
	*ret = (struct body_swap_want){.set = p->stand_ins->set};
	for (size_t i = 0; i < p->stand_ins->count; i++) {
		if ((p->bound >> i & 1) == 0)
			ret->wrong |= UINT32_C(1) << i;
		if ((p->body >> i & 1) == 0)
			continue;
		ret->values[i] = value_of(p, keyring, i);
		if (ret->values[i] == NULL)
			return -ENOKEY;
	}
	return 0;
}

bool
swap_plan_is_secret(const struct swap_plan *p)
{
	return used(p) != 0;
}

bool
swap_plan_has(const struct swap_plan *p, const char *credential)
{
	uint32_t set = used(p);

	for (size_t i = 0; set != 0 && i < p->stand_ins->count; i++)
		if ((set >> i & 1) != 0 &&
			strcmp(p->stand_ins->credentials[i], credential) == 0)
			return true;
	return false;
}
