/*
 * parse_credential.c - one entry of `credentials`; its sources are
 * parse_source.c's, its bindings parse_binding.c's
 */
#include "parse.h"

#include "credential.h"
#include "region.h"

#include <string.h>

enum {
	SOURCES_MAX = 16,
	BINDINGS_MAX = 256,
	VARIABLES_MAX = 16,
};

struct entry {
	struct parse_sources sources;
	bool required;
	struct schema_strings environment;
	struct parse_injections injections;
	struct parse_swaps swaps;
};

static void
read_environment(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	struct schema_strings names = {0};
	const struct tree_node *e;
	size_t count;

	schema_strings(s, f, value, &names);
	if (names.count == 0)
		return;
	e = schema_entries(s, f, value, &count);
	for (size_t i = 0; i < count; i++, e = e->next) {
		const char *error = credential_env_error(names.items[i]);

		for (size_t k = 0; k < i && error == NULL; k++)
			if (strcmp(names.items[k], names.items[i]) == 0)
				error = "each variable once";
		if (error != NULL)
			schema_expects(s, f, e, error);
	}
	*(struct schema_strings *)ret = names;
}

#undef FIELD
#define FIELD(name, member) \
	.key = #name, .offset = offsetof(struct entry, member)

static const struct schema_shape maps_shape = {.many = SCHEMA_ONE_OR_LIST};
static const struct schema_shape variables_shape = {.many = SCHEMA_ONE_OR_LIST,
	.one = "\"type\": \"string\", \"pattern\": "
	       "\"^[A-Za-z_][A-Za-z0-9_]{0,254}$\""};

static const struct schema_field entry_fields[] = {
	{FIELD(source, sources), .required = true, .read = parse_sources,
		.min = 1, .max = SOURCES_MAX, .shape = &maps_shape,
		.table = &parse_source_table,
		.implies = "\"anyOf\": [{\"required\": [\"inject\"]}, "
			   "{\"required\": [\"swap\"]}]",
		.about = "where the value comes from; the first that has one"},
	{FIELD(required, required), .read = schema_bool,
		.about = "true: without a value nothing is loaded (false)"},
	{FIELD(environment, environment), .read = read_environment, .min = 1,
		.max = VARIABLES_MAX, .shape = &variables_shape,
		.about = "variables in which a sandbox sees a stand-in"},
	{FIELD(inject, injections), .read = parse_injections, .min = 1,
		.max = BINDINGS_MAX, .shape = &maps_shape,
		.table = &parse_inject_table,
		.about = "where it may go; the first that matches"},
	{FIELD(swap, swaps), .read = parse_swaps, .min = 1, .max = BINDINGS_MAX,
		.shape = &maps_shape, .table = &parse_swap_table,
		.about = "where its stand-in is swapped for it; the first "
			 "that matches"},
	{.key = NULL},
};
const struct schema_table parse_credential_table = {
	"a credential", entry_fields};

static bool
matches_first(const struct binding *first, const struct host_pattern *host,
	const struct ports *ports)
{
	for (size_t i = 0; i < first->hosts.count; i++) {
		if (host_pattern_covers(&first->hosts.items[i], host) &&
			ports_cover(&first->ports, ports))
			return true;
	}
	return false;
}

/* The first entry that matches wins: one behind it that it covers
 * never does. */
static void
check_shadowed(
	struct parse *p, const char *name, const struct binding_list *all)
{
	for (size_t n = 1; n < all->count; n++) {
		const struct binding *b = &all->items[n];

		for (size_t k = 0; k < b->hosts.count * n; k++) {
			const struct binding *first = &all->items[k % n];
			const struct host_pattern *host =
				&b->hosts.items[k / n];

			if (matches_first(first, host, &b->ports))
				report_add(p->schema.report, b->at,
					"credential \"%s\" for host \"%s\" "
					"can never fire: the entry at %s "
					"matches first",
					name, host->text, first->source);
		}
	}
}

static void
add_hosts(const struct binding_list *all, const char **hosts, size_t *count)
{
	for (size_t i = 0; i < all->count; i++)
		for (size_t k = 0; k < all->items[i].hosts.count; k++)
			hosts[(*count)++] = all->items[i].hosts.items[k].text;
}

static void
list_hosts(
	struct parse *p, const struct entry *e, struct policy_credential *ret)
{
	const struct binding_list *both[] = {
		&e->injections.bindings, &e->swaps.bindings};
	const char **hosts;
	size_t count = 0;

	for (size_t n = 0; n < 2; n++)
		for (size_t i = 0; i < both[n]->count; i++)
			count += both[n]->items[i].hosts.count;
	hosts = region_alloc(p->schema.region, count, sizeof(*hosts));
	if (hosts == NULL)
		return;
	ret->hosts = hosts;
	for (size_t n = 0; n < 2; n++)
		add_hosts(both[n], hosts, &ret->host_count);
}

/* What each sandbox has of its own is opened for it when it comes. */
static void
check_own(struct parse *p, const struct tree_node *entry, const struct entry *e)
{
	for (size_t i = 0; i < e->sources.count; i++)
		if (e->sources.items[i].kind == POLICY_SOURCE_COMMAND)
			report_add(p->schema.report, entry->key->at,
				"a \"command\" cannot stand beside sources "
				"with ${: it would run for each sandbox");
	if (e->required)
		report_add(p->schema.report, entry->key->at,
			"\"required\" is for a credential that all sandboxes "
			"share, without ${ in its sources");
}

static void
check_bindings(struct parse *p, const struct tree_node *entry, const char *name,
	const struct entry *e)
{
	bool bound = tree_get(entry, "inject") != NULL ||
		     tree_get(entry, "swap") != NULL;

	if (entry->kind == TREE_MAP && !bound)
		report_add(p->schema.report, entry->key->at,
			"a credential can never fire without \"inject\" or "
			"\"swap\"");
	if (name == NULL || region_failed(p->schema.region) < 0)
		return;
	check_shadowed(p, name, &e->injections.bindings);
	check_shadowed(p, name, &e->swaps.bindings);
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
	for (size_t i = 0; i < e.injections.bindings.count; i++) {
		e.injections.faces[i].credential = name;
		e.injections.faces[i].own = own;
	}
	for (size_t i = 0; i < e.swaps.bindings.count; i++) {
		e.swaps.faces[i].credential = name;
		e.swaps.faces[i].own = own;
	}
	if (own)
		check_own(p, entry, &e);
	check_bindings(p, entry, name, &e);
	*ret_face = (struct policy_credential){.name = name,
		.sources = e.sources.items,
		.source_count = e.sources.count,
		.environment = e.environment.items,
		.environment_count = e.environment.count,
		.stands_in =
			e.environment.count > 0 || e.swaps.bindings.count > 0,
		.own = own,
		.required = e.required,
		.source = parse_source(p, entry->key->at)};
	list_hosts(p, &e, ret_face);
	*ret = (struct credential){.face = ret_face,
		.at = parse_mark(p, entry->key->at),
		.inject = e.injections.bindings,
		.injections = e.injections.faces,
		.swap = e.swaps.bindings,
		.swaps = e.swaps.faces};
}
