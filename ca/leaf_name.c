#include "leaf_name.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

enum {
	LABEL_MAX = 63,
	ADDRESS4_LEN = 4,
	ADDRESS6_LEN = 16,
};

static bool
is_label_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_';
}

static bool
is_host(const char *host, size_t len)
{
	size_t label = 0;

	for (size_t i = 0; i < len; i++) {
		if (host[i] == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if (!is_label_byte(host[i]) || ++label > LABEL_MAX) {
			return false;
		}
	}
	return label > 0;
}

int
leaf_name_host(const char *host, struct leaf_name *ret)
{
	size_t len = strnlen(host, LEAF_NAME_MAX + 1);
	struct in_addr ignored;

	if (len > LEAF_NAME_MAX || !is_host(host, len))
		return -EINVAL;
	if (inet_aton(host, &ignored) != 0)
		return -EINVAL;
	ret->kind = LEAF_NAME_DNS;
	ret->len = (uint8_t)len;
	memcpy(ret->bytes, host, len + 1);
	return 0;
}

int
leaf_name_address(int family, const uint8_t *address, struct leaf_name *ret)
{
	if (family != AF_INET && family != AF_INET6)
		return -EINVAL;
	ret->kind = LEAF_NAME_ADDRESS;
	ret->len = family == AF_INET ? ADDRESS4_LEN : ADDRESS6_LEN;
	memcpy(ret->bytes, address, ret->len);
	return 0;
}

int
leaf_name_compare(const struct leaf_name *a, const struct leaf_name *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return memcmp(a->bytes, b->bytes, a->len);
}
