/*
 * What each dialect means by its patterns, asked of the compiled document: the
 * table of docs/import.md as a test.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "imported.h"

enum style { KIT1, KIT2, PROXY, CLOUD };

static const struct {
	enum import_dialect dialect;
	const char *name; /* of the policy */
	const char *allow, *deny;
} styles[] = {
	[KIT1] = {IMPORT_DOCKER_KIT, "k",
		"{schemaVersion: '1', name: k, network: "
		"{allowedDomains: ['%s']}}",
		"{schemaVersion: '1', name: k, network: "
		"{allowedDomains: ['**'], deniedDomains: ['%s']}}"},
	[KIT2] = {IMPORT_DOCKER_KIT, "k",
		"{schemaVersion: '2', name: k, permissions: {network: "
		"{allow: ['%s']}}}",
		"{schemaVersion: '2', name: k, permissions: {network: "
		"{allow: ['**'], deny: ['%s']}}}"},
	[PROXY] = {IMPORT_DOCKER_PROXY_CONFIG, "proxy-config",
		"{policy: {default: deny}, network: {allowedDomains: ['%s']}}",
		NULL},
	[CLOUD] = {IMPORT_CLOUDFLARE, "cloudflare", "{allowedHosts: ['%s']}",
		"{deniedHosts: ['%s']}"},
};

struct wildcard {
	enum style style;
	const char *pattern, *host;
	uint16_t port;
	bool expect;
	const char *why;
};

static const struct wildcard allow_cases[] = {
	{KIT1, "example.com", "example.com", 443, true, "exact"},
	{KIT1, "example.com", "a.example.com", 443, false, "exact, not below"},
	{KIT1, "EXAMPLE.com.", "example.com", 443, true, "one spelling"},
	{KIT1, "*.example.com", "a.example.com", 443, true, "one label"},
	{KIT1, "*.example.com", "a.b.example.com", 443, false, "one label"},
	{KIT1, "*.example.com", "example.com", 443, false, "not the apex"},
	{KIT1, "**.example.com", "a.b.example.com", 443, true, "any depth"},
	{KIT1, "**.example.com", "a.example.com", 443, true, "any depth, one"},
	{KIT1, "**.example.com", "example.com", 443, false, "not the apex"},
	{KIT1, "**", "a.b.example.com", 443, true, "every name"},
	{KIT1, "*", "a.b.example.com", 443, false, "names of one label only"},
	{KIT1, "*", "single", 443, false, "cannot be said: narrower"},
	{KIT1, "*.com", "example.com", 443, true, "broad"},
	{KIT1, "*.com", "a.example.com", 443, false, "broad, one label"},
	{KIT1, "a*.example.com", "ab.example.com", 443, false,
		"means nothing there"},
	{KIT1, "a.*.example.com", "a.b.example.com", 443, false,
		"cannot be said: narrower"},
	{KIT1, "example.com", "example.com", 80, true, "no port: web"},
	{KIT1, "example.com", "example.com", 8443, false,
		"no port: narrower than every port"},
	{KIT1, "example.com:8443", "example.com", 8443, true, "a port"},
	{KIT1, "example.com:8443", "example.com", 443, false, "that port only"},
	{KIT1, "*.example.com:80-90", "a.example.com", 90, true, "a range"},
	{KIT1, "example.com:*", "example.com", 65535, true, "every port"},
	{KIT1, "example.com:*", "example.com", 1, true, "every port"},
	{KIT2, "*.example.com", "a.example.com", 443, true, "one label"},
	{KIT2, "*.example.com", "a.b.example.com", 443, false, "one label"},
	{KIT2, "*.example.com", "example.com", 443, false, "not the apex"},
	{KIT2, "**.example.com", "a.b.example.com", 443, true, "any depth"},
	{KIT2, "**", "example.com", 443, true, "every name"},
	{KIT2, "example.com", "example.com", 80, false, "no port: 443 alone"},
	{KIT2, "example.com:80", "example.com", 80, true, "a port"},
	{PROXY, "example.com", "a.example.com", 443, false, "exact"},
	{PROXY, "*.example.com", "a.example.com", 443, true, "below"},
	{PROXY, "*.example.com", "a.b.example.com", 443, true, "any depth"},
	{PROXY, "*.example.com", "example.com", 443, false, "not the apex"},
	{PROXY, "*", "a.b.example.com", 443, true, "every name"},
	{PROXY, "*:8443", "example.com", 8443, true, "every name, one port"},
	{PROXY, "*:8443", "example.com", 443, false, "every name, one port"},
	{PROXY, "a*.example.com", "ab.example.com", 443, false,
		"means nothing there"},
	{CLOUD, "example.com", "example.com", 443, true, "exact"},
	{CLOUD, "example.com", "sub.example.com", 443, false, "exact"},
	{CLOUD, "*.example.com", "api.example.com", 443, true, "one label"},
	{CLOUD, "*.example.com", "a.b.example.com", 443, true, "over dots"},
	{CLOUD, "*.example.com", "example.com", 443, false, "not the apex"},
	{CLOUD, "**.example.com", "a.b.example.com", 443, true,
		"two stars are one"},
	{CLOUD, "*", "a.b.example.com", 443, true, "every name"},
	{CLOUD, "google.*", "google.com", 443, false, "narrower"},
	{CLOUD, "api.*.com", "api.stripe.com", 443, false, "narrower"},
	{CLOUD, "*-api.example.com", "x-api.example.com", 443, true, "glob"},
	{CLOUD, "*-api.example.com", "a.x-api.example.com", 443, false,
		"narrower: not over dots"},
	{CLOUD, "api*.example.com", "api.example.com", 443, true,
		"a star may be nothing"},
	{CLOUD, "*example.com", "example.com", 443, true, "itself"},
	{CLOUD, "*example.com", "myexample.com", 443, true, "as a suffix"},
	{CLOUD, "*example.com", "a.b.example.com", 443, true, "below"},
	{CLOUD, "*example.com", "a.myexample.com", 443, false, "narrower"},
	{CLOUD, "Example.com", "example.com", 443, false, "case counts"},
	{CLOUD, "example.com:443", "example.com", 443, false, "no ports"},
	{CLOUD, "example.com", "example.com", 8443, false, "web only"},
};

/* Everything else is allowed; expect: denied. */
static const struct wildcard deny_cases[] = {
	{KIT1, "example.com", "example.com", 443, true, "exact"},
	{KIT1, "example.com", "a.example.com", 443, false, "exact"},
	{KIT1, "example.com", "example.com", 80, true, "every port"},
	{KIT1, "example.com:443", "example.com", 80, false, "that port"},
	{KIT1, "example.com:443", "example.com", 443, true, "that port"},
	{KIT1, "*.example.com", "a.example.com", 443, true, "one label"},
	{KIT1, "*.example.com", "a.b.example.com", 443, false, "one label"},
	{KIT1, "*.com", "example.com", 443, true, "broad, to deny"},
	{KIT1, "a.*.example.com", "a.b.example.com", 443, true, "wider"},
	{KIT1, "a.*.example.com", "x.example.com", 443, true, "wider"},
	{KIT1, "a.*.example.com", "example.com", 443, false,
		"no wider than need be"},
	{KIT1, "a*.example.com", "ab.example.com", 443, true, "wider"},
	{KIT1, "*", "single", 443, true, "wider"},
	{KIT1, "*", "example.com", 443, true, "wider: every name"},
	{KIT2, "**.example.com", "a.b.example.com", 443, true, "any depth"},
	{KIT2, "example.com", "example.com", 443, true, "every port"},
	{CLOUD, "*.example.com", "a.b.example.com", 443, true, "over dots"},
	{CLOUD, "*.example.com", "example.com", 443, false, "not the apex"},
	{CLOUD, "google.*", "google.co.uk", 443, true, "wider"},
	{CLOUD, "api.*.com", "api.stripe.com", 443, true, "wider"},
	{CLOUD, "api.*.com", "api.stripe.net", 443, false, "not that wide"},
	{CLOUD, "*-ads.example.com", "a.x-ads.example.com", 443, true,
		"over dots"},
	{CLOUD, "*example.com", "a.myexample.com", 443, true, "over dots"},
	{CLOUD, "*example.com", "example.com", 443, true, "itself"},
	{CLOUD, "Example.com", "example.com", 443, true, "case: wider"},
	{CLOUD, "example.com:443", "example.com", 80, true, "port: wider"},
};

static void
check(const struct wildcard *c, const char *format, bool allowed)
{
	const struct policy_set *set;
	struct policy_verdict v;
	struct policy *policy;
	struct import *import;
	char text[512];

	snprintf(text, sizeof(text), "%s", format);
	/* The one %s of the format. */
	snprintf(strstr(text, "%s"), 256, "%s%s", c->pattern,
		strstr(format, "%s") + 2);
	import = imported(styles[c->style].dialect, text);
	policy = import_loaded(import);
	set = policy_find(policy, import_policy(import));
	assert_string_equal(import_policy(import), styles[c->style].name);
	v = policy_decide_flow(set, c->host, c->port);
	if (v.allowed != allowed)
		fail_msg("style %d: \"%s\" and %s:%u: %s (%s)\n%s", c->style,
			c->pattern, c->host, c->port, c->why, v.rule,
			import_document(import));
	policy_unref(policy);
	import_free(import);
}

static void
test_allowed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(allow_cases) / sizeof(allow_cases[0]);
		i++)
		check(&allow_cases[i], styles[allow_cases[i].style].allow,
			allow_cases[i].expect);
}

static void
test_denied(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(deny_cases) / sizeof(deny_cases[0]); i++)
		check(&deny_cases[i], styles[deny_cases[i].style].deny,
			!deny_cases[i].expect);
}

/* ---- addresses ---------------------------------------------------------- */

static const struct {
	enum style style;
	const char *pattern, *address;
	uint16_t port;
	bool expect;
	const char *why;
} address_cases[] = {
	{KIT1, "192.0.2.7", "192.0.2.7", 443, true, "an address"},
	{KIT1, "192.0.2.7", "192.0.2.7", 80, true, "an address, web"},
	{KIT1, "192.0.2.7", "192.0.2.7", 22, false, "narrower: web only"},
	{KIT1, "192.0.2.7:22", "192.0.2.7", 22, true, "a port"},
	{KIT1, "192.0.2.0/24", "192.0.2.200", 443, true, "a range"},
	{KIT1, "192.0.2.0/24", "192.0.3.1", 443, false, "outside"},
	{KIT2, "192.0.2.7", "192.0.2.7", 80, false, "443 alone"},
	{KIT2, "192.0.2.0/24:8000-8001", "192.0.2.9", 8001, true, "ports"},
	{PROXY, "192.0.2.7:*", "192.0.2.7", 9999, true, "every port"},
	{CLOUD, "192.0.2.7", "192.0.2.7", 443, true, "an address"},
	{CLOUD, "192.0.2.0/24", "192.0.2.7", 443, false, "no host there"},
};

static void
test_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(address_cases) / sizeof(address_cases[0]);
		i++) {
		struct sockaddr_in to = {.sin_family = AF_INET,
			.sin_port = htons(address_cases[i].port)};
		const char *format = styles[address_cases[i].style].allow;
		struct policy_verdict v;
		struct policy *policy;
		struct import *import;
		char text[512];

		snprintf(text, sizeof(text), "%s", format);
		snprintf(strstr(text, "%s"), 256, "%s%s",
			address_cases[i].pattern, strstr(format, "%s") + 2);
		inet_pton(AF_INET, address_cases[i].address, &to.sin_addr);
		import = imported(styles[address_cases[i].style].dialect, text);
		policy = import_loaded(import);
		v = policy_decide_address(
			policy_find(policy, import_policy(import)),
			(const struct sockaddr *)&to);
		if (v.allowed != address_cases[i].expect)
			fail_msg("\"%s\" and %s:%u: %s",
				address_cases[i].pattern,
				address_cases[i].address, address_cases[i].port,
				address_cases[i].why);
		policy_unref(policy);
		import_free(import);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_denied),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
