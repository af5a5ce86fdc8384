#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "array.h"
#include "denials.h"

static char path[] = "/tmp/test_denials.XXXXXX";

static int
setup(void **state)
{
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/test_denials.XXXXXX");
	fd = mkstemp(path);
	close(fd);
	return fd < 0;
}

static int
teardown(void **state)
{
	(void)state;
	return unlink(path);
}

/* A decision about our sandbox, with more keys. */
static void
append(const char *rest, unsigned id)
{
	FILE *file = fopen(path, "ae");

	fprintf(file,
		"{\"ts\":\"2026-01-01T00:00:00.000001Z\",\"id\":\"%016x\","
		"\"event\":\"decision\",\"sandbox\":\"box\",%s\n",
		id, rest);
	fclose(file);
}

/* What is printed; the caller frees it. */
static char *
print(struct denials *d)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	denials_print(d, file);
	fclose(file);
	return text;
}

static const struct {
	const char *line;
	const char *says[2]; /* NULL, NULL: nothing at all */
	const char *why;
} what_is_said_cases[] = {
	{"\"kind\":\"request\",\"dport\":443,\"host\":\"a.test\","
	 "\"verdict\":\"denied\",\"reason\":\"no_rule\"}",
		{"a.test:443", "- {host: a.test}\n"}, "usual port"},
	{"\"kind\":\"request\",\"dport\":8443,\"host\":\"a.test\","
	 "\"verdict\":\"denied\",\"reason\":\"port\"}",
		{"a.test:8443", "- {host: a.test, port: 8443}"},
		"another port"},
	{"\"kind\":\"request\",\"dport\":443,\"host\":\"a.test\","
	 "\"method\":\"PUT\",\"verdict\":\"denied\","
	 "\"reason\":\"method\"}",
		{"method", "method: [PUT]"}, "method"},
	{"\"kind\":\"request\",\"dport\":443,\"host\":\"a.test\","
	 "\"path\":\"/x/y\",\"verdict\":\"denied\","
	 "\"reason\":\"path\"}",
		{"path", "path: \"/x/y\""}, "path"},
	{"\"kind\":\"request\",\"dport\":443,\"host\":\"a.test\","
	 "\"method\":\"*#x\",\"verdict\":\"denied\","
	 "\"reason\":\"method\"}",
		{"method", "method: [\"*#x\"]}\n"},
		"a method that YAML would take for something else"},
	{"\"kind\":\"request\",\"dport\":443,\"host\":\"a.test\","
	 "\"path\":\"/**\\\"}\",\"verdict\":\"denied\","
	 "\"reason\":\"path\"}",
		{"path", "path: \"/%2A%2A%22%7D\"}\n"},
		"a path that would be a pattern, and end the text"},
	{"\"kind\":\"connect\",\"dport\":22,\"dst\":\"2001:db8::1\","
	 "\"verdict\":\"denied\",\"reason\":\"no_name\"}",
		{"[2001:db8::1]:22", "- {address: 2001:db8::1, port: 22}"},
		"address"},
	{"\"kind\":\"dns\",\"dport\":53,\"host\":\"a.test\","
	 "\"verdict\":\"denied\",\"reason\":\"no_rule\"}",
		{"  a.test  ", "- {host: a.test}\n"}, "a name has no port"},
	{"\"kind\":\"request\",\"dport\":443,\"host\":\"a.test\","
	 "\"verdict\":\"denied\",\"reason\":\"rule_deny\","
	 "\"rule\":\"p.deny[0]\",\"source\":\"p.yaml:3\"}",
		{"p.deny[0] at p.yaml:3", "rule_deny"},
		"by a rule: nothing to allow"},
	{"\"kind\":\"request\",\"dport\":443,\"host\":\"a.test\","
	 "\"verdict\":\"error\",\"reason\":\"address_refused\"}",
		{"--allow-address", "a.test"}, "the guard"},
	{"\"kind\":\"request\",\"dport\":443,"
	 "\"host\":\"a\\u001b[31m\\u000ab\",\"verdict\":\"denied\","
	 "\"reason\":\"no_rule\"}",
		{"a?[31m?b", "1x"}, "bytes for a terminal"},
	{"\"kind\":\"request\",\"dport\":443,\"host\":\"a.test\","
	 "\"verdict\":\"denied\",\"reason\":\"no_rule\","
	 "\"count\":1234}",
		{"1234x", "a.test"}, "stands for many"},
	{"\"kind\":\"request\",\"dport\":443,\"host\":\"a.test\","
	 "\"verdict\":\"denied\",\"reason\":\"from_the_future\"}",
		{"refused", "a.test"}, "unknown reason"},
	{"\"kind\":\"request\",\"dport\":443,\"host\":\"a.test\","
	 "\"verdict\":\"allowed\",\"reason\":\"rule_allow\"}",
		{NULL, NULL}, "allowed"},
	{"\"kind\":\"request\",\"dport\":443,\"host\":\"a.test\","
	 "\"verdict\":\"audited\",\"reason\":\"no_rule\"}",
		{"let 1 pass", "--sandbox box --verdict audited"},
		"audited: it was not refused"},
	{"\"kind\":\"request\",\"sandbox\":\"other\","
	 "\"host\":\"a.test\",\"verdict\":\"denied\","
	 "\"reason\":\"no_rule\"}",
		{NULL, NULL}, "another sandbox's"},
	{"\"kind\":\"request\",\"event\":\"outcome\","
	 "\"host\":\"a.test\",\"verdict\":\"denied\","
	 "\"reason\":\"no_rule\"}",
		{NULL, NULL}, "an outcome is no second refusal"},
	{"\"verdict\":", {NULL, NULL}, "half a line"},
};

static void
test_what_is_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(what_is_said_cases); i++) {
		struct denials *d;
		char *text;

		assert_int_equal(denials_open(path, "box", &d), 0);
		append(what_is_said_cases[i].line, (unsigned)i + 1);
		text = print(d);
		for (size_t j = 0; j < 2; j++) {
			const char *says = what_is_said_cases[i].says[j];

			if (says == NULL ? text[0] != '\0'
					 : strstr(text, says) == NULL)
				fail_msg("%s: %s", what_is_said_cases[i].why,
					text);
		}
		free(text);
		denials_free(d);
	}
}

static void
test_alike_are_one_row_and_many_are_counted(void **state)
{
	struct denials *d;
	char line[256], *text;

	(void)state;
	append("\"kind\":\"request\",\"host\":\"before.test\","
	       "\"verdict\":\"denied\",\"reason\":\"no_rule\"}",
		1);
	assert_int_equal(denials_open(path, "box", &d), 0);
	for (unsigned i = 0; i < 200; i++) {
		snprintf(line, sizeof(line),
			"\"kind\":\"request\",\"dport\":443,\"host\":\"h%u."
			"test\",\"verdict\":\"denied\",\"reason\":\"no_rule\"}",
			i / 2);
		append(line, i + 2);
	}
	text = print(d);
	assert_null(strstr(text, "before.test"));
	assert_non_null(strstr(text, "h63.test:443"));
	assert_null(strstr(text, "h64.test"));
	assert_non_null(strstr(text, "   2x"));
	assert_non_null(strstr(text, "and 72 more"));
	free(text);
	denials_free(d);
}

static void
test_no_log(void **state)
{
	struct denials *d;

	(void)state;
	assert_int_equal(denials_open("/none/log", "box", &d), -ENOENT);
	denials_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_what_is_said, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_alike_are_one_row_and_many_are_counted, setup,
			teardown),
		cmocka_unit_test(test_no_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
