#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy.h"
#include "report.h"
#include "schema.h"
#include "schema_json.h"
#include "tree.h"

enum {
	TABLES_MAX = 64,
	TEXT_MAX = 64 * 1024,
};

/* ---- a table of its own ------------------------------------------------- */

static void
read_nothing(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	(void)s, (void)f, (void)value, (void)ret;
}

static const char *const words[] = {"on", "off", NULL};
static const char *const beside[] = {"a", "new", NULL};
static const struct schema_shape list_shape = {.many = SCHEMA_LIST};
static const struct schema_shape named_shape = {
	.many = SCHEMA_BY_NAME, .name = "^\\w$", .one = "\"const\": 1"};

static const struct schema_field inner_fields[] = {
	{.key = "s", .read = schema_string, .min = 2, .max = 8},
	{.key = "l", .read = schema_strings, .min = 1, .max = 3},
	{.key = NULL},
};
static const struct schema_table inner = {"an \"inner\" part", inner_fields};

static const struct schema_field fields[] = {
	{.key = "a", .read = schema_bool, .required = true, .one_of = true},
	{.key = "new", .read = read_nothing, .about = "say \"x\"\n"},
	{.key = "bare", .read = read_nothing, .one_of = true},
	{.key = "n", .read = schema_unsigned, .beside = beside},
	{.key = "ms", .read = schema_milliseconds, .implies = "\"not\": {}"},
	{.key = "c", .read = schema_choice, .words = words},
	{.key = "i", .read = read_nothing, .table = &inner},
	{.key = "is",
		.read = read_nothing,
		.table = &inner,
		.min = 1,
		.shape = &list_shape},
	{.key = "map", .read = read_nothing, .shape = &named_shape},
	{.key = NULL},
};
static const struct schema_table table = {"the thing", fields};

static const char expected[] =
	"{\n"
	"  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
	"  \"title\": \"t\",\n"
	"  \"type\": \"object\",\n"
	"  \"additionalProperties\": false,\n"
	"  \"required\": [\"a\"],\n"
	"  \"oneOf\": [{\"required\": [\"a\"]}, {\"required\": [\"bare\"]}],\n"
	"  \"properties\": {\n"
	"    \"a\": {\"type\": \"boolean\"},\n"
	"    \"new\": {\"description\": \"say \\\"x\\\"\\u000a\"},\n"
	"    \"bare\": {},\n"
	"    \"n\": {\"type\": \"integer\", \"minimum\": 0, \"maximum\": "
	"4294967295},\n"
	"    \"ms\": {\"type\": \"string\", \"pattern\": "
	"\"^(0|[1-9][0-9]*)(ms|[smhd])$\"},\n"
	"    \"c\": {\"enum\": [\"on\", \"off\"]},\n"
	"    \"i\": {\"$ref\": \"#/$defs/inner-part\"},\n"
	"    \"is\": {\"type\": \"array\", \"minItems\": 1, \"items\": "
	"{\"$ref\": \"#/$defs/inner-part\"}},\n"
	"    \"map\": {\"type\": \"object\", \"propertyNames\": {\"pattern\": "
	"\"^\\\\w$\"}, \"additionalProperties\": {\"const\": 1}}\n"
	"  },\n"
	"  \"dependentSchemas\": {\n"
	"    \"n\": {\"propertyNames\": {\"enum\": [\"a\", \"new\"]}},\n"
	"    \"ms\": {\"not\": {}}\n"
	"  },\n"
	"  \"$defs\": {\n"
	"    \"inner-part\": {\n"
	"      \"type\": \"object\",\n"
	"      \"additionalProperties\": false,\n"
	"      \"properties\": {\n"
	"        \"s\": {\"type\": \"string\", \"minLength\": 1, "
	"\"maxLength\": 8},\n"
	"        \"l\": {\"anyOf\": [{\"type\": \"string\"}, {\"type\": "
	"\"array\", \"minItems\": 1, \"maxItems\": 3, \"items\": {\"type\": "
	"\"string\"}}]}\n"
	"      }\n"
	"    }\n"
	"  }\n"
	"}\n";

static void
test_each_row_is_a_key(void **state)
{
	const struct schema_table *const roots[] = {&table, NULL};
	char *text = schema_json("t", roots);

	(void)state;
	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

/* ---- the tables of the parser ------------------------------------------- */

static const struct schema_table *used[TABLES_MAX];
static size_t used_count;

bool __real_schema_fill(struct schema *s, const struct tree_node *map,
	const struct schema_table *t, void *ret);
bool __wrap_schema_fill(struct schema *s, const struct tree_node *map,
	const struct schema_table *t, void *ret);

/* The root is a copy of ours with the caller's keys behind it. */
bool
__wrap_schema_fill(struct schema *s, const struct tree_node *map,
	const struct schema_table *t, void *ret)
{
	size_t i = 0;

	while (i < used_count && used[i] != t)
		i++;
	if (i == used_count && strcmp(t->what, "a document") != 0) {
		assert_in_range(used_count, 0, TABLES_MAX - 1);
		used[used_count++] = t;
	}
	return __real_schema_fill(s, map, t, ret);
}

static void
compile(const char *path)
{
	static char text[TEXT_MAX];
	struct report *report = report_new();
	struct policy *policy = NULL;
	struct tree *tree = NULL;
	FILE *file = fopen(path, "r");
	size_t len;

	assert_non_null(file);
	len = fread(text, 1, sizeof(text), file);
	fclose(file);
	if (tree_parse(path, text, len, &tree, report) == 0 &&
		policy_compile((const struct tree *const *)&tree, 1, NULL,
			&policy, report) == 0)
		policy_unref(policy);
	tree_free(tree);
	report_free(report);
}

static void
compile_all(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char path[512];

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (strstr(entry->d_name, ".yaml") == NULL)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		compile(path);
	}
	closedir(dir);
}

/* A list that grows while it is walked; the tables have no cycle. */
static bool
is_reachable(const struct schema_table *from, const struct schema_table *to)
{
	const struct schema_table *found[TABLES_MAX] = {from};
	size_t count = 1;

	for (size_t i = 0; i < count; i++) {
		if (found[i] == to)
			return true;
		for (const struct schema_field *f = found[i]->fields;
			f->key != NULL; f++) {
			if (f->table == NULL)
				continue;
			assert_in_range(count, 0, TABLES_MAX - 1);
			found[count++] = f->table;
		}
	}
	return false;
}

static void
test_no_table_of_the_parser_is_missing(void **state)
{
	(void)state;
	compile_all("golden/policy");
	for (size_t i = 0; i < used_count; i++) {
		if (!is_reachable(&policy_document_table, used[i]))
			fail_msg("no row leads to the keys of %s: give it a "
				 ".table",
				used[i]->what);
	}
	assert_in_range(used_count, 7, TABLES_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_row_is_a_key),
		cmocka_unit_test(test_no_table_of_the_parser_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
