/*
 * From trees to compiled policy: what the parse files share.  Internal.
 *
 * Each reader reports what is wrong and goes on, so that one run shows every
 * error; what it leaves half read is never used, because any report makes
 * policy_compile() fail.
 */
#ifndef SBX_PARSE_H
#define SBX_PARSE_H

#include "roster.h"
#include "rule.h"
#include "schema.h"

/*
 * A part of the kit that a policy names: a tree {kit_of: NAME, …} which
 * whoever read the kit gives to policy_compile() among the documents.  Its
 * file and lines are those of the kit.
 */
struct parse_kit_part {
	const char *of; /* NULL: the tree is a document */
	const struct tree_node *allow, *deny, *credentials;
};
bool parse_is_kit_part(const struct tree_node *root);
void parse_kit_part(struct schema *s, const struct tree_node *root,
	struct parse_kit_part *ret);

struct parse {                /* one policy_compile() */
	struct schema schema; /* its arg points back here */
	struct policy *policy;
	struct roster credentials, policies, sandboxes;
	const struct parse_kit_part *kit_parts; /* of the trees, in order */
	size_t kit_part_count;
	const char *file; /* name of the document being read, in the region */

	/* How wide the host patterns at hand may be. */
	bool broad;
	const char *narrow_hint; /* what to do about one that is too wide */
};

/* "file:line" and a mark that outlives the tree. */
const char *parse_source(struct parse *p, struct report_mark at);
struct report_mark parse_mark(const struct parse *p, struct report_mark at);

/*
 * The key of entry as the name of a thing (what: "policy"), copied; or NULL
 * after a report.
 */
const char *parse_name(
	struct parse *p, const struct tree_node *entry, const char *what);

/* Readers of "one or a list of them" into the fields of a rule. */
schema_reader parse_hosts;     /* struct pattern_list */
schema_reader parse_ports;     /* struct ports */
schema_reader parse_methods;   /* struct schema_strings */
schema_reader parse_paths;     /* struct schema_strings */
schema_reader parse_addresses; /* struct range_list */
extern const struct schema_shape parse_hosts_shape, parse_ports_shape,
	parse_methods_shape, parse_paths_shape, parse_addresses_shape;

/* The keys of an entry of each section, and of a rule. */
extern const struct schema_table parse_credential_table, parse_policy_table,
	parse_sandbox_table, parse_allow_table, parse_deny_table;
extern const struct schema_table parse_source_table; /* of a credential */
extern const struct schema_table parse_vault_table;  /* of a source */

/* A list of rules as it is: const struct tree_node *. */
schema_reader parse_rule_list;

/* The lists of rules of a policy or overlay; NULL: none. */
struct parse_lists {
	const struct tree_node *deny, *allow; /* its own */
	const struct tree_node *kit_deny, *kit_allow;
};

/* All lists as the rules of set, whose name and default are there, and what is
 * worked out of them for deciding. */
void parse_set_rules(struct parse *p, const struct parse_lists *lists,
	struct policy_set *set);

/* Those of the kit that the policy of that name has; false: it has none. */
bool parse_kit_lists(
	const struct parse *p, const char *policy, struct parse_lists *ret);

/* The credentials of that kit, one after another: the keys; NULL: no more. */
const struct tree_node *parse_kit_credential(
	const struct parse *p, const char *policy, size_t n);

/* Readers of "a map of names, each with a pattern or a list of them". */
schema_reader parse_queries; /* struct value_list */
schema_reader parse_headers; /* struct value_list */
extern const struct schema_shape parse_values_shape;

schema_reader parse_types; /* struct type_list */
extern const struct schema_shape parse_types_shape;

schema_reader parse_limit; /* struct policy_limit * */
extern const struct schema_shape parse_limit_shape;
extern const struct schema_table parse_limit_table;

extern const struct schema_table parse_overlay_table; /* of a sandbox */

/* What a limit is known by, once its rule is complete. */
void parse_limit_key(struct parse *p, struct rule *r);

/* The sources of a credential: one, or a list of them. */
struct parse_sources {
	const struct policy_source *items;
	size_t count;
};
schema_reader parse_sources; /* struct parse_sources */

/* The bindings of a credential: one, or a list of them. */
struct parse_injections {
	struct binding_list bindings;
	struct policy_injection *faces; /* of each */
};
struct parse_swaps {
	struct binding_list bindings;
	struct policy_swap *faces;
};
schema_reader parse_injections; /* struct parse_injections */
schema_reader parse_swaps;      /* struct parse_swaps */
extern const struct schema_table parse_inject_table, parse_swap_table;
schema_reader parse_vault; /* struct schema_strings: by enum vault_word */

/* One entry of the section each. */
void parse_credential(struct parse *p, const struct tree_node *entry,
	struct credential *ret, struct policy_credential *ret_face);
void parse_policy(
	struct parse *p, const struct tree_node *entry, struct policy_set *ret);
void parse_sandbox(struct parse *p, const struct tree_node *entry,
	struct policy_sandbox *ret);

/* The rules of one list, in order, into ret (list->count of them). */
void parse_rules(struct parse *p, const char *policy,
	const struct tree_node *list, struct rule *ret);

/*
 * Both sides of each credential that a policy lists: every binding can fire,
 * unless it is a kit's, and none is ambiguous.  Only for policies without other
 * errors.
 */
void check_credentials(struct report *report, const struct policy_set *set);

#endif
