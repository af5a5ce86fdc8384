/*
 * parse_binding.c - where a credential's value may go: one entry of its
 * `inject` or `swap`
 */
#include "parse.h"

#include "credential.h"
#include "region.h"

#include <assert.h>
#include <string.h>

enum {
	PORTS_MAX = 64,
	PLAIN_HTTP = 80,
};

/* What the maps of both kinds say. */
struct where {
	struct pattern_list hosts;
	struct ports ports;
	bool plaintext;
};

static void
read_where(struct parse *p, const struct tree_node *map, struct where *w,
	struct binding *ret)
{
	if (tree_get(map, "port") == NULL)
		w->ports = w->plaintext ? ports_web : ports_tls;
	else if (!w->plaintext && ports_contain(&w->ports, PLAIN_HTTP))
		report_add(p->schema.report, map->at,
			"port 80 carries plain HTTP, which needs \"plaintext: "
			"true\"");
	*ret = (struct binding){
		.at = parse_mark(p, map->at),
		.source = parse_source(p, map->at),
		.hosts = w->hosts,
		.ports = w->ports,
	};
}

/* ---- inject ------------------------------------------------------------- */

struct inject { /* what one map says */
	struct where where;
	const char *header, *format, *placeholder;
	int mode;
};

static const char *const mode_words[] = {
	"always", "if-absent", "if-placeholder", NULL};
static_assert(POLICY_INJECT_ALWAYS == 0 && POLICY_INJECT_IF_ABSENT == 1 &&
		      POLICY_INJECT_IF_PLACEHOLDER == 2,
	"mode_words is in the order of enum policy_inject_mode");

static void
read_checked(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret,
	const char *(*check)(const char *))
{
	const char *text = schema_text(s, f, value, "a text");
	const char *error;

	if (text == NULL)
		return;
	error = check(text);
	if (error != NULL)
		schema_expects(s, f, value, error);
	else
		*(const char **)ret =
			region_copy(s->region, text, strlen(text));
}

static void
read_header(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	read_checked(s, f, value, ret, credential_header_error);
}

static void
read_format(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	read_checked(s, f, value, ret, credential_format_error);
}

static void
read_placeholder(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	read_checked(s, f, value, ret, credential_placeholder_error);
}

#undef FIELD
#define FIELD(name, member) \
	.key = #name, .offset = offsetof(struct inject, member)

static const struct schema_shape header_shape = {
	.one = "\"type\": \"string\", \"pattern\": "
	       "\"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$\""};
static const struct schema_shape format_shape = {
	.one = "\"type\": \"string\", \"maxLength\": 1024, \"pattern\": "
	       "\"\\\\$\\\\{value\\\\}\""};
static const struct schema_shape placeholder_shape = {
	.one = "\"type\": \"string\", \"pattern\": \"^[!-~]{4,256}$\""};

static const struct schema_field inject_fields[] = {
	{FIELD(host, where.hosts), .required = true, .read = parse_hosts,
		.min = 1, .shape = &parse_hosts_shape,
		.about = "where the value may go, and nowhere else"},
	{FIELD(port, where.ports), .read = parse_ports, .min = 1,
		.max = PORTS_MAX, .shape = &parse_ports_shape,
		.about = "(443; with plaintext 80 and 443)"},
	{FIELD(header, header), .required = true, .read = read_header,
		.shape = &header_shape,
		.about = "the field that is set, as Authorization"},
	{FIELD(format, format), .read = read_format, .shape = &format_shape,
		.about = "what it is set to, as Bearer ${value} (${value})"},
	{FIELD(mode, mode), .read = schema_choice, .words = mode_words,
		.implies = "\"if\": {\"properties\": {\"mode\": {\"const\": "
			   "\"if-placeholder\"}}}, \"then\": {\"required\": "
			   "[\"placeholder\"]}",
		.about = "whatever the sandbox sent, when it sent none, or "
			 "when it sent the placeholder (always)"},
	{FIELD(placeholder, placeholder), .read = read_placeholder,
		.shape = &placeholder_shape,
		.implies = "\"required\": [\"mode\"], \"properties\": "
			   "{\"mode\": {\"const\": \"if-placeholder\"}}",
		.about = "what the sandbox has instead of the value"},
	{FIELD(plaintext, where.plaintext), .read = schema_bool,
		.about = "true: may go over plain HTTP (false)"},
	{.key = NULL},
};
const struct schema_table parse_inject_table = {
	"an \"inject\" entry", inject_fields};

static void
read_injection(struct parse *p, const struct tree_node *map,
	struct binding *ret, struct policy_injection *ret_face)
{
	struct inject i = {.format = "${value}"};

	schema_fill(&p->schema, map, &parse_inject_table, &i);
	if (map->kind != TREE_MAP)
		return;
	read_where(p, map, &i.where, ret);
	if ((i.mode == POLICY_INJECT_IF_PLACEHOLDER) !=
		(tree_get(map, "placeholder") != NULL))
		report_add(p->schema.report, map->at,
			"\"mode: if-placeholder\" and \"placeholder\" need "
			"each other");
	*ret_face = (struct policy_injection){.header = i.header,
		.format = i.format,
		.placeholder = i.placeholder,
		.mode = (enum policy_inject_mode)i.mode,
		.plaintext = i.where.plaintext,
		.source = ret->source};
}

/* How wide the patterns of a binding may be, and its entries. */
static const struct tree_node *
open_bindings(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, size_t *ret_count)
{
	struct parse *p = s->arg;

	p->broad = false;
	p->narrow_hint = "a credential is never bound that widely";
	return schema_entries(s, f, value, ret_count);
}

void
parse_injections(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	struct policy_injection *faces;
	struct binding *items;
	const struct tree_node *e;
	size_t count;

	e = open_bindings(s, f, value, &count);
	items = region_alloc(s->region, count, sizeof(*items));
	faces = region_alloc(s->region, count, sizeof(*faces));
	if (e == NULL || items == NULL || faces == NULL)
		return;
	for (size_t i = 0; i < count; i++, e = e->next)
		read_injection(s->arg, e, &items[i], &faces[i]);
	*(struct parse_injections *)ret =
		(struct parse_injections){{items, count}, faces};
}

/* ---- swap --------------------------------------------------------------- */

struct swap { /* what one map says */
	struct where where;
	unsigned places;
};

/* By the number of the bit in enum policy_place. */
static const char *const place_words[] = {
	"header", "query", "path", "body", NULL};
static_assert(
	sizeof(place_words) / sizeof(place_words[0]) == POLICY_PLACES + 1 &&
		POLICY_IN_HEADER == 1 << 0 && POLICY_IN_QUERY == 1 << 1 &&
		POLICY_IN_PATH == 1 << 2 && POLICY_IN_BODY == 1 << 3,
	"place_words is in the order of enum policy_place");

const char *
policy_place_name(unsigned i)
{
	assert(i < POLICY_PLACES);
	return place_words[i];
}

static void
read_places(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	const struct schema_field word = {.key = f->key, .words = place_words};
	const struct tree_node *e;
	unsigned places = 0;
	size_t count;

	e = schema_entries(s, f, value, &count);
	for (size_t i = 0; e != NULL && i < count; i++, e = e->next) {
		int place = -1;

		schema_choice(s, &word, e, &place);
		if (place >= 0)
			places |= 1U << place;
	}
	if (places != 0)
		*(unsigned *)ret = places;
}

static const struct schema_shape places_shape = {.many = SCHEMA_ONE_OR_LIST,
	.one = "\"enum\": [\"header\", \"query\", \"path\", \"body\"]"};

#undef FIELD
#define FIELD(name, member) \
	.key = #name, .offset = offsetof(struct swap, member)

static const struct schema_field swap_fields[] = {
	{FIELD(host, where.hosts), .required = true, .read = parse_hosts,
		.min = 1, .shape = &parse_hosts_shape,
		.about = "where the value may go, and nowhere else"},
	{FIELD(port, where.ports), .read = parse_ports, .min = 1,
		.max = PORTS_MAX, .shape = &parse_ports_shape,
		.about = "(443; with plaintext 80 and 443)"},
	{FIELD(in, places), .read = read_places, .min = 1, .max = POLICY_PLACES,
		.shape = &places_shape,
		.about = "where in a request the stand-in is swapped "
			 "(header)"},
	{FIELD(plaintext, where.plaintext), .read = schema_bool,
		.about = "true: may go over plain HTTP (false)"},
	{.key = NULL},
};
const struct schema_table parse_swap_table = {"a \"swap\" entry", swap_fields};

static void
read_swap(struct parse *p, const struct tree_node *map, struct binding *ret,
	struct policy_swap *ret_face)
{
	struct swap w = {.places = POLICY_IN_HEADER};

	schema_fill(&p->schema, map, &parse_swap_table, &w);
	if (map->kind != TREE_MAP)
		return;
	read_where(p, map, &w.where, ret);
	*ret_face = (struct policy_swap){.places = w.places,
		.plaintext = w.where.plaintext,
		.source = ret->source};
}

void
parse_swaps(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	struct policy_swap *faces;
	struct binding *items;
	const struct tree_node *e;
	size_t count;

	e = open_bindings(s, f, value, &count);
	items = region_alloc(s->region, count, sizeof(*items));
	faces = region_alloc(s->region, count, sizeof(*faces));
	if (e == NULL || items == NULL || faces == NULL)
		return;
	for (size_t i = 0; i < count; i++, e = e->next)
		read_swap(s->arg, e, &items[i], &faces[i]);
	*(struct parse_swaps *)ret =
		(struct parse_swaps){{items, count}, faces};
}
