/*
 * keeper_guard.c - the workers' address guard, asked for people
 *
 * Each worker has a guard of its own, filled from what the keeper tells it.
 * This one is filled from the same (settings, the host's addresses, those of
 * sandboxes) for one answer, so that it is never older than theirs.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "documents.h"
#include "guard.h"
#include "hostnet.h"
#include "keeper_state.h"
#include "registry.h"
#include "settings.h"

enum { ADDRESSES_MAX = 64 };

static void
add_self(void *arg, int family, const uint8_t *address)
{
	(void)guard_add_self(arg, family, address);
}

/* Before the first generation holds there is the one that is to be. */
static const struct schema_strings *
allowed(const struct keeper *k)
{
	const struct documents *d =
		k->documents != NULL ? k->documents : k->target;

	return &d->settings->upstream.allow_addresses;
}

static struct guard *
make_guard(const struct keeper *k)
{
	const struct schema_strings *ranges = allowed(k);
	struct guard *g = guard_new();

	for (size_t i = 0; g != NULL && i < ranges->count; i++)
		(void)guard_allow(g, ranges->items[i]);
	if (g == NULL)
		return NULL;
	hostnet_addresses(k->hostnet, add_self, g);
	for (size_t i = 0; i < registry_count(k->registry); i++) {
		const struct sandbox_spec *s =
			registry_at(k->registry, i)->spec;

		for (size_t j = 0; j < s->address_count; j++)
			add_self(g, s->addresses[j].family,
				s->addresses[j].bytes);
	}
	return g;
}

/* {"address": …, "refused": why or null}; NULL for what is no address. */
static json_t *
judge(const struct guard *g, const char *text)
{
	struct sockaddr_storage address = {.ss_family = AF_INET};
	struct sockaddr_in *in = (struct sockaddr_in *)&address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address;

	if (inet_pton(AF_INET, text, &in->sin_addr) != 1) {
		address.ss_family = AF_INET6;
		if (inet_pton(AF_INET6, text, &in6->sin6_addr) != 1)
			return NULL;
	}
	return json_pack("{s:s, s:s?}", "address", text, "refused",
		guard_refuses(g, (const struct sockaddr *)&address));
}

static json_t *
judge_all(const struct guard *g, const char *addresses)
{
	char *copy = strdup(addresses), *rest = copy, *text;
	json_t *list = json_array(), *one;

	while (g != NULL && json_array_size(list) < ADDRESSES_MAX &&
		(text = strsep(&rest, ",")) != NULL) {
		one = judge(g, text);
		if (one != NULL)
			json_array_append_new(list, one);
	}
	free(copy);
	return list;
}

static json_t *
texts(const char *const *items, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(items[i]));
	return list;
}

json_t *
keeper_guard(struct keeper *k, const char *addresses)
{
	const struct schema_strings *ranges = allowed(k);
	struct guard *g = make_guard(k);
	json_t *answer = json_pack("{s:o, s:o, s:o}", "resolver",
		texts(k->servers, k->server_count), "allowed",
		texts(ranges->items, ranges->count), "addresses",
		judge_all(g, addresses));

	guard_free(g);
	return answer;
}
