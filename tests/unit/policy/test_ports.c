#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ports.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *text;
	bool good;
	uint16_t first, last;
	const char *reason;
} parsed[] = {
	{"443", true, 443, 443, "one"},
	{"1", true, 1, 1, "lowest"},
	{"65535", true, 65535, 65535, "highest"},
	{"8000-8999", true, 8000, 8999, "range"},
	{"5-5", true, 5, 5, "range of one"},
	{"0", false, 0, 0, "no port"},
	{"0-5", false, 0, 0, "begins at no port"},
	{"65536", false, 0, 0, "too high"},
	{"99999999999999999999", false, 0, 0, "overflow"},
	{"80-", false, 0, 0, "open end"},
	{"-80", false, 0, 0, "open begin"},
	{"90-80", false, 0, 0, "backwards"},
	{"80-90-95", false, 0, 0, "two ranges"},
	{"0777", false, 0, 0, "octal"},
	{" 80", false, 0, 0, "space"},
	{"80 ", false, 0, 0, "space behind"},
	{"0x50", false, 0, 0, "hexadecimal"},
	{"https", false, 0, 0, "a name"},
	{"", false, 0, 0, "nothing"},
};

static void
test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(parsed); i++) {
		struct port_range r = {0, 0};

		if (port_range_parse(parsed[i].text, &r) != parsed[i].good ||
			r.first != parsed[i].first || r.last != parsed[i].last)
			fail_msg(
				"\"%s\": %s", parsed[i].text, parsed[i].reason);
	}
}

static void
test_join(void **state)
{
	struct port_range r[] = {{90, 95}, {443, 443}, {80, 89}, {92, 93},
		{444, 450}, {65535, 65535}, {65534, 65534}};
	const struct port_range want[] = {{80, 95}, {443, 450}, {65534, 65535}};
	size_t n = port_ranges_join(r, LEN(r));

	(void)state;
	assert_int_equal(n, LEN(want));
	assert_memory_equal(r, want, sizeof(want));
	assert_int_equal(port_ranges_join(r, 0), 0);
}

static const struct port_range some[] = {{80, 89}, {443, 443}, {8000, 8999}};
static const struct ports ports = {some, 3};

static void
test_contain(void **state)
{
	static const uint16_t in[] = {80, 85, 89, 443, 8000, 8999};
	static const uint16_t out[] = {0, 79, 90, 442, 444, 9000, 65535};

	(void)state;
	for (size_t i = 0; i < LEN(in); i++)
		assert_true(ports_contain(&ports, in[i]));
	for (size_t i = 0; i < LEN(out); i++)
		assert_false(ports_contain(&ports, out[i]));
	assert_true(ports_contain(&ports_all, 0));
	assert_true(ports_contain(&ports_all, 65535));
	assert_true(ports_contain(&ports_web, 80));
	assert_false(ports_contain(&ports_tls, 80));
}

static void
test_cover_and_common(void **state)
{
	static const struct port_range inside[] = {{81, 89}, {443, 443}};
	static const struct port_range beyond[] = {{85, 90}};
	static const struct port_range apart[] = {{1, 79}, {9000, 9000}};
	const struct ports a = {inside, 2}, b = {beyond, 1}, c = {apart, 2};
	uint16_t port = 0;

	(void)state;
	assert_true(ports_cover(&ports, &a));
	assert_false(ports_cover(&a, &ports));
	assert_false(ports_cover(&ports, &b));
	assert_false(ports_cover(&ports, &c));
	assert_true(ports_cover(&ports_all, &ports));
	assert_false(ports_cover(&ports_web, &ports_all));

	assert_true(ports_common(&ports, &b, 0, &port));
	assert_int_equal(port, 85);
	assert_true(ports_common(&ports, &a, 90, &port));
	assert_int_equal(port, 443);
	assert_false(ports_common(&ports, &a, 444, &port));
	assert_false(ports_common(&ports, &c, 0, &port));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_contain),
		cmocka_unit_test(test_cover_and_common),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
