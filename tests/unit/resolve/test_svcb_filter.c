/* What stays of an HTTPS record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "svcb_filter.h"

#define BYTES(text) text, sizeof(text) - 1

/* 1 . */
#define SELF "\0\1\0"
#define ALPN_H2 "\0\1\0\3\2h2"
#define NO_DEFAULT "\0\2\0\0"

/* out NULL: the record goes. */
static const struct {
	const char *in;
	size_t in_len;
	const char *out;
	size_t out_len;
	const char *why;
} cases[] = {
	{BYTES(SELF), BYTES(SELF), "nothing to take"},
	{BYTES(SELF ALPN_H2), BYTES(SELF ALPN_H2), "HTTP over TCP"},
	{BYTES(SELF "\0\1\0\6\2h3\2h2"), BYTES(SELF ALPN_H2), "h3 first"},
	{BYTES(SELF "\0\1\0\11\2h2\5h3-29"), BYTES(SELF ALPN_H2), "a draft"},
	{BYTES(SELF "\0\1\0\3\2h3"), NULL, 0, "nothing but h3"},
	{BYTES(SELF ALPN_H2 NO_DEFAULT), BYTES(SELF ALPN_H2 NO_DEFAULT),
		"no HTTP/1.1"},
	{BYTES(SELF "\0\3\0\2\x1f\x90"), BYTES(SELF), "a port"},
	{BYTES(SELF "\0\4\0\4\300\0\2\1"), BYTES(SELF), "ipv4hint"},
	{BYTES(SELF "\0\5\0\3ech"), BYTES(SELF), "ech"},
	{BYTES(SELF "\0\6\0\20"
		    "0123456789abcdef"),
		BYTES(SELF), "ipv6hint"},
	{BYTES(SELF "\0\7\0\20/dns-query{?dns}"), BYTES(SELF), "dohpath"},
	{BYTES(SELF "\0\10\0\0"), BYTES(SELF), "ohttp"},
	{BYTES(SELF "\377\0\0\1x"), BYTES(SELF), "a key of one's own"},
	{BYTES(SELF ALPN_H2 "\0\5\0\3ech"
			    "\0\6\0\0"),
		BYTES(SELF ALPN_H2), "one that stays before two that go"},
	{BYTES(SELF "\0\0\0\2\0\1" ALPN_H2), BYTES(SELF "\0\0\0\2\0\1" ALPN_H2),
		"alpn is needed, and there"},
	{BYTES(SELF "\0\0\0\4\0\1\0\5" ALPN_H2 "\0\5\0\3ech"), NULL, 0,
		"who must have ech has no use for it"},
	{BYTES(SELF "\0\0\0\3\0\1\0"), NULL, 0, "half a key is needed"},
	{BYTES("\0\0\3cdn\4test\0"), BYTES("\0\0\3cdn\4test\0"), "an alias"},
	{BYTES("\0\1\3cdn\4test\0\0\5\0\0"), BYTES("\0\1\3cdn\4test\0"),
		"behind another name"},
	{BYTES("\0\1"), NULL, 0, "no target"},
	{BYTES("\0\1\3cd"), NULL, 0, "the target ends inside a label"},
	{BYTES("\0\1\3cdn"), NULL, 0, "the target does not end"},
	{BYTES("\0\1\300\14"), NULL, 0, "a pointer for a name"},
	{BYTES(SELF "\0\1\0"), NULL, 0, "half a length"},
	{BYTES(SELF "\0\5\0\4ech"), NULL, 0, "a value cut short"},
	{BYTES(SELF "\0\1\0\3\3h2"), NULL, 0, "an id cut short"},
	{BYTES(SELF "\0\1\0\1\0"), NULL, 0, "an id of no letters"},
	{BYTES(SELF "\0\1\0\0"), NULL, 0, "a list of nothing"},
	{BYTES(SELF NO_DEFAULT "x"), NULL, 0, "garbage behind"},
	{BYTES(SELF "\0\2\0\1x"), NULL, 0, "a value where none may be"},
};

static void
test_cases(void **state)
{
	uint8_t data[64];
	size_t len;
	bool stays;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		len = cases[i].in_len;
		memcpy(data, cases[i].in, len);
		stays = svcb_filter(data, &len);
		if (stays != (cases[i].out != NULL))
			fail_msg("case %zu: %s", i, cases[i].why);
		if (stays && (len != cases[i].out_len ||
				     memcmp(data, cases[i].out, len) != 0))
			fail_msg("case %zu: %s: %zu bytes stay", i,
				cases[i].why, len);
	}
}

static void
test_types(void **state)
{
	(void)state;
	assert_true(svcb_filter_wants(64));
	assert_true(svcb_filter_wants(65));
	assert_false(svcb_filter_wants(16));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
