/*
 * A source of kind vault, up to the process that asks: this very program, which
 * does here what its question's path says.
 */
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
#include "source_vault.h"

static struct source_ear ear;

/* ---- the process that asks ---------------------------------------------- */

static int
fetch(void)
{
	char text[SOURCE_INPUT_MAX + 1];
	struct source_vault v;
	size_t len = fread(text, 1, SOURCE_INPUT_MAX, stdin);
	const char *path;

	text[len] = '\0';
	if (source_vault_read(text, &v) < 0)
		return 2;
	path = v.words[SOURCE_VAULT_PATH];
	if (strcmp(path, "value") == 0)
		printf("password=%s %s %u\npassword_expiry_utc=4000000000\n",
			v.words[SOURCE_VAULT_ADDRESS],
			v.words[SOURCE_VAULT_FIELD], v.timeout_seconds);
	if (strcmp(path, "fails") == 0)
		fputs("403: it said\x1b no\n\n", stderr);
	if (strcmp(path, "expired") == 0)
		puts("password=s3cret\npassword_expiry_utc=5");
	return strcmp(path, "fails") == 0 || strcmp(path, "silent") == 0;
}

/* ---- the tests ---------------------------------------------------------- */

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

static struct secret_source_spec
asking(const char *path)
{
	static const char *words[SOURCE_VAULT_WORDS];

	for (size_t i = 0; i < SOURCE_VAULT_WORDS; i++)
		words[i] = "";
	words[SOURCE_VAULT_ADDRESS] = "https://v.test";
	words[SOURCE_VAULT_MOUNT] = "kv";
	words[SOURCE_VAULT_PATH] = path;
	words[SOURCE_VAULT_FIELD] = "a field";
	return (struct secret_source_spec){.kind = SECRET_SOURCE_VAULT,
		.words = words,
		.word_count = SOURCE_VAULT_WORDS,
		.ttl_seconds = 300,
		.timeout_seconds = 20};
}

static void
listen_to(const char *path)
{
	const struct secret_source_spec spec = asking(path);

	source_ear_listen(&ear, &spec, 1);
}

static void
test_a_value(void **state)
{
	struct secret_source_state now;

	(void)state;
	listen_to("value");
	source_ear_wait(&ear, "https://v.test a field 20");
	assert_string_equal(ear.why, "vault kv/value");
	secret_source_describe(ear.source, &now);
	assert_string_equal(now.kind, "vault");
	assert_true(now.left > 200 && now.left <= 300);
}

static void
test_what_it_says_is_the_reason(void **state)
{
	(void)state;
	listen_to("fails");
	source_ear_wait(&ear, "");
	assert_string_equal(ear.why, "vault kv/fails: 403: it said  no");
}

static void
test_it_says_nothing(void **state)
{
	(void)state;
	listen_to("silent");
	source_ear_wait(&ear, "");
	assert_string_equal(ear.why, "vault kv/silent: exit status 1");
}

static void
test_what_has_ended(void **state)
{
	(void)state;
	listen_to("expired");
	source_ear_wait(&ear, "");
	assert_string_equal(ear.why, "vault kv/expired: has expired");
}

static void
test_no_room_for_the_words(void **state)
{
	static char path[SOURCE_INPUT_MAX];
	struct secret_source_spec spec = asking(path);
	struct secret_source *source = NULL;
	char err[128];

	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	assert_int_equal(secret_source_new(ear.loop, "token", &spec, 1, NULL,
				 NULL, &source, err, sizeof(err)),
		-EINVAL);
	assert_string_equal(err, "vault: more than 4096 bytes of words");
	assert_null(source);
}

int
main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_a_value),
		TEST(test_what_it_says_is_the_reason),
		TEST(test_it_says_nothing),
		TEST(test_what_has_ended),
		TEST(test_no_room_for_the_words),
	};

	if (argc == 2 && strcmp(argv[1], SOURCE_VAULT_OPTION) == 0)
		return fetch();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
