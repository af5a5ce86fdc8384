#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "resolv_conf.h"

static void
test_nameservers_are_found(void **state)
{
	static const struct {
		const char *text, *servers, *reason;
	} cases[] = {
		{"", "", "nothing"},
		{"nameserver 192.0.2.1\n", "192.0.2.1 ", "one"},
		{"nameserver 192.0.2.1", "192.0.2.1 ", "no newline at the end"},
		{"nameserver\t2001:db8::1\n", "2001:db8::1 ", "a tab, IPv6"},
		{"search a\nnameserver 192.0.2.1\noptions x\n"
		 "nameserver 192.0.2.2\n",
			"192.0.2.1 192.0.2.2 ", "in order, among others"},
		{"# nameserver 192.0.2.1\n", "", "a comment"},
		{"nameserver 192.0.2.1 # x\n", "192.0.2.1 ", "one behind it"},
		{"nameserver192.0.2.1\n", "", "no space"},
		{"nameserver fe80::1%eth0\n", "", "a zone"},
		{"nameserver example.org\n", "", "no address"},
		{"nameserver 1.1.1.1\nnameserver 2.2.2.2\nnameserver 3.3.3.3\n",
			"1.1.1.1 2.2.2.2 ", "not more than there is room for"},
		{"nameserver 0000000000000000000000000000000000000000000000000"
		 "000000000000000000000000000000000000000000000000000000000000"
		 "\nnameserver 192.0.2.1\n",
			"192.0.2.1 ", "a long word"},
	};
	char servers[2][RESOLV_CONF_SERVER], all[256];
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t count = resolv_conf_servers(
			cases[i].text, servers, ARRAY_LEN(servers));

		len = 0;
		all[0] = '\0';
		for (size_t j = 0; j < count; j++)
			len += (size_t)snprintf(all + len, sizeof(all) - len,
				"%s ", servers[j]);
		if (strcmp(all, cases[i].servers) != 0)
			fail_msg("%s: \"%s\"", cases[i].reason, all);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nameservers_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
