#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "credential.h"
#include "token.h"

struct check {
	const char *(*error)(const char *);
	const char *text;
	bool good;
	const char *reason;
};

static const struct check cases[] = {
	{credential_header_error, "Authorization", true, "a field"},
	{credential_header_error, "x_api.key", true, "odd but a token"},
	{credential_header_error, "", false, "nothing"},
	{credential_header_error, "A B", false, "space"},
	{credential_header_error, "A:", false, "colon"},
	{credential_header_error, ":authority", false, "pseudo-field"},
	{credential_header_error, "A\r\nB", false, "line end"},
	{credential_header_error, "\xc3\xa9", false, "not ASCII"},
	{credential_header_error, "Host", false, "routing"},
	{credential_header_error, "HOST", false, "in any case"},
	{credential_header_error, "Hostname", true, "whole names only"},
	{credential_header_error, "Content-Length", false, "framing"},
	{credential_header_error, "transfer-encoding", false, "framing"},
	{credential_header_error, "Connection", false, "hop by hop"},
	{credential_header_error, "Keep-Alive", false, "hop by hop"},
	{credential_header_error, "TE", false, "hop by hop"},
	{credential_header_error, "Trailer", false, "framing"},
	{credential_header_error, "Upgrade", false, "hop by hop"},
	{credential_header_error, "Expect", false, "flow"},
	{credential_header_error, "HTTP2-Settings", false, "upgrade"},
	{credential_header_error, "Proxy-Authorization", false, "a proxy's"},
	{credential_header_error, "proxy-x", false, "any of a proxy's"},
	{credential_format_error, "${value}", true, "alone"},
	{credential_format_error, "Bearer ${value}", true, "behind"},
	{credential_format_error, "a=${value}; b=$c {d}", true, "inside"},
	{credential_format_error, "Bearer", false, "absent"},
	{credential_format_error, "${value} ${value}", false, "twice"},
	{credential_format_error, "${VALUE}", false, "another name"},
	{credential_format_error, "${value", false, "not closed"},
	{credential_format_error, "${value} ${x}", false, "another one"},
	{credential_format_error, "${x} ${value}", false, "another one first"},
	{credential_format_error, "${value}\n", false, "line end"},
	{credential_format_error, "\xc3\xa9${value}", false, "not ASCII"},
	{credential_format_error, " ${value}", false, "space in front"},
	{credential_format_error, "${value} ", false, "space behind"},
	{credential_format_error, "", false, "nothing"},
	{credential_placeholder_error, "sbx__key", true, "a word"},
	{credential_placeholder_error, "abcd", true, "shortest"},
	{credential_placeholder_error, "abc", false, "too short"},
	{credential_placeholder_error, "ab cd", false, "space"},
	{credential_placeholder_error, "ab\ncd", false, "line end"},
	{credential_env_error, "GH_TOKEN", true, "a variable"},
	{credential_env_error, "_x1", true, "underscore"},
	{credential_env_error, "1X", false, "digit first"},
	{credential_env_error, "A-B", false, "hyphen"},
	{credential_env_error, "A=B", false, "equals"},
	{credential_env_error, "", false, "nothing"},
	{credential_env_error, "\xc3\xa9", false, "not ASCII"},
	{credential_systemd_error, "api.key", true, "a name"},
	{credential_systemd_error, "../x", false, "up"},
	{credential_systemd_error, "a/b", false, "slash"},
	{credential_systemd_error, ".hidden", false, "dot"},
	{credential_systemd_error, "", false, "nothing"},
	{credential_path_error, "/a", true, "absolute"},
	{credential_path_error, "a", false, "relative"},
	{credential_path_error, "/", false, "no file"},
	{credential_path_error, "", false, "nothing"},
};

static void
test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct check *c = &cases[i];

		if ((c->error(c->text) == NULL) != c->good)
			fail_msg("\"%s\": %s", c->text, c->reason);
	}
}

static void
test_lengths(void **state)
{
	char text[2000];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[129] = '\0';
	assert_non_null(credential_header_error(text));
	text[128] = '\0';
	assert_null(credential_header_error(text));
	memset(text, 'a', sizeof(text));
	text[256] = '\0';
	assert_null(credential_placeholder_error(text));
	text[256] = 'a';
	text[257] = '\0';
	assert_non_null(credential_placeholder_error(text));
	memset(text, 'a', sizeof(text));
	memcpy(text, "${value}", 8);
	text[1024] = '\0';
	assert_null(credential_format_error(text));
	text[1024] = 'a';
	text[1025] = '\0';
	assert_non_null(credential_format_error(text));
}

static void
test_tokens(void **state)
{
	(void)state;
	assert_true(token_is_valid("GET", 3));
	assert_false(token_is_valid("GET", 2));
	assert_false(token_is_valid("", 3));
	assert_false(token_is_valid("G(T", 3));
	assert_true(token_is_printable("a b", ' '));
	assert_false(token_is_printable("a b", '!'));
	assert_false(token_is_printable("", ' '));
	assert_false(token_is_printable("a\x7f", ' '));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
