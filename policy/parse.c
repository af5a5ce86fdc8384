/*
 * parse.c - documents to one policy
 *
 * Theory of operation
 *
 * Three sections of many documents become three arrays.  Credentials come
 * first, then policies, which name credentials, then sandboxes, which name
 * policies: so whatever a name refers to is there, in whichever document it
 * stands, and has its final address.  Each array is made in full size before
 * it is filled.  Every step reports and goes on; only at the end it is asked
 * whether anything was reported.
 */
#include "parse.h"

#include "region.h"
#include "scalar.h"
#include "schema_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum section { CREDENTIALS, POLICIES, SANDBOXES, SECTIONS };

enum {
	NAME_BYTES_MAX = 63, /* of policies, credentials, sandboxes */
	OTHER_KEYS_MAX = 64, /* keys that the caller reads */
};

struct document {
	const struct tree_node *version;
	const struct tree_node *sections[SECTIONS];
};

/* ---- names and places --------------------------------------------------- */

const char *
parse_source(struct parse *p, struct report_mark at)
{
	return region_format(p->schema.region, "%s:%u", at.file, at.line);
}

struct report_mark
parse_mark(const struct parse *p, struct report_mark at)
{
	return (struct report_mark){p->file, at.line, at.column};
}

static bool
is_name(const char *name)
{
	size_t len = strlen(name);

	return len >= 1 && len <= NAME_BYTES_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == len &&
	       strchr("_.-", name[0]) == NULL;
}

const char *
parse_name(struct parse *p, const struct tree_node *entry, const char *what)
{
	const struct tree_node *key = entry->key;
	char quote[REPORT_QUOTE];
	const char *surprise;

	report_quote(key->text, quote);
	if (!is_name(key->text)) {
		report_add(p->schema.report, key->at,
			"the name of a %s begins with one of a-z 0-9 and goes "
			"on with a-z 0-9 _ . - (at most 63 bytes), not as in "
			"%s",
			what, quote);
		return NULL;
	}
	surprise = key->quoted ? NULL : scalar_surprise(key->text);
	if (surprise != NULL) {
		report_add(p->schema.report, key->at,
			"the name of a %s is a text, but without quotes YAML "
			"reads %s here: write %s",
			what, surprise, quote);
		return NULL;
	}
	return region_copy(p->schema.region, key->text, strlen(key->text));
}

/* ---- one document ------------------------------------------------------- */

static void
keep_version(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	*(const struct tree_node **)ret = value;
	if (value->kind != TREE_SCALAR || value->quoted ||
		strcmp(value->text, "1") != 0)
		schema_expects(s, f, value,
			"1, the only version that this release reads");
}

static void
keep_section(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	if (schema_is(s, f, value, TREE_MAP, "a map of names"))
		*(const struct tree_node **)ret = value;
}

static void
skip(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	(void)s, (void)f, (void)value, (void)ret;
}

static const struct schema_shape version_shape = {.one = "\"const\": 1"};
static const struct schema_shape section_shape = {
	.many = SCHEMA_BY_NAME, .name = SCHEMA_NAME_PATTERN};

#define SECTION(name, number, entry, text) \
	{ \
		.key = #name, .read = keep_section, \
		.offset = offsetof(struct document, sections[number]), \
		.shape = &section_shape, .table = &(entry), .about = (text) \
	}

static const struct schema_field own_fields[] = {
	{.key = "version",
		.required = true,
		.read = keep_version,
		.offset = offsetof(struct document, version),
		.shape = &version_shape,
		.about = "of the format; the first key"},
	SECTION(credentials, CREDENTIALS, parse_credential_table,
		"values that sandboxes never see, by name"),
	SECTION(policies, POLICIES, parse_policy_table,
		"what may be reached, by name"),
	SECTION(sandboxes, SANDBOXES, parse_sandbox_table,
		"who is intercepted, by name"),
	{.key = NULL},
};
const struct schema_table policy_document_table = {"a document", own_fields};

static void
read_document(struct parse *p, const struct tree *tree,
	const char *const *other_keys, struct document *ret,
	struct parse_kit_part *ret_part)
{
	const size_t own = sizeof(own_fields) / sizeof(own_fields[0]) - 1;
	struct schema_field fields[sizeof(own_fields) / sizeof(own_fields[0]) +
				   OTHER_KEYS_MAX] = {{.key = NULL}};
	const struct schema_table table = {"a document", fields};
	const struct tree_node *root = tree_root(tree);

	if (parse_is_kit_part(root)) {
		parse_kit_part(&p->schema, root, ret_part);
		ret->sections[CREDENTIALS] = ret_part->credentials;
		return;
	}
	memcpy(fields, own_fields, sizeof(own_fields));
	for (size_t i = 0; other_keys != NULL && i < OTHER_KEYS_MAX &&
			   other_keys[i] != NULL;
		i++)
		fields[own + i] = (struct schema_field){
			.key = other_keys[i], .read = skip};
	schema_fill(&p->schema, root, &table, ret);
	if (ret->version != NULL && ret->version != root->first)
		report_add(p->schema.report, ret->version->key->at,
			"\"version\" must be the first key");
}

/* ---- all documents ------------------------------------------------------ */

struct reading { /* the documents, and what of each kind was read so far */
	struct document *documents;
	size_t count;
};

static size_t
count_entries(const struct reading *r, enum section section)
{
	size_t n = 0;

	for (size_t i = 0; i < r->count; i++) {
		const struct tree_node *map = r->documents[i].sections[section];

		n += map != NULL ? map->count : 0;
	}
	return n;
}

/* Calls read() for each entry of a section, numbered through. */
static void
each_entry(struct parse *p, const struct reading *r, enum section section,
	void (*read)(struct parse *, const struct tree_node *, size_t))
{
	size_t n = 0;

	for (size_t i = 0; i < r->count; i++) {
		const struct tree_node *map = r->documents[i].sections[section];
		const char *file;

		if (map == NULL)
			continue;
		file = map->at.file;
		p->file = region_copy(p->schema.region, file, strlen(file));
		for (const struct tree_node *e = map->first;
			e != NULL && region_failed(p->schema.region) == 0;
			e = e->next)
			read(p, e, n++);
	}
}

static void
read_one_credential(struct parse *p, const struct tree_node *e, size_t i)
{
	struct credential *c = &p->policy->credentials[i];

	parse_credential(p, e, c, &p->policy->credential_faces[i]);
	p->credentials.entries[i] =
		(struct roster_entry){c->face->name, c->at, i};
}

static void
read_one_policy(struct parse *p, const struct tree_node *e, size_t i)
{
	struct policy_set *set = &p->policy->sets[i];

	parse_policy(p, e, set);
	p->policies.entries[i] = (struct roster_entry){set->name, set->at, i};
}

static void
read_one_sandbox(struct parse *p, const struct tree_node *e, size_t i)
{
	struct policy_sandbox *s = &p->policy->sandboxes[i];

	parse_sandbox(p, e, s);
	p->sandboxes.entries[i] =
		(struct roster_entry){s->name, parse_mark(p, e->key->at), i};
}

/* The kernel tells sandboxes apart by interface and address: so must we. */
static void
check_pairs(struct parse *p)
{
	struct roster pairs = {.what = "interface and address"};
	const struct policy *policy = p->policy;
	size_t n = 0;

	for (size_t i = 0; i < policy->sandbox_count; i++)
		n += policy->sandboxes[i].address_count;
	pairs.entries =
		region_alloc(p->schema.region, n, sizeof(*pairs.entries));
	for (size_t i = 0; pairs.entries != NULL && i < p->sandboxes.count;
		i++) {
		const struct roster_entry *named = &p->sandboxes.entries[i];
		const struct policy_sandbox *s =
			&policy->sandboxes[named->index];

		for (size_t k = 0; k < s->address_count && s->interface != NULL;
			k++) {
			const struct policy_address *a = &s->addresses[k];
			struct addr_range one = {.family = a->family,
				.prefix = a->family == AF_INET ? 32 : 128};
			char text[ADDR_TEXT];

			memcpy(one.bytes, a->bytes, sizeof(one.bytes));
			pairs.entries[pairs.count++] = (struct roster_entry){
				region_format(p->schema.region, "%s %s",
					s->interface, addr_text(&one, text)),
				named->at, named->index};
		}
	}
	roster_close(&pairs, p->schema.report);
}

/* The three arrays and their rosters, in full size. */
static void
make_room(struct parse *p, const struct reading *r)
{
	size_t credentials = count_entries(r, CREDENTIALS);
	size_t policies = count_entries(r, POLICIES);
	size_t sandboxes = count_entries(r, SANDBOXES);
	struct region *region = p->schema.region;
	struct policy *policy = p->policy;

	policy->credential_count = credentials;
	policy->credential_faces = region_alloc(
		region, credentials, sizeof(*policy->credential_faces));
	policy->credentials =
		region_alloc(region, credentials, sizeof(*policy->credentials));
	p->credentials = (struct roster){"credential",
		region_alloc(region, credentials, sizeof(struct roster_entry)),
		credentials};

	policy->sets = region_alloc(region, policies, sizeof(*policy->sets));
	policy->set_count = policy->sets != NULL ? policies : 0;
	policy->sets_by_name =
		region_alloc(region, policies, sizeof(struct policy_set *));
	p->policies = (struct roster){"policy",
		region_alloc(region, policies, sizeof(struct roster_entry)),
		policies};

	policy->sandbox_count = sandboxes;
	policy->sandboxes =
		region_alloc(region, sandboxes, sizeof(*policy->sandboxes));
	p->sandboxes = (struct roster){"sandbox",
		region_alloc(region, sandboxes, sizeof(struct roster_entry)),
		sandboxes};
}

static void
read_sections(struct parse *p, const struct reading *r)
{
	struct report *report = p->schema.report;

	make_room(p, r);
	if (region_failed(p->schema.region) < 0)
		return;
	each_entry(p, r, CREDENTIALS, read_one_credential);
	roster_close(&p->credentials, report);
	each_entry(p, r, POLICIES, read_one_policy);
	roster_close(&p->policies, report);
	for (size_t i = 0; i < p->policies.count; i++)
		p->policy->sets_by_name[i] =
			&p->policy->sets[p->policies.entries[i].index];
	each_entry(p, r, SANDBOXES, read_one_sandbox);
	roster_close(&p->sandboxes, report);
	check_pairs(p);
}

static int
compile(struct parse *p, const struct tree *const *trees, size_t count,
	const char *const *other_keys)
{
	size_t before = report_count(p->schema.report);
	struct reading r = {.count = count};
	struct parse_kit_part *parts = calloc(count + 1, sizeof(*parts));

	r.documents = calloc(count + 1, sizeof(*r.documents));
	p->kit_parts = parts;
	p->kit_part_count = count;
	if (r.documents == NULL || parts == NULL) {
		free(r.documents);
		free(parts);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++)
		read_document(
			p, trees[i], other_keys, &r.documents[i], &parts[i]);
	read_sections(p, &r);
	free(r.documents);
	free(parts);
	if (region_failed(p->schema.region) < 0)
		return -ENOMEM;
	if (report_count(p->schema.report) > before)
		return -EINVAL;
	for (size_t i = 0; i < p->policy->set_count; i++)
		check_credentials(p->schema.report, &p->policy->sets[i]);
	return report_count(p->schema.report) > before ? -EINVAL : 0;
}

int
policy_compile(const struct tree *const *trees, size_t count,
	const char *const *other_keys, struct policy **ret,
	struct report *report)
{
	struct parse p = {.schema = {.report = report}};
	int r = -ENOMEM;

	p.schema.arg = &p;
	p.policy = calloc(1, sizeof(*p.policy));
	if (p.policy == NULL)
		return -ENOMEM;
	p.policy->refs = 1;
	p.policy->region = p.schema.region = region_new();
	if (p.policy->region == NULL)
		goto fail;
	r = compile(&p, trees, count, other_keys);
	if (r < 0)
		goto fail;
	*ret = p.policy;
	return 0;
fail:
	policy_unref(p.policy);
	return r;
}
