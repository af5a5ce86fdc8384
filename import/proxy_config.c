/*
 * proxy_config.c - Docker's proxy-config.json, with credentials
 *
 * Its credentials are a list in which the first entry wins whose domain
 * matches and whose variable is set.  Each becomes a credential of its own, in
 * that order, which means the same as long as they set the same header;
 * bindings.c says where they do not.
 */
#include "dialects.h"
#include "intake.h"

#include "credential.h"
#include "region.h"

#include <string.h>

struct config {       /* what the keys say */
	int fallback; /* index in fallbacks; or -1 */
};

struct entry { /* one of "credentials" */
	const struct tree_node *domain;
	const char *variable, *header, *format;
};

static const char *const fallbacks[] = {"deny", "allow", NULL};

static void
read_format(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	const char *text = schema_text(s, f, value, "a text");
	const char *expected;

	if (text == NULL)
		return;
	expected = credential_format_error(text);
	if (expected != NULL)
		schema_expects(s, f, value, expected);
	else
		*(const char **)ret =
			region_copy(s->region, text, strlen(text));
}

#define FIELD(name, member) \
	.key = #name, .required = true, .offset = offsetof(struct entry, member)

static const struct schema_field entry_fields[] = {
	{FIELD(domain, domain), .read = intake_keep},
	{FIELD(envVar, variable), .read = intake_read_env},
	{FIELD(header, header), .read = intake_read_header},
	{FIELD(format, format), .read = read_format},
	{.key = NULL},
};
static const struct schema_table entry_table = {"a credential", entry_fields};

static void
read_credential(struct schema *s, const struct tree_node *e)
{
	static const struct schema_field f = {.key = "domain"};
	struct entry entry = {.domain = NULL};
	struct intake_binding *b;

	if (!schema_fill(s, e, &entry_table, &entry))
		return;
	b = intake_bind(s, &f, entry.domain);
	if (b == NULL)
		return;
	intake_secret(s->arg, e->at, entry.variable);
	b->name = intake_name(s->arg, entry.variable);
	intake_set_variable(s->arg, b, entry.variable);
	b->header = entry.header;
	b->format = entry.format;
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

static const struct schema_field policy_fields[] = {
	{.key = "default",
		.offset = offsetof(struct config, fallback),
		.read = schema_choice,
		.words = fallbacks},
	{.key = NULL},
};
static const struct schema_table policy_table = {"\"policy\"", policy_fields};

static const struct schema_field network_fields[] = {
	{.key = "allowedDomains", .read = intake_read_allow},
	{.key = NULL},
};
static const struct schema_table network_table = {
	"\"network\"", network_fields};

static const struct schema_field fields[] = {
	{.key = "policy", .read = schema_nested, .table = &policy_table},
	{.key = "network", .read = schema_nested, .table = &network_table},
	{.key = "credentials", .read = read_credentials},
	{.key = NULL},
};
static const struct schema_table table = {"proxy-config.json", fields};

void
proxy_config_read(struct intake *in, const struct tree_node *root)
{
	struct config config = {.fallback = -1};

	in->style = FOREIGN_PROXY_CONFIG;
	in->policy = "proxy-config";
	intake_remark(in, root->at,
		"a domain without a port means every port there; here 80 and "
		"443, and 443 for a credential");
	schema_fill(&in->schema, root, &table, &config);
	in->default_allow = config.fallback == 1;
	if (config.fallback < 0)
		intake_remark(in, root->at,
			"\"policy.default\" is not there: Docker's releases "
			"differ, here it is deny");
}
