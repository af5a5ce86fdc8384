/* The words of refusals, as whoever is inside the sandbox reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "allowance.h"
#include "array.h"
#include "flow.h"
#include "policy.h"
#include "refusal.h"
#include "sandbox.h"

static char sandbox_name[] = "build-1", policy_name_text[] = "agent";
static struct sandbox sandbox = {
	.name = sandbox_name, .policy_name = policy_name_text};

static struct flow
flow(const char *host, uint16_t port)
{
	struct flow f = {.sandbox = &sandbox, .port = port};

	memcpy(f.host, host, strlen(host) + 1);
	return f;
}

#define NOT_ALLOWED \
	"the egress policy \"agent\" of sandbox build-1 does not allow " \
	"a.test: "
#define ASK_FOR(host, port) \
	"do not retry; ask the operator to add a rule for host " host \
	", port " port " to the allow list of policy agent"

static void
test_policy_says_no(void **state)
{
	static const struct {
		enum policy_reason reason;
		const char *want, *hint;
	} cases[] = {
		{POLICY_NO_RULE, NOT_ALLOWED "no rule allows this host",
			ASK_FOR("a.test", "443")},
		{POLICY_RULE_DENY, NOT_ALLOWED "a deny rule names it",
			"do not retry; the operator denied this on purpose"},
		{POLICY_METHOD,
			NOT_ALLOWED "this host is allowed, but not with this "
				    "method",
			ASK_FOR("a.test", "443")},
		{POLICY_PATH,
			NOT_ALLOWED "this host is allowed, but not this path",
			ASK_FOR("a.test", "443")},
		{POLICY_PATH_AMBIGUOUS,
			NOT_ALLOWED "the path can be read in more than one "
				    "way and a path rule decides",
			ASK_FOR("a.test", "443")},
		{POLICY_QUERY,
			NOT_ALLOWED "this host and path are allowed, but not "
				    "with this query",
			ASK_FOR("a.test", "443")},
		{POLICY_QUERY_AMBIGUOUS,
			NOT_ALLOWED "the query can be read in more than one "
				    "way and a query rule decides",
			ASK_FOR("a.test", "443")},
		{POLICY_HEADER,
			NOT_ALLOWED "this host and path are allowed, but not "
				    "with these header fields",
			ASK_FOR("a.test", "443")},
		{POLICY_PORT,
			NOT_ALLOWED "this host is allowed, but not on this "
				    "port",
			ASK_FOR("a.test", "443")},
	};
	struct flow f = flow("a.test", 443);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct policy_verdict v = {.reason = cases[i].reason,
			.rule = "agent.default",
			.source = "p.yaml:3"};
		struct refusal r;

		refusal_by_policy(&r, &f, &v, 0xabc);
		assert_int_equal(r.reply.status, 403);
		assert_string_equal(r.reply.error, "policy_denied");
		assert_string_equal(r.reply.reason, cases[i].want);
		assert_string_equal(r.reply.rule, "agent.default (p.yaml:3)");
		assert_string_equal(r.reply.host, "a.test");
		assert_string_equal(r.reply.hint, cases[i].hint);
		assert_string_equal(r.reply.id, "0000000000000abc");
	}
}

static void
test_anything_else(void **state)
{
	static const struct {
		int status;
		enum record_reason reason;
		const char *host, *error, *want_host, *hint;
	} cases[] = {
		{502, RECORD_UPSTREAM_TLS, "a.test", "upstream_tls", "a.test",
			"read the detail; for a private CA set "
			"upstream.ca_file"},
		{504, RECORD_TIMEOUT, "a.test", "timeout", "a.test",
			"read the detail for which; limits can be raised in "
			"the daemon's settings"},
		{400, RECORD_MALFORMED_HTTP, "", "malformed_http", NULL,
			"look at the client: a correct one never sends this"},
		{503, RECORD_LOG_FULL, "a.test", "log_full", "a.test",
			"make room where the decision log lies"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct flow f = flow(cases[i].host, 443);
		char why[] = "what was wrong";
		struct refusal r;

		refusal_because(&r, &f, cases[i].status, cases[i].reason, why);
		memset(why, 'x', sizeof(why) - 1); /* it has its own copy */
		assert_int_equal(r.reply.status, cases[i].status);
		assert_string_equal(r.reply.error, cases[i].error);
		assert_string_equal(r.reply.reason, "what was wrong");
		assert_null(r.reply.rule);
		assert_null(r.reply.id);
		if (cases[i].want_host != NULL)
			assert_string_equal(r.reply.host, cases[i].want_host);
		else
			assert_null(r.reply.host);
		assert_string_equal(r.reply.hint, cases[i].hint);
		refusal_set_id(&r, UINT64_MAX);
		assert_string_equal(r.reply.id, "ffffffffffffffff");
	}
}

/* Names are bounded, but their sum is not: it is cut, never overrun. */
static void
test_long_names_are_cut(void **state)
{
	char host[HOST_MAX + 1], rule[400], why[1000];
	struct policy_verdict v = {
		.reason = POLICY_NO_RULE, .rule = rule, .source = "p.yaml:3"};
	struct refusal r;
	struct flow f;

	(void)state;
	memset(host, 'h', HOST_MAX);
	memset(rule, 'r', sizeof(rule) - 1);
	memset(why, 'w', sizeof(why) - 1);
	host[HOST_MAX] = rule[sizeof(rule) - 1] = why[sizeof(why) - 1] = '\0';
	f = flow(host, 443);
	refusal_by_policy(&r, &f, &v, 1);
	assert_int_equal(strlen(r.reply.rule), sizeof(r.rule) - 1);
	/* A name of any length leaves room for what is said of it. */
	assert_non_null(strstr(r.reply.reason, "no rule allows this host"));
	assert_non_null(strstr(r.reply.hint, "allow list of policy agent"));
	refusal_because(&r, &f, 502, RECORD_RESOLVE, why);
	assert_int_equal(strlen(r.reply.reason), sizeof(r.reason) - 1);
}

static void
test_a_limit_says_when_to_come_back(void **state)
{
	struct flow f = flow("a.test", 443);
	struct policy_verdict v = {
		.rule = "agent.allow[0]", .source = "p.yaml:3"};
	struct allowance spent = {.why = "none are left", .retry_after = 17};
	struct refusal r;

	(void)state;
	refusal_by_limit(&r, &f, &v, &spent);
	assert_int_equal(r.reply.status, 429);
	assert_string_equal(r.reply.error, "budget");
	assert_string_equal(r.reply.reason, "none are left");
	assert_string_equal(r.reply.rule, "agent.allow[0] (p.yaml:3)");
	assert_int_equal(r.reply.retry_after, 17);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_limit_says_when_to_come_back),
		cmocka_unit_test(test_policy_says_no),
		cmocka_unit_test(test_anything_else),
		cmocka_unit_test(test_long_names_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
