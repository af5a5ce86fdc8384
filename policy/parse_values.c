/*
 * parse_values.c - what a rule can ask of a request's query and fields: maps of
 * names, each with a pattern or a list of them
 */
#include "parse.h"

#include "credential.h"
#include "region.h"

#include <string.h>
#include <strings.h>

enum {
	BYTES_MAX = 128, /* of a name */
	PATTERN_MAX =
		256, /* bytes: its cost is that times the value's length */
	PATTERNS_MAX = 64, /* of one name */
};

/* What differs between the two maps; an error is what was expected, or NULL. */
struct values {
	const char *what;
	const char *(*name_error)(const char *name);
	const char *(*pattern_error)(const char *pattern);
};

static bool
has_outer_blank(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && (text[0] == ' ' || text[len - 1] == ' ');
}

static const char *
query_name_error(const char *name)
{
	return *name == '\0' || strlen(name) > BYTES_MAX ||
			       has_outer_blank(name)
		       ? "the name of a parameter (1 to 128 bytes, no blank "
			 "at either end)"
		       : NULL;
}

static const char *
query_pattern_error(const char *pattern)
{
	return strlen(pattern) > PATTERN_MAX ? "at most 256 bytes" : NULL;
}

/* What a field's value never holds could never match. */
static const char *
header_pattern_error(const char *pattern)
{
	bool bad = strlen(pattern) > PATTERN_MAX || has_outer_blank(pattern);

	for (const char *s = pattern; *s != '\0'; s++)
		bad |= (unsigned char)*s < ' ' || *s == 0x7f;
	return bad ? "at most 256 bytes, without control characters and "
		     "without a blank at either end"
		   : NULL;
}

static const struct values queries = {"a map of 1 to 32 names of parameters",
	query_name_error, query_pattern_error};
static const struct values headers = {"a map of 1 to 32 names of header fields",
	credential_header_error, header_pattern_error};

static void
read_match(struct schema *s, const struct values *values,
	const struct tree_node *value, struct value_match *ret)
{
	const struct schema_field field = {
		.key = value->key->text, .min = 1, .max = PATTERNS_MAX};
	const struct tree_node *e;
	size_t count;

	ret->name = region_copy(s->region, field.key, strlen(field.key));
	schema_strings(s, &field, value, &ret->patterns);
	if (ret->patterns.count == 0)
		return;
	e = schema_entries(s, &field, value, &count);
	for (size_t i = 0; i < count; i++, e = e->next) {
		const char *error =
			values->pattern_error(ret->patterns.items[i]);

		if (error != NULL)
			schema_expects(s, &field, e, error);
	}
}

static void
read_values(struct schema *s, const struct schema_field *f,
	const struct tree_node *map, const struct values *values,
	struct value_list *ret)
{
	const struct tree_node *e = map->first;
	struct value_match *items;

	if (!schema_is(s, f, map, TREE_MAP, values->what))
		return;
	if (map->count < f->min || map->count > f->max) {
		schema_expects(s, f, map, values->what);
		return;
	}
	items = region_alloc(s->region, map->count, sizeof(*items));
	if (items == NULL)
		return;
	for (size_t i = 0; i < map->count; i++, e = e->next) {
		const char *error = values->name_error(e->key->text);

		if (error != NULL)
			schema_expects(s, f, e->key, error);
		read_match(s, values, e, &items[i]);
	}
	*ret = (struct value_list){items, map->count};
}

const struct schema_shape parse_values_shape = {
	.one = "\"type\": \"object\", \"minProperties\": 1, "
	       "\"maxProperties\": 32, \"additionalProperties\": "
	       "{\"anyOf\": [{\"type\": \"string\"}, {\"type\": "
	       "\"array\", \"minItems\": 1, \"items\": {\"type\": "
	       "\"string\"}}]}"};

void
parse_queries(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	read_values(s, f, value, &queries, ret);
}

/* The case of a field's name says nothing: two would be one. */
static void
check_twice(struct schema *s, const struct tree_node *map)
{
	char quote[REPORT_QUOTE];

	for (const struct tree_node *a = map->first; a != NULL; a = a->next) {
		const struct tree_node *b = map->first;

		while (b != a && strcasecmp(a->key->text, b->key->text) != 0)
			b = b->next;
		if (b != a)
			report_add(s->report, a->key->at,
				"header %s is already named in line %u",
				report_quote(a->key->text, quote),
				b->key->at.line);
	}
}

void
parse_headers(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	struct value_list list = {0};

	read_values(s, f, value, &headers, &list);
	if (list.count > 0)
		check_twice(s, value);
	*(struct value_list *)ret = list;
}
