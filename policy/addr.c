#include "addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned
bits_of(int family)
{
	return family == AF_INET ? 32 : 128;
}

/* Whether a and b agree in their first bits. */
static bool
same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned bytes = bits / 8, rest = bits % 8;

	if (memcmp(a, b, bytes) != 0)
		return false;
	return rest == 0 || ((a[bytes] ^ b[bytes]) >> (8 - rest)) == 0;
}

static bool
read_prefix(const char *text, unsigned max, unsigned *ret)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long n;

	if (digits < 1 || digits > 3 || text[digits] != '\0' ||
		(text[0] == '0' && digits > 1))
		return false;
	n = strtoul(text, NULL, 10);
	if (n > max)
		return false;
	*ret = (unsigned)n;
	return true;
}

/* The address with every bit behind the prefix zero. */
static void
mask(struct addr_range *range)
{
	for (unsigned bit = range->prefix; bit < bits_of(range->family); bit++)
		range->bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
}

int
addr_parse(const char *text, struct addr_range *ret)
{
	struct addr_range range = {.family = AF_INET}, masked;
	const char *slash = strchrnul(text, '/');
	char address[INET6_ADDRSTRLEN];
	size_t len = (size_t)(slash - text);

	if (len >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, len);
	address[len] = '\0';
	if (inet_pton(AF_INET, address, range.bytes) != 1) {
		range.family = AF_INET6;
		if (inet_pton(AF_INET6, address, range.bytes) != 1)
			return -EINVAL;
	}
	range.prefix = bits_of(range.family);
	if (*slash == '/' &&
		!read_prefix(slash + 1, range.prefix, &range.prefix))
		return -EINVAL;
	if (range.family == AF_INET6 &&
		IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)range.bytes))
		return -EAFNOSUPPORT;
	masked = range;
	mask(&masked);
	if (memcmp(masked.bytes, range.bytes, sizeof(range.bytes)) != 0)
		return -ERANGE;
	*ret = range;
	return 0;
}

bool
addr_contains(const struct addr_range *range, const struct sockaddr *dst)
{
	const struct sockaddr_in6 *v6 = (const void *)dst;
	const struct sockaddr_in *v4 = (const void *)dst;
	const uint8_t *bytes;
	int family = dst->sa_family;

	if (family == AF_INET) {
		bytes = (const uint8_t *)&v4->sin_addr;
	} else if (family == AF_INET6) {
		bytes = v6->sin6_addr.s6_addr;
		if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
			bytes += 12;
			family = AF_INET;
		}
	} else {
		return false;
	}
	return family == range->family &&
	       same_prefix(range->bytes, bytes, range->prefix);
}

uint16_t
addr_port(const struct sockaddr *dst)
{
	if (dst->sa_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)(const void *)dst)
				     ->sin_port);
	if (dst->sa_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)(const void *)dst)
				     ->sin6_port);
	return 0;
}

const char *
addr_text(const struct addr_range *range, char ret[ADDR_TEXT])
{
	char address[INET6_ADDRSTRLEN];

	inet_ntop(range->family, range->bytes, address, sizeof(address));
	if (range->prefix == bits_of(range->family))
		snprintf(ret, ADDR_TEXT, "%s", address);
	else
		snprintf(ret, ADDR_TEXT, "%s/%u", address, range->prefix);
	return ret;
}
