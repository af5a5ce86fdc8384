/*
 * kit_v1.c - a Docker kit with schemaVersion "1"
 *
 * Theory of operation
 *
 * Four places speak of one credential: `credentials.sources` where its value
 * is, `network.serviceAuth` the header, `network.serviceDomains` the hosts, and
 * `environment.proxyManaged` the variable that programs inside want set.  They
 * may come in any order: the first two are gathered as services, and when all
 * of the document has been read each domain becomes a binding of its service.
 */
#include "dialects.h"
#include "intake.h"

#include "credential.h"
#include "region.h"

#include <string.h>

struct service {
	const char *name;
	struct report_mark at; /* where its source is named */
	struct schema_strings env;
	bool has_source, has_file, has_auth, used;
	const char *header, *format;
};

struct kit { /* what the keys say */
	const char *name;
	const struct tree_node *sources, *auths, *domains;
	struct service services[INTAKE_MAP_MAX];
	size_t count;
};

static void
keep_map(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	if (!schema_is(s, f, value, TREE_MAP, "a map"))
		return;
	if (value->count > INTAKE_MAP_MAX)
		report_add(s->report, value->at,
			"\"%s\" takes at most %d entries, not %zu", f->key,
			INTAKE_MAP_MAX, value->count);
	else
		*(const struct tree_node **)ret = value;
}

/* ---- the tables --------------------------------------------------------- */

static void
read_proxy_managed(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	(void)ret;
	if (!schema_is(s, f, value, TREE_LIST, "a list of variables"))
		return;
	for (const struct tree_node *e = value->first; e != NULL; e = e->next) {
		const char *variable = NULL;

		intake_read_env(s, f, e, &variable);
		if (variable != NULL)
			intake_stand_in(s->arg, e->at, variable);
	}
}

#define FIELD(name, member) .key = #name, .offset = offsetof(struct kit, member)

static const struct schema_field network_fields[] = {
	{.key = "allowedDomains", .read = intake_read_allow},
	{.key = "deniedDomains", .read = intake_read_deny},
	{FIELD(serviceDomains, domains), .read = keep_map},
	{FIELD(serviceAuth, auths), .read = keep_map},
	{.key = "publishedPorts", .read = intake_skip},
	{.key = NULL},
};
static const struct schema_table network_table = {
	"\"network\"", network_fields};

static const struct schema_field credentials_fields[] = {
	{FIELD(sources, sources), .read = keep_map},
	{.key = NULL},
};
static const struct schema_table credentials_table = {
	"\"credentials\"", credentials_fields};

static const struct schema_field environment_fields[] = {
	{.key = "variables", .read = intake_skip},
	{.key = "proxyManaged", .read = read_proxy_managed},
	{.key = NULL},
};
static const struct schema_table environment_table = {
	"\"environment\"", environment_fields};

static const struct schema_field fields[] = {
	{.key = "schemaVersion", .read = intake_ignore},
	{.key = "kind", .read = intake_ignore},
	{FIELD(name, name), .required = true, .read = intake_read_name},
	{.key = "displayName", .read = intake_ignore},
	{.key = "description", .read = intake_ignore},
	{.key = "version", .read = intake_ignore},
	{.key = "sourceURL", .read = intake_ignore},
	{.key = "licenses", .read = intake_ignore},
	{.key = "locked", .read = intake_ignore},
	{.key = "network", .read = schema_nested, .table = &network_table},
	{.key = "credentials",
		.read = schema_nested,
		.table = &credentials_table},
	{.key = "environment",
		.read = schema_nested,
		.table = &environment_table},
	{.key = "extends", .read = intake_skip},
	{.key = "mixins", .read = intake_skip},
	{.key = "secrets", .read = intake_skip},
	{.key = "egress", .read = intake_skip},
	{.key = "oauth", .read = intake_skip},
	{.key = "agent", .read = intake_skip},
	{.key = "sandbox", .read = intake_skip},
	{.key = "commands", .read = intake_skip},
	{.key = "settings", .read = intake_skip},
	{.key = "memory", .read = intake_skip},
	{.key = "agentContext", .read = intake_skip},
	{.key = "volumes", .read = intake_skip},
	{.key = "tmpfs", .read = intake_skip},
	{.key = "publishedPorts", .read = intake_skip},
	{.key = "security", .read = intake_skip},
	{.key = "kitDir", .read = intake_skip},
	{.key = NULL},
};
static const struct schema_table table = {"a kit", fields};

/* ---- services ----------------------------------------------------------- */

static void
read_variables(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	struct schema_strings words = {0};
	const struct tree_node *e;
	size_t count;

	schema_strings(s, f, value, &words);
	e = schema_entries(s, f, value, &count);
	for (size_t i = 0; i < words.count; i++, e = e->next) {
		const char *expected = credential_env_error(words.items[i]);

		if (expected != NULL)
			schema_expects(s, f, e, expected);
		else
			intake_secret(s->arg, e->at, words.items[i]);
	}
	*(struct schema_strings *)ret = words;
}

/* A file would be read by the daemon, as root, wherever the kit points. */
static void
note_file(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	(void)f;
	*(bool *)ret = true;
	intake_remark(s->arg, value->key->at,
		"a file is not carried over: the daemon would read it with its "
		"own rights; name it as \"source: {file: PATH}\" yourself");
}

#undef FIELD
#define FIELD(name, member) \
	.key = #name, .offset = offsetof(struct service, member)

static const struct schema_field source_fields[] = {
	{FIELD(env, env), .read = read_variables, .max = 64},
	{FIELD(file, has_file), .read = note_file},
	{.key = "priority", .read = intake_ignore},
	{.key = "required", .read = intake_ignore},
	{.key = NULL},
};
static const struct schema_table source_table = {
	"a source of a kit", source_fields};

static const struct schema_field auth_fields[] = {
	{FIELD(headerName, header), .required = true,
		.read = intake_read_header},
	{FIELD(valueFormat, format), .required = true,
		.read = intake_read_percent},
	{.key = NULL},
};
static const struct schema_table auth_table = {
	"a \"serviceAuth\" entry", auth_fields};

static struct service *
find_service(struct kit *kit, const char *name)
{
	for (size_t i = 0; i < kit->count; i++) {
		if (strcmp(kit->services[i].name, name) == 0)
			return &kit->services[i];
	}
	return NULL;
}

static void
read_sources(struct intake *in, struct kit *kit)
{
	const struct tree_node *e =
		kit->sources != NULL ? kit->sources->first : NULL;

	for (; e != NULL; e = e->next) {
		struct service *service = &kit->services[kit->count++];

		service->name = e->key->text;
		service->at = e->key->at;
		service->has_source = true;
		schema_fill(&in->schema, e, &source_table, service);
	}
}

/* A service without a source has no value, which its domains will say. */
static void
read_auths(struct intake *in, struct kit *kit)
{
	const struct tree_node *e =
		kit->auths != NULL ? kit->auths->first : NULL;

	for (; e != NULL; e = e->next) {
		struct service *service = find_service(kit, e->key->text);
		struct service none = {.name = NULL};

		if (service == NULL)
			service = &none;
		service->has_auth = true;
		schema_fill(&in->schema, e, &auth_table, service);
	}
}

/* ---- bindings ----------------------------------------------------------- */

static void
complete(struct intake *in, struct intake_binding *b, const char *name,
	struct service *service)
{
	char quote[REPORT_QUOTE];

	b->name = intake_name(in, name);
	report_quote(name, quote);
	if (service == NULL) {
		intake_leave_out(in, b,
			"\"credentials.sources\" has no %s: left out", quote);
		return;
	}
	service->used = true;
	b->env = service->env;
	b->header = service->header;
	b->format = service->format;
	if (!service->has_auth)
		intake_leave_out(in, b,
			"\"serviceAuth\" says no header for %s: left out",
			quote);
	if (service->env.count == 0)
		intake_leave_out(in, b,
			"the source of %s names no variable: left out", quote);
}

static void
read_domain(struct intake *in, struct kit *kit, const struct tree_node *e)
{
	const struct schema_field f = {.key = "serviceDomains"};
	const char *name = schema_text(&in->schema, &f, e, "a service");
	struct intake_binding *b;

	if (name == NULL)
		return;
	b = intake_bind(&in->schema, &f, e->key);
	if (b != NULL)
		complete(in, b, name, find_service(kit, name));
}

static void
remark_unused(struct intake *in, const struct kit *kit)
{
	char quote[REPORT_QUOTE];

	for (size_t i = 0; i < kit->count; i++) {
		if (!kit->services[i].used)
			intake_remark(in, kit->services[i].at,
				"\"serviceDomains\" has no host for %s: left "
				"out",
				report_quote(kit->services[i].name, quote));
	}
}

void
kit_v1_read(struct intake *in, const struct tree_node *root)
{
	struct kit *kit = region_alloc(in->schema.region, 1, sizeof(*kit));

	if (kit == NULL)
		return;
	in->style = FOREIGN_KIT_V1;
	intake_remark(in, root->at,
		"Docker adds a kit's rules to those of the machine; here "
		"nothing else is allowed");
	intake_remark(in, root->at,
		"a host without a port means every port there; here 80 and "
		"443, and 443 for a credential; to deny, every port");
	schema_fill(&in->schema, root, &table, kit);
	in->policy = kit->name;
	read_sources(in, kit);
	read_auths(in, kit);
	if (kit->domains != NULL) {
		for (const struct tree_node *e = kit->domains->first; e != NULL;
			e = e->next)
			read_domain(in, kit, e);
	}
	remark_unused(in, kit);
}
