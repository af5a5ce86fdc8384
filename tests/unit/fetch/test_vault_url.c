#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "source_vault.h"
#include "vault_url.h"

static struct source_vault
question(const char *mount, const char *path, const char *version)
{
	struct source_vault v = {.timeout_seconds = 10};

	for (size_t i = 0; i < SOURCE_VAULT_WORDS; i++)
		v.words[i] = "";
	v.words[SOURCE_VAULT_ADDRESS] = "https://v.test:8200";
	v.words[SOURCE_VAULT_MOUNT] = mount;
	v.words[SOURCE_VAULT_PATH] = path;
	v.words[SOURCE_VAULT_VERSION] = version;
	v.words[SOURCE_VAULT_APPROLE_MOUNT] = mount;
	return v;
}

static void
test_reading(void **state)
{
	static const struct {
		const char *mount, *path, *version;
		const char *url; /* behind the address; NULL: refused */
		const char *reason;
	} rows[] = {
		{"secret", "ci/x", "", "/v1/secret/data/ci/x", "plain"},
		{"a/b", "x", "7", "/v1/a/b/data/x?version=7", "a version"},
		{"m", "a b", "", "/v1/m/data/a%20b", "a blank"},
		{"m", "a?b", "", "/v1/m/data/a%3Fb", "no query of its own"},
		{"m", "a#b", "", "/v1/m/data/a%23b", "no fragment"},
		{"m", "a%2fb", "", "/v1/m/data/a%252fb", "escaped once more"},
		{"m", "\xc3\xa9", "", "/v1/m/data/%C3%A9", "bytes of UTF-8"},
		{"m", "a\nb", "", "/v1/m/data/a%0Ab", "a line end"},
		{"m", "...", "", "/v1/m/data/...", "an odd name, but one"},
		{"m", ".a/a..b", "", "/v1/m/data/.a/a..b", "dots inside"},
		{"m", "a/../b", "", NULL, "a way up"},
		{"m", "..", "", NULL, "a way up, alone"},
		{"m", "a/.", "", NULL, "a way nowhere"},
		{"m", "", "", NULL, "nothing"},
		{"m", "/a", "", NULL, "an empty name in front"},
		{"m", "a//b", "", NULL, "an empty name"},
		{"m", "a/", "", NULL, "an empty name behind"},
		{"../sys", "a", "", NULL, "a way up in the mount"},
	};
	char url[VAULT_URL_MAX], expect[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct source_vault v =
			question(rows[i].mount, rows[i].path, rows[i].version);
		int r = vault_url_read(&v, url);

		if (r != (rows[i].url != NULL ? 0 : -EINVAL))
			fail_msg("%s: %d", rows[i].reason, r);
		if (r < 0)
			continue;
		snprintf(expect, sizeof(expect), "https://v.test:8200%s",
			rows[i].url);
		assert_string_equal(url, expect);
	}
}

static void
test_the_others(void **state)
{
	struct source_vault v = question("my/role s", "x", "");
	char url[VAULT_URL_MAX];

	(void)state;
	assert_null(vault_url_socket(&v));
	assert_int_equal(vault_url_login(&v, url), 0);
	assert_string_equal(
		url, "https://v.test:8200/v1/auth/my/role%20s/login");
	assert_int_equal(vault_url_revoke(&v, url), 0);
	assert_string_equal(
		url, "https://v.test:8200/v1/auth/token/revoke-self");
	v.words[SOURCE_VAULT_ADDRESS] = "unix:/run/a b";
	assert_string_equal(vault_url_socket(&v), "/run/a b");
	assert_int_equal(vault_url_revoke(&v, url), 0);
	assert_string_equal(url, "http://localhost/v1/auth/token/revoke-self");
}

static void
test_the_longest(void **state)
{
	char path[VAULT_URL_MAX] = "", url[VAULT_URL_MAX];
	struct source_vault v = question("m", path, "");
	const size_t rest = strlen("https://v.test:8200/v1/m/data/");

	(void)state;
	memset(path, 'a', sizeof(path));
	path[VAULT_URL_MAX - 1 - rest] = '\0';
	assert_int_equal(vault_url_read(&v, url), 0);
	assert_int_equal(strlen(url), VAULT_URL_MAX - 1);
	path[VAULT_URL_MAX - 1 - rest] = 'a';
	path[VAULT_URL_MAX - rest] = '\0';
	assert_int_equal(vault_url_read(&v, url), -EINVAL);
	/* Of three bytes for one, none is written in part. */
	path[VAULT_URL_MAX - 1 - rest] = '\0';
	path[VAULT_URL_MAX - 2 - rest] = ' ';
	assert_int_equal(vault_url_read(&v, url), -EINVAL);
}

static void
test_a_question_and_back(void **state)
{
	static const char *const broken[] = {"", "a\n",
		"\n\n\n\n\n\n\n\n\n\n\n", "\n\n\n\n\n\n\n\n\n\n\n\n",
		"\n\n\n\n\n\n\n\n\n\n\nx\n", "\n\n\n\n\n\n\n\n\n\n\n5",
		"\n\n\n\n\n\n\n\n\n\n\n5\n\n",
		"\n\n\n\n\n\n\n\n\n\n\n9999999\n"};
	struct source_vault v = question("m", "a b/\xc3\xa9", "3"), back;
	char *text = source_vault_write(&v);

	(void)state;
	assert_non_null(text);
	assert_int_equal(source_vault_read(text, &back), 0);
	for (size_t i = 0; i < SOURCE_VAULT_WORDS; i++)
		assert_string_equal(back.words[i], v.words[i]);
	assert_int_equal(back.timeout_seconds, 10);
	free(text);
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		text = strdup(broken[i]);
		assert_int_equal(source_vault_read(text, &back), -EINVAL);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reading),
		cmocka_unit_test(test_the_others),
		cmocka_unit_test(test_the_longest),
		cmocka_unit_test(test_a_question_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
