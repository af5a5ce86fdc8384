/*
 * cloudflare.c - what Cloudflare's Container class allows and denies, as JSON
 *
 * A list of allowed hosts that is there, be it empty, denies all others.
 */
#include "dialects.h"
#include "intake.h"

struct container { /* what the keys say */
	bool internet;
};

static const struct schema_field fields[] = {
	{.key = "allowedHosts", .read = intake_read_allow},
	{.key = "deniedHosts", .read = intake_read_deny},
	{.key = "enableInternet",
		.offset = offsetof(struct container, internet),
		.read = schema_bool},
	{.key = NULL},
};
static const struct schema_table table = {"a container", fields};

void
cloudflare_read(struct intake *in, const struct tree_node *root)
{
	struct container container = {.internet = true};
	const struct tree_node *allowed = tree_get(root, "allowedHosts");

	in->style = FOREIGN_CLOUDFLARE;
	in->policy = "cloudflare";
	schema_fill(&in->schema, root, &table, &container);
	in->default_allow = container.internet && allowed == NULL;
	if (allowed != NULL && allowed->count == 0)
		intake_remark(in, allowed->at,
			"an empty \"allowedHosts\" denies everything, as "
			"Cloudflare's code does and its page does not say");
	if (in->default_allow)
		intake_remark(in, root->at,
			"without \"allowedHosts\" everything is allowed that "
			"\"deniedHosts\" does not name");
}
