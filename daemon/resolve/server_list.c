#include "server_list.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
	PORT_DNS = 53,
	PORT_DNS_TLS = 853,
	PORT_DIGITS = 5,
	LABEL_MOST = 63,
	TEXT_MOST = 64, /* of the address and its port */
};

static const char scheme[] = "tls://";

static bool
parse_port(const char *text, in_port_t *ret)
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
	*ret = htons((in_port_t)port);
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
parse_address(const char *text, in_port_t port, struct name_server_address *ret)
{
	char address[INET6_ADDRSTRLEN];
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	const char *given;

	port = htons(port);
	if (!split(text, address, sizeof(address), &given))
		return false;
	if (given != NULL && !parse_port(given, &port))
		return false;
	v4.sin_port = v6.sin6_port = port;
	if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
		memcpy(&ret->address, &v4, sizeof(v4));
		ret->address_len = sizeof(v4);
		return true;
	}
	if (inet_pton(AF_INET6, address, &v6.sin6_addr) != 1)
		return false;
	memcpy(&ret->address, &v6, sizeof(v6));
	ret->address_len = sizeof(v6);
	return true;
}

/* A name that a certificate can be for; an address in digits is none. */
static bool
parse_name(const char *text, char ret[SERVER_NAME])
{
	size_t len = strlen(text), label;
	unsigned char address[4];

	if (len == 0 || len >= SERVER_NAME ||
		inet_pton(AF_INET, text, address) == 1)
		return false;
	snprintf(ret, SERVER_NAME, "%s", text);
	for (;; text += label + 1) {
		label = strspn(text, "abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
		if (label == 0 || label > LABEL_MOST)
			return false;
		if (text[label] == '\0')
			return true;
		if (text[label] != '.')
			return false;
	}
}

static bool
parse_tls(const char *text, struct name_server_address *ret)
{
	const char *mark = strchr(text, '#');
	char address[TEXT_MOST];

	if (mark == NULL || (size_t)(mark - text) >= sizeof(address))
		return false;
	memcpy(address, text, (size_t)(mark - text));
	address[mark - text] = '\0';
	ret->tls = true;
	return parse_address(address, PORT_DNS_TLS, ret) &&
	       parse_name(mark + 1, ret->name);
}

bool
server_list_parse_one(const char *text, struct name_server_address *ret)
{
	*ret = (struct name_server_address){.tls = false};
	if (strncmp(text, scheme, strlen(scheme)) == 0)
		return parse_tls(text + strlen(scheme), ret);
	return parse_address(text, PORT_DNS, ret);
}

int
server_list_parse(const char *const *servers, size_t count,
	struct server_list *ret, char *reterr, size_t reterr_size)
{
	struct server_list list = {.count = count};

	if (count < 1 || count > SERVER_LIST_MAX) {
		snprintf(reterr, reterr_size, "%zu name servers, need 1 to %d",
			count, SERVER_LIST_MAX);
		return -EINVAL;
	}
	for (size_t i = 0; i < count; i++) {
		if (!server_list_parse_one(servers[i], &list.items[i])) {
			snprintf(reterr, reterr_size,
				"name server \"%.64s\" is not an address, "
				"ADDRESS:PORT, [ADDRESS]:PORT or "
				"tls://ADDRESS#NAME",
				servers[i]);
			return -EINVAL;
		}
	}
	*ret = list;
	return 0;
}
