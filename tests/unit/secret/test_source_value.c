#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "secret.h"
#include "source_value.h"

static const struct {
	struct span raw;
	const char *value; /* NULL: none */
	const char *reason;
	const char *why;
} rows[] = {
	{SPAN_LITERAL("s3cret"), "s3cret", "", "plain"},
	{SPAN_LITERAL("s3cret\n"), "s3cret", "", "one newline off"},
	{SPAN_LITERAL(" s3 cret "), " s3 cret ", "", "spaces stay"},
	{SPAN_LITERAL("s3\xc3\xbc"), "s3\xc3\xbc", "", "any byte over 0x7f"},
	{SPAN_LITERAL(""), NULL, "is empty", "nothing"},
	{SPAN_LITERAL("\n"), NULL, "is empty", "only a newline"},
	{SPAN_LITERAL("s3cret\n\n"), NULL, "has a control character inside",
		"only one newline"},
	{SPAN_LITERAL("s3cret\r\n"), NULL, "has a control character inside",
		"carriage return"},
	{SPAN_LITERAL("s3\ncret"), NULL, "has a control character inside",
		"newline inside"},
	{SPAN_LITERAL("s3\0cret"), NULL, "has a control character inside",
		"NUL inside"},
	{SPAN_LITERAL("s3cret\0"), NULL, "has a control character inside",
		"NUL at the end"},
	{SPAN_LITERAL("s3\tcret"), NULL, "has a control character inside",
		"tab"},
	{SPAN_LITERAL("s3cret\x7f"), NULL, "has a control character inside",
		"delete"},
};

static void
test_raw_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char reason[128] = "";
		struct secret *value = source_value(rows[i].raw.ptr,
			rows[i].raw.len, reason, sizeof(reason));

		if ((value == NULL) != (rows[i].value == NULL) ||
			strcmp(reason, rows[i].reason) != 0)
			fail_msg("%s: %s", rows[i].why, reason);
		if (value != NULL && !span_equals(secret_bytes(value),
					     span_of(rows[i].value)))
			fail_msg("%s: other bytes", rows[i].why);
		secret_unref(value);
	}
}

static void
test_length_is_bounded(void **state)
{
	char *data = malloc(SECRET_MAX + 2);
	char reason[128] = "";
	struct secret *value;

	(void)state;
	memset(data, 'a', SECRET_MAX + 2);
	assert_null(source_value(data, SECRET_MAX + 1, reason, sizeof(reason)));
	assert_string_equal(reason, "is longer than 64 KiB");
	data[SECRET_MAX] = '\n';
	value = source_value(data, SECRET_MAX + 1, reason, sizeof(reason));
	assert_non_null(value);
	assert_int_equal(secret_bytes(value).len, SECRET_MAX);
	secret_unref(value);
	free(data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raw_bytes),
		cmocka_unit_test(test_length_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
