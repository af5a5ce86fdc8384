/*
 * parse_limit.c - `limit`: how much of each in how long
 */
#include "parse.h"

#include "print.h"
#include "region.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct unit {
	const char *name;
	uint64_t value;
} periods[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}},
  counts[] = {{"", 1}},
  bytes[] = {{"B", 1}, {"kB", 1000}, {"MB", 1000000}, {"GB", 1000000000},
	  {"TB", 1000000000000}};

/* Up to here a double, which counts what is left, is exact. */
static const uint64_t amount_max = (uint64_t)1 << 53;

/* Digits without a leading zero; what follows them, or NULL. */
static const char *
read_number(const char *text, uint64_t *ret)
{
	uint64_t n = 0;

	if (*text < '1' || *text > '9')
		return NULL;
	for (; isdigit((unsigned char)*text); text++) {
		n = n * 10 + (uint64_t)(*text - '0');
		if (n > amount_max)
			return NULL;
	}
	*ret = n;
	return text;
}

/* The unit that is len bytes of text, or NULL. */
static const struct unit *
find_unit(const struct unit *units, size_t count, const char *text, size_t len)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(units[i].name) == len &&
			memcmp(units[i].name, text, len) == 0)
			return &units[i];
	}
	return NULL;
}

static bool
read_amount(const char *text, const struct unit *units, size_t count,
	struct policy_amount *ret)
{
	const struct unit *unit, *period;
	const char *slash;
	uint64_t n;

	text = read_number(text, &n);
	slash = text != NULL ? strchr(text, '/') : NULL;
	if (slash == NULL)
		return false;
	unit = find_unit(units, count, text, (size_t)(slash - text));
	period = find_unit(periods, sizeof(periods) / sizeof(periods[0]),
		slash + 1, strlen(slash + 1));
	if (unit == NULL || period == NULL || n > amount_max / unit->value)
		return false;
	ret->amount = n * unit->value;
	ret->seconds = (unsigned)period->value;
	return true;
}

static void
read_requests(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	static const char what[] = "a number in a time, such as 60/m (s, m, h "
				   "or d)";

	if (value->kind != TREE_SCALAR ||
		!read_amount(value->text, counts, 1, ret))
		schema_expects(s, f, value, what);
}

static void
read_bytes(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	static const char what[] = "bytes in a time, such as 10MB/h (B, kB, "
				   "MB, GB, TB; s, m, h or d)";

	if (value->kind != TREE_SCALAR ||
		!read_amount(value->text, bytes,
			sizeof(bytes) / sizeof(bytes[0]), ret))
		schema_expects(s, f, value, what);
}

#define FIELD(name, kind) \
	.key = #name, .offset = offsetof(struct policy_limit, amounts[kind])

static const struct schema_shape requests_shape = {
	.one = "\"type\": \"string\", "
	       "\"pattern\": \"^[1-9][0-9]*/[smhd]$\""};
static const struct schema_shape bytes_shape = {
	.one = "\"type\": \"string\", \"pattern\": "
	       "\"^[1-9][0-9]*(B|kB|MB|GB|TB)/[smhd]$\""};

static const struct schema_field fields[] = {
	{FIELD(requests, POLICY_REQUESTS), .read = read_requests,
		.shape = &requests_shape, .about = "such as 60/m"},
	{FIELD(up, POLICY_UP), .read = read_bytes, .shape = &bytes_shape,
		.about = "bytes to the origin, such as 10MB/h"},
	{FIELD(down, POLICY_DOWN), .read = read_bytes, .shape = &bytes_shape,
		.about = "bytes from the origin, such as 1GB/d"},
	{.key = NULL},
};
const struct schema_table parse_limit_table = {"a limit", fields};
const struct schema_shape parse_limit_shape = {
	.one = "\"$ref\": \"#/$defs/limit\", \"minProperties\": 1"};

void
parse_limit(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	struct policy_limit *limit;

	if (!schema_is(s, f, value, TREE_MAP, "a map (a limit)"))
		return;
	limit = region_alloc(s->region, 1, sizeof(*limit));
	if (limit == NULL)
		return;
	if (value->count == 0)
		report_add(s->report, value->at,
			"a limit needs at least one of the keys \"requests\", "
			"\"up\" and \"down\"");
	schema_fill(s, value, &parse_limit_table, limit);
	*(struct policy_limit **)ret = limit;
}

void
parse_limit_key(struct parse *p, struct rule *r)
{
	char *text;

	/* A rule that memory was short for cannot be printed. */
	if (r->limit == NULL || region_failed(p->schema.region) < 0)
		return;
	text = print_rule(r);
	if (text == NULL)
		region_fail(p->schema.region);
	else
		r->limit->key =
			region_copy(p->schema.region, text, strlen(text));
	free(text);
}
