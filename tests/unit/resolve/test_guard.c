#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "array.h"
#include "guard.h"
#include "guard_dst.h"
#include "test_guard_self.h"

static const char *
refuses(const struct guard *g, const char *text)
{
	struct sockaddr_storage dst = guard_dst(text);

	if (dst.ss_family == AF_UNSPEC)
		fail_msg("the test's own address %s", text);
	return guard_refuses(g, (struct sockaddr *)&dst);
}

static void
expect(const struct guard *g, const char *address, const char *reason,
	const char *why)
{
	const char *got = refuses(g, address);

	if ((got == NULL) != (reason == NULL) ||
		(got != NULL && strcmp(got, reason) != 0))
		fail_msg("%s: %s, not %s (%s)", address,
			got != NULL ? got : "dialled",
			reason != NULL ? reason : "dialled", why);
}

/* Each range: its first and last address, and its neighbours on both sides. */
static const struct {
	const char *address, *reason, *why;
} edges[] = {
	{"0.0.0.0", "unspecified", "first; Linux dials itself"},
	{"0.255.255.255", "unspecified", "last of 0/8"},
	{"1.0.0.0", NULL, "after 0/8"},
	{"9.255.255.255", NULL, "before 10/8"},
	{"10.0.0.0", "private", "first"},
	{"10.255.255.255", "private", "last"},
	{"11.0.0.0", NULL, "after 10/8"},
	{"100.63.255.255", NULL, "before CGNAT"},
	{"100.64.0.0", "carrier-grade NAT", "first"},
	{"100.100.100.199", "carrier-grade NAT", "before a metadata address"},
	{"100.100.100.200", "cloud metadata", "a narrower reason wins"},
	{"100.127.255.255", "carrier-grade NAT", "last"},
	{"100.128.0.0", NULL, "after CGNAT"},
	{"126.255.255.255", NULL, "before 127/8"},
	{"127.0.0.0", "loopback", "first"},
	{"127.255.255.255", "loopback", "last"},
	{"128.0.0.0", NULL, "after 127/8"},
	{"168.63.129.15", NULL, "before Azure's"},
	{"168.63.129.16", "cloud metadata", "looks public"},
	{"168.63.129.17", NULL, "after Azure's"},
	{"169.253.255.255", NULL, "before link-local"},
	{"169.254.0.0", "link-local", "first"},
	{"169.254.169.254", "cloud metadata", "the famous one"},
	{"169.254.170.2", "cloud metadata", "of containers"},
	{"169.254.170.23", "cloud metadata", "of pods"},
	{"169.254.255.255", "link-local", "last"},
	{"169.255.0.0", NULL, "after link-local"},
	{"172.15.255.255", NULL, "before 172.16/12"},
	{"172.16.0.0", "private", "first"},
	{"172.31.255.255", "private", "last"},
	{"172.32.0.0", NULL, "after 172.16/12"},
	{"191.255.255.255", NULL, "before 192.0.0/24"},
	{"192.0.0.0", "reserved", "first"},
	{"192.0.0.192", "cloud metadata", "Oracle's"},
	{"192.0.0.255", "reserved", "last"},
	{"192.0.1.0", NULL, "after 192.0.0/24"},
	{"192.0.1.255", NULL, "before TEST-NET-1"},
	{"192.0.2.0", "documentation", "first"},
	{"192.0.2.255", "documentation", "last"},
	{"192.0.3.0", NULL, "after TEST-NET-1"},
	{"192.88.98.255", NULL, "before the 6to4 relays"},
	{"192.88.99.0", "6to4", "first"},
	{"192.88.99.255", "6to4", "last"},
	{"192.88.100.0", NULL, "after the 6to4 relays"},
	{"192.167.255.255", NULL, "before 192.168/16"},
	{"192.168.0.0", "private", "first"},
	{"192.168.255.255", "private", "last"},
	{"192.169.0.0", NULL, "after 192.168/16"},
	{"198.17.255.255", NULL, "before benchmarking"},
	{"198.18.0.0", "synthetic", "first"},
	{"198.19.255.255", "synthetic", "last"},
	{"198.20.0.0", NULL, "after benchmarking"},
	{"198.51.99.255", NULL, "before TEST-NET-2"},
	{"198.51.100.0", "documentation", "first"},
	{"198.51.100.255", "documentation", "last"},
	{"198.51.101.0", NULL, "after TEST-NET-2"},
	{"203.0.112.255", NULL, "before TEST-NET-3"},
	{"203.0.113.0", "documentation", "first"},
	{"203.0.113.255", "documentation", "last"},
	{"203.0.114.0", NULL, "after TEST-NET-3"},
	{"223.255.255.255", NULL, "before multicast"},
	{"224.0.0.0", "multicast", "first"},
	{"239.255.255.255", "multicast", "last"},
	{"240.0.0.0", "reserved", "first of class E"},
	{"255.255.255.255", "reserved", "broadcast"},

	{"::", "unspecified", "Linux dials itself"},
	{"::1", "loopback", "the only one"},
	{"::2", "reserved", "IPv4-compatible"},
	{"::8.8.8.8", "reserved", "IPv4-compatible, public inside"},
	{"::255.255.255.255", "reserved", "last of ::/96"},
	{"::1:0:0", "reserved", "after ::/96: not global unicast"},
	{"::fffe:ffff:ffff", "reserved", "before mapped"},
	{"::ffff:0.0.0.0", "IPv4-mapped", "first"},
	{"::ffff:8.8.8.8", "IPv4-mapped", "public inside"},
	{"::ffff:127.0.0.1", "IPv4-mapped", "loopback inside"},
	{"::ffff:7f00:1", "IPv4-mapped", "the same in hexadecimal"},
	{"0:0:0:0:0:ffff:a9fe:a9fe", "IPv4-mapped", "the same written out"},
	{"::ffff:255.255.255.255", "IPv4-mapped", "last"},
	{"::1:0:0:0", "reserved", "after mapped"},
	{"::ffff:0:8.8.8.8", "reserved", "IPv4-translated"},
	{"64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", "reserved", "before NAT64"},
	{"64:ff9b::", "NAT64", "first"},
	{"64:ff9b::8.8.8.8", "NAT64", "public inside"},
	{"64:ff9b::169.254.169.254", "NAT64", "metadata inside"},
	{"64:ff9b::ffff:ffff", "NAT64", "last"},
	{"64:ff9b::1:0:0", "reserved", "after NAT64"},
	{"64:ff9b:1::", "NAT64", "first of the local one"},
	{"64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "NAT64", "last"},
	{"64:ff9b:2::", "reserved", "after the local one"},
	{"100::1", "reserved", "discard only"},
	{"1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "reserved",
		"last before global unicast"},
	{"2000::", NULL, "first of global unicast"},
	{"2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, "before Teredo"},
	{"2001::", "Teredo", "first"},
	{"2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "Teredo", "last"},
	{"2001:1::", "reserved", "IETF protocol assignments"},
	{"2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "reserved", "their last"},
	{"2001:200::", NULL, "after them"},
	{"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", NULL,
		"before documentation"},
	{"2001:db8::", "documentation", "first"},
	{"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "documentation", "last"},
	{"2001:db9::", NULL, "after documentation"},
	{"2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, "before 6to4"},
	{"2002::", "6to4", "first"},
	{"2002:808:808::1", "6to4", "public inside"},
	{"2002:7f00:1::", "6to4", "loopback inside"},
	{"2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "6to4", "last"},
	{"2003::", NULL, "after 6to4"},
	{"2600::1", NULL, "an ordinary address"},
	{"3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, "before 3fff::/20"},
	{"3fff::", "documentation", "first"},
	{"3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "documentation", "last"},
	{"3fff:1000::", NULL, "after 3fff::/20"},
	{"3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL,
		"last of global unicast"},
	{"4000::", "reserved", "never assigned"},
	{"5f00::1", "reserved", "segment routing"},
	{"7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "reserved",
		"last of 4000::"},
	{"8000::", "reserved", "first of the upper half"},
	{"fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "reserved", "before ULA"},
	{"fc00::", "private", "first"},
	{"fd00:ec2::23", "cloud metadata", "inside ULA"},
	{"fd00:ec2::254", "cloud metadata", "inside ULA"},
	{"fd20:ce::254", "cloud metadata", "inside ULA"},
	{"fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "private", "last"},
	{"fe00::", "reserved", "after ULA"},
	{"fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "reserved",
		"before link-local"},
	{"fe80::", "link-local", "first"},
	{"febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "link-local", "last"},
	{"fec0::", "private", "first site-local"},
	{"feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "private", "last"},
	{"ff00::", "multicast", "first"},
	{"ff02::1", "multicast", "all nodes"},
	{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast", "last of all"},
};

static void
test_edges(void **state)
{
	struct guard *g = guard_new();

	(void)state;
	assert_non_null(g);
	for (size_t i = 0; i < ARRAY_LEN(edges); i++)
		expect(g, edges[i].address, edges[i].reason, edges[i].why);
	guard_free(g);
}

/* A row that never had a case of its own would be a claim without a test. */
static void
test_every_range_has_cases(void **state)
{
	struct guard *with = guard_new(), *without = guard_new();
	const struct guard_range *rows;
	size_t count, differ;

	(void)state;
	rows = guard_ranges(&count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(guard_allow(with, rows[i].range), 0);
		differ = 0;
		for (size_t e = 0; e < ARRAY_LEN(edges); e++)
			differ += refuses(with, edges[e].address) !=
				  refuses(without, edges[e].address);
		/* What we tell sandboxes ourselves is opened by nothing. */
		if ((differ == 0) !=
			(strcmp(rows[i].range, "198.18.0.0/15") == 0))
			fail_msg("no case for %s", rows[i].range);
		guard_free(with);
		with = guard_new();
		assert_non_null(rows[i].source);
	}
	guard_free(with);
	guard_free(without);
}

static const struct {
	const char *allow, *address, *reason, *why;
} allows[] = {
	{"10.1.0.0/16", "10.1.255.255", NULL, "inside"},
	{"10.1.0.0/16", "10.2.0.0", "private", "outside"},
	{"10.1.0.0/16", "::ffff:10.1.0.1", "IPv4-mapped", "not that form"},
	{"10.0.0.0/8", "10.9.9.9", NULL, "the whole range"},
	{"10.9.9.9", "10.9.9.9", NULL, "a bare address"},
	{"10.9.9.9", "10.9.9.8", "private", "its neighbour"},
	{"0.0.0.0/0", "192.168.1.1", NULL, "wider than the row"},
	{"0.0.0.0/0", "169.254.169.254", "cloud metadata", "only by name"},
	{"0.0.0.0/0", "fd00::1", "private", "the other family"},
	{"169.254.0.0/16", "169.254.1.1", NULL, "link-local"},
	{"169.254.0.0/16", "169.254.169.254", "cloud metadata", "too wide"},
	{"169.254.169.254", "169.254.169.254", NULL, "that very address"},
	{"100.64.0.0/10", "100.100.100.200", "cloud metadata", "too wide"},
	{"fd00::/8", "fd77:1::2", NULL, "inside"},
	{"fd00::/8", "fc00::1", "private", "outside"},
	{"198.18.0.0/15", "198.19.1.1", "synthetic", "that very range"},
	{"198.18.0.1", "198.18.0.1", "synthetic", "that very address"},
	{"fd00::/8", "fd73:6278:6e:1::1", "synthetic", "in a range of ULAs"},
	{"fd73:6278:6e:1::/64", "fd73:6278:6e:1:ffff::", "synthetic",
		"that very range"},
	{"fd73:6278:6e::/48", "fd73:6278:6e:2::1", NULL, "not that /64"},
	{"64:ff9b::/96", "64:ff9b::198.18.0.1", "synthetic", "what is inside"},
	{"fd00::/8", "fd00:ec2::254", "cloud metadata", "too wide"},
	{"::1", "::1", NULL, "loopback is no IPv4-compatible address"},
	{"127.0.0.0/8", "::1", "loopback", "the other family"},
	{"::/0", "fe80::1", NULL, "wider than the row"},
	{"::/0", "::ffff:8.8.8.8", "IPv4-mapped", "not that very range"},
	{"::/0", "64:ff9b::8.8.8.8", "NAT64", "not that very range"},
	{"::/0", "64:ff9b:1::808:808", "NAT64", "not that very range"},
	{"::/0", "2002:808:808::1", "6to4", "not that very range"},
	{"::/0", "2001:0:1::f7f7:f7f7", "Teredo", "not that very range"},
	{"::/0", "::8.8.8.8", "reserved", "not that very range"},
	{"::ffff:0:0/96", "::ffff:8.8.8.8", NULL, "that very range"},
	{"::ffff:0:0/96", "::ffff:10.0.0.1", "private", "what is inside"},
	{"::ffff:0:0/96", "::ffff:127.0.0.1", "loopback", "what is inside"},
	{"64:ff9b::/96", "64:ff9b::8.8.8.8", NULL, "that very range"},
	{"64:ff9b::/96", "64:ff9b::10.0.0.1", "private", "what is inside"},
	{"64:ff9b::/96", "64:ff9b::a9fe:a9fe", "cloud metadata", "inside"},
	{"2002::/16", "2002:808:808::1", NULL, "that very range"},
	{"2002::/16", "2002:c0a8:101::1", "private", "what is inside"},
	{"2001::/32", "2001:0:1::f7f7:f7f7", NULL, "client 8.8.8.8"},
	{"2001::/32", "2001:0:1::80ff:fffe", "loopback", "client 127.0.0.1"},
	{"2001::/23", "2001:0:1::f7f7:f7f7", "Teredo", "too wide"},
	{"::/96", "::8.8.8.8", NULL, "that very range"},
	{"::/96", "::10.0.0.1", "private", "what is inside"},
	{"::ffff:0:0:0/96", "::ffff:0:10.0.0.1", "private", "what is inside"},
	{"64:ff9b:1::/48", "64:ff9b:1::a00:1", NULL, "layout is not known"},
};

static void
test_allows(void **state)
{
	struct guard *g;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(allows); i++) {
		g = guard_new();
		assert_int_equal(guard_allow(g, allows[i].allow), 0);
		expect(g, allows[i].address, allows[i].reason, allows[i].why);
		guard_free(g);
	}
}

static void
test_both_wrappings_must_be_allowed(void **state)
{
	struct guard *g = guard_new();

	(void)state;
	assert_int_equal(guard_allow(g, "64:ff9b::/96"), 0);
	assert_int_equal(guard_allow(g, "10.0.0.0/8"), 0);
	expect(g, "64:ff9b::10.0.0.1", NULL, "the form and the inside");
	guard_free(g);
}

static const struct {
	const char *range, *why;
} bad_ranges[] = {
	{"", "nothing"},
	{"/", "no address"},
	{"example.org", "a name is not a range"},
	{"10.0.0.0/", "no digits"},
	{"10.0.0.0/33", "too long for IPv4"},
	{"10.0.0.0/08", "a leading zero"},
	{"10.0.0.0/+8", "a sign"},
	{"10.0.0.0/8 ", "a space"},
	{"10.0.0.0/8/8", "two prefixes"},
	{"10.0.0.0/-1", "below zero"},
	{"10.0.0.0/4294967304", "8 modulo 2^32"},
	{"10.1.0.0/8", "bits beyond the prefix"},
	{"10.0.0.1/31", "the last bit is beyond the prefix"},
	{"10.1/16", "as inet_aton would take it"},
	{"012.0.0.0/8", "octal"},
	{"0xa.0.0.0/8", "hexadecimal"},
	{"167772160", "a number"},
	{"fd00::/129", "too long for IPv6"},
	{"fd00::1/8", "bits beyond the prefix"},
	{"fe80::1%eth0", "a zone"},
	{"[fd00::]/8", "brackets"},
	{":::", "no IPv6"},
	{"1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111",
		"longer than any address"},
};

static void
test_bad_ranges_are_refused_and_change_nothing(void **state)
{
	struct guard *g = guard_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_ranges); i++) {
		if (guard_allow(g, bad_ranges[i].range) != -EINVAL)
			fail_msg("%s: %s", bad_ranges[i].range,
				bad_ranges[i].why);
	}
	for (size_t i = 0; i < ARRAY_LEN(edges); i++)
		expect(g, edges[i].address, edges[i].reason, edges[i].why);
	guard_free(g);
}

static void
test_allows_are_bounded(void **state)
{
	struct guard *g = guard_new();
	char range[32];

	(void)state;
	for (int i = 0; i < 1024; i++) {
		snprintf(range, sizeof(range), "10.%d.%d.0/24", i / 256,
			i % 256);
		assert_int_equal(guard_allow(g, range), 0);
	}
	assert_int_equal(guard_allow(g, "fd00::/8"), -ENOSPC);
	expect(g, "10.3.255.1", NULL, "the last that fits");
	expect(g, "fd00::1", "private", "the one that did not");
	guard_free(g);
}

static void
test_other_families_are_refused(void **state)
{
	struct sockaddr_storage dst = {.ss_family = AF_UNIX};
	struct guard *g = guard_new();

	(void)state;
	assert_string_equal(
		guard_refuses(g, (struct sockaddr *)&dst), "reserved");
	assert_false(guard_is_self(g, (struct sockaddr *)&dst));
	guard_free(g);
	guard_free(NULL);
}

/* The narrowest row is met first, so its reason is the one that is told. */
static void
test_narrow_rows_come_first(void **state)
{
	struct guard *g = guard_new();
	const struct guard_range *rows;
	char first[64];
	size_t count;

	(void)state;
	rows = guard_ranges(&count);
	for (size_t i = 0; i < count; i++) {
		snprintf(first, sizeof(first), "%.*s",
			(int)strcspn(rows[i].range, "/"), rows[i].range);
		/* :: and 2001:: begin narrower rows as well. */
		if (strcmp(first, "::") == 0)
			continue;
		if (strcmp(rows[i].range, "2001::/23") == 0)
			continue;
		expect(g, first, rows[i].reason, rows[i].range);
	}
	guard_free(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_every_range_has_cases),
		cmocka_unit_test(test_allows),
		cmocka_unit_test(test_both_wrappings_must_be_allowed),
		cmocka_unit_test(
			test_bad_ranges_are_refused_and_change_nothing),
		cmocka_unit_test(test_allows_are_bounded),
		cmocka_unit_test(test_other_families_are_refused),
		cmocka_unit_test(test_narrow_rows_come_first),
		cmocka_unit_test(test_self_spellings),
		cmocka_unit_test(test_self_beats_allow),
		cmocka_unit_test(test_self_is_counted),
		cmocka_unit_test(test_ten_thousand_selfs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
