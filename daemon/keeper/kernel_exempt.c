#include "kernel_exempt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_side.h"
#include "server_list.h"

/* Its address and port in the words of nft.h.  What is no server, which the
 * settings do not let pass, is not exempt. */
static void
split_server(const char *server, char address[NFT_ADDRESS_SIZE], uint16_t *port)
{
	struct name_server_address parsed;
	const void *any = &parsed.address;
	const struct sockaddr_in6 *v6 = any;
	const struct sockaddr_in *v4 = any;

	if (!server_list_parse_one(server, &parsed)) {
		snprintf(address, NFT_ADDRESS_SIZE, "-");
		*port = 0;
	} else if (parsed.address.ss_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, address, NFT_ADDRESS_SIZE);
		*port = ntohs(v4->sin_port);
	} else {
		inet_ntop(AF_INET6, &v6->sin6_addr, address, NFT_ADDRESS_SIZE);
		*port = ntohs(v6->sin6_port);
	}
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
