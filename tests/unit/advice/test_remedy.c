/*
 * test_remedy.c - what is said to lift a denial lifts it, and little else
 *
 * Policies and requests at random: where a request is denied, the rule that is
 * suggested goes where the remedy says and the deny rules that are named go;
 * then it has to be allowed.  What the rule was not for stays denied.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "judgement.h"
#include "random_policy.h"
#include "remedy.h"

enum { ROUNDS = 250, QUESTIONS = 40 };

static struct judgement_question
question_of(const struct random_question *q, struct sockaddr_in *dst)
{
	*dst = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(q->port)};
	if (q->address != NULL)
		inet_pton(AF_INET, q->address, &dst->sin_addr);
	return (struct judgement_question){
		.tls = q->tls,
		.host = q->host != NULL ? q->host : "",
		.port = q->port,
		.method = q->method,
		.path = q->path,
		.dst = q->address != NULL ? (struct sockaddr *)dst : NULL,
	};
}

static struct judgement
judge_by(const struct policy *policy, struct judgement_question q)
{
	q.set = policy_find(policy, "p");
	return judge_request(&q);
}

/* Takes the deny rules out that the lines name; whether there were any. */
static bool
drop_named(struct random_policy *p, const struct remedy *r)
{
	bool any = false;

	for (size_t i = 0; i < r->count; i++) {
		unsigned n;

		if (sscanf(r->lines[i], "p.deny[%u]", &n) != 1)
			continue;
		assert_true(n < p->deny_count);
		p->dropped[n] = any = true;
	}
	return any;
}

static const char *const sideways[][2] = {{"GET", "/elsewhere"},
	{"DELETE", "/a"}, {"DELETE", "/elsewhere"}, {"GET", "/a/b/c/d"}};

/* Other requests to that host are decided as they were without the rule. */
static void
check_narrow(const struct random_policy *p, struct judgement_question q)
{
	struct random_policy without = *p;
	struct policy *before, *after = random_policy_compile(p);

	without.extra = NULL;
	before = random_policy_compile(&without);
	assert_non_null(after);
	for (size_t i = 0; i < ARRAY_LEN(sideways); i++) {
		struct judgement_question other = q;

		other.method = sideways[i][0];
		other.path = sideways[i][1];
		if (judge_by(before, other).allowed !=
			judge_by(after, other).allowed)
			fail_msg("\"%s\" lets %s %s through", p->extra,
				other.method, other.path);
	}
	policy_unref(before);
	policy_unref(after);
}

struct tally {
	unsigned rules, drops, hopeless;
};

static void
check_denied(struct random_policy p, const struct policy *policy,
	struct judgement_question q, struct tally *tally)
{
	struct judgement j;
	struct remedy remedy;
	struct policy *after;
	bool dropped;

	q.set = policy_find(policy, "p");
	j = judge_request(&q);
	if (j.allowed)
		return;
	assert_int_equal(remedy_find(&q, &j, &remedy), 0);
	assert_true(remedy.count > 0 || remedy.rule != NULL);
	dropped = drop_named(&p, &remedy);
	p.extra = remedy.rule;
	p.before = remedy.before;
	if (dropped || p.extra != NULL) {
		after = random_policy_compile(&p);
		assert_non_null(after);
		/* What stays ambiguous is said so, with no rule. */
		if (!judge_by(after, q).allowed &&
			!(p.extra == NULL && judge_by(after, q).reason ==
						     RECORD_PATH_AMBIGUOUS) &&
			!(p.extra == NULL && judge_by(after, q).reason ==
						     RECORD_QUERY_AMBIGUOUS) &&
			!(q.host[0] == '\0' && dropped))
			fail_msg("%s %s:%u %s stays denied with \"%s\"",
				q.method, q.host, q.port, q.path,
				p.extra != NULL ? p.extra : "");
		policy_unref(after);
	}
	if (p.extra != NULL && q.host[0] != '\0' &&
		strstr(p.extra, "path") != NULL &&
		strstr(p.extra, "method") != NULL)
		check_narrow(&p, q);
	tally->rules += p.extra != NULL;
	tally->drops += dropped;
	tally->hopeless += p.extra == NULL && !dropped;
	remedy_done(&remedy);
}

static void
test_remedies_help(void **state)
{
	struct tally tally = {0};

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct random_policy p;
		struct policy *policy;

		random_policy_make(&p);
		p.credentials = false;
		if (i % 4 == 0)
			random_policy_add_values(&p);
		policy = random_policy_compile(&p);
		assert_non_null(policy);
		for (int k = 0; k < QUESTIONS; k++) {
			struct random_question r = random_question_make();
			struct sockaddr_in dst;
			struct judgement_question q = question_of(&r, &dst);

			random_question_add_values(&r);
			q.query = r.query;
			check_denied(p, policy, q, &tally);
		}
		policy_unref(policy);
	}
	/* Each kind was met. */
	assert_true(tally.rules > 700 && tally.drops > 300);
	assert_true(tally.hopeless > 60);
}

static const struct {
	const char *rule; /* the one that the policy allows */
	const char *method, *path;
	uint16_t port;
	const char *line; /* part of one; NULL: not looked at */
	const char *add;  /* NULL: none */
	const char *why;
} cases[] = {
	{"- {host: a.test, method: GET}", "PUT", "/x", 443,
		"p.allow[0] (p.yaml:",
		"- {host: a.test, port: 443, "
		"method: PUT, path: /x}",
		"near by method"},
	{"- {host: a.test, path: /y}", "GET", "/x", 443, "on other paths",
		"- {host: a.test, port: 443, method: GET, path: /x}",
		"near by path"},
	{"- {host: a.test, path: /x, query: {a: b}}", "GET", "/x", 443,
		"with other queries",
		"- {host: a.test, port: 443, method: GET, path: /x}",
		"near by query"},
	{"- {host: a.test, header: {X-A: b}}", "GET", "/x", 443,
		"with other header fields",
		"- {host: a.test, port: 443, method: GET, path: /x}",
		"near by header"},
	{"- {host: a.test, query: {q: b}}", "GET", "/x", 443,
		"the query can be read in two ways", NULL,
		"a query rule decides"},
	{"- {host: a.test}", "GET", "/x", 8080, "add port 8080",
		"- {host: a.test, port: 8080, method: GET, path: /x}",
		"near by port"},
	{"- {host: b.test}", "GET", "/a*(b)\"", 443, NULL,
		"- {host: a.test, port: 443, method: GET, "
		"path: \"/a%2A(b)%22\"}",
		"a star is no wildcard"},
	{"- {host: b.test}", "get", "/", 443, "upper-case",
		"- {host: a.test, port: 443, path: /}", "lower-case method"},
	{"- {host: b.test}", "GET", "/a/../b", 443, "ambiguous",
		"- {host: a.test, port: 443, method: GET}", "ambiguous path"},
	{"- {host: a.test, path: /y}", "GET", "/a/../b", 443,
		"read in two ways", NULL, "a path rule decides"},
	{"- {host: a.test}", "TRACE", "/", 443, "refused for everybody", NULL,
		"no rule can"},
};

static void
test_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct random_policy p = {.deny_count = 0};
		struct judgement_question q = {.tls = true,
			.host = "a.test",
			.port = cases[i].port,
			.method = cases[i].method,
			.path = cases[i].path,
			.query = "Q=b"};
		struct judgement j;
		struct remedy r;
		struct policy *policy;
		bool found = cases[i].line == NULL;

		for (size_t k = 0; k < RANDOM_RULES; k++)
			snprintf(p.rules[k], sizeof(p.rules[k]), "%s",
				k == 0 ? cases[i].rule : "- {host: z.test}");
		policy = random_policy_compile(&p);
		assert_non_null(policy);
		q.set = policy_find(policy, "p");
		j = judge_request(&q);
		assert_false(j.allowed);
		assert_int_equal(remedy_find(&q, &j, &r), 0);
		for (size_t k = 0; k < r.count && !found; k++)
			found = strstr(r.lines[k], cases[i].line) != NULL;
		if (!found || (r.rule == NULL) != (cases[i].add == NULL) ||
			(r.rule != NULL && strcmp(r.rule, cases[i].add) != 0))
			fail_msg("%s: %s; %s", cases[i].why,
				r.count > 0 ? r.lines[0] : "-",
				r.rule != NULL ? r.rule : "-");
		remedy_done(&r);
		policy_unref(policy);
	}
}

/* What is neither TLS nor HTTP: a rule for just that, where one would do. */
static void
test_lifts_denials_of_other_bytes(void **state)
{
	static const struct {
		const char *host, *line, *before;
		enum record_reason reason;
		bool fallback; /* default: allow */
	} raw_cases[] = {
		{"new.test", NULL, NULL, RECORD_NO_RULE, false},
		{"new.test", "before it", NULL, RECORD_NOT_RAW, true},
		{"far.test", NULL, NULL, RECORD_PORT, false},
		{"path.test", "before it", "p.allow[2]", RECORD_NOT_RAW, false},
		{"web.test", "before it", "p.allow[0]", RECORD_NOT_RAW, false},
		{"bad.test", "in the way", NULL, RECORD_RULE_DENY, false},
	};
	/* One for the bytes that stands too late does not help. */
	static const char *const rules[] = {"- {host: bad.test}",
		"- {host: web.test}", "- {host: far.test, port: 22}",
		"- {host: path.test, path: /x}", "- {host: path.test}",
		"- {host: web.test, port: 443, protocol: tcp}"};
	struct random_policy p = {.deny_count = 1};

	(void)state;
	for (size_t i = 0; i < RANDOM_RULES; i++)
		snprintf(p.rules[i], sizeof(p.rules[i]), "%s",
			rules[i < ARRAY_LEN(rules) ? i : 1]);
	for (size_t i = 0; i < ARRAY_LEN(raw_cases); i++) {
		struct policy *before, *after;
		struct judgement_question q = {.raw = true,
			.host = raw_cases[i].host,
			.port = 443,
			.method = "-",
			.path = "/"};
		struct judgement j;
		struct remedy r;

		p.extra = p.before = NULL;
		p.default_allow = raw_cases[i].fallback;
		before = random_policy_compile(&p);
		q.set = policy_find(before, "p");
		j = judge_request(&q);
		assert_false(j.allowed);
		assert_int_equal(j.reason, raw_cases[i].reason);
		assert_int_equal(remedy_find(&q, &j, &r), 0);
		assert_int_equal(r.count, raw_cases[i].line != NULL);
		if (raw_cases[i].line != NULL)
			assert_non_null(strstr(r.lines[0], raw_cases[i].line));
		assert_int_equal(r.rule != NULL, j.reason != RECORD_RULE_DENY);
		assert_int_equal(r.before != NULL, raw_cases[i].before != NULL);
		if (r.before != NULL)
			assert_string_equal(r.before, raw_cases[i].before);
		p.extra = r.rule;
		p.before = r.before;
		after = random_policy_compile(&p);
		assert_int_equal(judge_by(after, q).allowed, r.rule != NULL);
		policy_unref(before);
		policy_unref(after);
		remedy_done(&r);
	}
}

/* Packets: a rule for that address, port and protocol, if no other denies. */
static const struct packet_case {
	const char *address, *line, *add;
	uint16_t port;
	enum policy_protocol protocol;
	enum record_reason reason;
} packets[] = {
	{"192.0.2.1", "has to forward",
		"- {address: 192.0.2.1, port: 124, protocol: udp}", 124,
		POLICY_UDP, RECORD_PROTOCOL},
	{"192.0.2.1", "takes TCP",
		"- {address: 192.0.2.1, port: 443, protocol: udp}", 443,
		POLICY_UDP, RECORD_QUIC},
	{"192.0.2.1", "has to forward",
		"- {address: 192.0.2.1, protocol: icmp}", 0, POLICY_ICMP,
		RECORD_PROTOCOL},
	{"192.0.2.9", "in the way", NULL, 124, POLICY_UDP, RECORD_RULE_DENY},
};

static void
check_packets(struct random_policy p, const struct packet_case *c)
{
	struct sockaddr_in dst = {
		.sin_family = AF_INET, .sin_port = htons(c->port)};
	struct judgement_question q = {.raw = true,
		.host = "",
		.port = c->port,
		.dst = (struct sockaddr *)&dst,
		.protocol = c->protocol,
		.quic = c->port == 443};
	struct policy *before = random_policy_compile(&p), *after;
	struct judgement j;
	struct remedy r;

	inet_pton(AF_INET, c->address, &dst.sin_addr);
	q.set = policy_find(before, "p");
	j = judge_request(&q);
	assert_false(j.allowed);
	assert_int_equal(j.reason, c->reason);
	assert_int_equal(remedy_find(&q, &j, &r), 0);
	assert_int_equal(r.count, 1);
	assert_non_null(strstr(r.lines[0], c->line));
	assert_int_equal(r.rule != NULL, c->add != NULL);
	if (c->add != NULL)
		assert_string_equal(r.rule, c->add);
	p.extra = r.rule;
	after = random_policy_compile(&p);
	assert_int_equal(judge_by(after, q).allowed, c->add != NULL);
	policy_unref(before);
	policy_unref(after);
	remedy_done(&r);
}

static void
test_lifts_denials_of_packets(void **state)
{
	struct random_policy p = {.deny_count = 1};

	(void)state;
	snprintf(p.rules[0], sizeof(p.rules[0]), "- {address: 192.0.2.9}");
	for (size_t i = 1; i < RANDOM_RULES; i++)
		snprintf(p.rules[i], sizeof(p.rules[i]),
			"- {address: 192.0.2.1, port: 123, protocol: udp}");
	for (size_t i = 0; i < ARRAY_LEN(packets); i++)
		check_packets(p, &packets[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_remedies_help),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_lifts_denials_of_other_bytes),
		cmocka_unit_test(test_lifts_denials_of_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
