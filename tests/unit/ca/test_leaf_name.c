#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "leaf_name.h"

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10
#define A63 A60 "aaa"

static const struct {
	const char *host;
	int expect;
	const char *why;
} cases[] = {
	{"example.org", 0, "a name"},
	{"localhost", 0, "one label"},
	{"_dmarc.a-b.example.org", 0, "underscore and hyphen"},
	{"xn--bcher-kva.example", 0, "an A-label"},
	{"1e100.example", 0, "digits first"},
	{"1.2.3.4.example", 0, "an address is only part of it"},
	{A63 ".org", 0, "a label of 63"},
	{A63 "." A63 "." A63 "." A60 "a", 0, "253 bytes"},
	{A63 "." A63 "." A63 "." A60 "aa", -EINVAL, "254 bytes"},
	{A63 "a.org", -EINVAL, "a label of 64"},
	{A60 "." A60 "." A60 "." A60 "." A60, -EINVAL, "300 bytes"},
	{"", -EINVAL, "nothing"},
	{".", -EINVAL, "only the root"},
	{"example.org.", -EINVAL, "trailing dot"},
	{".example.org", -EINVAL, "empty first label"},
	{"a..org", -EINVAL, "empty label"},
	{"Example.org", -EINVAL, "upper case"},
	{"*.example.org", -EINVAL, "wildcard"},
	{"a.org,DNS:b.org", -EINVAL, "comma: syntax of a config string"},
	{"a.org b.org", -EINVAL, "space"},
	{"a.org\n", -EINVAL, "line end"},
	{"a@b.org", -EINVAL, "at sign"},
	{"a:443", -EINVAL, "port"},
	{"a/b", -EINVAL, "slash"},
	{"b\xc3\xbc"
	 "cher.example",
		-EINVAL, "not an A-label"},
	{"192.0.2.1", -EINVAL, "IPv4"},
	{"127.1", -EINVAL, "short IPv4"},
	{"2130706433", -EINVAL, "IPv4 as one number"},
	{"0x7f.0.0.1", -EINVAL, "IPv4 in hex"},
	{"0177.0.0.1", -EINVAL, "IPv4 in octal"},
	{"::1", -EINVAL, "IPv6"},
	{"[::1]", -EINVAL, "IPv6 in brackets"},
};

static void
test_only_host_names_pass(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct leaf_name name;
		int r = leaf_name_host(cases[i].host, &name);

		if (r != cases[i].expect)
			fail_msg("%s: %s: %d", cases[i].why, cases[i].host, r);
		if (r == 0 && (name.len != strlen(cases[i].host) ||
				      strcmp((const char *)name.bytes,
					      cases[i].host) != 0))
			fail_msg("%s: other bytes", cases[i].why);
	}
}

static void
test_order_looks_at_every_byte(void **state)
{
	static const uint8_t bytes[16] = "abcdabcdabcdabcd";
	struct leaf_name a, b;

	(void)state;
	assert_int_equal(leaf_name_host("aaa.example", &a), 0);
	assert_int_equal(leaf_name_host("aab.example", &b), 0);
	assert_true(leaf_name_compare(&a, &b) < 0);
	assert_true(leaf_name_compare(&b, &a) > 0);
	assert_int_equal(leaf_name_compare(&a, &a), 0);
	assert_int_equal(leaf_name_host("aaa.example.example", &b), 0);
	assert_true(leaf_name_compare(&a, &b) < 0);
	assert_int_equal(leaf_name_host("abcd", &a), 0);
	assert_int_equal(leaf_name_address(AF_INET, bytes, &b), 0);
	assert_int_not_equal(leaf_name_compare(&a, &b), 0);
	assert_int_equal(leaf_name_address(AF_INET6, bytes, &a), 0);
	assert_int_not_equal(leaf_name_compare(&a, &b), 0);
	assert_int_equal(leaf_name_address(AF_UNIX, bytes, &a), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_host_names_pass),
		cmocka_unit_test(test_order_looks_at_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
