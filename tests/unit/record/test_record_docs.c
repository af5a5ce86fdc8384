#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "array.h"
#include "record.h"

static void
test_every_reason_explains_itself(void **state)
{
	const char *name;

	(void)state;
	for (int i = 0; i < RECORD_REASON_COUNT; i++) {
		name = record_reason_name(i);
		assert_non_null(name);
		assert_in_range(strlen(name), 2, 32);
		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"),
			strlen(name));
		assert_non_null(record_reason_text(i));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(name, record_reason_name(j));
	}
	assert_null(record_reason_hint(RECORD_RULE_ALLOW));
	assert_non_null(record_reason_hint(RECORD_NO_RULE));
}

/* The rows "| `name` | ..." between two headings of docs/record.md. */
struct rows {
	char *text[64];
	size_t count;
};

static void
read_rows(const char *heading, struct rows *ret)
{
	FILE *file = fopen("../docs/record.md", "r");
	char line[1024];
	bool inside = false;

	assert_non_null(file);
	ret->count = 0;
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, "## ", 3) == 0)
			inside = strcmp(line + 3, heading) == 0;
		if (!inside || strncmp(line, "| `", 3) != 0)
			continue;
		assert_true(ret->count < ARRAY_LEN(ret->text));
		ret->text[ret->count] = strdup(line + 3);
		assert_non_null(ret->text[ret->count++]);
	}
	fclose(file);
}

static void
free_rows(struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		free(rows->text[i]);
}

static const char *
find_row(const struct rows *rows, const char *name)
{
	for (size_t i = 0; i < rows->count; i++) {
		if (strncmp(rows->text[i], name, strlen(name)) == 0 &&
			rows->text[i][strlen(name)] == '`')
			return rows->text[i];
	}
	fail_msg("docs/record.md has no row for %s", name);
	return "";
}

static void
test_every_reason_is_in_the_manual_word_for_word(void **state)
{
	struct rows rows = {0};
	const char *row;

	(void)state;
	read_rows("Reasons\n", &rows);
	assert_int_equal(rows.count, RECORD_REASON_COUNT);
	for (int i = 0; i < RECORD_REASON_COUNT; i++) {
		row = find_row(&rows, record_reason_name(i));
		if (strcasestr(row, record_reason_text(i)) == NULL)
			fail_msg("other words in docs/record.md: %s", row);
		if (record_reason_hint(i) != NULL &&
			strcasestr(row, record_reason_hint(i)) == NULL)
			fail_msg("other advice in docs/record.md: %s", row);
	}
	free_rows(&rows);
}

static void
test_every_key_is_in_the_manual_in_its_order(void **state)
{
	static const char text[] = "too long for the shortest of the caps";
	struct sockaddr_in sa = {.sin_family = AF_INET};
	char line[RECORD_LINE_MAX];
	struct record r = {.event = RECORD_OUTCOME,
		.labels = "{}",
		.src = (const struct sockaddr *)&sa,
		.dst = (const struct sockaddr *)&sa,
		.upstream = (const struct sockaddr *)&sa,
		.dport = 1,
		.status = 1,
		.generation = 1,
		.bytes_up = 1,
		.bytes_down = 1,
		.dur_us = 1,
		.ttfb_us = 1,
		.dst_mismatch = true,
		.count = 2};
	json_t *object;
	struct rows rows = {0};
	size_t at = 0;

	(void)state;
	r.sandbox = r.proto = r.rule = r.source = r.policy = r.via = text;
	r.alpn = r.injected = r.skipped = r.handler = r.detail = text;
	r.host = r.method = r.path = span_of(text);
	record_format(&r, line, sizeof(line));
	object = json_loads(line, 0, NULL);
	assert_non_null(object);
	read_rows("Keys\n", &rows);
	for (void *i = json_object_iter(object); i != NULL;
		i = json_object_iter_next(object, i), at++)
		assert_ptr_equal(find_row(&rows, json_object_iter_key(i)),
			rows.text[at]);
	assert_int_equal(at, rows.count);
	free_rows(&rows);
	json_decref(object);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_reason_explains_itself),
		cmocka_unit_test(
			test_every_reason_is_in_the_manual_word_for_word),
		cmocka_unit_test(test_every_key_is_in_the_manual_in_its_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
