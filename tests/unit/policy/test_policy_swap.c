/*
 * Which swaps apply where, and what a credential with a stand-in says of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "compiled.h"
#include "policy_swap.h"

static const char text[] =
	"version: 1\n"
	"credentials:\n"
	"  a:\n"
	"    source: {env: A}\n"
	"    environment: [A_TOKEN, A_KEY]\n"
	"    swap:\n"
	"      - {host: one.a.test, in: [path, body]}\n"
	"      - {host: \"*.a.test\", port: [443, 8443]}\n"
	"      - {host: plain.b.test, plaintext: true, in: query}\n"
	"  b:\n"
	"    source: {file: \"/keys/${sandbox}\"}\n"
	"    swap: {host: two.a.test}\n"
	"  c:\n"
	"    source: {env: C}\n"
	"    inject: {host: one.a.test, header: X-C}\n"
	"  d:\n"
	"    source: {env: C}\n"
	"    environment: D\n"
	"    inject: {host: one.a.test, header: X-D}\n"
	"policies:\n"
	"  p:\n"
	"    default: allow\n"
	"    credentials: [b, a, c]\n"
	"  none: {default: allow}\n";

static const struct {
	const char *set, *host;
	uint16_t port;
	const char *swaps;
	const char *reason;
} cases[] = {
	{"p", "one.a.test", 443, "a:12", "the first entry that matches"},
	{"p", "one.a.test", 8443, "a:1", "… on that port the second"},
	{"p", "two.a.test", 443, "b:1 a:1", "the policy's order"},
	{"p", "two.a.test", 80, "", "never port 80 by itself"},
	{"p", "a.test", 443, "", "the star is a label"},
	{"p", "plain.b.test", 80, "a:2+", "plaintext: 80 as well"},
	{"p", "plain.b.test", 443, "a:2+", "… and 443"},
	{"none", "one.a.test", 443, "", "the policy does not list it"},
};

static void
test_swaps(void **state)
{
	struct policy *p = compiled(text);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct policy_swap *list[4];
		char got[128] = "";
		int len = 0;
		size_t n;

		n = policy_swaps(policy_find(p, cases[i].set), cases[i].host,
			cases[i].port, list, 4);
		for (size_t k = 0; k < n; k++)
			len += snprintf(got + len, sizeof(got) - (size_t)len,
				"%s%s:%u%s", k > 0 ? " " : "",
				list[k]->credential, list[k]->places,
				list[k]->plaintext ? "+" : "");
		if (strcmp(got, cases[i].swaps) != 0)
			fail_msg("%s: %s", cases[i].reason, got);
	}
	policy_unref(p);
}

static void
test_there_may_be_more(void **state)
{
	struct policy *p = compiled(text);
	const struct policy_swap *list[2] = {NULL, NULL};

	(void)state;
	assert_int_equal(
		policy_swaps(policy_find(p, "p"), "two.a.test", 443, list, 1),
		2);
	assert_string_equal(list[0]->credential, "b");
	assert_true(list[0]->own);
	assert_string_equal(list[0]->source, "p.yaml:12");
	assert_null(list[1]);
	policy_unref(p);
}

static void
test_credentials(void **state)
{
	static const struct {
		const char *variables, *hosts;
		bool stands_in;
	} expected[] = {
		{"A_TOKEN A_KEY ", "one.a.test *.a.test plain.b.test ", true},
		{"", "two.a.test ", true},
		{"", "one.a.test ", false},
		{"D ", "one.a.test ", true},
	};
	struct policy *p = compiled(text);
	const struct policy_credential *c;

	(void)state;
	assert_int_equal(policy_credentials(p, &c), 4);
	for (size_t i = 0; i < 4; i++) {
		char variables[64] = "", hosts[64] = "";

		for (size_t k = 0; k < c[i].environment_count; k++) {
			strcat(variables, c[i].environment[k]);
			strcat(variables, " ");
		}
		for (size_t k = 0; k < c[i].host_count; k++) {
			strcat(hosts, c[i].hosts[k]);
			strcat(hosts, " ");
		}
		assert_string_equal(variables, expected[i].variables);
		assert_string_equal(hosts, expected[i].hosts);
		assert_int_equal(c[i].stands_in, expected[i].stands_in);
	}
	policy_unref(p);
}

static void
test_places_have_names(void **state)
{
	(void)state;
	assert_string_equal(policy_place_name(0), "header");
	assert_string_equal(policy_place_name(1), "query");
	assert_string_equal(policy_place_name(2), "path");
	assert_string_equal(policy_place_name(3), "body");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_swaps),
		cmocka_unit_test(test_there_may_be_more),
		cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_places_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
