#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiled.h"

#define ALLOW POLICY_RULE_ALLOW

static const char document[] =
	"version: 1\n"                             /* 1 */
	"policies:\n"                              /* 2 */
	"  agent:\n"                               /* 3 */
	"    default: deny\n"                      /* 4 */
	"    allow:\n"                             /* 5 */
	"      - host: api.test\n"                 /* 6 */
	"        method: [get, HEAD]\n"            /* 7 */
	"        path: \"/repos/**\"\n"            /* 8 */
	"      - {host: api.test, method: POST}\n" /* 9 */
	"      - {host: db.test, port: 5432, tls: passthrough}\n"
	"      - {host: [pin.test], tls: passthrough}\n" /* 11 */
	"      - {host: \"**.wide.test\", port: \"8000-8999\"}\n"
	"      - {address: 192.0.2.0/24, port: [22, 443]}\n" /* 13 */
	"      - {address: \"2001:db8::/32\", port: 22}\n"
	"      - {host: half.test, port: [443, 8443]}\n" /* 15 */
	"      - {host: shut.test}\n"
	"      - {host: open.test}\n" /* 17 */
	"      - {host: open.test, path: \"/a/**\"}\n"
	"    deny:\n" /* 19 */
	"      - {host: bad.wide.test}\n"
	"      - {host: pin.test, method: DELETE}\n" /* 21 */
	"      - {address: 192.0.2.66}\n"
	"      - {host: half.test, port: 8443}\n" /* 23 */
	"      - {host: shut.test, port: [80, 443]}\n"
	"      - {host: api.test, path: \"/repos/secret/**\"}\n" /* 25 */
	"  rest:\n"
	"    default: allow\n" /* 27 */
	"    allow:\n"
	"      - {host: api.test, path: \"/v1/**\"}\n" /* 29 */
	"      - {address: 192.0.2.0/24, port: [22, 443]}\n"
	"    deny:\n"
	"      - {host: \".evil.test\"}\n" /* 32 */
	"      - {host: \"*\", method: TRACE}\n"
	"  none:\n" /* 34 */
	"    allow: []\n"
	"  bare: {}\n";

static struct policy *policy;

static int
set_up(void **state)
{
	(void)state;
	policy = compiled(document);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	policy_unref(policy);
	return 0;
}

static void
expect(struct policy_verdict got, enum policy_reason want, const char *rule,
	const char *source, const char *why)
{
	bool allowed =
		want == POLICY_RULE_ALLOW || want == POLICY_DEFAULT_ALLOW;

	if (got.reason != want || strcmp(got.rule, rule) != 0 ||
		strcmp(got.source, source) != 0 || got.allowed != allowed)
		fail_msg("%s: %s by %s (%s)", why,
			policy_reason_name(got.reason), got.rule, got.source);
}

static const struct {
	const char *set, *host;
	unsigned port;
	enum policy_reason reason;
	enum policy_via via;
	const char *rule, *source, *why;
} flows[] = {
	{"agent", "api.test", 443, ALLOW, POLICY_VIA_INSPECT, "agent.allow[0]",
		"p.yaml:6", "some request could be allowed"},
	{"agent", "api.test", 80, ALLOW, POLICY_VIA_INSPECT, "agent.allow[0]",
		"p.yaml:6", "no port means 80 and 443"},
	{"agent", "api.test", 8080, POLICY_PORT, 0, "agent.allow[0]",
		"p.yaml:6", "another port"},
	{"agent", "other.test", 443, POLICY_NO_RULE, 0, "agent.default",
		"p.yaml:4", "nothing about that host"},
	{"agent", "db.test", 5432, ALLOW, POLICY_VIA_PASSTHROUGH,
		"agent.allow[2]", "p.yaml:10", "passthrough"},
	{"agent", "db.test", 443, POLICY_PORT, 0, "agent.allow[2]", "p.yaml:10",
		"a port given replaces 80 and 443"},
	{"agent", "pin.test", 443, POLICY_RULE_DENY, POLICY_VIA_PASSTHROUGH,
		"agent.deny[1]", "p.yaml:21", "nobody could see the DELETE"},
	{"agent", "a.wide.test", 8500, ALLOW, POLICY_VIA_INSPECT,
		"agent.allow[4]", "p.yaml:12", "a range"},
	{"agent", "a.wide.test", 9000, POLICY_PORT, 0, "agent.allow[4]",
		"p.yaml:12", "behind the range"},
	{"agent", "bad.wide.test", 8500, POLICY_RULE_DENY, 0, "agent.deny[0]",
		"p.yaml:20", "deny without port means every port"},
	{"agent", "half.test", 8443, POLICY_RULE_DENY, 0, "agent.deny[3]",
		"p.yaml:23", "deny on one port"},
	{"agent", "half.test", 443, ALLOW, POLICY_VIA_INSPECT, "agent.allow[7]",
		"p.yaml:15", "the other port stays open"},
	{"agent", "192.0.2.1", 22, POLICY_NO_RULE, 0, "agent.default",
		"p.yaml:4", "an address is never a name"},
	{"rest", "any.test", 9999, POLICY_DEFAULT_ALLOW, POLICY_VIA_INSPECT,
		"rest.default", "p.yaml:27", "default"},
	{"rest", "evil.test", 443, POLICY_RULE_DENY, 0, "rest.deny[0]",
		"p.yaml:32", "deny wins over the default"},
	{"rest", "a.b.evil.test", 1, POLICY_RULE_DENY, 0, "rest.deny[0]",
		"p.yaml:32", "all below, any port"},
	{"rest", "api.test", 8080, POLICY_DEFAULT_ALLOW, POLICY_VIA_INSPECT,
		"rest.default", "p.yaml:27", "no rule matches: the default"},
	{"none", "api.test", 443, POLICY_NO_RULE, 0, "none.default",
		"p.yaml:34", "an empty list allows nothing"},
	{"bare", "api.test", 443, POLICY_NO_RULE, 0, "bare.default",
		"p.yaml:36", "the default of the default is deny"},
};

static void
test_flows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(flows) / sizeof(flows[0]); i++) {
		const struct policy_set *set =
			policy_find(policy, flows[i].set);
		struct policy_verdict v =
			policy_decide_flow(set, flows[i].host, flows[i].port);

		expect(v, flows[i].reason, flows[i].rule, flows[i].source,
			flows[i].why);
		if (v.via != flows[i].via)
			fail_msg("%s: via %d", flows[i].why, v.via);
	}
}

static const struct {
	const char *set, *host;
	const char *method, *path;
	unsigned port;
	enum policy_reason reason;
	const char *rule, *source, *why;
} requests[] = {
	{"agent", "api.test", "GET", "/repos/x", 443, ALLOW, "agent.allow[0]",
		"p.yaml:6", "host, port, method and path"},
	{"agent", "api.test", "HEAD", "/repos", 443, ALLOW, "agent.allow[0]",
		"p.yaml:6", "** may be nothing"},
	{"agent", "api.test", "GET", "/users", 443, POLICY_PATH,
		"agent.allow[0]", "p.yaml:6", "path"},
	{"agent", "api.test", "POST", "/users", 443, ALLOW, "agent.allow[1]",
		"p.yaml:9", "the second rule has no path"},
	{"agent", "api.test", "PUT", "/repos/x", 443, POLICY_METHOD,
		"agent.allow[0]", "p.yaml:6", "method"},
	{"agent", "api.test", "get", "/repos/x", 443, POLICY_METHOD,
		"agent.allow[0]", "p.yaml:6", "methods are case-sensitive"},
	{"agent", "api.test", "GET", "/repos/x", 444, POLICY_PORT,
		"agent.allow[0]", "p.yaml:6", "port"},
	{"agent", "api.test", "GET", "/repos/secret/x", 443, POLICY_RULE_DENY,
		"agent.deny[5]", "p.yaml:25", "deny by path wins"},
	{"agent", "api.test", "POST", "/repos/x/../secret/y", 443,
		POLICY_PATH_AMBIGUOUS, "agent.deny[5]", "p.yaml:25",
		"the deny rule would have to know"},
	{"agent", "api.test", "GET", "/repos/%2e%2e/x", 443,
		POLICY_PATH_AMBIGUOUS, "agent.deny[5]", "p.yaml:25",
		"encoded dots"},
	{"agent", "other.test", "GET", "/%2e", 443, POLICY_NO_RULE,
		"agent.default", "p.yaml:4", "no rule at all"},
	{"agent", "half.test", "GET", "/a//b;c", 443, ALLOW, "agent.allow[7]",
		"p.yaml:15", "no path rule: any path"},
	{"agent", "half.test", "GET", "/", 8443, POLICY_RULE_DENY,
		"agent.deny[3]", "p.yaml:23", "deny by port"},
	{"agent", "open.test", "GET", "/x/../y", 443, ALLOW, "agent.allow[9]",
		"p.yaml:17", "a rule without path decides before"},
	{"agent", "pin.test", "delete", "/", 443, POLICY_RULE_DENY,
		"agent.deny[1]", "p.yaml:21",
		"a denied method is denied in any case"},
	{"agent", "pin.test", "GET", "/", 443, POLICY_RULE_DENY,
		"agent.deny[1]", "p.yaml:21",
		"its flow is closed: opened only to say so"},
	{"agent", "pin.test", "GET", "/", 80, POLICY_RULE_DENY, "agent.deny[1]",
		"p.yaml:21", "nor without TLS"},
	{"rest", "api.test", "GET", "/v2", 443, POLICY_DEFAULT_ALLOW,
		"rest.default", "p.yaml:27", "no match: the default"},
	{"rest", "api.test", "GET", "/v1/..", 443, POLICY_PATH_AMBIGUOUS,
		"rest.allow[0]", "p.yaml:29", "a path rule was asked first"},
	{"rest", "x.test", "TRACE", "/", 443, POLICY_RULE_DENY, "rest.deny[1]",
		"p.yaml:33", "deny by method anywhere"},
	{"rest", "x.test", "GET", "/..", 443, POLICY_DEFAULT_ALLOW,
		"rest.default", "p.yaml:27", "no path rule for that host"},
};

static void
test_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct policy_request request = {.host = requests[i].host,
			.port = (uint16_t)requests[i].port,
			.method = requests[i].method,
			.path = requests[i].path};
		struct policy_verdict v = policy_decide_request(
			policy_find(policy, requests[i].set), &request);

		expect(v, requests[i].reason, requests[i].rule,
			requests[i].source, requests[i].why);
		assert_int_equal(v.via, POLICY_VIA_INSPECT);
	}
}

static const struct {
	const char *set, *host;
	enum policy_reason reason;
	const char *rule, *source, *why;
} names[] = {
	{"agent", "api.test", ALLOW, "agent.allow[0]", "p.yaml:6", "allowed"},
	{"agent", "db.test", ALLOW, "agent.allow[2]", "p.yaml:10",
		"on any port"},
	{"agent", "nope.test", POLICY_NO_RULE, "agent.default", "p.yaml:4",
		"no rule"},
	{"agent", "bad.wide.test", POLICY_RULE_DENY, "agent.deny[0]",
		"p.yaml:20", "denied altogether"},
	{"agent", "half.test", ALLOW, "agent.allow[7]", "p.yaml:15",
		"one port is left"},
	{"agent", "shut.test", POLICY_RULE_DENY, "agent.deny[4]", "p.yaml:24",
		"no port is left"},
	{"rest", "evil.test", POLICY_RULE_DENY, "rest.deny[0]", "p.yaml:32",
		"deny wins over the default"},
	{"rest", "x.test", POLICY_DEFAULT_ALLOW, "rest.default", "p.yaml:27",
		"a denied method leaves the name"},
};

static void
test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		expect(policy_decide_name(policy_find(policy, names[i].set),
			       names[i].host),
			names[i].reason, names[i].rule, names[i].source,
			names[i].why);
}

static const struct {
	const char *set, *address;
	unsigned port;
	enum policy_reason reason;
	const char *rule, *source;
	bool early;
	const char *why;
} addresses[] = {
	{"agent", "192.0.2.7", 22, ALLOW, "agent.allow[5]", "p.yaml:13", true,
		"the server may speak first"},
	{"agent", "192.0.2.7", 443, ALLOW, "agent.allow[5]", "p.yaml:13", false,
		"host rules apply to 443"},
	{"agent", "192.0.2.7", 25, POLICY_PORT, "agent.allow[5]", "p.yaml:13",
		false, "another port"},
	{"agent", "192.0.2.66", 22, POLICY_RULE_DENY, "agent.deny[2]",
		"p.yaml:22", false, "deny wins"},
	{"agent", "198.51.100.1", 22, POLICY_NO_NAME, "agent.default",
		"p.yaml:4", false, "no address rule"},
	{"agent", "::ffff:192.0.2.7", 22, ALLOW, "agent.allow[5]", "p.yaml:13",
		true, "v4 in v6 clothes"},
	{"agent", "2001:db8:1::1", 22, ALLOW, "agent.allow[6]", "p.yaml:14",
		true, "v6"},
	{"agent", "2001:db9::1", 22, POLICY_NO_NAME, "agent.default",
		"p.yaml:4", false, "outside the range"},
	{"rest", "198.51.100.1", 443, POLICY_NO_NAME, "rest.default",
		"p.yaml:27", false, "no name, no default"},
	{"rest", "192.0.2.1", 22, ALLOW, "rest.allow[1]", "p.yaml:30", true,
		"what names no port counts for 80 and 443"},
	{"rest", "192.0.2.1", 443, ALLOW, "rest.allow[1]", "p.yaml:30", false,
		"a name could decide"},
};

static void
sockaddr_of(const char *text, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *v6 = (void *)ret;
	struct sockaddr_in *v4 = (void *)ret;

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return;
	}
	assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
}

static void
test_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		const struct policy_set *set =
			policy_find(policy, addresses[i].set);
		struct sockaddr_storage ss;
		struct policy_verdict v;

		sockaddr_of(addresses[i].address, addresses[i].port, &ss);
		v = policy_decide_address(set, (struct sockaddr *)&ss);
		expect(v, addresses[i].reason, addresses[i].rule,
			addresses[i].source, addresses[i].why);
		if (v.allowed)
			assert_int_equal(v.via, POLICY_VIA_ADDRESS);
		if (policy_decides_early(set, (struct sockaddr *)&ss) !=
			addresses[i].early)
			fail_msg("early: %s", addresses[i].why);
	}
}

static void
test_other_families_have_no_address(void **state)
{
	struct sockaddr sa = {.sa_family = AF_UNIX};
	const struct policy_set *set = policy_find(policy, "agent");

	(void)state;
	assert_int_equal(
		policy_decide_address(set, &sa).reason, POLICY_NO_NAME);
	assert_false(policy_decides_early(set, &sa));
}

static void
test_reason_names_are_distinct(void **state)
{
	(void)state;
	for (int a = POLICY_RULE_ALLOW; a <= POLICY_NOT_RAW; a++) {
		for (int b = POLICY_RULE_ALLOW; b < a; b++)
			assert_string_not_equal(
				policy_reason_name((enum policy_reason)a),
				policy_reason_name((enum policy_reason)b));
	}
	assert_string_equal(
		policy_reason_name(POLICY_PATH_AMBIGUOUS), "path_ambiguous");
}

static const char looking_on[] =
	"version: 1\n"
	"policies:\n"
	"  rules:\n" /* 3 */
	"    allow:\n"
	"      - {host: [\".one.test\"], method: GET}\n" /* 5 */
	"      - {host: pin.test, tls: passthrough}\n"
	"      - {address: 192.0.2.0/24, port: 22}\n" /* 7 */
	"    deny:\n"
	"      - {host: a.one.test, audit: true}\n" /* 9 */
	"      - {host: b.one.test, path: /x, audit: true}\n"
	"      - {host: pin.test, method: PUT, audit: true}\n" /* 11 */
	"      - {address: 192.0.2.7, audit: true}\n"
	"      - {host: c.one.test}\n" /* 13 */
	"  all:\n"
	"    audit: true\n" /* 15 */
	"    allow:\n"
	"      - {host: one.test, method: GET}\n" /* 17 */
	"      - {host: pin.test, tls: passthrough}\n"
	"    deny:\n"
	"      - {host: bad.test}\n" /* 20 */
	"      - {host: pin.test, method: PUT}\n";

enum asked { FLOW, REQUEST, NAME, ADDRESS };

static struct policy_verdict
ask(const struct policy_set *set, enum asked asked, const char *host,
	const char *path)
{
	struct policy_request request = {
		.host = host, .port = 443, .method = "GET", .path = path};
	struct sockaddr_storage ss;

	switch (asked) {
	case FLOW:
		return policy_decide_flow(set, host, 443);
	case REQUEST:
		return policy_decide_request(set, &request);
	case NAME:
		return policy_decide_name(set, host);
	case ADDRESS:
		break;
	}
	sockaddr_of(host, 22, &ss);
	return policy_decide_address(set, (struct sockaddr *)&ss);
}

static const struct {
	const char *set;
	enum asked asked;
	const char *host, *path;
	const char *is; /* allowed, audited, entitled */
	enum policy_reason reason;
	enum policy_via via;
	const char *rule, *why;
} audits[] = {
	{"rules", REQUEST, "a.one.test", "/", "yyy", POLICY_RULE_DENY, 0,
		"rules.deny[0]", "as if the rule was not there, but named"},
	{"rules", FLOW, "a.one.test", NULL, "yyy", POLICY_RULE_DENY, 0,
		"rules.deny[0]", "the flow too"},
	{"rules", NAME, "a.one.test", NULL, "yyy", POLICY_RULE_DENY, 0,
		"rules.deny[0]", "and the name"},
	{"rules", REQUEST, "b.one.test", "/x", "yyy", POLICY_RULE_DENY, 0,
		"rules.deny[1]", "by path"},
	{"rules", REQUEST, "b.one.test", "/..", "yyy", POLICY_PATH_AMBIGUOUS, 0,
		"rules.deny[1]", "it would deny what it cannot read"},
	{"rules", REQUEST, "b.one.test", "/y", "yny", POLICY_RULE_ALLOW, 0,
		"rules.allow[0]", "it does not match"},
	{"rules", FLOW, "b.one.test", NULL, "yny", POLICY_RULE_ALLOW, 0,
		"rules.allow[0]", "its requests are decided later"},
	{"rules", FLOW, "pin.test", NULL, "yyy", POLICY_RULE_DENY,
		POLICY_VIA_PASSTHROUGH, "rules.deny[2]", "nobody would see"},
	{"rules", ADDRESS, "192.0.2.7", NULL, "yyy", POLICY_RULE_DENY,
		POLICY_VIA_ADDRESS, "rules.deny[3]", "an address"},
	{"rules", REQUEST, "c.one.test", "/", "nnn", POLICY_RULE_DENY, 0,
		"rules.deny[4]", "another rule still denies"},
	{"rules", REQUEST, "a.two.test", "/", "nnn", POLICY_NO_RULE, 0,
		"rules.default", "it does not allow either"},
	{"all", REQUEST, "one.test", "/", "yny", POLICY_RULE_ALLOW, 0,
		"all.allow[0]", "allowed anyway"},
	{"all", REQUEST, "bad.test", "/", "yyn", POLICY_RULE_DENY, 0,
		"all.deny[0]", "even what a rule denies"},
	{"all", FLOW, "two.test", NULL, "yyn", POLICY_NO_RULE, 0, "all.default",
		"inspected"},
	{"all", NAME, "two.test", NULL, "yyn", POLICY_NO_RULE, 0, "all.default",
		"resolved"},
	{"all", FLOW, "pin.test", NULL, "yyn", POLICY_RULE_DENY,
		POLICY_VIA_PASSTHROUGH, "all.deny[1]", "stays unopened"},
	{"all", ADDRESS, "192.0.2.7", NULL, "yyn", POLICY_NO_NAME,
		POLICY_VIA_ADDRESS, "all.default", "where it was dialled"},
};

static void
test_audit(void **state)
{
	struct policy *p = compiled(looking_on);
	struct sockaddr_storage ss;

	(void)state;
	for (size_t i = 0; i < sizeof(audits) / sizeof(audits[0]); i++) {
		struct policy_verdict v = ask(policy_find(p, audits[i].set),
			audits[i].asked, audits[i].host, audits[i].path);
		const char is[] = {v.allowed ? 'y' : 'n', v.audited ? 'y' : 'n',
			v.entitled ? 'y' : 'n', '\0'};

		if (strcmp(is, audits[i].is) != 0 ||
			v.reason != audits[i].reason ||
			strcmp(v.rule, audits[i].rule) != 0 ||
			v.via != audits[i].via)
			fail_msg("%s: %s %s by %s via %d", audits[i].why, is,
				policy_reason_name(v.reason), v.rule, v.via);
	}
	/* A rule that looks on is no reason to wait for a name, and what only
	 * audit lets pass is none to do without. */
	sockaddr_of("192.0.2.7", 22, &ss);
	assert_true(policy_decides_early(
		policy_find(p, "rules"), (struct sockaddr *)&ss));
	assert_false(policy_decides_early(
		policy_find(p, "all"), (struct sockaddr *)&ss));
	policy_unref(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flows),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_audit),
		cmocka_unit_test(test_other_families_have_no_address),
		cmocka_unit_test(test_reason_names_are_distinct),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
