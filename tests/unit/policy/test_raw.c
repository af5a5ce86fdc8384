/* What is neither TLS nor HTTP, to a name: which rule carries it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compiled.h"
#include "policy_raw.h"

#define ALLOW POLICY_RULE_ALLOW

static const char unread[] =
	"version: 1\n"
	"policies:\n"
	"  p:\n" /* 3 */
	"    allow:\n"
	"      - {host: db.test, port: [443, 5432]}\n" /* 5 */
	"      - {host: web.test}\n"
	"      - {host: ssh.test, port: [22, 443], protocol: tcp}\n" /* 7 */
	"      - {host: pin.test, port: 993, tls: passthrough}\n"
	"      - {host: path.test, port: 8080, path: /x}\n" /* 9 */
	"      - {host: path.test, port: [8080, 8081]}\n"
	"      - {host: few.test, port: 8080, limit: {requests: 1/s}}\n"
	"      - {host: few.test, port: 8080, protocol: tcp}\n" /* 12 */
	"      - {host: [part.test, look.test], port: 22, protocol: tcp}\n"
	"      - {host: shut.test, port: [21, 22]}\n" /* 14 */
	"      - {host: half.test, port: [21, 22]}\n"
	"      - {address: 0.0.0.0/0, port: 1-65535}\n" /* 16 */
	"    deny:\n"
	"      - {host: part.test, method: PUT}\n" /* 18 */
	"      - {host: look.test, method: PUT, audit: true}\n"
	"      - {host: shut.test}\n" /* 20 */
	"      - {host: half.test, port: 22}\n"
	"      - {host: db.test, port: 5432, audit: true}\n" /* 22 */
	"  open:\n"
	"    default: allow\n" /* 24 */
	"    deny: [{host: bad.test}]\n"
	"  watch:\n"
	"    audit: true\n"
	"    allow: [{host: ssh.test, port: 22, protocol: tcp}]\n"
	"    deny: [{host: bad.test}]\n";

static const struct {
	const char *set, *host;
	unsigned port;
	const char *is; /* allowed, audited, entitled, at once, name may be */
	enum policy_reason reason;
	const char *rule, *why;
} raws[] = {
	{"p", "db.test", 5432, "yyyny", POLICY_RULE_DENY, "p.deny[4]",
		"a port that is named, and a rule that only looks on"},
	{"p", "db.test", 443, "nnnny", POLICY_NOT_RAW, "p.allow[0]",
		"443 is for TLS"},
	{"p", "db.test", 22, "nnnny", POLICY_PORT, "p.allow[0]",
		"no such port"},
	{"p", "web.test", 80, "nnnnn", POLICY_NOT_RAW, "p.allow[1]",
		"80 is for HTTP"},
	{"p", "web.test", 25, "nnnnn", POLICY_PORT, "p.allow[1]",
		"it has only those"},
	{"p", "ssh.test", 22, "ynyyy", ALLOW, "p.allow[2]", "said outright"},
	{"p", "ssh.test", 443, "ynyyy", ALLOW, "p.allow[2]",
		"said outright, of 443 too"},
	{"p", "pin.test", 993, "ynyny", ALLOW, "p.allow[3]",
		"nobody reads it either way"},
	{"p", "path.test", 8081, "ynyny", ALLOW, "p.allow[5]", "a port"},
	{"p", "path.test", 8080, "ynyny", ALLOW, "p.allow[5]",
		"some of its requests have a rule of their own"},
	{"p", "few.test", 8080, "nnnny", POLICY_NOT_RAW, "p.allow[6]",
		"requests are counted, and none comes to the rule behind"},
	{"p", "part.test", 22, "nnnny", POLICY_RULE_DENY, "p.deny[0]",
		"it could be a PUT"},
	{"p", "look.test", 22, "yyyyy", POLICY_RULE_DENY, "p.deny[1]",
		"it could be one, and that is on record"},
	{"p", "shut.test", 22, "nnnnn", POLICY_RULE_DENY, "p.deny[2]",
		"denied altogether"},
	{"p", "half.test", 22, "nnnny", POLICY_RULE_DENY, "p.deny[3]",
		"denied on one port"},
	{"p", "half.test", 21, "ynyny", ALLOW, "p.allow[10]",
		"and not the other"},
	{"p", "else.test", 22, "nnnnn", POLICY_NO_RULE, "p.default",
		"an address rule is not about names"},
	{"open", "any.test", 22, "nnnnn", POLICY_NOT_RAW, "open.default",
		"no default allows what nobody reads"},
	{"open", "bad.test", 22, "nnnnn", POLICY_RULE_DENY, "open.deny[0]",
		"deny is deny"},
	{"watch", "ssh.test", 22, "ynyyy", ALLOW, "watch.allow[0]", "allowed"},
	{"watch", "ssh.test", 23, "yynny", POLICY_PORT, "watch.allow[0]",
		"audit denies nothing"},
	{"watch", "bad.test", 22, "yynnn", POLICY_RULE_DENY, "watch.deny[0]",
		"audit denies nothing"},
};

static void
test_raw(void **state)
{
	struct policy *p = compiled(unread);

	(void)state;
	for (size_t i = 0; i < sizeof(raws) / sizeof(raws[0]); i++) {
		const struct policy_set *set = policy_find(p, raws[i].set);
		struct policy_verdict v = policy_decide_raw(
			set, raws[i].host, (uint16_t)raws[i].port);
		bool name = policy_name_may_be_raw(set, raws[i].host);
		const char is[] = {v.allowed ? 'y' : 'n', v.audited ? 'y' : 'n',
			v.entitled ? 'y' : 'n', v.at_once ? 'y' : 'n',
			name ? 'y' : 'n', '\0'};

		if (strcmp(is, raws[i].is) != 0 || v.reason != raws[i].reason ||
			strcmp(v.rule, raws[i].rule) != 0)
			fail_msg("%s %u, %s: %s %s by %s", raws[i].host,
				raws[i].port, raws[i].why, is,
				policy_reason_name(v.reason), v.rule);
		if (v.allowed)
			assert_int_equal(v.via, POLICY_VIA_RAW);
	}
	policy_unref(p);
}

static void
expect(struct policy_verdict got, const char *rule, const char *why)
{
	if (strcmp(got.rule, rule) != 0)
		fail_msg("%s: %s by %s", why, policy_reason_name(got.reason),
			got.rule);
}

/* A name in a hello is enough for a rule that opens nothing. */
static void
test_raw_rules_decide_flows(void **state)
{
	struct policy *p = compiled(unread);
	const struct policy_set *set = policy_find(p, "p");
	struct policy_verdict v = policy_decide_flow(set, "ssh.test", 443);

	(void)state;
	expect(v, "p.allow[2]", "by name");
	assert_int_equal(v.via, POLICY_VIA_RAW);
	v = policy_decide_flow(set, "part.test", 22);
	expect(v, "p.deny[0]", "a PUT, perhaps");
	assert_false(v.allowed);
	expect(policy_decide_name(set, "ssh.test"), "p.allow[2]",
		"it may be resolved");
	policy_unref(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_raw_rules_decide_flows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
