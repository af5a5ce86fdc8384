/*
 * parse_policy.c - one entry of `policies`
 */
#include "parse.h"

#include "host_index.h"
#include "region.h"
#include "schema_json.h"

#include <stdlib.h>
#include <string.h>

enum {
	CREDENTIALS_MAX = 64, /* of one policy */
};

struct names { /* `credentials`, looked up */
	const char **names;
	const struct credential **credentials;
	size_t count;
};

struct entry {        /* what the keys of a policy say */
	int fallback; /* index in default_words */
	bool audit;
	const struct tree_node *allow, *deny;
	struct names credentials;
	const struct tree_node *kit;
};

static const char *const default_words[] = {"deny", "allow", NULL};

void
parse_rule_list(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	if (schema_is(s, f, value, TREE_LIST, "a list of rules"))
		*(const struct tree_node **)ret = value;
}

static bool
is_listed(const struct names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++) {
		if (strcmp(names->names[i], name) == 0)
			return true;
	}
	return false;
}

static void
read_credential_name(struct parse *p, const struct schema_field *f,
	const struct tree_node *e, struct names *names)
{
	const char *name =
		schema_text(&p->schema, f, e, "the name of a credential");
	const struct roster_entry *found;
	char quote[REPORT_QUOTE];

	if (name == NULL)
		return;
	found = roster_expect(&p->credentials, name, e->at, p->schema.report);
	if (found == NULL)
		return;
	if (is_listed(names, name)) {
		report_add(p->schema.report, e->at,
			"credential %s is listed twice",
			report_quote(name, quote));
		return;
	}
	names->names[names->count] = found->name;
	names->credentials[names->count++] =
		&p->policy->credentials[found->index];
}

static void
read_credentials(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	struct names names = {0};
	const struct tree_node *e;
	size_t count;

	e = schema_entries(s, f, value, &count);
	names.names = region_alloc(s->region, count, sizeof(*names.names));
	names.credentials =
		region_alloc(s->region, count, sizeof(struct credential *));
	if (names.names == NULL || names.credentials == NULL)
		return;
	for (size_t i = 0; e != NULL && i < count; i++, e = e->next)
		read_credential_name(s->arg, f, e, &names);
	*(struct names *)ret = names;
}

static void
keep_kit(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	if (schema_text(s, f, value, "the path of a kit") != NULL)
		*(const struct tree_node **)ret = value;
}

/* Those of its kit behind its own. */
static void
add_kit_credentials(struct parse *p, const char *policy, struct entry *e)
{
	static const struct schema_field field = {.key = "kit"};
	struct names all = {0}, *own = &e->credentials;
	const struct tree_node *key;
	size_t count = 0;

	while (parse_kit_credential(p, policy, count) != NULL)
		count++;
	if (own->count + count > CREDENTIALS_MAX)
		report_add(p->schema.report, e->kit->at,
			"with those of its kit a policy has at most %d "
			"credentials",
			CREDENTIALS_MAX);
	count += own->count;
	all.names = region_alloc(p->schema.region, count, sizeof(*all.names));
	all.credentials = region_alloc(
		p->schema.region, count, sizeof(struct credential *));
	if (all.names == NULL || all.credentials == NULL)
		return;
	for (; all.count < own->count; all.count++) {
		all.names[all.count] = own->names[all.count];
		all.credentials[all.count] = own->credentials[all.count];
	}
	for (size_t i = 0; (key = parse_kit_credential(p, policy, i)) != NULL;
		i++)
		read_credential_name(p, &field, key, &all);
	*own = all;
}

static void
add_kit(struct parse *p, const char *policy, struct entry *e,
	struct parse_lists *lists)
{
	if (e->kit == NULL)
		return;
	if (parse_kit_lists(p, policy, lists))
		add_kit_credentials(p, policy, e);
	else if (!report_has(p->schema.report, e->kit->at)) /* by its reader */
		report_add(p->schema.report, e->kit->at,
			"a kit can be named in files only, and this one was "
			"not read");
}

static void
refuse_handler(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	(void)f, (void)ret;
	report_add(s->report, value->key->at,
		"handlers are not supported by this release");
}

static const struct schema_shape rules_shape = {.many = SCHEMA_LIST};
static const struct schema_shape names_shape = {.many = SCHEMA_ONE_OR_LIST,
	.one = "\"type\": \"string\", \"pattern\": \"" SCHEMA_NAME_PATTERN
	       "\""};
static const struct schema_shape kit_shape = {
	.one = "\"type\": \"string\", \"minLength\": 1"};
static const struct schema_shape refused_shape = {.one = "\"not\": {}"};

#define FIELD(name, member) \
	.key = #name, .offset = offsetof(struct entry, member)

static const struct schema_field fields[] = {
	{FIELD(default, fallback), .read = schema_choice,
		.words = default_words,
		.about = "what happens when no rule matches (deny)"},
	{FIELD(audit, audit), .read = schema_bool,
		.about = "true: what would be denied passes, and is on record "
			 "as audited (false)"},
	{FIELD(allow, allow), .read = parse_rule_list, .shape = &rules_shape,
		.table = &parse_allow_table,
		.about = "rules; the first that matches allows"},
	{FIELD(deny, deny), .read = parse_rule_list, .shape = &rules_shape,
		.table = &parse_deny_table,
		.about = "rules that win over those of allow"},
	{FIELD(credentials, credentials), .read = read_credentials,
		.max = CREDENTIALS_MAX, .shape = &names_shape,
		.about = "names of credentials that this policy may use"},
	{FIELD(kit, kit), .read = keep_kit, .shape = &kit_shape,
		.about =
			"the path of a Docker kit, from the document's folder"},
	{.key = "handler",
		.read = refuse_handler,
		.shape = &refused_shape,
		.about = "not supported by this release"},
	{.key = NULL},
};
const struct schema_table parse_policy_table = {"a policy", fields};

/* ---- what is worked out once, for deciding ------------------------------ */

static void
index_hosts(struct parse *p, struct policy_set *set)
{
	set->index = host_index_new();
	if (set->index == NULL) {
		region_fail(p->schema.region);
		return;
	}
	for (size_t i = 0; i < set->rule_count; i++) {
		const struct pattern_list *hosts = &set->rules[i].hosts;

		for (size_t k = 0; k < hosts->count; k++) {
			if (host_index_add(set->index, &hosts->items[k],
				    (uint32_t)i) == 0)
				continue;
			region_fail(p->schema.region);
			return;
		}
	}
	host_index_close(set->index);
}

static void
collect_address_rules(struct parse *p, struct policy_set *set)
{
	const struct rule **rules;
	size_t n = 0;

	for (size_t i = 0; i < set->rule_count; i++)
		n += set->rules[i].hosts.count == 0;
	rules = region_alloc(p->schema.region, n, sizeof(struct rule *));
	if (rules == NULL)
		return;
	n = 0;
	for (size_t i = 0; i < set->rule_count; i++) {
		if (set->rules[i].hosts.count == 0)
			rules[n++] = &set->rules[i];
	}
	set->address_rules = rules;
	set->address_rule_count = n;
}

struct pile { /* port ranges of many rules */
	struct port_range *items;
	size_t count, room;
};

static int
pile_add(struct pile *pile, const struct ports *ports)
{
	size_t need = pile->count + ports->count;

	if (ports->count == 0) /* a rule that was reported */
		return 0;
	if (need > pile->room) {
		size_t room = need * 2;
		struct port_range *items =
			reallocarray(pile->items, room, sizeof(*items));

		if (items == NULL)
			return -1;
		pile->items = items;
		pile->room = room;
	}
	memcpy(pile->items + pile->count, ports->ranges,
		ports->count * sizeof(*pile->items));
	pile->count = need;
	return 0;
}

/*
 * The ports on which a name could decide a flow.  A deny rule or a default
 * that names no port counts for 80 and 443 only: else one of them would make
 * every protocol whose server speaks first wait for a name that never comes.
 */
static void
collect_host_ports(struct parse *p, struct policy_set *set)
{
	bool web = set->default_allow, failed = false;
	struct port_range *ranges = NULL;
	struct pile pile = {0};

	for (size_t i = 0; i < set->rule_count && !failed; i++) {
		const struct rule *r = &set->rules[i];

		if (r->hosts.count == 0)
			continue;
		if (r->ports_given)
			failed = pile_add(&pile, &r->ports) < 0;
		else
			web = true;
	}
	if (web && !failed)
		failed = pile_add(&pile, &ports_web) < 0;
	if (pile.count > 0 && !failed) {
		size_t count = port_ranges_join(pile.items, pile.count);

		ranges = region_alloc(p->schema.region, count, sizeof(*ranges));
		if (ranges != NULL)
			memcpy(ranges, pile.items, count * sizeof(*ranges));
		set->host_ports = (struct ports){ranges, count};
	}
	if (failed)
		region_fail(p->schema.region);
	free(pile.items);
}

/* ---- the entry ---------------------------------------------------------- */

static size_t
count_of(const struct tree_node *list)
{
	return list != NULL ? list->count : 0;
}

/* A list of its kit, which is another file; where the rules behind it go. */
static struct rule *
add_kit_rules(struct parse *p, const char *policy, const struct tree_node *list,
	struct rule *rules)
{
	const char *file = p->file, *of = list != NULL ? list->at.file : NULL;

	if (list == NULL)
		return rules;
	p->file = region_copy(p->schema.region, of, strlen(of));
	parse_rules(p, region_format(p->schema.region, "%s.kit", policy), list,
		rules);
	p->file = file;
	return rules + list->count;
}

static struct rule *
add_rules(struct parse *p, const char *policy, const struct tree_node *list,
	struct rule *rules)
{
	if (list != NULL)
		parse_rules(p, policy, list, rules);
	return rules + count_of(list);
}

void
parse_set_rules(struct parse *p, const struct parse_lists *lists,
	struct policy_set *set)
{
	size_t denied = count_of(lists->deny) + count_of(lists->kit_deny);
	size_t allowed = count_of(lists->allow) + count_of(lists->kit_allow);
	struct rule *rules, *at;

	rules = region_alloc(
		p->schema.region, denied + allowed, sizeof(*rules));
	if (rules == NULL)
		return;
	at = add_rules(p, set->name, lists->deny, rules);
	at = add_kit_rules(p, set->name, lists->kit_deny, at);
	at = add_rules(p, set->name, lists->allow, at);
	add_kit_rules(p, set->name, lists->kit_allow, at);
	set->rules = rules;
	set->deny_count = denied;
	set->rule_count = denied + allowed;
	if (region_failed(p->schema.region) < 0)
		return;
	index_hosts(p, set);
	collect_address_rules(p, set);
	collect_host_ports(p, set);
}

static void
read_default(struct parse *p, const struct tree_node *map,
	const struct entry *entry, struct policy_set *set)
{
	const struct tree_node *written = tree_get(map, "default");

	set->default_allow = entry->fallback == 1;
	set->default_name =
		region_format(p->schema.region, "%s.default", set->name);
	set->default_source = parse_source(
		p, written != NULL ? written->key->at : map->key->at);
	if (set->default_allow && entry->allow != NULL &&
		entry->allow->count == 0)
		report_add(p->schema.report, entry->allow->at,
			"an empty \"allow\" allows nothing, but \"default: "
			"allow\" allows everything: remove one of them");
}

void
parse_policy(
	struct parse *p, const struct tree_node *entry, struct policy_set *ret)
{
	struct parse_lists lists;
	struct entry e = {0};

	ret->name = parse_name(p, entry, "policy");
	ret->at = parse_mark(p, entry->key->at);
	schema_fill(&p->schema, entry, &parse_policy_table, &e);
	if (ret->name == NULL || entry->kind != TREE_MAP)
		return;
	lists = (struct parse_lists){.deny = e.deny, .allow = e.allow};
	ret->own_credential_count = e.credentials.count;
	add_kit(p, ret->name, &e, &lists);
	ret->audit = e.audit;
	ret->credential_names = e.credentials.names;
	ret->credentials = e.credentials.credentials;
	ret->credential_count = e.credentials.count;
	read_default(p, entry, &e, ret);
	parse_set_rules(p, &lists, ret);
}
