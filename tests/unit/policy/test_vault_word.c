#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vault_word.h"

static const struct {
	enum vault_word word;
	const char *text;
	bool good;
	const char *reason;
} rows[] = {
	{VAULT_ADDRESS, "https://vault.example.org:8200", true, "usual"},
	{VAULT_ADDRESS, "https://vault.example.org", true, "port 443"},
	{VAULT_ADDRESS, "https://vault_1-x", true, "one label"},
	{VAULT_ADDRESS, "https://192.0.2.1:65535", true, "an address"},
	{VAULT_ADDRESS, "https://[2001:db8::1]:1", true, "of version 6"},
	{VAULT_ADDRESS, "https://[2001:db8::1]", true, "without a port"},
	{VAULT_ADDRESS, "https://[vault]:1", false, "a name in brackets"},
	{VAULT_ADDRESS, "https://[::1", false, "not closed"},
	{VAULT_ADDRESS, "https://[::1]x", false, "something behind"},
	{VAULT_ADDRESS, "https://2001:db8::1", false, "no brackets"},
	{VAULT_ADDRESS, "https://v:", false, "an empty port"},
	{VAULT_ADDRESS, "https://v:0", false, "port 0"},
	{VAULT_ADDRESS, "https://v:080", false, "octal or not"},
	{VAULT_ADDRESS, "https://v:65536", false, "too large"},
	{VAULT_ADDRESS, "https://v:99999999999999999999", false, "far too"},
	{VAULT_ADDRESS, "https://v:443x", false, "no number"},
	{VAULT_ADDRESS, "https://", false, "no host"},
	{VAULT_ADDRESS, "https://:443", false, "no host but a port"},
	{VAULT_ADDRESS, "https://-v", false, "begins with a hyphen"},
	{VAULT_ADDRESS, "https://v/", false, "a slash"},
	{VAULT_ADDRESS, "https://v/v1", false, "a path"},
	{VAULT_ADDRESS, "https://v?x", false, "a query"},
	{VAULT_ADDRESS, "https://v#x", false, "a fragment"},
	{VAULT_ADDRESS, "https://u:p@v", false, "a user"},
	{VAULT_ADDRESS, "https://v\\x", false, "a backslash"},
	{VAULT_ADDRESS, "https://v x", false, "a blank"},
	{VAULT_ADDRESS, "https://v\n", false, "a line end"},
	{VAULT_ADDRESS, "HTTPS://v", false, "in no other case"},
	{VAULT_ADDRESS, "vault:8200", false, "no scheme"},
	{VAULT_ADDRESS, "http://127.0.0.1:8200", true, "this host"},
	{VAULT_ADDRESS, "http://127.9.9.9", true, "all of it"},
	{VAULT_ADDRESS, "http://[::1]:8200", true, "of version 6"},
	{VAULT_ADDRESS, "http://[::2]", false, "another"},
	{VAULT_ADDRESS, "http://127.1", false, "not as it is written"},
	{VAULT_ADDRESS, "http://localhost", false, "who knows who that is"},
	{VAULT_ADDRESS, "http://10.0.0.1", false, "not this host"},
	{VAULT_ADDRESS, "http://127.0.0.1.example.org", false, "a name"},
	{VAULT_ADDRESS, "http://127.0.0.1@example.org", false, "a user"},
	{VAULT_ADDRESS, "unix:/run/agent.sock", true, "a socket"},
	{VAULT_ADDRESS, "unix:agent.sock", false, "somewhere"},
	{VAULT_ADDRESS, "unix:", false, "nowhere"},
	{VAULT_ADDRESS, "${sandbox}", false, "not the sandbox's to say"},
	{VAULT_MOUNT, "secret", true, "usual"},
	{VAULT_MOUNT, "team/kv", true, "with a slash"},
	{VAULT_MOUNT, "secret/", false, "a slash behind"},
	{VAULT_MOUNT, "../sys", false, "a way up"},
	{VAULT_MOUNT, "${sandbox}", false, "only in paths"},
	{VAULT_PATH, "ci/a b/\xc3\xa9", true, "any bytes"},
	{VAULT_PATH, "...", true, "a name"},
	{VAULT_PATH, "a/../b", false, "a way up"},
	{VAULT_PATH, "./a", false, "no name"},
	{VAULT_PATH, "/a", false, "an empty one"},
	{VAULT_PATH, "a\x7f", false, "a control character"},
	{VAULT_FIELD, "a field", true, "any text"},
	{VAULT_FIELD, "a\nb", false, "a line end"},
	{VAULT_FIELD, "${sandbox}", false, "only in paths"},
	{VAULT_VERSION, "12", true, "a number"},
	{VAULT_VERSION, "1&x", false, "not that"},
	{VAULT_NAMESPACE, "a/b", true, "a path"},
	{VAULT_NAMESPACE, "a\r\nX: y", false, "another field"},
	{VAULT_CA_FILE, "/etc/ca.pem", true, "absolute"},
	{VAULT_CA_FILE, "ca.pem", false, "relative"},
	{VAULT_TOKEN_FILE, "/", false, "no file"},
	{VAULT_SECRET_ID_FILE, "/s", true, "absolute"},
	{VAULT_ROLE_ID, "1-2", true, "any text"},
	{VAULT_APPROLE_MOUNT, "a//b", false, "an empty name"},
};

static void
test_words(void **state)
{
	char path[128] = "unix:/";

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *error =
			vault_word_error(rows[i].word, rows[i].text);

		if ((error == NULL) != rows[i].good)
			fail_msg("\"%s\" (%s): %s", rows[i].text,
				rows[i].reason, error);
	}
	/* As much as the address of a socket has room for. */
	memset(path + strlen("unix:/"), 'a', 106);
	assert_null(vault_word_error(VAULT_ADDRESS, path));
	path[strlen(path)] = 'a';
	assert_non_null(vault_word_error(VAULT_ADDRESS, path));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_words)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
