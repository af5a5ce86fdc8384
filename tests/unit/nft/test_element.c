#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "element.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
hex(const uint8_t *bytes, size_t len, char *ret)
{
	for (size_t i = 0; i < len; i++)
		sprintf(ret + 2 * i, "%02x", bytes[i]);
}

static void
test_interface_names(void **state)
{
	static const struct {
		const char *name;
		int want;
		const char *why;
	} cases[] = {
		{"v", 0, "one letter"},
		{"sbx-0123456789a", 0, "fifteen"},
		{"sbx-0123456789ab", -EINVAL,
			"sixteen have no room for an end"},
		{"", -EINVAL, "empty"},
		{".", -EINVAL, "a directory"},
		{"..", -EINVAL, "its parent"},
		{"..a", 0, "neither"},
		{"a/b", -EINVAL, "a path below /sys"},
		{"a b", -EINVAL, "a space"},
		{"a\tb", -EINVAL, "a tab"},
		{"eth0:1", -EINVAL, "an alias, not a device"},
		{"br-1.100", 0, "a VLAN"},
		{"a\"b", -EINVAL, "would end the word in nft's language"},
		{"t\xc3\xa4p", -EINVAL, "not ASCII"},
		{"a\x7f", -EINVAL, "a control character"},
	};
	struct element e;
	(void)state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		if (element_of_interface(cases[i].name, &e) != cases[i].want)
			fail_msg("\"%s\": %s", cases[i].name, cases[i].why);
	}
}

static void
test_source_keys(void **state)
{
	static const struct {
		const char *interface, *address;
		const char *key; /* NULL: refused */
		const char *why;
	} cases[] = {
		{"v0", "10.77.1.2",
			"76300000000000000000000000000000"
			"0a4d0102",
			"name padded to 16, then the address"},
		{"v0", "fd77:1::2",
			"76300000000000000000000000000000"
			"fd770001000000000000000000000002",
			"v6"},
		{"sbx-0123456789a", "1.2.3.4",
			"7362782d303132333435363738396100"
			"01020304",
			"the longest name"},
		{"v0", "10.77.1", NULL, "inet_aton's spelling"},
		{"v0", "10.77.1.02", NULL, "a leading zero"},
		{"v0", "10.77.1.2/32", NULL, "a range"},
		{"v0", "fd77:1::2%v0", NULL, "a scope"},
		{"v0", "", NULL, "empty"},
		{"v0", "0.0.0.0", NULL, "unspecified"},
		{"v0", "127.0.0.1", NULL, "loopback"},
		{"v0", "224.0.0.1", NULL, "multicast"},
		{"v0", "255.255.255.255", NULL, "broadcast"},
		{"v0", "::", NULL, "unspecified"},
		{"v0", "::1", NULL, "loopback"},
		{"v0", "::1.2.3.4", NULL, "v4-compatible"},
		{"v0", "ff02::1", NULL, "multicast"},
		{"v/0", "10.77.1.2", NULL, "no interface"},
	};
	char key[2 * ELEMENT_KEY_SIZE + 1];
	struct element e;
	(void)state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		int r = element_of_source(
			cases[i].interface, cases[i].address, &e);

		if ((r == 0) != (cases[i].key != NULL))
			fail_msg("%s: %s", cases[i].address, cases[i].why);
		if (cases[i].key == NULL)
			continue;
		hex(e.key, e.key_len, key);
		if (strcmp(key, cases[i].key) != 0)
			fail_msg("%s: %s", key, cases[i].why);
		assert_int_equal(e.key_len, element_set_key_len(e.set));
	}
}

static void
test_resolver_keys(void **state)
{
	char key[2 * ELEMENT_KEY_SIZE + 1];
	struct element e;
	(void)state;

	assert_int_equal(element_of_resolver("192.0.2.1", 5353, &e), 0);
	hex(e.key, e.key_len, key);
	assert_string_equal(key, "c000020114e90000");
	assert_int_equal(element_of_resolver("2001:db8::1", 53, &e), 0);
	hex(e.key, e.key_len, key);
	assert_string_equal(key, "20010db8000000000000000000000001"
				 "00350000");
	/* The usual one: a resolver on the host itself. */
	assert_int_equal(element_of_resolver("127.0.0.53", 53, &e), 0);
	assert_int_equal(element_of_resolver("192.0.2.1", 0, &e), -EINVAL);
	assert_int_equal(element_of_resolver("dns.test", 53, &e), -EINVAL);
}

/* "first-last", by inet_ntop. */
static void
range_text(const struct element_range *r, char *ret)
{
	char first[INET6_ADDRSTRLEN], last[INET6_ADDRSTRLEN];

	inet_ntop(r->family, r->first, first, sizeof(first));
	inet_ntop(r->family, r->last, last, sizeof(last));
	sprintf(ret, "%s-%s", first, last);
}

static void
test_ranges(void **state)
{
	static const struct {
		const char *text;
		const char *want; /* NULL: refused */
		const char *why;
	} cases[] = {
		{"10.0.0.0/8", "10.0.0.0-10.255.255.255", "a network"},
		{"10.1.2.3/8", "10.0.0.0-10.255.255.255", "host bits go"},
		{"10.1.2.3", "10.1.2.3-10.1.2.3", "one address"},
		{"10.1.2.3/32", "10.1.2.3-10.1.2.3", "one address"},
		{"10.1.2.3/31", "10.1.2.2-10.1.2.3", "within a byte"},
		{"192.168.77.0/20", "192.168.64.0-192.168.79.255", "likewise"},
		{"0.0.0.0/0", "0.0.0.0-255.255.255.255", "all"},
		{"fd00::/8", "fd00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
			"v6"},
		{"2001:db8::1", "2001:db8::1-2001:db8::1", "one v6"},
		{"2001:db8::ff/127", "2001:db8::fe-2001:db8::ff", "a bit"},
		{"10.0.0.0/33", NULL, "more than v4 has"},
		{"fd00::/129", NULL, "more than v6 has"},
		{"10.0.0.0/", NULL, "no length"},
		{"10.0.0.0/08", NULL, "leading zero"},
		{"10.0.0.0/+8", NULL, "sign"},
		{"10.0.0.0/-1", NULL, "sign"},
		{"10.0.0.0/ 8", NULL, "space"},
		{"10.0.0.0/8/8", NULL, "twice"},
		{"10.0.0.0/8888", NULL, "four digits"},
		{"/8", NULL, "no address"},
		{"10/8", NULL, "short"},
		{"example.org", NULL, "a name"},
		{"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb", NULL,
			"longer than any address"},
	};
	char text[2 * INET6_ADDRSTRLEN];
	struct element_range range;
	(void)state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		int r = element_range_parse(cases[i].text, &range);

		if ((r == 0) != (cases[i].want != NULL))
			fail_msg("%s: %s", cases[i].text, cases[i].why);
		if (cases[i].want == NULL)
			continue;
		range_text(&range, text);
		if (strcmp(text, cases[i].want) != 0)
			fail_msg("%s is %s: %s", cases[i].text, text,
				cases[i].why);
	}
}

static void
test_joined_ranges(void **state)
{
	static const struct {
		const char *in[5];
		const char *want;
		const char *why;
	} cases[] = {
		{{"10.0.0.0/8", NULL}, "10.0.0.0-10.255.255.255 ", "one"},
		{{NULL}, "", "none"},
		{{"10.0.0.0/8", "10.1.0.0/16", NULL},
			"10.0.0.0-10.255.255.255 ", "one in the other"},
		{{"10.1.0.0/16", "10.0.0.0/8", "10.2.0.0/16", NULL},
			"10.0.0.0-10.255.255.255 ", "the large one keeps"},
		{{"10.0.0.0/9", "10.128.0.0/9", NULL},
			"10.0.0.0-10.255.255.255 ", "neighbours"},
		{{"10.0.0.1", "10.0.0.3", NULL},
			"10.0.0.1-10.0.0.1 10.0.0.3-10.0.0.3 ", "a gap"},
		{{"255.255.255.255", "255.255.255.0/24", NULL},
			"255.255.255.0-255.255.255.255 ", "at the very end"},
		{{"fd00::/16", "0.0.0.0/0", NULL},
			"0.0.0.0-255.255.255.255 "
			"fd00::-fd00:ffff:ffff:ffff:ffff:ffff:ffff:ffff ",
			"v4 first, and never joined with v6"},
		{{"ffff::/16", "255.255.255.255", "fffe::/16", NULL},
			"255.255.255.255-255.255.255.255 "
			"fffe::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ",
			"the last v4 does not meet a v6"},
	};
	(void)state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct element_range ranges[5];
		char text[1024] = "", one[2 * INET6_ADDRSTRLEN];
		size_t n = 0, len = 0;

		for (; cases[i].in[n] != NULL; n++)
			assert_int_equal(
				element_range_parse(cases[i].in[n], &ranges[n]),
				0);
		n = element_ranges_join(ranges, n);
		for (size_t j = 0; j < n; j++) {
			range_text(&ranges[j], one);
			len += (size_t)snprintf(
				text + len, sizeof(text) - len, "%s ", one);
		}
		if (strcmp(text, cases[i].want) != 0)
			fail_msg("%s: %s", text, cases[i].why);
	}
}

static void
test_interval_ends(void **state)
{
	static const struct {
		const char *range;
		size_t count;
		const char *end; /* hex */
		const char *why;
	} cases[] = {
		{"10.0.0.0/8", 2, "0b000000", "the first address behind it"},
		{"10.0.0.255", 2, "0a000100", "carries"},
		{"240.0.0.0/4", 1, "", "nothing is behind the last address"},
		{"0.0.0.0/0", 1, "", "likewise"},
		{"fd00::/8", 2, "fe000000000000000000000000000000", "v6"},
		{"ff00::/8", 1, "", "v6 has an end too"},
	};
	struct element_range range;
	struct element e[2];
	char end[2 * ELEMENT_KEY_SIZE + 1];
	(void)state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(
			element_range_parse(cases[i].range, &range), 0);
		if (element_of_range(&range, e) != cases[i].count)
			fail_msg("%s: %s", cases[i].range, cases[i].why);
		assert_int_equal(e[0].end, 0);
		if (cases[i].count < 2)
			continue;
		assert_int_equal(e[1].end, 1);
		hex(e[1].key, e[1].key_len, end);
		if (strcmp(end, cases[i].end) != 0)
			fail_msg("%s: %s", end, cases[i].why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interface_names),
		cmocka_unit_test(test_source_keys),
		cmocka_unit_test(test_resolver_keys),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_joined_ranges),
		cmocka_unit_test(test_interval_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
