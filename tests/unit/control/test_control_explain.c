#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "control_query.h"
#include "control_reply.h"
#include "control_routes.h"
#include "fake_keeper.h"

static const struct {
	const char *query;
	const char *holds[4];
	const char *why;
} cases[] = {
	{"sandbox=one&url=https://api.example.org/repos/a",
		{"\"allowed\"", "\"rule_allow\"", "agent.allow[0]", "\"api\""},
		"the credential goes with it"},
	{"sandbox=one&url=http://api.example.org/repos/a",
		{"\"allowed\"", "\"credentials\": []"}, "not over plain HTTP"},
	{"sandbox=one&url=https://api.example.org/repos/a&method=POST",
		{"\"denied\"", "\"method\"", "\"credentials\": []"}, "method"},
	{"sandbox=one&url=https://api.example.org/users",
		{"\"denied\"", "\"path\""}, "path"},
	{"sandbox=one&url=https://api.example.org/repos/%252e%252e/x",
		{"\"denied\"", "\"path_ambiguous\""},
		"encoded once in the query, once in the path"},
	{"sandbox=one&url=https://api.example.org/repos/a?/../b",
		{"\"allowed\"", "\"path\": \"/repos/a\""},
		"the query is not part of the path"},
	{"sandbox=one&url=https://q.example.org/?a=12&header=x-a:%20b",
		{"\"allowed\"", "agent.allow[2]"}, "query and header"},
	{"sandbox=one&header=X-Z:c&header=X-A:b&url=https://q.example.org/?a=1",
		{"\"allowed\""}, "as many headers as wanted"},
	{"sandbox=one&url=https://q.example.org/?a=1",
		{"\"denied\"", "\"header\""}, "no header"},
	{"sandbox=one&url=https://q.example.org/?a=1&header=X-A:b&header=X-A:c",
		{"\"denied\"", "\"header\""}, "each line must match"},
	{"sandbox=one&url=https://q.example.org/?b=1&header=X-A:b",
		{"\"denied\"", "\"query\""}, "no query"},
	{"sandbox=one&url=https://q.example.org/?A=1&header=X-A:b",
		{"\"denied\"", "\"query_ambiguous\""}, "ambiguous"},
	{"sandbox=one&url=https://q.example.org/?a=1&header=X-A:b"
	 "&header=Connection:X-A",
		{"\"denied\"", "\"header\""},
		"what does not go on is not there"},
	{"sandbox=one&url=https://example.org/&header=none", {"Name: value"},
		"no header line"},
	{"sandbox=one&url=https://example.org/&header=a%20b:c",
		{"none that a request may have"}, "no field name"},
	{"sandbox=one&url=https://example.org/&header=%zz",
		{"cannot be decoded"}, "no text"},
	{"sandbox=one&url=https://API.Example.ORG./repos/a", {"\"allowed\""},
		"normalised"},
	{"sandbox=one&url=https://example.org",
		{"\"allowed\"", "\"path\": \"/\""}, "no path"},
	{"sandbox=one&url=https://example.org:8443/",
		{"\"denied\"", "\"port\"", "8443"}, "another port"},
	{"sandbox=one&url=https://db.example.org:5432/",
		{"\"allowed\"", "\"passthrough\""}, "passthrough"},
	{"sandbox=one&url=https://192.0.2.7:22/",
		{"\"allowed\"", "\"address\""}, "address rule"},
	{"sandbox=one&url=https://192.0.2.7/", {"\"denied\"", "\"port\""},
		"address, other port"},
	{"sandbox=one&url=https://[2001:db8::1]/",
		{"\"denied\"", "\"no_name\""}, "IPv6 address"},
	{"sandbox=one&url=https://0x7f000001/", {"odd spelling"},
		"what inet_aton() would take"},
	{"sandbox=one&url=https://evil.example/", {"\"denied\"", "\"no_rule\""},
		"nothing about it"},
	{"policy=open&url=https://evil.example/",
		{"\"allowed\"", "\"default_allow\""}, "by policy"},
	{"sandbox=one&url=https://few.example.org/",
		{"\"by\": \"agent.allow[5]\",",
			"\"text\": \"60 requests a minute, 1500 B an hour to "
			"the origin, 20 MB a day from the origin\"",
			"\"up\": \"1500B/h\"", "\"down\": \"20MB/d\""},
		"the rule's limit"},
	{"sandbox=two&url=https://few.example.org/",
		{"\"by\": \"agent.allow[5]\",", "\"by\": \"two.limit\"",
			"\"source\": \"boxes.yaml:7\"",
			"\"100 requests an hour\""},
		"and the sandbox's"},
	{"sandbox=two&url=https://evil.example/", {"\"limits\": []"},
		"what is denied uses none of it"},
	{"sandbox=one&method=TRACE&url=https://few.example.org/",
		{"\"denied\"", "\"limits\": []"},
		"what is denied has no limit"},
	{"sandbox=one&url=https://example.org/", {"\"limits\": []"},
		"no limit"},
	{"policy=none&url=https://evil.example/", {"no such policy"},
		"unknown policy"},
	{"sandbox=none&url=https://evil.example/", {"no such sandbox"},
		"unknown sandbox"},
	{"name=one&url=https://example.org/",
		{"\"allowed\"", "\"sandbox\": \"one\""}, "a sandbox by name"},
	{"name=open&url=https://example.org/",
		{"\"allowed\"", "\"policy\": \"open\""}, "a policy by name"},
	{"name=none&url=https://example.org/", {"no sandbox and no policy"},
		"neither"},
	{"sandbox=one&url=http://db.example.org:5432/",
		{"\"allowed\"", "\"inspect\""},
		"without TLS there is nothing to pass through"},
	{"sandbox=one&method=TRACE&url=https://example.org/",
		{"\"denied\"", "\"method_refused\"", "for everybody"},
		"no policy allows it"},
	{"sandbox=one&method=G%20T&url=https://example.org/", {"no method"},
		"no token"},
	{"sandbox=one&url=https://evil.example/x",
		{"\"remedy\"", "- {host: evil.example, port: 443, method: GET"},
		"what would allow it"},
	{"sandbox=one&url=https://evil.example/&addresses=192.0.2.1,10.0.0.1",
		{"\"guard\"", "192.0.2.53", "192.0.2.1,10.0.0.1",
			"no rule opens"},
		"addresses go to the guard"},
	{"sandbox=one&policy=open&url=https://evil.example/",
		{"either sandbox="}, "both"},
	{"sandbox=one&url=ftp://example.org/", {"must begin with"}, "scheme"},
	{"sandbox=one&url=https://user@example.org/", {"names no host"},
		"userinfo"},
	{"sandbox=one&url=https://example.org:99999/", {"names no host"},
		"port"},
	{"sandbox=one&url=https:///x", {"names no host"}, "no host"},
};

static void
test_explains(void **state)
{
	struct keeper keeper;

	(void)state;
	fake_keeper_init(&keeper);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct control_request request = {
			.keeper = &keeper, .query = span_of(cases[i].query)};
		struct control_reply reply = {0};

		control_explain(&request, &reply);
		for (size_t j = 0; j < 4 && cases[i].holds[j] != NULL; j++) {
			if (strstr(reply.body, cases[i].holds[j]) == NULL)
				fail_msg("%s (%s): %s", cases[i].query,
					cases[i].why, reply.body);
		}
		control_reply_done(&reply);
	}
	fake_keeper_done(&keeper);
}

static void
test_queries(void **state)
{
	static const struct {
		const char *query, *key;
		const char *value; /* NULL: refused, "" too: none */
		const char *why;
	} rows[] = {
		{"a=b", "a", "b", "one"},
		{"x=y&a=b&a=c", "a", "b", "the first"},
		{"a=%41%2b+", "a", "A+ ", "decoded"},
		{"ab=1", "a", "", "another key"},
		{"%61=1", "a", "", "keys are written plainly"},
		{"a", "a", "", "without a value"},
		{"a=", "a", "", "empty value"},
		{"", "a", "", "empty query"},
		{"&&a=b&&", "a", "b", "empty pairs"},
		{"a=%4", "a", NULL, "cut"},
		{"a=%", "a", NULL, "cut"},
		{"a=%0g", "a", NULL, "no hex"},
		{"a=%00", "a", NULL, "NUL"},
		{"a=12345678", "a", NULL, "too long"},
	};
	char value[8];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int n;

		value[0] = '\0';
		n = control_query_get(span_of(rows[i].query), rows[i].key,
			value, sizeof(value));
		if ((n < 0) != (rows[i].value == NULL) ||
			(n >= 0 && strcmp(value, rows[i].value) != 0))
			fail_msg("%s: %s", rows[i].query, rows[i].why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_explains),
		cmocka_unit_test(test_queries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
