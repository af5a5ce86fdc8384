/*
 * parse_sandbox.c - one entry of `sandboxes`
 */
#include "parse.h"

#include "overlay.h"
#include "region.h"
#include "schema_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	ADDRESSES_MAX = 16,
	LABELS_MAX = 32,
	LABEL_KEY_MAX = 63, /* bytes, as below */
	LABEL_VALUE_MAX = 255,
	INTERFACE_MAX = 15,
	OVERLAY_MAX = 1024 * 1024, /* bytes of its canonical text */
};

struct labels {
	const struct policy_label *items;
	size_t count;
};

struct entry {
	const char *interface;
	struct range_list addresses;
	const struct policy_set *set;
	struct labels labels;
	struct limit {
		struct policy_limit *amounts;
		const char *source;
	} limit;
	const struct tree_node *overlay;
};

/* What the kernel takes for a name, less what no tool would print. */
static bool
is_interface(const char *name)
{
	size_t len = strlen(name);

	if (len < 1 || len > INTERFACE_MAX || strcmp(name, ".") == 0 ||
		strcmp(name, "..") == 0)
		return false;
	for (const char *s = name; *s != '\0'; s++) {
		if (*s <= ' ' || *s > '~' || strchr("/:\"\\*", *s) != NULL)
			return false;
	}
	return true;
}

static void
read_interface(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	const char *name = schema_text(s, f, value, "a network interface");

	if (name == NULL)
		return;
	if (!is_interface(name)) {
		schema_expects(
			s, f, value, "a network interface (1 to 15 bytes)");
		return;
	}
	*(const char **)ret = region_copy(s->region, name, strlen(name));
}

static void
read_addresses(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	struct range_list list = {0};
	const struct tree_node *e;
	size_t count;

	parse_addresses(s, f, value, &list);
	if (list.count == 0)
		return;
	e = schema_entries(s, f, value, &count);
	for (size_t i = 0; i < count; i++, e = e->next) {
		if (strchr(e->text, '/') != NULL)
			schema_expects(
				s, f, e, "single addresses, without a prefix");
	}
	*(struct range_list *)ret = list;
}

static void
read_policy(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	struct parse *p = s->arg;
	const char *name = schema_text(s, f, value, "the name of a policy");
	const struct roster_entry *found;

	if (name == NULL)
		return;
	found = roster_expect(&p->policies, name, value->at, s->report);
	if (found != NULL)
		*(const struct policy_set **)ret =
			&p->policy->sets[found->index];
}

static bool
is_label_key(const char *key)
{
	size_t len = strlen(key);

	return len >= 1 && len <= LABEL_KEY_MAX &&
	       strspn(key, "abcdefghijklmnopqrstuvwxyz"
			   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			   "0123456789_./-") == len;
}

static bool
is_label_value(const char *value)
{
	for (const char *s = value; *s != '\0'; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	}
	return strlen(value) <= LABEL_VALUE_MAX;
}

static void
read_label(struct parse *p, const struct tree_node *e, struct policy_label *ret)
{
	const struct schema_field field = {.key = e->key->text};
	const char *value = schema_text(&p->schema, &field, e, "a text");

	if (!is_label_key(e->key->text))
		report_add(p->schema.report, e->key->at,
			"a label's key is 1 to 63 letters, digits, or one of "
			"_ . / -");
	if (value == NULL)
		return;
	if (!is_label_value(value)) {
		schema_expects(&p->schema, &field, e,
			"at most 255 bytes without control characters");
		return;
	}
	ret->key = region_copy(
		p->schema.region, e->key->text, strlen(e->key->text));
	ret->value = region_copy(p->schema.region, value, strlen(value));
}

static void
read_labels(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	const char *what = "a map of at most 32 labels";
	const struct tree_node *e = value->first;
	struct policy_label *items;

	if (!schema_is(s, f, value, TREE_MAP, what))
		return;
	if (value->count > LABELS_MAX) {
		schema_expects(s, f, value, what);
		return;
	}
	items = region_alloc(s->region, value->count, sizeof(*items));
	if (items == NULL)
		return;
	for (size_t i = 0; i < value->count; i++, e = e->next)
		read_label(s->arg, e, &items[i]);
	*(struct labels *)ret = (struct labels){items, value->count};
}

static void
read_limit(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	struct limit *limit = ret;

	parse_limit(s, f, value, &limit->amounts);
	limit->source = parse_source(s->arg, value->key->at);
}

static void
keep_overlay(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	if (schema_is(s, f, value, TREE_MAP, "a map (an overlay)"))
		*(const struct tree_node **)ret = value;
}

/* It is told to workers, and shown, as text. */
static void
check_size(struct parse *p, const struct tree_node *at, const struct overlay *o)
{
	char *text = overlay_print(o);

	if (text == NULL)
		region_fail(p->schema.region);
	else if (strlen(text) > OVERLAY_MAX)
		report_add(p->schema.report, at->at,
			"an overlay has at most 1 MiB");
	free(text);
}

static void
read_overlay(struct parse *p, const struct tree_node *at, const char *sandbox,
	struct overlay **ret)
{
	int r;

	if (at == NULL || sandbox == NULL)
		return;
	r = overlay_compile_entry(at, sandbox, ret, p->schema.report);
	if (r == -ENOMEM)
		region_fail(p->schema.region);
	if (r == 0)
		check_size(p, at, *ret);
}

static const struct schema_shape interface_shape = {
	.one = "\"type\": \"string\", \"pattern\": "
	       "\"^[^\\\\s/:\\\"\\\\\\\\*]{1,15}$\""};
static const struct schema_shape addresses_shape = {.many = SCHEMA_ONE_OR_LIST,
	.one = "\"type\": \"string\", \"pattern\": \"^[0-9A-Fa-f:.]+$\""};
static const struct schema_shape policy_shape = {
	.one = "\"type\": \"string\", \"pattern\": \"" SCHEMA_NAME_PATTERN
	       "\""};
static const struct schema_shape labels_shape = {
	.one = "\"type\": \"object\", \"maxProperties\": 32, "
	       "\"propertyNames\": {\"pattern\": \"^[A-Za-z0-9_./-]{1,63}$\"}, "
	       "\"additionalProperties\": {\"type\": \"string\", \"pattern\": "
	       "\"^[^\\\\u0000-\\\\u001f\\\\u007f]{0,255}$\"}"};

#define FIELD(name, member) \
	.key = #name, .offset = offsetof(struct entry, member)

static const struct schema_field fields[] = {
	{FIELD(interface, interface), .required = true, .read = read_interface,
		.shape = &interface_shape,
		.about = "the host's end of its link"},
	{FIELD(address, addresses), .required = true, .read = read_addresses,
		.min = 1, .max = ADDRESSES_MAX, .shape = &addresses_shape,
		.about = "its addresses there, without a prefix"},
	{FIELD(policy, set), .required = true, .read = read_policy,
		.shape = &policy_shape,
		.about = "the name of a policy in any document"},
	{FIELD(labels, labels), .read = read_labels, .shape = &labels_shape,
		.about = "texts that are copied into records"},
	{FIELD(limit, limit), .read = read_limit, .table = &parse_limit_table,
		.shape = &parse_limit_shape, .about = "of all that it does"},
	{FIELD(overlay, overlay), .read = keep_overlay,
		.table = &parse_overlay_table,
		.about = "rules over its policy's, until others are set"},
	{.key = NULL},
};
const struct schema_table parse_sandbox_table = {"a sandbox", fields};

void
parse_sandbox(struct parse *p, const struct tree_node *entry,
	struct policy_sandbox *ret)
{
	struct policy_address *addresses;
	struct entry e = {0};

	ret->name = parse_name(p, entry, "sandbox");
	ret->source = parse_source(p, entry->key->at);
	schema_fill(&p->schema, entry, &parse_sandbox_table, &e);
	ret->interface = e.interface;
	ret->set = e.set;
	ret->labels = e.labels.items;
	ret->label_count = e.labels.count;
	ret->limit = e.limit.amounts;
	ret->limit_source = e.limit.source;
	read_overlay(p, e.overlay, ret->name, &ret->overlay);
	addresses = region_alloc(
		p->schema.region, e.addresses.count, sizeof(*addresses));
	if (addresses == NULL)
		return;
	for (size_t i = 0; i < e.addresses.count; i++) {
		addresses[i].family = e.addresses.items[i].family;
		memcpy(addresses[i].bytes, e.addresses.items[i].bytes,
			sizeof(addresses[i].bytes));
	}
	ret->addresses = addresses;
	ret->address_count = e.addresses.count;
}
