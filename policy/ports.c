#include "ports.h"

#include <stdlib.h>
#include <string.h>

static const struct port_range all[] = {{0, UINT16_MAX}};
static const struct port_range web[] = {{80, 80}, {443, 443}};
static const struct port_range tls[] = {{443, 443}};

const struct ports ports_all = {all, 1};
const struct ports ports_web = {web, 2};
const struct ports ports_tls = {tls, 1};

/* Returns what follows the number, or NULL. */
static const char *
read_port(const char *text, uint16_t *ret)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long port;

	if (digits < 1 || digits > 5 || text[0] == '0')
		return NULL;
	port = strtoul(text, NULL, 10);
	if (port > UINT16_MAX)
		return NULL;
	*ret = (uint16_t)port;
	return text + digits;
}

bool
port_range_parse(const char *text, struct port_range *ret)
{
	struct port_range range;

	text = read_port(text, &range.first);
	if (text == NULL)
		return false;
	range.last = range.first;
	if (*text == '-')
		text = read_port(text + 1, &range.last);
	if (text == NULL || *text != '\0' || range.last < range.first)
		return false;
	*ret = range;
	return true;
}

static int
by_first(const void *va, const void *vb)
{
	const struct port_range *a = va, *b = vb;

	return (int)a->first - (int)b->first;
}

size_t
port_ranges_join(struct port_range *ranges, size_t count)
{
	size_t kept = 0;

	qsort(ranges, count, sizeof(*ranges), by_first);
	for (size_t i = 0; i < count; i++) {
		struct port_range *last = kept > 0 ? &ranges[kept - 1] : NULL;

		if (last == NULL || ranges[i].first > last->last + 1)
			ranges[kept++] = ranges[i];
		else if (ranges[i].last > last->last)
			last->last = ranges[i].last;
	}
	return kept;
}

bool
ports_contain(const struct ports *p, uint16_t port)
{
	size_t low = 0, high = p->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (port < p->ranges[middle].first)
			high = middle;
		else if (port > p->ranges[middle].last)
			low = middle + 1;
		else
			return true;
	}
	return false;
}

bool
ports_cover(const struct ports *outer, const struct ports *inner)
{
	size_t o = 0;

	/* Ranges are apart, so each inner one must lie within one outer. */
	for (size_t i = 0; i < inner->count; i++) {
		while (o < outer->count &&
			outer->ranges[o].last < inner->ranges[i].first)
			o++;
		if (o == outer->count ||
			outer->ranges[o].first > inner->ranges[i].first ||
			outer->ranges[o].last < inner->ranges[i].last)
			return false;
	}
	return true;
}

bool
ports_common(const struct ports *a, const struct ports *b, unsigned port,
	uint16_t *ret)
{
	size_t i = 0, k = 0;

	while (i < a->count && k < b->count) {
		const struct port_range *ra = &a->ranges[i];
		const struct port_range *rb = &b->ranges[k];
		unsigned first = ra->first > rb->first ? ra->first : rb->first;
		unsigned last = ra->last < rb->last ? ra->last : rb->last;

		if (first < port)
			first = port;
		if (first <= last) {
			*ret = (uint16_t)first;
			return true;
		}
		if (ra->last < rb->last)
			i++;
		else
			k++;
	}
	return false;
}
