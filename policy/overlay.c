/*
 * overlay.c - a policy of two layers
 *
 * An overlay is compiled by itself, without its base: so a change of either is
 * a change of that one alone, whatever the other's size, and putting them
 * together cannot fail.
 */
#include "overlay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host_index.h"
#include "parse.h"
#include "print.h"
#include "region.h"
#include "report.h"
#include "tree.h"

struct entry {
	int mode; /* index in overlay_mode_words */
	const struct tree_node *allow, *deny;
};

const char *const overlay_mode_words[] = {
	[OVERLAY_POLICY] = "policy",
	[OVERLAY_LOCKDOWN] = "lockdown",
	[OVERLAY_OPEN] = "open",
	NULL,
};

#define FIELD(name, member) \
	.key = #name, .offset = offsetof(struct entry, member)

static const struct schema_shape rules_shape = {.many = SCHEMA_LIST};

static const struct schema_field fields[] = {
	{FIELD(mode, mode), .read = schema_choice, .words = overlay_mode_words,
		.about = "over the policy's; policy"},
	{FIELD(allow, allow), .read = parse_rule_list, .shape = &rules_shape,
		.table = &parse_allow_table},
	{FIELD(deny, deny), .read = parse_rule_list, .shape = &rules_shape,
		.table = &parse_deny_table},
	{.key = NULL},
};
const struct schema_table parse_overlay_table = {"an overlay", fields};

static void
read_overlay(struct parse *p, const struct tree_node *root, const char *sandbox,
	struct policy_set *set)
{
	struct region *region = p->schema.region;
	struct entry e = {0};

	p->file = region_copy(region, root->at.file, strlen(root->at.file));
	set->name = region_copy(region, sandbox, strlen(sandbox));
	set->at = parse_mark(p, root->at);
	schema_fill(&p->schema, root, &parse_overlay_table, &e);
	set->mode = (enum overlay_mode)e.mode;
	set->default_allow = set->mode == OVERLAY_OPEN;
	set->default_name = region_format(
		region, "%s.%s", sandbox, overlay_mode_words[e.mode]);
	set->default_source = parse_source(p, root->at);
	if (root->kind == TREE_MAP && region_failed(region) == 0)
		parse_set_rules(p,
			&(struct parse_lists){.deny = e.deny, .allow = e.allow},
			set);
}

int
overlay_compile(const struct tree *tree, const char *sandbox,
	struct overlay **ret, struct report *report)
{
	return overlay_compile_entry(tree_root(tree), sandbox, ret, report);
}

int
overlay_read(const char *sandbox, const char *text, struct overlay **ret,
	char **ret_report)
{
	struct report *report = report_new();
	struct tree *tree = NULL;
	char name[128];
	int r;

	if (report == NULL)
		return -ENOMEM;
	snprintf(name, sizeof(name), "overlay of %s", sandbox);
	r = tree_parse(name, text, strlen(text), &tree, report);
	if (r == 0)
		r = overlay_compile(tree, sandbox, ret, report);
	if (r == -EINVAL)
		*ret_report = report_text(report);
	tree_free(tree);
	report_free(report);
	return r;
}

int
overlay_compile_entry(const struct tree_node *entry, const char *sandbox,
	struct overlay **ret, struct report *report)
{
	size_t before = report_count(report);
	struct overlay *o = calloc(1, sizeof(*o));
	struct parse p = {.schema = {.report = report}};

	if (o == NULL)
		return -ENOMEM;
	o->region = p.schema.region = region_new();
	if (o->region == NULL) {
		free(o);
		return -ENOMEM;
	}
	o->refs = 1;
	p.schema.arg = &p;
	read_overlay(&p, entry, sandbox, &o->set);
	if (region_failed(o->region) < 0 || report_count(report) > before) {
		int r = region_failed(o->region) < 0 ? -ENOMEM : -EINVAL;

		overlay_unref(o);
		return r;
	}
	*ret = o;
	return 0;
}

struct overlay *
overlay_ref(struct overlay *o)
{
	if (o != NULL)
		o->refs++;
	return o;
}

void
overlay_unref(struct overlay *o)
{
	if (o == NULL || --o->refs > 0)
		return;
	host_index_free(o->set.index);
	region_free(o->region);
	free(o);
}

const struct policy_set *
overlay_over(struct overlay *o, const struct policy_set *base)
{
	o->set.base = base;
	return &o->set;
}

char *
overlay_print(const struct overlay *o)
{
	return print_overlay(&o->set);
}
