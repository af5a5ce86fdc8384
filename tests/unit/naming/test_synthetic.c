#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "synthetic.h"

enum { OTHER = 1 << 20 }; /* for a number that is none */

static const struct {
	const char *address;
	int status;
	uint32_t number;
	const char *why;
} cases[] = {
	{"198.18.0.1", 0, 0, "the first"},
	{"198.18.0.2", 0, 1, "the second"},
	{"198.18.1.0", 0, 255, "over a byte"},
	{"198.18.255.255", 0, 65534, "over half of the range"},
	{"198.19.0.0", 0, 65535, "the last"},
	{"198.19.0.1", -ENOENT, OTHER, "one more"},
	{"198.18.0.0", -ENOENT, OTHER, "the network's own"},
	{"198.19.255.255", -ENOENT, OTHER, "the end of the range"},
	{"198.17.255.255", -EADDRNOTAVAIL, OTHER, "before the range"},
	{"198.20.0.0", -EADDRNOTAVAIL, OTHER, "behind it"},
	{"199.18.0.1", -EADDRNOTAVAIL, OTHER, "another network"},
	{"fd73:6278:6e:1::1", 0, 0, "the first"},
	{"fd73:6278:6e:1::100", 0, 255, "over a byte"},
	{"fd73:6278:6e:1::1:0", 0, 65535, "the last"},
	{"fd73:6278:6e:1::1:1", -ENOENT, OTHER, "one more"},
	{"fd73:6278:6e:1::", -ENOENT, OTHER, "no host"},
	{"fd73:6278:6e:1::100:1", -ENOENT, OTHER, "bits in between"},
	{"fd73:6278:6e:1:1::1", -ENOENT, OTHER, "bits above"},
	{"fd73:6278:6e:2::1", -EADDRNOTAVAIL, OTHER, "the next network"},
	{"fd73:6278:6e::53", -EADDRNOTAVAIL, OTHER, "the DNS socket's own"},
	{"::ffff:198.18.0.1", -EADDRNOTAVAIL, OTHER, "in another dress"},
};

static void
sockaddr_of(const char *text, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *v6 = (void *)ret;
	struct sockaddr_in *v4 = (void *)ret;

	memset(ret, 0, sizeof(*ret));
	ret->ss_family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	assert_int_equal(
		inet_pton(ret->ss_family, text,
			ret->ss_family == AF_INET ? (void *)&v4->sin_addr
						  : (void *)&v6->sin6_addr),
		1);
}

static void
test_numbers_and_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sockaddr_storage ss;
		uint32_t number = OTHER;
		uint8_t bytes[16];
		char text[INET6_ADDRSTRLEN];
		int r;

		sockaddr_of(cases[i].address, &ss);
		r = synthetic_number((struct sockaddr *)&ss, &number);
		if (r != cases[i].status || number != cases[i].number)
			fail_msg("%s, %s: %d, %u", cases[i].address,
				cases[i].why, r, number);
		if (r < 0)
			continue;
		synthetic_address(ss.ss_family, number, bytes);
		assert_true(synthetic_covers(ss.ss_family, bytes));
		inet_ntop(ss.ss_family, bytes, text, sizeof(text));
		assert_string_equal(text, cases[i].address);
	}
}

static void
test_other_families_have_none(void **state)
{
	struct sockaddr sa = {.sa_family = AF_UNIX};
	uint32_t number;

	(void)state;
	assert_int_equal(synthetic_number(&sa, &number), -EADDRNOTAVAIL);
	assert_false(synthetic_covers(AF_UNIX, (const uint8_t *)"\306\22"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_and_addresses),
		cmocka_unit_test(test_other_families_have_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
