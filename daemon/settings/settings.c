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
		.dns_per_second = 100,
		.dns_names_per_minute = 60,
		.dns_label_bytes = 60,
		.dns_name_bits = 320,
		.names = 4096},
	.kernel = {.mark = 0x2,
		.mask = 0x2,
		.gate_mark = 0x4,
		.queue = 15001,
		.table = 15001,
		.port = 15001,
		.install = -1},
};

#define AT(type, member) .offset = offsetof(struct type, member)

static const struct schema_shape off_shape = {.one = "\"const\": false"};

static const struct schema_field log_fields[] = {
	{.key = "file",
		AT(settings, log.file),
		.read = settings_read_path,
		.shape = &settings_path_shape,
		.about = "the decision log (in the runtime directory, or "
			 "/var/log/sbx-net)"},
	{.key = "journal",
		AT(settings, log.journal),
		.read = schema_bool,
		.shape = &off_shape,
		.about = "must stay false (false)"},
	{.key = NULL},
};
static const struct schema_table log_table = {"log", log_fields};

static const struct schema_field upstream_fields[] = {
	{.key = "ca_file",
		AT(settings, upstream.ca_file),
		.read = settings_read_path,
		.shape = &settings_path_shape,
		.about = "authorities that origins are verified against (the "
			 "host's)"},
	{.key = "allow_addresses",
		AT(settings, upstream.allow_addresses),
		.read = settings_read_ranges,
		.max = SETTINGS_RANGES_MAX,
		.shape = &settings_ranges_shape,
		.about = "ranges that may be dialled although they are private "
			 "([])"},
	{.key = NULL},
};
static const struct schema_table upstream_table = {"upstream", upstream_fields};

static const struct schema_field control_fields[] = {
	{.key = "group",
		AT(settings, control.group),
		.read = schema_string,
		.min = 1,
		.max = 32,
		.about = "who may ask, and read the decision log (root)"},
	{.key = "admin_group",
		AT(settings, control.admin_group),
		.read = schema_string,
		.min = 1,
		.max = 32,
		.about = "who may also change things (root)"},
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
		.max = HOUR,
		.about = "for the first bytes of a connection (10s)"},
	{.key = "head",
		AT(settings, limits.head),
		.read = schema_seconds,
		.min = 1,
		.max = HOUR,
		.about = "for a request's head (30s)"},
	{.key = "idle",
		AT(settings, limits.idle),
		.read = schema_seconds,
		.min = 1,
		.max = DAY,
		.about = "without a byte in either direction (300s)"},
	{.key = "connect",
		AT(settings, limits.connect),
		.read = schema_seconds,
		.min = 1,
		.max = HOUR,
		.about = "to reach an origin (10s)"},
	{.key = "connections",
		AT(settings, limits.connections),
		.read = schema_unsigned,
		.min = 1,
		.max = 1000000,
		.about = "open at a time, of a sandbox (1024)"},
	{.key = "connections_per_second",
		AT(settings, limits.connections_per_second),
		.read = schema_unsigned,
		.min = 1,
		.max = 1000000,
		.about = "new ones, of a sandbox (100)"},
	{.key = "mints_per_second",
		AT(settings, limits.mints_per_second),
		.read = schema_unsigned,
		.min = 1,
		.max = 1000000,
		.about = "certificates for new names, of a sandbox (50)"},
	{.key = "dns_per_second",
		AT(settings, limits.dns_per_second),
		.read = schema_unsigned,
		.min = 1,
		.max = 1000000,
		.about = "DNS queries of a sandbox (100)"},
	{.key = "dns_names_per_minute",
		AT(settings, limits.dns_names_per_minute),
		.read = schema_unsigned,
		.min = 1,
		.max = 10000,
		.about =
			"different DNS names below one registered domain, of a "
			"sandbox (60)"},
	{.key = "dns_label_bytes",
		AT(settings, limits.dns_label_bytes),
		.read = schema_unsigned,
		.min = 1,
		.max = 63,
		.about = "of one label of a DNS name (60)"},
	{.key = "dns_name_bits",
		AT(settings, limits.dns_name_bits),
		.read = schema_unsigned,
		.min = 1,
		.max = 2000,
		.about = "of entropy in what stands before the registered "
			 "domain "
			 "(320)"},
	{.key = "names",
		AT(settings, limits.names),
		.read = schema_unsigned,
		.min = 1,
		.max = 65536,
		.about = "that have a synthetic address, of a sandbox (4096)"},
	{.key = NULL},
};
static const struct schema_table limits_table = {"limits", limits_fields};

static const struct schema_field kernel_fields[] = {
	{.key = "mark",
		AT(settings, kernel.mark),
		.read = settings_read_mark,
		.shape = &settings_mark_shape,
		.about = "bits of the packet mark that are ours (0x2)"},
	{.key = "mask",
		AT(settings, kernel.mask),
		.read = settings_read_mark,
		.shape = &settings_mark_shape,
		.about = "which bits of the mark are looked at (0x2)"},
	{.key = "gate_mark",
		AT(settings, kernel.gate_mark),
		.read = settings_read_mark,
		.shape = &settings_mark_shape,
		.about = "one bit more of it, for what the gate lets pass "
			 "(0x4)"},
	{.key = "queue",
		AT(settings, kernel.queue),
		.read = schema_unsigned,
		.min = 1,
		.max = 65535,
		.about = "number of the NFQUEUE that the gate reads (15001)"},
	{.key = "table",
		AT(settings, kernel.table),
		.read = schema_unsigned,
		.min = 1,
		.about = "routing table of our own (15001)"},
	{.key = "port",
		AT(settings, kernel.port),
		.read = schema_unsigned,
		.min = 1,
		.max = 65535,
		.about = "TCP port of the listeners (15001)"},
	{.key = "install",
		AT(settings, kernel.install),
		.read = settings_read_switch,
		.shape = &settings_switch_shape,
		.about =
			"whether missing rules are installed (true when root)"},
	{.key = "setup",
		AT(settings, kernel.setup),
		.read = settings_read_path,
		.shape = &settings_path_shape,
		.about = "the path of sbx-net-setup (beside the daemon)"},
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
		.max = SETTINGS_SERVERS_MAX,
		.shape = &settings_servers_shape,
		.about = "addresses of name servers, plain or over TLS (those "
			 "of resolv.conf)"},
	{.key = "workers",
		AT(settings, workers),
		.read = settings_read_workers,
		.min = 1,
		.max = SETTINGS_WORKERS_MAX,
		.shape = &settings_workers_shape,
		.about =
			"how many processes, or auto: one for each CPU (auto)"},
	{.key = "affinity",
		AT(settings, affinity),
		.read = schema_choice,
		.words = affinities,
		.about = "source: a sandbox lives in one worker; flow: in all "
			 "(source)"},
	{.key = "worker_user",
		AT(settings, worker_user),
		.read = schema_string,
		.min = 1,
		.max = 32,
		.about = "who the workers are: a name or a number "
			 "(sbx-net-worker)"},
	{.key = "log",
		.read = schema_nested,
		.table = &log_table,
		.about = "the decision log"},
	{.key = "upstream",
		.read = schema_nested,
		.table = &upstream_table,
		.about = "the way to origins"},
	{.key = "control",
		.read = schema_nested,
		.table = &control_table,
		.about = "the control socket"},
	{.key = "watch",
		AT(settings, watch),
		.read = schema_bool,
		.about = "whether documents are read again when they change "
			 "(false)"},
	{.key = "limits",
		.read = schema_nested,
		.table = &limits_table,
		.about = "against what sandboxes could use up"},
	{.key = "kernel",
		.read = schema_nested,
		.table = &kernel_table,
		.about = "what the kernel side was given"},
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
	if ((s->kernel.gate_mark & (s->kernel.gate_mark - 1)) != 0 ||
		(s->kernel.mark & ~s->kernel.gate_mark) == 0)
		report_add(report, kernel->at,
			"\"gate_mark\" %#x has to be one bit, and not "
			"\"mark\" itself",
			s->kernel.gate_mark);
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
