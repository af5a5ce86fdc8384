/*
 * kit.c - a Docker kit (spec.yaml), which says itself of what version it is
 *
 * The two versions share no table: a key of one in a document of the other is
 * an error there, and so it is here.
 */
#include "dialects.h"
#include "intake.h"

#include <string.h>

void
kit_read(struct intake *in, const struct tree_node *root)
{
	const struct tree_node *version = tree_get(root, "schemaVersion");
	struct report *report = in->schema.report;
	char quote[REPORT_QUOTE];

	if (root->kind != TREE_MAP)
		report_add(report, root->at, "a kit must be a map");
	else if (version == NULL)
		report_add(report, root->at,
			"a kit needs the key \"schemaVersion\"");
	else if (version->kind == TREE_SCALAR &&
		 strcmp(version->text, "1") == 0)
		kit_v1_read(in, root);
	else if (version->kind == TREE_SCALAR &&
		 strcmp(version->text, "2") == 0)
		kit_v2_read(in, root);
	else
		report_add(report, version->at,
			"\"schemaVersion\" expects \"1\" or \"2\", not %s",
			version->kind == TREE_SCALAR
				? report_quote(version->text, quote)
				: "a list or map");
}
