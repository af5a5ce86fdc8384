#include "kernel_exempt.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_side.h"

/* "[2001:db8::53]:5353" in its parts. */
static void
split_server(const char *server, char address[NFT_ADDRESS_SIZE], uint16_t *port)
{
	const char *end = strrchr(server, ']'), *colon = strrchr(server, ':');
	bool bare = end == NULL && colon != strchr(server, ':');

	*port = 53;
	if (server[0] == '[')
		server++;
	if (!bare && colon != NULL && (end == NULL || colon == end + 1))
		*port = (uint16_t)strtoul(colon + 1, NULL, 10);
	if (end == NULL && !bare)
		end = colon;
	snprintf(address, NFT_ADDRESS_SIZE, "%.*s",
		end != NULL ? (int)(end - server) : NFT_ADDRESS_SIZE, server);
}

int
kernel_exempt_init(struct kernel_exempt *k, const struct kernel_side_options *o)
{
	const struct schema_strings *ranges =
		&o->settings->upstream.allow_addresses;

	for (; k->resolver_count < o->server_count; k->resolver_count++) {
		size_t i = k->resolver_count;

		k->resolvers[i].address = k->addresses[i];
		split_server(
			o->servers[i], k->addresses[i], &k->resolvers[i].port);
	}
	k->ranges = calloc(ranges->count + 1, sizeof(char *));
	if (k->ranges == NULL)
		return -ENOMEM;
	for (; k->range_count < ranges->count; k->range_count++) {
		char *copy = strdup(ranges->items[k->range_count]);

		if (copy == NULL)
			return -ENOMEM;
		k->ranges[k->range_count] = copy;
	}
	return 0;
}

void
kernel_exempt_done(struct kernel_exempt *k)
{
	for (size_t i = 0; i < k->range_count; i++)
		free(k->ranges[i]);
	free(k->ranges);
}
