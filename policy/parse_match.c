/*
 * parse_match.c - what a rule can ask of a request: host, port, method, path,
 * address.  Each is one value or a list of them.
 */
#include "parse.h"

#include "path.h"
#include "region.h"
#include "token.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	METHOD_MAX = 32, /* bytes */
};

static const char *
quoted(const struct tree_node *n, char quote[REPORT_QUOTE])
{
	return report_quote(n->text, quote);
}

static bool
parse_host(struct parse *p, const struct schema_field *f,
	const struct tree_node *e, struct host_pattern *ret)
{
	const char *text = schema_text(&p->schema, f, e, "a host name");
	char why[HOST_PATTERN_ERROR], quote[REPORT_QUOTE];
	int r;

	if (text == NULL)
		return false;
	r = host_pattern_compile(p->schema.region, text, p->broad, ret, why);
	switch (r) {
	case 0:
		return true;
	case -ENOMEM:
		region_fail(p->schema.region);
		return false;
	case -EPERM:
		report_add(p->schema.report, e->at, "host %s %s: %s",
			quoted(e, quote), why, p->narrow_hint);
		return false;
	default:
		report_add(p->schema.report, e->at, "host %s: %s",
			quoted(e, quote), why);
		return false;
	}
}

const struct schema_shape parse_hosts_shape = {.many = SCHEMA_ONE_OR_LIST,
	.one = "\"type\": \"string\", \"pattern\": \"^[^\\\\s/:@]+$\""};

void
parse_hosts(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	struct host_pattern *items;
	const struct tree_node *e;
	bool good = true;
	size_t count;

	e = schema_entries(s, f, value, &count);
	items = region_alloc(s->region, count, sizeof(*items));
	if (e == NULL || items == NULL)
		return;
	for (size_t i = 0; i < count; i++, e = e->next)
		good &= parse_host(s->arg, f, e, &items[i]);
	if (good)
		*(struct pattern_list *)ret =
			(struct pattern_list){items, count};
}

const struct schema_shape parse_ports_shape = {.many = SCHEMA_ONE_OR_LIST,
	.one = "\"anyOf\": [{\"type\": \"integer\", \"minimum\": 1, "
	       "\"maximum\": 65535}, "
	       "{\"type\": \"string\", \"pattern\": "
	       "\"^[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})?$\"}]"};

void
parse_ports(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	struct port_range *ranges;
	const struct tree_node *e;
	bool good = true;
	size_t count;

	e = schema_entries(s, f, value, &count);
	ranges = region_alloc(s->region, count, sizeof(*ranges));
	if (e == NULL || ranges == NULL)
		return;
	for (size_t i = 0; i < count; i++, e = e->next) {
		if (e->kind == TREE_SCALAR &&
			port_range_parse(e->text, &ranges[i]))
			continue;
		schema_expects(s, f, e,
			"a port from 1 to 65535, a range such as "
			"\"8000-8999\", or a list of them");
		good = false;
	}
	if (good)
		*(struct ports *)ret =
			(struct ports){ranges, port_ranges_join(ranges, count)};
}

/* Reads each entry as a text and lets check() copy it, or say what is wrong. */
static void
parse_texts(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, struct schema_strings *ret,
	const char *(*check)(struct schema *, const struct schema_field *,
		const struct tree_node *))
{
	const struct tree_node *e;
	const char **items;
	bool good = true;
	size_t count;

	e = schema_entries(s, f, value, &count);
	items = region_alloc(s->region, count, sizeof(*items));
	if (e == NULL || items == NULL)
		return;
	for (size_t i = 0; i < count; i++, e = e->next) {
		items[i] = check(s, f, e);
		good &= items[i] != NULL;
	}
	if (good)
		*ret = (struct schema_strings){items, count};
}

static const char *
read_method(struct schema *s, const struct schema_field *f,
	const struct tree_node *e)
{
	const char *text = schema_text(s, f, e, "a method");
	char *copy;

	if (text == NULL)
		return NULL;
	if (!token_is_valid(text, METHOD_MAX)) {
		schema_expects(s, f, e, "a method such as GET");
		return NULL;
	}
	copy = region_copy(s->region, text, strlen(text));
	for (char *c = copy; c != NULL && *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
	return copy;
}

const struct schema_shape parse_methods_shape = {.many = SCHEMA_ONE_OR_LIST,
	.one = "\"type\": \"string\", \"pattern\": "
	       "\"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$\""};

void
parse_methods(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	parse_texts(s, f, value, ret, read_method);
}

static const char *
read_path(struct schema *s, const struct schema_field *f,
	const struct tree_node *e)
{
	const char *text = schema_text(s, f, e, "a path");
	char quote[REPORT_QUOTE];
	const char *why;

	if (text == NULL)
		return NULL;
	why = path_pattern_error(text);
	if (why != NULL) {
		report_add(
			s->report, e->at, "path %s: %s", quoted(e, quote), why);
		return NULL;
	}
	return region_copy(s->region, text, strlen(text));
}

const struct schema_shape parse_paths_shape = {.many = SCHEMA_ONE_OR_LIST,
	.one = "\"type\": \"string\", \"pattern\": "
	       "\"^/(?!/)((?!//)[^;?#\\\\\\\\ ])*$\""};

void
parse_paths(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	parse_texts(s, f, value, ret, read_path);
}

static bool
parse_address(struct schema *s, const struct schema_field *f,
	const struct tree_node *e, struct addr_range *ret)
{
	const char *text = schema_text(s, f, e, "an address");

	if (text == NULL)
		return false;
	switch (addr_parse(text, ret)) {
	case 0:
		return true;
	case -ERANGE:
		schema_expects(s, f, e,
			"a range without bits behind its prefix, such as "
			"192.0.2.0/24");
		return false;
	case -EAFNOSUPPORT:
		schema_expects(s, f, e,
			"the IPv4 address itself instead of one mapped into "
			"IPv6");
		return false;
	default:
		schema_expects(s, f, e,
			"an address or a range such as 192.0.2.0/24 or "
			"\"2001:db8::/32\"");
		return false;
	}
}

const struct schema_shape parse_addresses_shape = {.many = SCHEMA_ONE_OR_LIST,
	.one = "\"type\": \"string\", \"pattern\": "
	       "\"^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$\""};

void
parse_addresses(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	struct addr_range *items;
	const struct tree_node *e;
	bool good = true;
	size_t count;

	e = schema_entries(s, f, value, &count);
	items = region_alloc(s->region, count, sizeof(*items));
	if (e == NULL || items == NULL)
		return;
	for (size_t i = 0; i < count; i++, e = e->next)
		good &= parse_address(s, f, e, &items[i]);
	if (good)
		*(struct range_list *)ret = (struct range_list){items, count};
}
