/* Which packets a policy lets pass, and under an overlay. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiled.h"
#include "overlay.h"
#include "policy_packet.h"
#include "report.h"
#include "tree.h"

static const char document[] =
	"version: 1\n"
	"policies:\n"
	"  agent:\n"
	"    default: allow\n"
	"    allow:\n"
	"      - {address: 192.0.2.0/24, protocol: udp, port: [123, "
	"5000-5010]}\n"
	"      - {address: \"2001:db8::/32\", protocol: icmp}\n"
	"      - {address: 192.0.2.9, protocol: tcp, port: 22}\n"
	"      - {address: 192.0.2.10, port: 22}\n"
	"      - {address: 192.0.2.0/28, protocol: icmp}\n"
	"    deny:\n"
	"      - {address: 192.0.2.1}\n"
	"      - {address: 192.0.2.2, protocol: icmp}\n"
	"      - {address: 192.0.2.3, port: 123}\n"
	"      - {address: 192.0.2.4, protocol: udp, audit: true}\n"
	"  watched:\n"
	"    audit: true\n"
	"    allow: [{host: a.test}]\n";

static const struct {
	const char *to;
	uint16_t port;
	enum policy_protocol protocol;
	bool allowed;
	enum policy_reason reason;
	const char *why;
} cases[] = {
	{"192.0.2.50", 123, POLICY_UDP, true, POLICY_RULE_ALLOW, "its rule"},
	{"192.0.2.50", 5010, POLICY_UDP, true, POLICY_RULE_ALLOW, "a range"},
	{"192.0.2.50", 22, POLICY_UDP, false, POLICY_PORT, "another port"},
	{"198.51.100.1", 123, POLICY_UDP, false, POLICY_NO_NAME,
		"another address, whatever the default is"},
	{"192.0.2.9", 22, POLICY_UDP, false, POLICY_PORT, "a rule about TCP"},
	{"192.0.2.10", 22, POLICY_UDP, false, POLICY_PORT,
		"without protocol an allow rule is about TCP"},
	{"192.0.2.50", 0, POLICY_ICMP, false, POLICY_NO_NAME,
		"a rule about UDP is none about ICMP"},
	{"192.0.2.5", 0, POLICY_ICMP, true, POLICY_RULE_ALLOW, "its rule"},
	{"2001:db8::1", 0, POLICY_ICMP, true, POLICY_RULE_ALLOW, "of IPv6"},
	{"192.0.2.1", 123, POLICY_UDP, false, POLICY_RULE_DENY,
		"a deny rule without protocol is about each"},
	{"192.0.2.1", 0, POLICY_ICMP, false, POLICY_RULE_DENY,
		"about ICMP, too"},
	{"192.0.2.2", 0, POLICY_ICMP, false, POLICY_RULE_DENY, "its own"},
	{"192.0.2.2", 123, POLICY_UDP, true, POLICY_RULE_ALLOW,
		"a deny rule about ICMP alone"},
	{"192.0.2.3", 123, POLICY_UDP, false, POLICY_RULE_DENY, "its port"},
	{"192.0.2.3", 0, POLICY_ICMP, true, POLICY_RULE_ALLOW,
		"a deny rule with a port is not about ICMP"},
	{"192.0.2.4", 123, POLICY_UDP, true, POLICY_RULE_DENY,
		"a deny rule that only looks on"},
};

static struct policy_verdict
decide(const struct policy_set *set, enum policy_protocol protocol,
	const char *to, uint16_t port)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6, .sin6_port = htons(port)};

	if (inet_pton(AF_INET, to, &in.sin_addr) == 1)
		return policy_decide_packet(
			set, protocol, (const struct sockaddr *)&in);
	assert_int_equal(inet_pton(AF_INET6, to, &in6.sin6_addr), 1);
	return policy_decide_packet(
		set, protocol, (const struct sockaddr *)&in6);
}

static void
test_packets(void **state)
{
	struct policy *p = compiled(document);
	const struct policy_set *set = policy_find(p, "agent");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy_verdict v = decide(
			set, cases[i].protocol, cases[i].to, cases[i].port);

		if (v.allowed != cases[i].allowed ||
			v.reason != cases[i].reason)
			fail_msg("%s: %d, %s", cases[i].why, v.allowed,
				policy_reason_name(v.reason));
		assert_non_null(v.rule);
	}
	policy_unref(p);
}

/* Who only looks on does not let out what nobody can look at. */
static void
test_an_audited_policy_lets_no_packet_pass(void **state)
{
	struct policy *p = compiled(document);

	(void)state;
	assert_false(
		decide(policy_find(p, "watched"), POLICY_UDP, "192.0.2.50", 123)
			.allowed);
	policy_unref(p);
}

static void
test_under_an_overlay(void **state)
{
	static const struct {
		const char *text;
		bool udp, icmp;
	} overlays[] = {
		{"mode: lockdown\n", false, false},
		{"deny: [{address: 192.0.2.0/24, protocol: udp}]\n", false,
			true},
		{"deny: [{address: 192.0.2.5}]\n", false, false},
		{"allow: [{address: 192.0.2.5, protocol: udp, port: 99}]\n",
			true, true},
	};
	struct policy *p = compiled(document);
	const struct policy_set *base = policy_find(p, "agent");

	(void)state;
	for (size_t i = 0; i < sizeof(overlays) / sizeof(overlays[0]); i++) {
		const char *text = overlays[i].text;
		struct report *report = report_new();
		struct overlay *o = NULL;
		struct tree *tree = NULL;
		const struct policy_set *set;

		assert_int_equal(tree_parse("overlay", text, strlen(text),
					 &tree, report),
			0);
		assert_int_equal(overlay_compile(tree, "s", &o, report), 0);
		set = overlay_over(o, base);
		assert_int_equal(
			decide(set, POLICY_UDP, "192.0.2.5", 123).allowed,
			overlays[i].udp);
		assert_int_equal(
			decide(set, POLICY_ICMP, "192.0.2.5", 0).allowed,
			overlays[i].icmp);
		overlay_unref(o);
		tree_free(tree);
		report_free(report);
	}
	policy_unref(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packets),
		cmocka_unit_test(test_an_audited_policy_lets_no_packet_pass),
		cmocka_unit_test(test_under_an_overlay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
