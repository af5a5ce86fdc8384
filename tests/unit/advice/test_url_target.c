#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "url_target.h"

static const struct {
	const char *url;
	const char *wrong; /* part of it; NULL: it is good */
	bool tls;
	uint16_t port;
	const char *name, *shown, *path;
	const char *why;
	const char *query; /* NULL: none */
	bool raw;
	enum policy_protocol protocol;
} cases[] = {
	{"https://a.test/x?y#z", NULL, true, 443, "a.test", "a.test", "/x",
		.why = "the query is not the path's", .query = "y"},
	{"https://a.test/?a=1?b#c?d", NULL, true, 443, "a.test", "a.test", "/",
		.why = "one ? is enough, and # ends it", .query = "a=1?b"},
	{"https://a.test/#x?y", NULL, true, 443, "a.test", "a.test", "/",
		.why = "no query behind #"},
	{"https://a.test/?a b", "no request line", .why = "space"},
	{"HTTP://A.Test.", NULL, false, 80, "a.test", "A.Test.", "/",
		.why = "normalised"},
	{"wss://a.test:8443", NULL, true, 8443, "a.test", "a.test", "/",
		.why = "a WebSocket is a GET"},
	{"https://a.test?q", NULL, true, 443, "a.test", "a.test", "/",
		.why = "query without a path", .query = "q"},
	{"https://[2001:db8::1]:22/", NULL, true, 22, "", "2001:db8::1", "/",
		.why = "address"},
	{"http://192.0.2.1/a", NULL, false, 80, "", "192.0.2.1", "/a",
		.why = "address"},
	{"https://0x7f000001/", "odd spelling", .why = "never dialled"},
	{"ftp://a.test/", "must begin", .why = "scheme"},
	{"tcp://DB.test:5432", NULL, false, 5432, "db.test", "DB.test", "/",
		.why = "no HTTP", .raw = true},
	{"tcp://[2001:db8::1]:22", NULL, false, 22, "", "2001:db8::1", "/",
		.why = "no HTTP, an address", .raw = true},
	{"tcp://db.test", "host:port", .why = "it has no port of its own"},
	{"tcp://db.test:5432/x", "host:port", .why = "it has no path"},
	{"tcp://db.test:5432?x", "host:port", .why = "nor a query"},
	{"udp://192.0.2.1:123", NULL, false, 123, "", "192.0.2.1", "/",
		.why = "packets", .raw = true, .protocol = POLICY_UDP},
	{"UDP://[2001:db8::1]:443", NULL, false, 443, "", "2001:db8::1", "/",
		.why = "packets", .raw = true, .protocol = POLICY_UDP},
	{"icmp://192.0.2.1", NULL, false, 0, "", "192.0.2.1", "/",
		.why = "packets", .raw = true, .protocol = POLICY_ICMP},
	{"udp://192.0.2.1", "address:port", .why = "it has no port"},
	{"udp://192.0.2.1:1/x", "address:port", .why = "it has no path"},
	{"udp://192.0.2.1:53", "the daemon", .why = "DNS is not for the gate"},
	{"udp://db.test:123", "no name", .why = "no rule could"},
	{"icmp://192.0.2.1:7", "an address", .why = "it has no ports"},
	{"icmp://192.0.2.1/", "an address", .why = "it has no path"},
	{"icmp://db.test", "no name", .why = "no rule could"},
	{"https://u@a.test/", "names no host", .why = "userinfo"},
	{"https://a.test:0/", "names no host", .why = "port"},
	{"https://a..test/", "no host name", .why = "empty label"},
	{"https://a.test/a b", "no request line", .why = "space"},
	{"https://a.test/a\nb", "no request line", .why = "newline"},
};

static void
test_reads(void **state)
{
	struct url_target t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *wrong = url_target_read(cases[i].url, &t);
		const char *query =
			cases[i].query != NULL ? cases[i].query : "";

		if ((wrong == NULL) != (cases[i].wrong == NULL) ||
			(wrong != NULL &&
				strstr(wrong, cases[i].wrong) == NULL))
			fail_msg("%s (%s): %s", cases[i].url, cases[i].why,
				wrong != NULL ? wrong : "is taken");
		if (wrong != NULL)
			continue;
		if (t.tls != cases[i].tls || t.raw != cases[i].raw ||
			t.port != cases[i].port ||
			t.protocol != cases[i].protocol ||
			strcmp(t.name, cases[i].name) != 0 ||
			strcmp(t.shown, cases[i].shown) != 0 ||
			strcmp(t.query, query) != 0 ||
			strcmp(t.path, cases[i].path) != 0)
			fail_msg("%s (%s): %s %u %s %s", cases[i].url,
				cases[i].why, t.shown, t.port, t.name, t.path);
		assert_int_equal(
			t.address.ss_family != AF_UNSPEC, t.name[0] == '\0');
	}
}

static void
test_no_url_is_cut(void **state)
{
	char url[URL_TARGET_MAX + 64] = "https://a.test/";
	struct url_target t;
	size_t prefix = strlen("https://a.test");

	(void)state;
	memset(url + prefix + 1, 'a', URL_TARGET_MAX);
	assert_non_null(url_target_read(url, &t));
	url[prefix + URL_TARGET_MAX - 1] = '\0';
	assert_null(url_target_read(url, &t));
	assert_int_equal(strlen(t.path), URL_TARGET_MAX - 1);
}

static void
test_methods(void **state)
{
	(void)state;
	assert_null(url_target_method_error("GET"));
	assert_null(url_target_method_error("m-search"));
	assert_non_null(url_target_method_error(""));
	assert_non_null(url_target_method_error("GET /"));
	assert_non_null(url_target_method_error("G\303\211T"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_no_url_is_cut),
		cmocka_unit_test(test_methods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
