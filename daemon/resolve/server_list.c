#include "server_list.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
	PORT_DNS = 53,
	PORT_DIGITS = 5,
};

static bool
parse_port(const char *text, int *ret)
{
	size_t len = strlen(text);
	int port = 0;

	if (len < 1 || len > PORT_DIGITS || text[0] == '0' ||
		strspn(text, "0123456789") != len)
		return false;
	for (; *text != '\0'; text++)
		port = port * 10 + (*text - '0');
	if (port > 65535)
		return false;
	*ret = port;
	return true;
}

/* "a.b.c.d", "a.b.c.d:port", "v6", "[v6]", "[v6]:port": the two halves. */
static bool
split(const char *text, char *address, size_t size, const char **ret_port)
{
	bool brackets = text[0] == '[';
	const char *colon = strchr(text, ':');
	const char *end = text + strlen(text);

	if (brackets) {
		text++;
		end = strchr(text, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return false;
		*ret_port = end[1] == ':' ? end + 2 : NULL;
	} else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
		end = colon;
		*ret_port = colon + 1;
	} else {
		*ret_port = NULL;
	}
	if ((size_t)(end - text) >= size)
		return false;
	memcpy(address, text, (size_t)(end - text));
	address[end - text] = '\0';
	return !brackets || strchr(address, ':') != NULL;
}

static bool
parse_one(const char *text, struct ares_addr_port_node *ret)
{
	char address[INET6_ADDRSTRLEN];
	const char *port;

	*ret = (struct ares_addr_port_node){.udp_port = PORT_DNS};
	if (!split(text, address, sizeof(address), &port))
		return false;
	if (port != NULL && !parse_port(port, &ret->udp_port))
		return false;
	ret->tcp_port = ret->udp_port;
	ret->family = strchr(address, ':') != NULL ? AF_INET6 : AF_INET;
	return inet_pton(ret->family, address, &ret->addr) == 1;
}

int
server_list_parse(const char *const *servers, size_t count,
	struct server_list *ret, char *reterr, size_t reterr_size)
{
	struct server_list list = {.count = count};

	if (count < 1 || count > RESOLVER_SERVERS) {
		snprintf(reterr, reterr_size, "%zu name servers, need 1 to %d",
			count, RESOLVER_SERVERS);
		return -EINVAL;
	}
	for (size_t i = 0; i < count; i++) {
		if (!parse_one(servers[i], &list.nodes[i])) {
			snprintf(reterr, reterr_size,
				"name server \"%.64s\" is not an address, "
				"ADDRESS:PORT or [ADDRESS]:PORT",
				servers[i]);
			return -EINVAL;
		}
	}
	*ret = list;
	for (size_t i = 0; i + 1 < count; i++)
		ret->nodes[i].next = &ret->nodes[i + 1];
	return 0;
}
