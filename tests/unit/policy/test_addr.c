#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "addr.h"

static const struct {
	const char *text;
	int result;
	const char *canonical, *reason;
} parsed[] = {
	{"192.0.2.1", 0, "192.0.2.1", "one address"},
	{"192.0.2.1/32", 0, "192.0.2.1", "its prefix goes without saying"},
	{"192.0.2.0/24", 0, "192.0.2.0/24", "a range"},
	{"0.0.0.0/0", 0, "0.0.0.0/0", "all of it"},
	{"2001:DB8::/32", 0, "2001:db8::/32", "v6, lower case"},
	{"2001:db8:0:0::1/128", 0, "2001:db8::1", "v6, one address"},
	{"192.0.2.1/24", -ERANGE, NULL, "bits behind the prefix"},
	{"2001:db8::1/64", -ERANGE, NULL, "bits behind the prefix, v6"},
	{"192.0.2.128/25", 0, "192.0.2.128/25", "a prefix inside a byte"},
	{"192.0.2.64/25", -ERANGE, NULL, "a bit inside a byte"},
	{"::ffff:192.0.2.1", -EAFNOSUPPORT, NULL, "mapped"},
	{"192.0.2.0/33", -EINVAL, NULL, "prefix too long"},
	{"2001:db8::/129", -EINVAL, NULL, "prefix too long, v6"},
	{"192.0.2.0/", -EINVAL, NULL, "no prefix behind the slash"},
	{"192.0.2.0/024", -EINVAL, NULL, "leading zero"},
	{"192.0.2.0/+24", -EINVAL, NULL, "sign"},
	{"192.0.2.0/24 ", -EINVAL, NULL, "space"},
	{"192.0.2", -EINVAL, NULL, "short form"},
	{"192.0.02.1", -EINVAL, NULL, "octal"},
	{"[2001:db8::1]", -EINVAL, NULL, "brackets"},
	{"fe80::1%eth0", -EINVAL, NULL, "zone"},
	{"example.org", -EINVAL, NULL, "a name"},
	{"", -EINVAL, NULL, "nothing"},
	{"1234567890123456789012345678901234567890123456789", -EINVAL, NULL,
		"too long"},
};

static void
test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(parsed) / sizeof(parsed[0]); i++) {
		struct addr_range range;
		char text[ADDR_TEXT];
		int r = addr_parse(parsed[i].text, &range);

		if (r != parsed[i].result)
			fail_msg("%s (%s): %d", parsed[i].text,
				parsed[i].reason, r);
		if (r == 0)
			assert_string_equal(
				addr_text(&range, text), parsed[i].canonical);
	}
}

static const struct {
	const char *range, *address;
	bool inside;
	const char *reason;
} contained[] = {
	{"192.0.2.0/24", "192.0.2.0", true, "first"},
	{"192.0.2.0/24", "192.0.2.255", true, "last"},
	{"192.0.2.0/24", "192.0.3.0", false, "behind the last"},
	{"192.0.2.128/25", "192.0.2.127", false, "prefix inside a byte"},
	{"192.0.2.128/25", "192.0.2.200", true, "prefix inside a byte"},
	{"0.0.0.0/0", "203.0.113.9", true, "everything"},
	{"0.0.0.0/0", "2001:db8::1", false, "everything of v4"},
	{"::/0", "192.0.2.1", false, "everything of v6"},
	{"192.0.2.1", "::ffff:192.0.2.1", true, "mapped is v4"},
	{"::/0", "::ffff:192.0.2.1", false, "mapped is not v6"},
	{"2001:db8::/33", "2001:db8:7fff::1", true, "v6"},
	{"2001:db8::/33", "2001:db8:8000::1", false, "v6, one bit off"},
};

static void
test_contains(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(contained) / sizeof(contained[0]); i++) {
		struct sockaddr_in6 v6 = {
			.sin6_family = AF_INET6, .sin6_port = htons(443)};
		struct sockaddr_in v4 = {
			.sin_family = AF_INET, .sin_port = htons(22)};
		const struct sockaddr *dst = (struct sockaddr *)&v4;
		struct addr_range range;

		assert_int_equal(addr_parse(contained[i].range, &range), 0);
		if (inet_pton(AF_INET, contained[i].address, &v4.sin_addr) !=
			1) {
			inet_pton(
				AF_INET6, contained[i].address, &v6.sin6_addr);
			dst = (struct sockaddr *)&v6;
		}
		if (addr_contains(&range, dst) != contained[i].inside)
			fail_msg("%s in %s: %s", contained[i].address,
				contained[i].range, contained[i].reason);
		assert_int_equal(
			addr_port(dst), dst->sa_family == AF_INET ? 22 : 443);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_contains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
