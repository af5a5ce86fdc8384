#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "report.h"
#include "settings.h"
#include "tree.h"

enum {
	FILE_SIZE = 64 * 1024,
	TEXT = 512,
};

/* 0 and *ret, or the report's text (malloc'd) in *ret_text. */
static int
read_text(const char *text, struct settings **ret, char **ret_text)
{
	struct report *report = report_new();
	struct tree *tree = NULL;
	const struct tree *trees[1];
	int r;

	assert_int_equal(
		tree_parse("s.yaml", text, strlen(text), &tree, report), 0);
	trees[0] = tree;
	r = settings_read(trees, 1, ret, report);
	if (r < 0)
		*ret_text = report_text(report);
	tree_free(tree);
	report_free(report);
	return r;
}

static struct settings *
must_read(const char *text)
{
	struct settings *s;
	char *report;

	if (read_text(text, &s, &report) < 0)
		fail_msg("%s: %s", text, report);
	return s;
}

static void
test_all_keys_are_read(void **state)
{
	struct settings *s = must_read(
		"resolver: [192.0.2.53, \"[2001:db8::53]:5353\"]\n"
		"workers: 3\n"
		"affinity: flow\n"
		"worker_user: nobody\n"
		"log: {file: /var/log/x.log, journal: false}\n"
		"upstream: {ca_file: /etc/x.pem, allow_addresses: "
		"[10.0.0.0/8, \"fd00::/8\", 192.0.2.1]}\n"
		"control: {group: readers, admin_group: writers}\n"
		"limits: {hello: 1s, head: 2s, idle: 1h, connect: 3s, "
		"connections: 4, connections_per_second: 5, "
		"mints_per_second: 6, dns_per_second: 7, "
		"dns_names_per_minute: 8, dns_label_bytes: 9, "
		"dns_name_bits: 10, names: 11}\n"
		"kernel: {mark: 0x10, mask: 0xf0, table: 77, port: 1080, "
		"install: true, setup: /opt/setup}\n");

	(void)state;
	assert_int_equal(s->resolver.count, 2);
	assert_string_equal(s->resolver.items[1], "[2001:db8::53]:5353");
	assert_int_equal(s->workers, 3);
	assert_int_equal(s->affinity, SETTINGS_BY_FLOW);
	assert_string_equal(s->worker_user, "nobody");
	assert_string_equal(s->log.file, "/var/log/x.log");
	assert_string_equal(s->upstream.ca_file, "/etc/x.pem");
	assert_int_equal(s->upstream.allow_addresses.count, 3);
	assert_string_equal(s->control.group, "readers");
	assert_string_equal(s->control.admin_group, "writers");
	assert_int_equal(s->limits.hello, 1);
	assert_int_equal(s->limits.head, 2);
	assert_int_equal(s->limits.idle, 3600);
	assert_int_equal(s->limits.connect, 3);
	assert_int_equal(s->limits.connections, 4);
	assert_int_equal(s->limits.connections_per_second, 5);
	assert_int_equal(s->limits.mints_per_second, 6);
	assert_int_equal(s->limits.dns_per_second, 7);
	assert_int_equal(s->limits.dns_names_per_minute, 8);
	assert_int_equal(s->limits.dns_label_bytes, 9);
	assert_int_equal(s->limits.dns_name_bits, 10);
	assert_int_equal(s->limits.names, 11);
	assert_int_equal(s->kernel.mark, 0x10);
	assert_int_equal(s->kernel.mask, 0xf0);
	assert_int_equal(s->kernel.table, 77);
	assert_int_equal(s->kernel.port, 1080);
	assert_int_equal(s->kernel.install, 1);
	assert_string_equal(s->kernel.setup, "/opt/setup");
	settings_free(s);
}

static void
test_errors_say_what_and_where(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"workers: 0", "s.yaml:1:10: \"workers\" expects auto or a "
			       "number from 1 to 64, not \"0\"\n"},
		{"workers: 65", "s.yaml:1:10: \"workers\" expects auto or a "
				"number from 1 to 64, not \"65\"\n"},
		{"resolver: dns.example.org",
			"s.yaml:1:11: \"resolver\" expects addresses with or "
			"without a port, as \"[2001:db8::53]:53\", or "
			"\"tls://192.0.2.53#dns.example.org\", not "
			"\"dns.example.org\"\n"},
		{"resolver: [192.0.2.53, \"tls://192.0.2.53\"]",
			"s.yaml:1:24: \"resolver\" expects addresses with or "
			"without a port, as \"[2001:db8::53]:53\", or "
			"\"tls://192.0.2.53#dns.example.org\", not "
			"\"tls://192.0.2.53\"\n"},
		{"upstream: {allow_addresses: [10.0.0.0/8, 10.0.0.0/33]}",
			"s.yaml:1:42: \"allow_addresses\" expects address "
			"ranges, as 10.1.0.0/16, with no bits set behind the "
			"prefix, not \"10.0.0.0/33\"\n"},
		{"upstream: {ca_file: x.pem}",
			"s.yaml:1:21: \"ca_file\" expects an absolute path, "
			"not \"x.pem\"\n"},
		{"limits: {idel: 5s}",
			"s.yaml:1:10: unknown key \"idel\" in limits (did you "
			"mean \"idle\"?)\n"},
		{"limits: {idle: 5}",
			"s.yaml:1:16: \"idle\" expects a time from 1s to "
			"86400s with its unit (s, m, h or d), not \"5\"\n"},
		{"kernel: {mark: 0}", "s.yaml:1:16: \"mark\" expects a number "
				      "of 32 bits that is not 0, as 0x2, not "
				      "\"0\"\n"},
		{"kernel: {mark: 0x3, mask: 0x2}",
			"s.yaml:1:9: \"mark\" 0x3 has bits outside \"mask\" "
			"0x2\n"},
		{"kernel: {mark: 0x1ffffffff}",
			"s.yaml:1:16: \"mark\" expects a number of 32 bits "
			"that is not 0, as 0x2, not \"0x1ffffffff\"\n"},
		{"affinity: both", "s.yaml:1:11: \"affinity\" expects one of "
				   "source, flow, not \"both\"\n"},
		{"log: {journal: true}",
			"s.yaml:1:16: \"journal\" cannot be true: the journal "
			"has no append that a worker could wait for, so a "
			"decision could go unrecorded; use \"file\"\n"},
	};
	struct settings *s;
	char *text;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		text = NULL;
		assert_int_equal(read_text(cases[i].text, &s, &text), -EINVAL);
		assert_non_null(text);
		assert_string_equal(text, cases[i].error);
		free(text);
	}
}

static void
test_servers_and_ranges(void **state)
{
	static const struct {
		const char *text;
		bool server, range;
	} cases[] = {
		{"192.0.2.53", true, true},
		{"192.0.2.53:5353", true, false},
		{"192.0.2.53:0", false, false},
		{"192.0.2.53:65536", false, false},
		{"192.0.2.53:", false, false},
		{"192.0.2.53/32", false, true},
		{"192.0.2.53/032", false, false},
		{"192.0.2.53/33", false, false},
		{"192.0.2.53/24", false, false},
		{"192.0.2.0/24", false, true},
		{"2001:db8::1/32", false, false},
		{"::ffff:192.0.2.0/120", false, false},
		{"192.0.2.53/", false, false},
		{"2001:db8::53", true, true},
		{"2001:db8::53/128", false, true},
		{"2001:db8::53/129", false, false},
		{"[2001:db8::53]", true, false},
		{"[2001:db8::53]:53", true, false},
		{"[2001:db8::53]:x", false, false},
		{"[2001:db8::53", false, false},
		{"[192.0.2.53]:53", false, false},
		{"192.0.2", false, false},
		{"", false, false},
		{"0x7f.1", false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (settings_is_server(cases[i].text) != cases[i].server ||
			settings_is_range(cases[i].text) != cases[i].range)
			fail_msg("%s", cases[i].text);
}

static void
test_other_files_hold_no_settings(void **state)
{
	static const char main_file[] = "version: 1\npolicies: {}\n";
	static const char other[] = "policies: {}\nworkers: 2\n";
	struct report *report = report_new();
	struct tree *trees[2];
	struct settings *s;
	char *text;

	(void)state;
	assert_int_equal(tree_parse("a.yaml", main_file, strlen(main_file),
				 &trees[0], report),
		0);
	assert_int_equal(
		tree_parse("b.yaml", other, strlen(other), &trees[1], report),
		0);
	assert_int_equal(
		settings_read((const struct tree *const *)trees, 2, &s, report),
		-EINVAL);
	text = report_text(report);
	assert_string_equal(text,
		"b.yaml:2:1: \"workers\" is a setting of the daemon, which "
		"belongs into its main file (--config, else sbx-netd.yaml), "
		"not beside policies\n");
	assert_string_equal(settings_difference(trees[0], trees[1]), "workers");
	assert_null(settings_difference(trees[0], trees[0]));
	free(text);
	tree_free(trees[0]);
	tree_free(trees[1]);
	report_free(report);
}

/* ---- docs/settings.md is true ----------------------------------------- */

static const char *
read_docs(void)
{
	static char text[FILE_SIZE];
	FILE *file = fopen("../docs/settings.md", "r");
	size_t len;

	assert_non_null(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	fclose(file);
	return text;
}

static size_t
check_table(
	const struct schema_table *table, const char *prefix, const char *docs)
{
	char row[TEXT], path[TEXT];
	size_t count = 0;

	for (const struct schema_field *f = table->fields; f->key; f++) {
		snprintf(path, sizeof(path), "%s%s%s", prefix, f->key,
			f->table != NULL ? "." : "");
		if (f->table != NULL) {
			count += check_table(f->table, path, docs);
			continue;
		}
		snprintf(row, sizeof(row), "\n| `%.200s` | ", path);
		if (strstr(docs, row) == NULL)
			fail_msg("docs/settings.md has no row for %s", path);
		count++;
	}
	return count;
}

/* "limits.idle", "300s" as a document. */
static void
write_document(const char *key, const char *value, char ret[TEXT])
{
	const char *dot = strchr(key, '.');

	if (dot == NULL)
		snprintf(ret, TEXT, "%s: %s\n", key, value);
	else
		snprintf(ret, TEXT, "%.*s: {%s: %s}\n", (int)(dot - key), key,
			dot + 1, value);
}

/* All whose default is a word that one could write. */
static void
assert_default(const char *document)
{
	struct settings *a = must_read(document), *b = must_read("");

	if (a->workers != b->workers || a->affinity != b->affinity ||
		a->log.journal != b->log.journal || a->watch != b->watch ||
		a->upstream.allow_addresses.count !=
			b->upstream.allow_addresses.count ||
		memcmp(&a->limits, &b->limits, sizeof(a->limits)) != 0 ||
		a->kernel.mark != b->kernel.mark ||
		a->kernel.mask != b->kernel.mask ||
		a->kernel.table != b->kernel.table ||
		a->kernel.port != b->kernel.port)
		fail_msg("docs/settings.md: not the default: %s", document);
	settings_free(a);
	settings_free(b);
}

static void
test_docs_name_every_key_and_its_default(void **state)
{
	const char *docs = read_docs();
	char key[64], value[64], document[TEXT];
	size_t rows = 0, defaults = 0;
	int end;

	(void)state;
	for (const char *row = strstr(docs, "\n| `"); row != NULL;
		row = strstr(row + 1, "\n| `")) {
		rows++;
		end = 0;
		/* NOLINTNEXTLINE(cert-err34-c): words, no numbers */
		sscanf(row, "\n| `%63[^`]` | `%63[^`]` |%n", key, value, &end);
		if (end == 0)
			continue; /* the machine's business */
		write_document(key, value, document);
		assert_default(document);
		defaults++;
	}
	assert_int_equal(check_table(&settings_table, "", docs), rows);
	assert_int_equal(defaults, 23);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_keys_are_read),
		cmocka_unit_test(test_errors_say_what_and_where),
		cmocka_unit_test(test_servers_and_ranges),
		cmocka_unit_test(test_other_files_hold_no_settings),
		cmocka_unit_test(test_docs_name_every_key_and_its_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
