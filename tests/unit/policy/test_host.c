#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host.h"

#define Z50 "00000000000000000000000000000000000000000000000000"
#define L63 "a23456789012345678901234567890123456789012345678901234567890123"
#define L61 "a234567890123456789012345678901234567890123456789012345678901"

static const struct {
	const char *name;
	int result;
	const char *normal, *reason;
} cases[] = {
	{"example.org", 0, "example.org", "as it is"},
	{"EXAMPLE.Org", 0, "example.org", "lower case"},
	{"example.org.", 0, "example.org", "one trailing dot off"},
	{"example.org..", -EINVAL, NULL, "two trailing dots"},
	{".", -EINVAL, NULL, "only a dot"},
	{"", -EINVAL, NULL, "nothing"},
	{".example.org", -EINVAL, NULL, "empty label in front"},
	{"a..b", -EINVAL, NULL, "empty label"},
	{"localhost", 0, "localhost", "one label"},
	{"_dmarc.example.org", 0, "_dmarc.example.org", "underscore"},
	{"r3---sn-x.example.org", 0, "r3---sn-x.example.org",
		"hyphens in the third and fourth place"},
	{"-a.example.org", -EINVAL, NULL, "hyphen in front"},
	{"a-.example.org", -EINVAL, NULL, "hyphen behind"},
	{"b\xc3\xbc"
	 "cher.example",
		0, "xn--bcher-kva.example", "U-label"},
	{"B\xc3\x9c"
	 "CHER.example",
		0, "xn--bcher-kva.example", "U-label in upper case"},
	{"XN--BCHER-KVA.example", 0, "xn--bcher-kva.example", "A-label"},
	{"stra\xc3\x9f"
	 "e.example",
		0, "xn--strae-oqa.example", "sharp s stays (non-transitional)"},
	{"a\xe3\x80\x82"
	 "example",
		0, "a.example", "ideographic full stop"},
	{"\xef\xbd\x81.example", 0, "a.example", "full-width letter"},
	{"ex\xc2\xad"
	 "ample.org",
		0, "example.org", "soft hyphen"},
	{"a\xff.example", -EINVAL, NULL, "not UTF-8"},
	{"a b.example", -EINVAL, NULL, "space"},
	{"example.org ", -EINVAL, NULL, "space behind"},
	{"a,b.example", -EINVAL, NULL, "comma"},
	{"user@example.org", -EINVAL, NULL, "user"},
	{"example.org:443", -EINVAL, NULL, "port"},
	{"example.org:443@evil.test", -EINVAL, NULL, "port and user"},
	{"example.org/x", -EINVAL, NULL, "path"},
	{"example.org%00.evil.test", -EINVAL, NULL, "percent"},
	{"example.org\t", -EINVAL, NULL, "tab"},
	{"*.example.org", -EINVAL, NULL, "a pattern is not a name"},
	{L63 ".example", 0, L63 ".example", "longest label"},
	{"x" L63 ".example", -EINVAL, NULL, "label too long"},
	{L63 "." L63 "." L63 "." L61, 0, L63 "." L63 "." L63 "." L61,
		"longest name"},
	{L63 "." L63 "." L63 "." L61 ".", 0, L63 "." L63 "." L63 "." L61,
		"longest name and its dot"},
	{L63 "." L63 "." L63 "." L61 "x", -EINVAL, NULL, "name too long"},
	{"127.0.0.1", -EADDRNOTAVAIL, NULL, "dotted quad"},
	{"127.0.0.1.", -EADDRNOTAVAIL, NULL, "dotted quad and a dot"},
	{"127.1", -EADDRNOTAVAIL, NULL, "short form"},
	{"2130706433", -EADDRNOTAVAIL, NULL, "one number"},
	{"0x7f000001", -EADDRNOTAVAIL, NULL, "hexadecimal"},
	{"0X7F.1", -EADDRNOTAVAIL, NULL, "hexadecimal, upper case"},
	{"017700000001", -EADDRNOTAVAIL, NULL, "octal"},
	{"0177.0.0.01", -EADDRNOTAVAIL, NULL, "octal parts"},
	{"0", -EADDRNOTAVAIL, NULL, "zero"},
	{"0x" Z50 "7f000001", -EADDRNOTAVAIL, NULL, "as long as a label"},
	{Z50 Z50 "177." Z50 "." Z50 ".1", -EADDRNOTAVAIL, NULL,
		"longer than one"},
	{"::1", -EADDRNOTAVAIL, NULL, "v6"},
	{"[::1]", -EADDRNOTAVAIL, NULL, "v6 in brackets"},
	{"[127.0.0.1]", -EADDRNOTAVAIL, NULL, "v4 in brackets"},
	{"::ffff:127.0.0.1", -EADDRNOTAVAIL, NULL, "mapped"},
	{"\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.\xef\xbc\x91", -EADDRNOTAVAIL,
		NULL, "full-width digits"},
	{"127\xe3\x80\x82"
	 "1",
		-EADDRNOTAVAIL, NULL, "ideographic full stop"},
	{"1.2.3.4.5", 0, "1.2.3.4.5", "five parts are no address"},
	{"256.256.256.256", 0, "256.256.256.256", "too large for one"},
	{"[::1", -EINVAL, NULL, "half a bracket"},
	{"[example.org]", -EINVAL, NULL, "a name in brackets"},
	{"fe80::1%eth0", -EINVAL, NULL, "zone"},
};

static void
test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char host[HOST_MAX + 1] = "untouched", again[HOST_MAX + 1];
		int r;

		r = host_normalise(cases[i].name, strlen(cases[i].name), host);
		if (r != cases[i].result)
			fail_msg("\"%s\" (%s): %d", cases[i].name,
				cases[i].reason, r);
		if (strcmp(host, r == 0 ? cases[i].normal : "untouched") != 0)
			fail_msg("\"%s\" (%s): %s", cases[i].name,
				cases[i].reason, host);
		if (r < 0)
			continue;
		assert_int_equal(host_normalise(host, strlen(host), again), 0);
		assert_string_equal(host, again);
	}
}

static void
test_length_is_what_was_given(void **state)
{
	char host[HOST_MAX + 1], lots[5000];

	(void)state;
	assert_int_equal(host_normalise("example.orgXYZ", 11, host), 0);
	assert_string_equal(host, "example.org");
	assert_int_equal(host_normalise("a\0b.test", 8, host), -EINVAL);
	assert_int_equal(host_normalise("a.test\0", 7, host), -EINVAL);
	memset(lots, 'a', sizeof(lots));
	assert_int_equal(host_normalise(lots, sizeof(lots), host), -EINVAL);
	memset(lots, 0xc3, sizeof(lots));
	assert_int_equal(host_normalise(lots, 1024, host), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_length_is_what_was_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
