/*
 * parse_credential.c - one entry of `credentials`: sources and bindings
 */
#include "parse.h"

#include "credential.h"
#include "region.h"

#include <assert.h>
#include <string.h>

enum {
	WORDS_MAX = 64, /* of a command, of a list of variables */
	SOURCES_MAX = 16,
	INJECT_MAX = 256,
	PORTS_MAX = 64,
	PLAIN_HTTP = 80,

	CACHE_DEFAULT = 300, /* seconds, as all below */
	CACHE_MAX = 7 * 24 * 60 * 60,
	TIMEOUT_DEFAULT = 10,
	TIMEOUT_MAX = 300,
};

/* ---- source ------------------------------------------------------------- */

struct source { /* what one map says; the kinds in the order of the enum */
	struct schema_strings kinds[4];
	unsigned cache, timeout;
};

static const struct kind {
	const char *key;
	const char *(*error)(const char *word); /* of a word, or the first */
	bool first_only;
} kinds[] = {
	[POLICY_SOURCE_ENV] = {"env", credential_env_error, false},
	[POLICY_SOURCE_FILE] = {"file", credential_path_error, false},
	[POLICY_SOURCE_COMMAND] = {"command", credential_path_error, true},
	[POLICY_SOURCE_SYSTEMD] = {"systemd", credential_systemd_error, false},
};

static void
read_words(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	struct schema_strings words = {0};
	const struct tree_node *e;
	const struct kind *kind = kinds;
	size_t count;

	schema_strings(s, f, value, &words);
	if (words.count == 0)
		return;
	*(struct schema_strings *)ret = words;
	while (strcmp(kind->key, f->key) != 0)
		kind++;
	e = schema_entries(s, f, value, &count);
	for (size_t i = 0; i < (kind->first_only ? 1 : count);
		i++, e = e->next) {
		const char *error = kind->error(words.items[i]);

		if (error != NULL)
			schema_expects(s, f, e, error);
	}
}

#define FIELD(name, member) \
	.key = #name, .offset = offsetof(struct source, member)
#define WORDS(name, kind, most, ...) \
	{ \
		FIELD(name, kinds[kind]), .read = read_words, .min = 1, \
					  .max = (most), .one_of = true, \
					  __VA_ARGS__ \
	}
#define NEEDS_COMMAND "\"required\": [\"command\"]"

static const struct schema_shape env_shape = {.many = SCHEMA_ONE_OR_LIST,
	.one = "\"type\": \"string\", \"pattern\": "
	       "\"^[A-Za-z_][A-Za-z0-9_]{0,254}$\""};
static const struct schema_shape file_shape = {.many = SCHEMA_ONE_OR_LIST,
	.one = "\"type\": \"string\", \"pattern\": \"^/.\""};
static const struct schema_shape command_shape = {
	.many = SCHEMA_ONE_OR_LIST, .one = "\"type\": \"string\""};
static const struct schema_shape systemd_shape = {.many = SCHEMA_ONE_OR_LIST,
	.one = "\"type\": \"string\", \"pattern\": "
	       "\"^[^\\\\s/.][^\\\\s/]{0,254}$\""};

static const struct schema_field source_fields[] = {
	WORDS(env, POLICY_SOURCE_ENV, WORDS_MAX, .shape = &env_shape,
		.about = "variables of the daemon; the first that is set"),
	WORDS(file, POLICY_SOURCE_FILE, 1, .shape = &file_shape,
		.about = "an absolute path; the file must be its owner's "
			 "alone"),
	WORDS(command, POLICY_SOURCE_COMMAND, WORDS_MAX,
		.shape = &command_shape,
		.about = "a program, its path absolute, and its arguments"),
	WORDS(systemd, POLICY_SOURCE_SYSTEMD, 1, .shape = &systemd_shape,
		.about = "a name in $CREDENTIALS_DIRECTORY"),
	{FIELD(cache, cache), .read = schema_seconds, .min = 1,
		.max = CACHE_MAX, .implies = NEEDS_COMMAND,
		.about = "how long a command's value holds (5m)"},
	{FIELD(timeout, timeout), .read = schema_seconds, .min = 1,
		.max = TIMEOUT_MAX, .implies = NEEDS_COMMAND,
		.about = "how long a command may take (10s)"},
	{.key = NULL},
};
static const struct schema_table source_table = {"a source", source_fields};

static void
read_source(struct schema *s, const struct tree_node *map,
	struct policy_source *ret)
{
	struct source source = {
		.cache = CACHE_DEFAULT, .timeout = TIMEOUT_DEFAULT};
	size_t given = 0;

	schema_fill(s, map, &source_table, &source);
	if (map->kind != TREE_MAP)
		return;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (tree_get(map, kinds[i].key) == NULL)
			continue;
		given++;
		*ret = (struct policy_source){
			.kind = (enum policy_source_kind)i,
			.words = source.kinds[i].items,
			.word_count = source.kinds[i].count,
			.cache_seconds = source.cache,
			.timeout_seconds = source.timeout};
	}
	if (given != 1)
		report_add(s->report, map->at,
			"a source needs exactly one of the keys \"env\", "
			"\"file\", \"command\" and \"systemd\"");
	else if (ret->kind != POLICY_SOURCE_COMMAND &&
		 (tree_get(map, "cache") != NULL ||
			 tree_get(map, "timeout") != NULL))
		report_add(s->report, map->at,
			"\"cache\" and \"timeout\" belong to a \"command\"");
}

struct sources {
	const struct policy_source *items;
	size_t count;
};

static void
read_sources(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	struct policy_source *items;
	const struct tree_node *e;
	size_t count;

	e = schema_entries(s, f, value, &count);
	items = region_alloc(s->region, count, sizeof(*items));
	if (e == NULL || items == NULL)
		return;
	for (size_t i = 0; i < count; i++, e = e->next)
		read_source(s, e, &items[i]);
	*(struct sources *)ret = (struct sources){items, count};
}

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
	struct sources sources;
	struct injections injections;
};

#undef FIELD
#define FIELD(name, member) \
	.key = #name, .required = true, .offset = offsetof(struct entry, member)

static const struct schema_shape maps_shape = {.many = SCHEMA_ONE_OR_LIST};

static const struct schema_field entry_fields[] = {
	{FIELD(source, sources), .read = read_sources, .min = 1,
		.max = SOURCES_MAX, .shape = &maps_shape,
		.table = &source_table,
		.about = "where the value comes from; the first that has one"},
	{FIELD(inject, injections), .read = read_injections, .min = 1,
		.max = INJECT_MAX, .shape = &maps_shape, .table = &inject_table,
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

void
parse_credential(struct parse *p, const struct tree_node *entry,
	struct credential *ret, struct policy_credential *ret_face)
{
	const char *name = parse_name(p, entry, "credential");
	struct entry e = {.sources = {NULL, 0}};

	schema_fill(&p->schema, entry, &parse_credential_table, &e);
	for (size_t i = 0; i < e.injections.count; i++)
		e.injections.items[i].face.credential = name;
	if (name != NULL && region_failed(p->schema.region) == 0)
		check_shadowed(p, name, &e.injections);
	*ret_face = (struct policy_credential){.name = name,
		.sources = e.sources.items,
		.source_count = e.sources.count,
		.source = parse_source(p, entry->key->at)};
	*ret = (struct credential){.face = ret_face,
		.at = parse_mark(p, entry->key->at),
		.injections = e.injections.items,
		.injection_count = e.injections.count};
}
