#include "settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "region.h"
#include "report.h"
#include "settings_readers.h"
#include "tree.h"

static const struct settings defaults = {
	.limits = {.hello = 10,
		.head = 30,
		.idle = 300,
		.connect = 10,
		.connections = 1024,
		.connections_per_second = 100,
		.mints_per_second = 50,
		.dns_per_second = 100},
	.kernel = {.mark = 0x2,
		.mask = 0x2,
		.table = 15001,
		.port = 15001,
		.install = -1},
};

#define AT(type, member) .offset = offsetof(struct type, member)

static const struct schema_field log_fields[] = {
	{.key = "file", AT(settings, log.file), .read = settings_read_path},
	{.key = "journal", AT(settings, log.journal), .read = schema_bool},
	{.key = NULL},
};
static const struct schema_table log_table = {"log", log_fields};

static const struct schema_field upstream_fields[] = {
	{.key = "ca_file",
		AT(settings, upstream.ca_file),
		.read = settings_read_path},
	{.key = "allow_addresses",
		AT(settings, upstream.allow_addresses),
		.read = settings_read_ranges,
		.max = SETTINGS_RANGES_MAX},
	{.key = NULL},
};
static const struct schema_table upstream_table = {"upstream", upstream_fields};

static const struct schema_field control_fields[] = {
	{.key = "group",
		AT(settings, control.group),
		.read = schema_string,
		.min = 1,
		.max = 32},
	{.key = "admin_group",
		AT(settings, control.admin_group),
		.read = schema_string,
		.min = 1,
		.max = 32},
	{.key = NULL},
};
static const struct schema_table control_table = {"control", control_fields};

enum {
	HOUR = 3600,
	DAY = 24 * HOUR,
};

static const struct schema_field limits_fields[] = {
	{.key = "hello",
		AT(settings, limits.hello),
		.read = schema_seconds,
		.min = 1,
		.max = HOUR},
	{.key = "head",
		AT(settings, limits.head),
		.read = schema_seconds,
		.min = 1,
		.max = HOUR},
	{.key = "idle",
		AT(settings, limits.idle),
		.read = schema_seconds,
		.min = 1,
		.max = DAY},
	{.key = "connect",
		AT(settings, limits.connect),
		.read = schema_seconds,
		.min = 1,
		.max = HOUR},
	{.key = "connections",
		AT(settings, limits.connections),
		.read = schema_unsigned,
		.min = 1,
		.max = 1000000},
	{.key = "connections_per_second",
		AT(settings, limits.connections_per_second),
		.read = schema_unsigned,
		.min = 1,
		.max = 1000000},
	{.key = "mints_per_second",
		AT(settings, limits.mints_per_second),
		.read = schema_unsigned,
		.min = 1,
		.max = 1000000},
	{.key = "dns_per_second",
		AT(settings, limits.dns_per_second),
		.read = schema_unsigned,
		.min = 1,
		.max = 1000000},
	{.key = NULL},
};
static const struct schema_table limits_table = {"limits", limits_fields};

static const struct schema_field kernel_fields[] = {
	{.key = "mark", AT(settings, kernel.mark), .read = settings_read_mark},
	{.key = "mask", AT(settings, kernel.mask), .read = settings_read_mark},
	{.key = "table",
		AT(settings, kernel.table),
		.read = schema_unsigned,
		.min = 1},
	{.key = "port",
		AT(settings, kernel.port),
		.read = schema_unsigned,
		.min = 1,
		.max = 65535},
	{.key = "install",
		AT(settings, kernel.install),
		.read = settings_read_switch},
	{.key = "setup",
		AT(settings, kernel.setup),
		.read = settings_read_path},
	{.key = NULL},
};
static const struct schema_table kernel_table = {"kernel", kernel_fields};

static const char *const affinities[] = {"source", "flow", NULL};

/* Nested tables address the whole struct, so their own offset is 0. */
static const struct schema_field fields[] = {
	{.key = "resolver",
		AT(settings, resolver),
		.read = settings_read_servers,
		.min = 1,
		.max = SETTINGS_SERVERS_MAX},
	{.key = "workers",
		AT(settings, workers),
		.read = settings_read_workers,
		.min = 1,
		.max = SETTINGS_WORKERS_MAX},
	{.key = "affinity",
		AT(settings, affinity),
		.read = schema_choice,
		.words = affinities},
	{.key = "worker_user",
		AT(settings, worker_user),
		.read = schema_string,
		.min = 1,
		.max = 32},
	{.key = "log", .read = schema_nested, .table = &log_table},
	{.key = "upstream", .read = schema_nested, .table = &upstream_table},
	{.key = "control", .read = schema_nested, .table = &control_table},
	{.key = "limits", .read = schema_nested, .table = &limits_table},
	{.key = "kernel", .read = schema_nested, .table = &kernel_table},
	{.key = NULL},
};
const struct schema_table settings_table = {"the settings", fields};

const char *const *
settings_keys(void)
{
	static const char *keys[ARRAY_LEN(fields)];

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		keys[i] = fields[i].key;
	return keys;
}

/* Recursion ends at TREE_DEPTH_MAX.  The order of keys counts: a difference
 * that is none costs a line of text. */
static bool
same_node(const struct tree_node *a, const struct tree_node *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	if (a->kind != b->kind || a->count != b->count)
		return false;
	if (a->kind == TREE_SCALAR)
		return strcmp(a->text, b->text) == 0;
	a = a->first;
	b = b->first;
	for (; a != NULL && b != NULL; a = a->next, b = b->next)
		if ((a->key != NULL &&
			    strcmp(a->key->text, b->key->text) != 0) ||
			!same_node(a, b))
			return false;
	return true;
}

const char *
settings_difference(const struct tree *a, const struct tree *b)
{
	for (const struct schema_field *f = fields; f->key != NULL; f++)
		if (!same_node(tree_get(tree_root(a), f->key),
			    tree_get(tree_root(b), f->key)))
			return f->key;
	return NULL;
}

static void
refuse_elsewhere(const struct tree_node *root, struct report *report)
{
	const struct tree_node *value;

	for (const struct schema_field *f = fields; f->key != NULL; f++) {
		value = tree_get(root, f->key);
		if (value != NULL)
			report_add(report, value->key->at,
				"\"%s\" is a setting of the daemon, which "
				"belongs into its main file (--config, else "
				"sbx-netd.yaml), not beside policies",
				f->key);
	}
}

/* What no single row can see. */
static void
check_whole(const struct settings *s, const struct tree_node *root,
	struct report *report)
{
	const struct tree_node *log = tree_get(root, "log");
	const struct tree_node *kernel = tree_get(root, "kernel");

	if (s->log.journal)
		report_add(report, tree_get(log, "journal")->at,
			"\"journal\" cannot be true: the journal has no "
			"append that a worker could wait for, so a decision "
			"could go unrecorded; use \"file\"");
	if ((s->kernel.mark & ~s->kernel.mask) != 0)
		report_add(report, kernel->at,
			"\"mark\" %#x has bits outside \"mask\" %#x",
			s->kernel.mark, s->kernel.mask);
}

static void
read_root(struct schema *schema, const struct tree_node *root,
	struct settings *ret)
{
	size_t before = report_count(schema->report);
	const struct tree_node *value;

	for (const struct schema_field *f = fields; f->key != NULL; f++) {
		value = tree_get(root, f->key);
		if (value != NULL)
			f->read(schema, f, value, (char *)ret + f->offset);
	}
	if (report_count(schema->report) == before)
		check_whole(ret, root, schema->report);
}

int
settings_read(const struct tree *const *trees, size_t count,
	struct settings **ret, struct report *report)
{
	size_t before = report_count(report);
	struct settings *s = malloc(sizeof(*s));
	struct schema schema = {.report = report};
	int r = -ENOMEM;

	if (s == NULL)
		return -ENOMEM;
	*s = defaults;
	s->region = region_new();
	if (s->region == NULL)
		goto fail;
	schema.region = s->region;
	if (count > 0)
		read_root(&schema, tree_root(trees[0]), s);
	for (size_t i = 1; i < count; i++)
		refuse_elsewhere(tree_root(trees[i]), report);
	if (region_failed(s->region) < 0)
		goto fail;
	r = -EINVAL;
	if (report_count(report) != before)
		goto fail;
	*ret = s;
	return 0;
fail:
	settings_free(s);
	return r;
}

void
settings_free(struct settings *s)
{
	if (s == NULL)
		return;
	region_free(s->region);
	free(s);
}
