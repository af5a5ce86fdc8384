#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "server_list.h"

/* printed: NULL where it must be refused. */
static const struct {
	const char *text, *printed, *why;
} cases[] = {
	{"192.0.2.1", "192.0.2.1 53", "a bare address"},
	{"192.0.2.1:5353", "192.0.2.1 5353", "with a port"},
	{"2001:db8::1", "2001:db8::1 53", "bare IPv6"},
	{"[2001:db8::1]", "2001:db8::1 53", "in brackets"},
	{"[2001:db8::1]:5353", "2001:db8::1 5353", "with a port"},
	{"::1", "::1 53", "begins with a colon"},
	{"192.0.2.1:1", "192.0.2.1 1", "the least port"},
	{"192.0.2.1:65535", "192.0.2.1 65535", "the greatest"},
	{"192.0.2.1:65536", NULL, "one more"},
	{"192.0.2.1:0", NULL, "no port"},
	{"192.0.2.1:053", NULL, "a leading zero"},
	{"192.0.2.1:", NULL, "an empty port"},
	{"192.0.2.1:+53", NULL, "a sign"},
	{"192.0.2.1:53 ", NULL, "a space"},
	{"192.0.2.1:000053", NULL, "too many digits"},
	{"[192.0.2.1]:53", NULL, "brackets are for IPv6"},
	{"[2001:db8::1", NULL, "not closed"},
	{"[2001:db8::1]53", NULL, "no colon"},
	{"[]", NULL, "nothing inside"},
	{"fe80::1%eth0", NULL, "a zone"},
	{"dns.example.org", NULL, "a name needs a resolver"},
	{"192.0.2", NULL, "as inet_aton would take it"},
	{"0300.0.2.1", NULL, "octal"},
	{"", NULL, "nothing"},
	{":53", NULL, "no address"},
	{"tls://192.0.2.1#dns.example.org", "192.0.2.1 853 dns.example.org",
		"over TLS"},
	{"tls://192.0.2.1:8853#Dns.Example.org",
		"192.0.2.1 8853 Dns.Example.org", "with a port"},
	{"tls://[2001:db8::1]:8853#d", "2001:db8::1 8853 d", "IPv6 and a port"},
	{"tls://[2001:db8::1]#d", "2001:db8::1 853 d", "in brackets"},
	{"tls://2001:db8::1#d", "2001:db8::1 853 d", "bare IPv6"},
	{"tls://192.0.2.1", NULL, "a certificate has to be for somebody"},
	{"tls://192.0.2.1#", NULL, "for nobody"},
	{"tls://192.0.2.1#192.0.2.1", NULL, "an address is no name"},
	{"tls://192.0.2.1#a..b", NULL, "an empty label"},
	{"tls://192.0.2.1#a.", NULL, "a dot at the end"},
	{"tls://192.0.2.1#*.example.org", NULL, "a wildcard"},
	{"tls://192.0.2.1#a b", NULL, "a space"},
	{"tls://192.0.2.1#a#b", NULL, "two marks"},
	{"tls://192.0.2.1:0#d", NULL, "no port"},
	{"tls://dns.example.org#dns.example.org", NULL, "a name to dial"},
	{"TLS://192.0.2.1#d", NULL, "the scheme in capitals"},
	{"https://192.0.2.1#d", NULL, "another scheme"},
	{"192.0.2.1#d", NULL, "a name without TLS"},
	{"1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111",
		NULL, "longer than any address"},
};

static void
print(const struct name_server_address *server, char *ret, size_t size)
{
	const void *any = &server->address;
	const struct sockaddr_in *v4 = any;
	const struct sockaddr_in6 *v6 = any;
	bool is4 = server->address.ss_family == AF_INET;
	char address[INET6_ADDRSTRLEN];

	inet_ntop(server->address.ss_family,
		is4 ? (const void *)&v4->sin_addr : &v6->sin6_addr, address,
		sizeof(address));
	snprintf(ret, size, "%s %d%s%s", address,
		ntohs(is4 ? v4->sin_port : v6->sin6_port),
		server->tls ? " " : "", server->name);
	assert_int_equal(server->address_len, is4 ? sizeof(*v4) : sizeof(*v6));
}

static void
test_spellings(void **state)
{
	char err[160], printed[320];
	struct server_list list;
	int r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		list.count = 77;
		r = server_list_parse(
			&cases[i].text, 1, &list, err, sizeof(err));
		if ((r == 0) != (cases[i].printed != NULL))
			fail_msg("%s: %s", cases[i].text, cases[i].why);
		if (r < 0) {
			assert_int_equal(r, -EINVAL);
			assert_int_equal(list.count, 77);
			assert_non_null(strstr(err, "name server \""));
			continue;
		}
		print(&list.items[0], printed, sizeof(printed));
		assert_string_equal(printed, cases[i].printed);
	}
}

static void
test_count(void **state)
{
	const char *servers[SERVER_LIST_MAX + 1];
	struct server_list list;
	char err[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(servers); i++)
		servers[i] = "192.0.2.1";
	assert_int_equal(
		server_list_parse(servers, 0, &list, err, 128), -EINVAL);
	assert_string_equal(err, "0 name servers, need 1 to 8");
	assert_int_equal(
		server_list_parse(servers, 9, &list, err, 128), -EINVAL);
	assert_int_equal(server_list_parse(servers, 8, &list, err, 128), 0);
	assert_int_equal(list.count, 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
