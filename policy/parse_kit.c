/*
 * parse_kit.c - the parts of kits among the trees
 *
 * A kit is somebody else's document, which policy/ cannot read and has no files
 * to read from.  Whoever loads documents reads it (import/, keeper/kit_parts.h)
 * and gives what it says as trees of our own words, beside the documents; the
 * policy's key `kit` is then only the word that they belong here.
 */
#include "parse.h"

#include <string.h>

#define FIELD(name, member) \
	.key = #name, .offset = offsetof(struct parse_kit_part, member)

static void
keep_map(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	if (schema_is(s, f, value, TREE_MAP, "a map of names"))
		*(const struct tree_node **)ret = value;
}

static const struct schema_field fields[] = {
	{FIELD(kit_of, of), .required = true, .read = schema_string},
	{FIELD(allow, allow), .read = parse_rule_list},
	{FIELD(deny, deny), .read = parse_rule_list},
	{FIELD(credentials, credentials), .read = keep_map},
	{.key = NULL},
};
static const struct schema_table table = {"a part of a kit", fields};

bool
parse_is_kit_part(const struct tree_node *root)
{
	return root->first != NULL && root->first->key != NULL &&
	       strcmp(root->first->key->text, "kit_of") == 0;
}

void
parse_kit_part(struct schema *s, const struct tree_node *root,
	struct parse_kit_part *ret)
{
	schema_fill(s, root, &table, ret);
}

static bool
is_of(const struct parse_kit_part *part, const char *policy)
{
	return part->of != NULL && strcmp(part->of, policy) == 0;
}

bool
parse_kit_lists(
	const struct parse *p, const char *policy, struct parse_lists *ret)
{
	bool found = false;

	for (size_t i = 0; i < p->kit_part_count; i++) {
		const struct parse_kit_part *part = &p->kit_parts[i];

		if (!is_of(part, policy))
			continue;
		found = true;
		if (part->allow != NULL)
			ret->kit_allow = part->allow;
		if (part->deny != NULL)
			ret->kit_deny = part->deny;
	}
	return found;
}

const struct tree_node *
parse_kit_credential(const struct parse *p, const char *policy, size_t n)
{
	for (size_t i = 0; i < p->kit_part_count; i++) {
		const struct parse_kit_part *part = &p->kit_parts[i];

		if (!is_of(part, policy) || part->credentials == NULL)
			continue;
		for (const struct tree_node *e = part->credentials->first;
			e != NULL; e = e->next) {
			if (n-- == 0)
				return e->key;
		}
	}
	return NULL;
}
