#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include "element.h"

/* Interfaces have at most 15 bytes and an end; a set key is never all name. */
static const struct {
	const char *name;
	uint8_t key_len;
} sets[] = {
	[SET_IFACES] = {"ifaces", 16},
	[SET_SOURCE4] = {"source4", 16 + 4},
	[SET_SOURCE6] = {"source6", 16 + 16},
	[SET_CAGES] = {"cages", 4},
	[SET_EXEMPT4] = {"exempt4", 4},
	[SET_EXEMPT6] = {"exempt6", 16},
	[SET_RESOLVER4] = {"resolver4", 4 + 4},
	[SET_RESOLVER6] = {"resolver6", 16 + 4},
};
static_assert(sizeof(sets) / sizeof(sets[0]) == SET_COUNT, "a row each");

const char *
element_set_name(enum element_set set)
{
	assert(set < SET_COUNT);
	return sets[set].name;
}

size_t
element_set_key_len(enum element_set set)
{
	assert(set < SET_COUNT);
	return sets[set].key_len;
}

static void
element_start(struct element *e, enum element_set set)
{
	memset(e, 0, sizeof(*e));
	e->set = (uint8_t)set;
	e->key_len = sets[set].key_len;
}

/* What dev_valid_name() of the kernel takes, and nothing unprintable. */
static bool
is_interface_name(const char *name)
{
	size_t len = strnlen(name, ELEMENT_NAME_SIZE);

	if (len == 0 || len == ELEMENT_NAME_SIZE)
		return false;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (name[i] <= ' ' || name[i] > '~')
			return false;
		if (strchr("/:\"\\", name[i]) != NULL)
			return false;
	}
	return true;
}

int
element_of_interface(const char *name, struct element *ret)
{
	if (!is_interface_name(name))
		return -EINVAL;
	element_start(ret, SET_IFACES);
	memcpy(ret->key, name, strlen(name));
	return 0;
}

void
element_of_index(uint32_t ifindex, struct element *ret)
{
	element_start(ret, SET_CAGES);
	memcpy(ret->key, &ifindex, sizeof(ifindex));
}

uint32_t
element_index(const struct element *e)
{
	uint32_t ifindex;

	memcpy(&ifindex, e->key, sizeof(ifindex));
	return ifindex;
}

/* Unspecified, loopback, multicast, reserved: no sandbox is one of those. */
static bool
is_host_address(int family, const uint8_t *a)
{
	static const uint8_t low[12];

	if (family == AF_INET)
		return a[0] != 0 && a[0] != 127 && a[0] < 224;
	return a[0] != 0xff && memcmp(a, low, sizeof(low)) != 0;
}

static int
parse_address(const char *text, uint8_t ret[16])
{
	if (inet_pton(AF_INET, text, ret) == 1)
		return AF_INET;
	if (inet_pton(AF_INET6, text, ret) == 1)
		return AF_INET6;
	return AF_UNSPEC;
}

static size_t
address_len(int family)
{
	return family == AF_INET ? 4 : 16;
}

int
element_of_source(
	const char *interface, const char *address, struct element *ret)
{
	uint8_t bytes[16];
	int family = parse_address(address, bytes);

	if (family == AF_UNSPEC || !is_host_address(family, bytes))
		return -EINVAL;
	if (!is_interface_name(interface))
		return -EINVAL;
	element_start(ret, family == AF_INET ? SET_SOURCE4 : SET_SOURCE6);
	memcpy(ret->key, interface, strlen(interface));
	memcpy(ret->key + ELEMENT_NAME_SIZE, bytes, address_len(family));
	return 0;
}

int
element_of_resolver(const char *address, uint16_t port, struct element *ret)
{
	uint8_t bytes[16];
	int family = parse_address(address, bytes);
	uint16_t wire = htons(port);

	if (family == AF_UNSPEC || port == 0)
		return -EINVAL;
	element_start(ret, family == AF_INET ? SET_RESOLVER4 : SET_RESOLVER6);
	memcpy(ret->key, bytes, address_len(family));
	memcpy(ret->key + address_len(family), &wire, sizeof(wire));
	return 0;
}

/* Up to three digits, no sign, no space; -1 for anything else. */
static int
parse_prefix(const char *text, int most)
{
	int prefix = 0;

	if (text[0] == '\0' || strnlen(text, 4) > 3)
		return -1;
	if (text[0] == '0' && text[1] != '\0')
		return -1;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		prefix = prefix * 10 + (*text - '0');
	}
	return prefix <= most ? prefix : -1;
}

int
element_range_parse(const char *text, struct element_range *ret)
{
	struct element_range range = {0};
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchrnul(text, '/');
	size_t len = (size_t)(slash - text);
	int prefix;

	if (len >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, len);
	address[len] = '\0';
	range.family = parse_address(address, range.first);
	if (range.family == AF_UNSPEC)
		return -EINVAL;
	prefix = (int)address_len(range.family) * 8;
	if (*slash == '/')
		prefix = parse_prefix(slash + 1, prefix);
	if (prefix < 0)
		return -EINVAL;
	for (size_t i = 0; i < address_len(range.family); i++) {
		int bits = prefix - (int)i * 8;
		uint8_t host = bits >= 8 ? 0 : bits <= 0 ? 0xff : 0xff >> bits;

		range.first[i] &= (uint8_t)~host;
		range.last[i] = range.first[i] | host;
	}
	*ret = range;
	return 0;
}

/* Adds one; false when there is nothing behind the last address. */
static bool
address_next(uint8_t *a, int family)
{
	for (size_t i = address_len(family); i > 0; i--) {
		if (++a[i - 1] != 0)
			return true;
	}
	return false;
}

static int
range_compare(const void *a, const void *b)
{
	const struct element_range *x = a, *y = b;

	if (x->family != y->family)
		return x->family == AF_INET ? -1 : 1;
	return memcmp(x->first, y->first, sizeof(x->first));
}

/* Does b, which does not begin before a, begin in a or right behind it? */
static bool
range_meets(const struct element_range *a, const struct element_range *b)
{
	uint8_t behind[16];

	memcpy(behind, a->last, sizeof(behind));
	return a->family == b->family &&
	       (!address_next(behind, a->family) ||
		       memcmp(b->first, behind, sizeof(behind)) <= 0);
}

size_t
element_ranges_join(struct element_range *ranges, size_t count)
{
	size_t kept = 0;

	if (count == 0)
		return 0;
	qsort(ranges, count, sizeof(*ranges), range_compare);
	for (size_t i = 1; i < count; i++) {
		struct element_range *last = &ranges[kept];

		if (!range_meets(last, &ranges[i]))
			ranges[++kept] = ranges[i];
		else if (memcmp(ranges[i].last, last->last, 16) > 0)
			memcpy(last->last, ranges[i].last, 16);
	}
	return kept + 1;
}

size_t
element_of_range(const struct element_range *range, struct element ret[2])
{
	bool v4 = range->family == AF_INET;
	uint8_t behind[16];

	for (int i = 0; i < 2; i++)
		element_start(&ret[i], v4 ? SET_EXEMPT4 : SET_EXEMPT6);
	memcpy(ret[0].key, range->first, ret[0].key_len);
	memcpy(behind, range->last, sizeof(behind));
	if (!address_next(behind, range->family))
		return 1;
	memcpy(ret[1].key, behind, ret[1].key_len);
	ret[1].end = 1;
	return 2;
}

int
element_compare(const void *a, const void *b)
{
	const struct element *x = a, *y = b;

	if (x->set != y->set)
		return x->set < y->set ? -1 : 1;
	return memcmp(x->key, y->key, sizeof(x->key));
}

void
element_interface(const struct element *e, char ret[static ELEMENT_NAME_SIZE])
{
	memcpy(ret, e->key, ELEMENT_NAME_SIZE - 1);
	ret[ELEMENT_NAME_SIZE - 1] = '\0';
}
