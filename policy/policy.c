/*
 * policy.c - what a compiled policy holds, for those who ask
 */
#include "policy.h"

#include "host_index.h"
#include "overlay.h"
#include "region.h"
#include "rule.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct policy *
policy_ref(struct policy *p)
{
	assert(p->refs > 0 && p->refs < UINT_MAX);
	p->refs++;
	return p;
}

void
policy_unref(struct policy *p)
{
	if (p == NULL)
		return;
	assert(p->refs > 0);
	if (--p->refs > 0)
		return;
	for (size_t i = 0; i < p->set_count; i++)
		host_index_free(p->sets[i].index);
	for (size_t i = 0; p->sandboxes != NULL && i < p->sandbox_count; i++)
		overlay_unref(p->sandboxes[i].overlay);
	region_free(p->region);
	free(p);
}

const struct policy_set *
policy_find(const struct policy *p, const char *name)
{
	size_t low = 0, high = p->set_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, p->sets_by_name[middle]->name);

		if (order == 0)
			return p->sets_by_name[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct policy_set *
policy_at(const struct policy *p, size_t i)
{
	return i < p->set_count ? &p->sets[i] : NULL;
}

const char *
policy_name(const struct policy_set *set)
{
	return set->base != NULL ? set->base->name : set->name;
}

size_t
policy_sandboxes(const struct policy *p, const struct policy_sandbox **ret)
{
	*ret = p->sandboxes;
	return p->sandbox_count;
}

size_t
policy_credentials(const struct policy *p, const struct policy_credential **ret)
{
	*ret = p->credential_faces;
	return p->credential_count;
}

size_t
policy_credential_names(const struct policy_set *set, const char *const **ret)
{
	if (set->base != NULL)
		set = set->base;
	*ret = set->credential_names;
	return set->credential_count;
}

/* ---- which credential goes there ---------------------------------------- */

static bool
applies(const struct binding *b, const char *host, uint16_t port)
{
	if (!ports_contain(&b->ports, port))
		return false;
	for (size_t k = 0; k < b->hosts.count; k++) {
		if (host_pattern_matches(&b->hosts.items[k], host))
			return true;
	}
	return false;
}

/* The number of the first that applies; the list's count: none does. */
static size_t
find_binding(const struct binding_list *list, const char *host, uint16_t port)
{
	size_t i = 0;

	while (i < list->count && !applies(&list->items[i], host, port))
		i++;
	return i;
}

size_t
policy_injections(const struct policy_set *set, const char *host, uint16_t port,
	const struct policy_injection **ret, size_t max)
{
	size_t n = 0;

	if (set->base != NULL)
		set = set->base;
	for (size_t i = 0; i < set->credential_count; i++) {
		const struct credential *c = set->credentials[i];
		size_t k = find_binding(&c->inject, host, port);

		if (k == c->inject.count)
			continue;
		if (n < max)
			ret[n] = &c->injections[k];
		n++;
	}
	return n;
}

size_t
policy_swaps(const struct policy_set *set, const char *host, uint16_t port,
	const struct policy_swap **ret, size_t max)
{
	size_t n = 0;

	if (set->base != NULL)
		set = set->base;
	for (size_t i = 0; i < set->credential_count; i++) {
		const struct credential *c = set->credentials[i];
		size_t k = find_binding(&c->swap, host, port);

		if (k == c->swap.count)
			continue;
		if (n < max)
			ret[n] = &c->swaps[k];
		n++;
	}
	return n;
}
