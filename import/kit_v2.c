/*
 * kit_v2.c - a Docker kit with schemaVersion "2"
 *
 * Where the value of a credential is, a kit of this version does not say:
 * there its user does, for the name of the service.  What it names is the
 * variable that programs inside look at; the value is taken from the same
 * variable of whoever starts the daemon.
 */
#include "dialects.h"
#include "intake.h"

#include <string.h>

struct kit { /* what the keys say */
	const char *name;
};

struct credential_entry {
	const char *service;  /* intake_name() */
	const char *variable; /* of its apiKey */
	bool managed;         /* its apiKey's proxyManaged */
	const struct tree_node *inject;
};

struct inject_entry {
	const struct tree_node *domain;
	const char *header, *format;
	int scheme; /* index in schemes; or -1 */
	bool user;
};

enum { SCHEME_BEARER, SCHEME_BASIC };
static const char *const schemes[] = {"bearer", "basic", NULL};

/* ---- where a credential goes -------------------------------------------- */

static void
keep_list(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	if (schema_is(s, f, value, TREE_LIST, "a list of domains"))
		*(const struct tree_node **)ret = value;
}

static void
note_user(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	*(bool *)ret = schema_text(s, f, value, "a name") != NULL;
}

#define FIELD(name, member) \
	.key = #name, .offset = offsetof(struct inject_entry, member)

static const struct schema_field inject_fields[] = {
	{FIELD(domain, domain), .required = true, .read = intake_keep},
	{FIELD(header, header), .read = intake_read_header},
	{FIELD(format, format), .read = intake_read_percent},
	{FIELD(scheme, scheme), .read = schema_choice, .words = schemes},
	{FIELD(username, user), .read = note_user},
	{.key = NULL},
};
static const struct schema_table inject_table = {
	"an \"inject\" entry", inject_fields};

static void
finish_binding(struct intake *in, struct intake_binding *b,
	const struct inject_entry *entry)
{
	b->header = entry->header;
	b->format = entry->format != NULL ? entry->format : "${value}";
	if (entry->scheme == SCHEME_BEARER) {
		b->format = "Bearer ${value}";
		if (b->header == NULL)
			b->header = "Authorization";
	}
	if (entry->scheme == SCHEME_BASIC || entry->user)
		intake_leave_out(in, b,
			"HTTP Basic encodes name and value together, which no "
			"format here does: left out");
}

static void
read_inject(struct intake *in, const struct tree_node *e,
	const struct credential_entry *credential)
{
	static const struct schema_field f = {.key = "domain"};
	struct inject_entry entry = {.scheme = -1};
	const struct tree_node *scheme = tree_get(e, "scheme");
	struct intake_binding *b;

	if (!schema_fill(&in->schema, e, &inject_table, &entry))
		return;
	if (scheme != NULL && entry.format != NULL)
		report_add(in->schema.report, scheme->at,
			"\"scheme\" and \"format\" exclude each other");
	if (entry.header == NULL && scheme == NULL && !entry.user)
		report_add(in->schema.report, e->at,
			"an \"inject\" entry needs \"header\" or \"scheme\"");
	b = intake_bind(&in->schema, &f, entry.domain);
	if (b == NULL)
		return;
	b->name = credential->service;
	intake_set_variable(in, b, credential->variable);
	finish_binding(in, b, &entry);
}

/* ---- credentials -------------------------------------------------------- */

#undef FIELD
#define FIELD(name, member) \
	.key = #name, .offset = offsetof(struct credential_entry, member)

static const struct schema_field key_fields[] = {
	{FIELD(name, variable), .required = true, .read = intake_read_env},
	{FIELD(proxyManaged, managed), .read = schema_bool},
	{FIELD(inject, inject), .read = keep_list},
	{.key = NULL},
};
static const struct schema_table key_table = {"\"apiKey\"", key_fields};

static const struct schema_field credential_fields[] = {
	{FIELD(service, service), .required = true, .read = intake_read_name},
	{.key = "description", .read = intake_ignore},
	{.key = "required", .read = intake_ignore},
	{.key = "provider", .read = intake_ignore},
	{.key = "apiKey", .read = schema_nested, .table = &key_table},
	{.key = "oauth", .read = intake_skip},
	{.key = NULL},
};
static const struct schema_table credential_table = {
	"a credential", credential_fields};

static void
remark_source(struct intake *in, struct report_mark at,
	const struct credential_entry *credential)
{
	intake_secret(in, at, credential->variable);
	intake_remark(in, at,
		"where %s is, Docker asks its user; here it is $%s of whoever "
		"starts the daemon",
		credential->service, credential->variable);
	if (credential->managed)
		intake_stand_in(in, at, credential->variable);
}

static void
read_credential(struct schema *s, const struct tree_node *e)
{
	const struct tree_node *key = tree_get(e, "apiKey");
	struct credential_entry credential = {.service = NULL};
	struct intake *in = s->arg;

	(void)schema_fill(s, e, &credential_table, &credential);
	if (credential.service != NULL && credential.variable != NULL)
		remark_source(in, key->at, &credential);
	for (const struct tree_node *i = credential.inject != NULL
						 ? credential.inject->first
						 : NULL;
		i != NULL; i = i->next)
		read_inject(in, i, &credential);
}

static void
read_credentials(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	(void)ret;
	if (!schema_is(s, f, value, TREE_LIST, "a list of credentials"))
		return;
	for (const struct tree_node *e = value->first; e != NULL; e = e->next)
		read_credential(s, e);
}

/* ---- the kit ------------------------------------------------------------ */

static const struct schema_field network_fields[] = {
	{.key = "allow", .read = intake_read_allow},
	{.key = "deny", .read = intake_read_deny},
	{.key = NULL},
};
static const struct schema_table network_table = {
	"\"permissions.network\"", network_fields};

static const struct schema_field permissions_fields[] = {
	{.key = "network", .read = schema_nested, .table = &network_table},
	{.key = NULL},
};
static const struct schema_table permissions_table = {
	"\"permissions\"", permissions_fields};

static const struct schema_field environment_fields[] = {
	{.key = "variables", .read = intake_skip},
	{.key = NULL},
};
static const struct schema_table environment_table = {
	"\"environment\"", environment_fields};

static const struct schema_field fields[] = {
	{.key = "schemaVersion", .read = intake_ignore},
	{.key = "kind", .read = intake_ignore},
	{.key = "name",
		.required = true,
		.offset = offsetof(struct kit, name),
		.read = intake_read_name},
	{.key = "version", .read = intake_ignore},
	{.key = "displayName", .read = intake_ignore},
	{.key = "description", .read = intake_ignore},
	{.key = "sourceURL", .read = intake_ignore},
	{.key = "licenses", .read = intake_ignore},
	{.key = "locked", .read = intake_ignore},
	{.key = "permissions",
		.read = schema_nested,
		.table = &permissions_table},
	{.key = "credentials", .read = read_credentials},
	{.key = "environment",
		.read = schema_nested,
		.table = &environment_table},
	{.key = "extends", .read = intake_skip},
	{.key = "mixins", .read = intake_skip},
	{.key = "requires", .read = intake_skip},
	{.key = "args", .read = intake_skip},
	{.key = "sandbox", .read = intake_skip},
	{.key = "agentInstructions", .read = intake_skip},
	{.key = "ports", .read = intake_skip},
	{.key = "publishedPorts", .read = intake_skip},
	{.key = "setup", .read = intake_skip},
	{.key = "volumes", .read = intake_skip},
	{.key = "security", .read = intake_skip},
	{.key = NULL},
};
static const struct schema_table table = {"a kit", fields};

void
kit_v2_read(struct intake *in, const struct tree_node *root)
{
	struct kit kit = {.name = NULL};

	in->style = FOREIGN_KIT_V2;
	intake_remark(in, root->at,
		"Docker adds a kit's rules to those of the machine; here "
		"nothing else is allowed");
	intake_remark(in, root->at,
		"a host without a port means 443, as Docker's specification "
		"says; to deny, every port");
	schema_fill(&in->schema, root, &table, &kit);
	in->policy = kit.name;
}
