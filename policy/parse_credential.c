/*
 * parse_credential.c - one entry of `credentials`; its sources are
 * parse_source.c's
 */
#include "parse.h"

#include "credential.h"
#include "region.h"

#include <assert.h>
#include <string.h>

enum {
	SOURCES_MAX = 16,
	INJECT_MAX = 256,
	PORTS_MAX = 64,
	PLAIN_HTTP = 80,
};

/* ---- inject ------------------------------------------------------------- */

struct inject { /* what one map says */
	struct pattern_list hosts;
	struct ports ports;
	const char *header, *format, *placeholder;
	int mode;
	bool plaintext;
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
	{FIELD(host, hosts), .required = true, .read = parse_hosts, .min = 1,
		.shape = &parse_hosts_shape,
		.about = "where the value may go, and nowhere else"},
	{FIELD(port, ports), .read = parse_ports, .min = 1, .max = PORTS_MAX,
		.shape = &parse_ports_shape,
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
	{FIELD(plaintext, plaintext), .read = schema_bool,
		.about = "true: may go over plain HTTP (false)"},
	{.key = NULL},
};
static const struct schema_table inject_table = {
	"an \"inject\" entry", inject_fields};

static void
read_injection(
	struct parse *p, const struct tree_node *map, struct injection *ret)
{
	struct inject i = {.format = "${value}"};

	schema_fill(&p->schema, map, &inject_table, &i);
	if (map->kind != TREE_MAP)
		return;
	if (tree_get(map, "port") == NULL)
		i.ports = i.plaintext ? ports_web : ports_tls;
	else if (!i.plaintext && ports_contain(&i.ports, PLAIN_HTTP))
		report_add(p->schema.report, map->at,
			"port 80 carries plain HTTP, which needs \"plaintext: "
			"true\"");
	if ((i.mode == POLICY_INJECT_IF_PLACEHOLDER) !=
		(tree_get(map, "placeholder") != NULL))
		report_add(p->schema.report, map->at,
			"\"mode: if-placeholder\" and \"placeholder\" need "
			"each other");
	*ret = (struct injection){
		.face = {.header = i.header,
			.format = i.format,
			.placeholder = i.placeholder,
			.mode = (enum policy_inject_mode)i.mode,
			.plaintext = i.plaintext,
			.source = parse_source(p, map->at)},
		.at = parse_mark(p, map->at),
		.hosts = i.hosts,
		.ports = i.ports,
	};
}

struct injections {
	struct injection *items;
	size_t count;
};

static void
read_injections(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	struct parse *p = s->arg;
	struct injection *items;
	const struct tree_node *e;
	size_t count;

	p->broad = false;
	p->narrow_hint = "a credential is never bound that widely";
	e = schema_entries(s, f, value, &count);
	items = region_alloc(s->region, count, sizeof(*items));
	if (e == NULL || items == NULL)
		return;
	for (size_t i = 0; i < count; i++, e = e->next)
		read_injection(p, e, &items[i]);
	*(struct injections *)ret = (struct injections){items, count};
}

/* ---- the entry ---------------------------------------------------------- */

struct entry {
	struct parse_sources sources;
	bool required;
	struct injections injections;
};

#undef FIELD
#define FIELD(name, member) \
	.key = #name, .offset = offsetof(struct entry, member)

static const struct schema_shape maps_shape = {.many = SCHEMA_ONE_OR_LIST};

static const struct schema_field entry_fields[] = {
	{FIELD(source, sources), .required = true, .read = parse_sources,
		.min = 1, .max = SOURCES_MAX, .shape = &maps_shape,
		.table = &parse_source_table,
		.about = "where the value comes from; the first that has one"},
	{FIELD(required, required), .read = schema_bool,
		.about = "true: without a value nothing is loaded (false)"},
	{FIELD(inject, injections), .required = true, .read = read_injections,
		.min = 1, .max = INJECT_MAX, .shape = &maps_shape,
		.table = &inject_table,
		.about = "where it may go; the first that matches"},
	{.key = NULL},
};
const struct schema_table parse_credential_table = {
	"a credential", entry_fields};

static bool
names_again(const struct injection *first, const struct host_pattern *host,
	const struct ports *ports)
{
	for (size_t i = 0; i < first->hosts.count; i++) {
		if (strcmp(first->hosts.items[i].text, host->text) == 0 &&
			ports_cover(&first->ports, ports))
			return true;
	}
	return false;
}

/* The first entry that matches wins: an equal one behind it never does. */
static void
check_shadowed(struct parse *p, const char *name, const struct injections *all)
{
	for (size_t n = 1; n < all->count; n++) {
		const struct injection *i = &all->items[n];

		for (size_t k = 0; k < i->hosts.count * n; k++) {
			const struct injection *first = &all->items[k % n];
			const struct host_pattern *host =
				&i->hosts.items[k / n];

			if (names_again(first, host, &i->ports))
				report_add(p->schema.report, i->at,
					"credential \"%s\" for host \"%s\" "
					"can never fire: the entry at %s "
					"matches first",
					name, host->text, first->face.source);
		}
	}
}

static void
list_hosts(struct parse *p, const struct injections *all,
	struct policy_credential *ret)
{
	const char **hosts;
	size_t count = 0;

	for (size_t i = 0; i < all->count; i++)
		count += all->items[i].hosts.count;
	hosts = region_alloc(p->schema.region, count, sizeof(*hosts));
	if (hosts == NULL)
		return;
	ret->hosts = hosts;
	for (size_t i = 0; i < all->count; i++)
		for (size_t k = 0; k < all->items[i].hosts.count; k++)
			hosts[ret->host_count++] =
				all->items[i].hosts.items[k].text;
}

void
parse_credential(struct parse *p, const struct tree_node *entry,
	struct credential *ret, struct policy_credential *ret_face)
{
	const char *name = parse_name(p, entry, "credential");
	struct entry e = {.sources = {NULL, 0}};
	bool own = false;

	schema_fill(&p->schema, entry, &parse_credential_table, &e);
	for (size_t i = 0; i < e.sources.count; i++)
		own = own || e.sources.items[i].own;
	for (size_t i = 0; i < e.injections.count; i++) {
		e.injections.items[i].face.credential = name;
		e.injections.items[i].face.own = own;
	}
	for (size_t i = 0; own && i < e.sources.count; i++)
		if (e.sources.items[i].kind == POLICY_SOURCE_COMMAND)
			report_add(p->schema.report, entry->key->at,
				"a \"command\" cannot stand beside sources "
				"with ${: it would run for each sandbox");
	if (own && e.required)
		report_add(p->schema.report, entry->key->at,
			"\"required\" is for a credential that all sandboxes "
			"share, without ${ in its sources");
	if (name != NULL && region_failed(p->schema.region) == 0)
		check_shadowed(p, name, &e.injections);
	*ret_face = (struct policy_credential){.name = name,
		.sources = e.sources.items,
		.source_count = e.sources.count,
		.own = own,
		.required = e.required,
		.source = parse_source(p, entry->key->at)};
	list_hosts(p, &e.injections, ret_face);
	*ret = (struct credential){.face = ret_face,
		.at = parse_mark(p, entry->key->at),
		.injections = e.injections.items,
		.injection_count = e.injections.count};
}
