/* What a program is given, and how it writes down what it gives. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "source_command.h"
#include "source_ear.h"

static struct source_ear ear;

static int
set_up(void **state)
{
	(void)state;
	source_ear_open(&ear);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	source_ear_close(&ear);
	return 0;
}

/* A shell is only what the tests' programs are written in. */
static struct secret_source_spec
script(const char *text)
{
	static const char *words[3] = {"/bin/sh", "-c"};

	words[2] = text;
	return (struct secret_source_spec){.kind = SECRET_SOURCE_COMMAND,
		.words = words,
		.word_count = 3,
		.ttl_seconds = 300,
		.timeout_seconds = 20};
}

static void
test_what_a_program_is_given(void **state)
{
	struct secret_source_spec spec =
		script("while read line; do echo \"$line\"; done");

	(void)state;
	spec.input = "username=me\npassword=given\n\n";
	spec.format = (struct secret_format){SECRET_FORMAT_GIT, "password"};
	source_ear_listen(&ear, &spec, 1);
	source_ear_wait(&ear, "given");
}

static void
test_all_that_may_be_given(void **state)
{
	char *text = malloc(SOURCE_INPUT_MAX + 2);
	struct secret_source_spec spec = script("wc -c");
	struct secret_source *source;
	char err[128];

	(void)state;
	memset(text, 'a', SOURCE_INPUT_MAX + 1);
	text[SOURCE_INPUT_MAX + 1] = '\0';
	spec.input = text;
	assert_int_equal(secret_source_new(ear.loop, "token", &spec, 1, NULL,
				 NULL, &source, err, sizeof(err)),
		-EINVAL);
	assert_string_equal(err, "more than 4096 bytes of input");
	text[SOURCE_INPUT_MAX] = '\0';
	source_ear_listen(&ear, &spec, 1);
	source_ear_wait(&ear, "4096");
	free(text);
}

/* The program's own time is shorter than ours, which is five minutes. */
static void
test_what_the_source_says_of_its_end(void **state)
{
	const char *path = source_ear_path(&ear, "count");
	struct secret_source_spec spec;
	char text[512];

	(void)state;
	snprintf(text, sizeof(text),
		"echo x >> %s; echo password=$(wc -l < %s); "
		"echo password_expiry_utc=$(($(date +%%s) + 4))",
		path, path);
	spec = script(text);
	spec.format = (struct secret_format){SECRET_FORMAT_GIT, "password"};
	source_ear_listen(&ear, &spec, 1);
	source_ear_wait(&ear, "1");
	source_ear_wait(&ear, "2");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_what_a_program_is_given),
		TEST(test_all_that_may_be_given),
		TEST(test_what_the_source_says_of_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
