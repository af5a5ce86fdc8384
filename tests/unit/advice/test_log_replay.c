/*
 * test_log_replay.c - decisions held against another policy
 */
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
#include "log_replay.h"
#include "random_policy.h"

enum { ROUNDS = 200, QUESTIONS = 30 };

/* A policy that denies one host, with these rules and others that matter to
 * nobody. */
static struct policy *
policy_of(const char *first, const char *second)
{
	const char *const rules[] = {"- {host: bad.test}", first, second,
		"- {host: raw.test, port: 5432}",
		"- {address: 192.0.2.0/24, port: 123, protocol: udp}",
		"- {address: 192.0.2.0/24, protocol: icmp}"};
	struct random_policy p = {.deny_count = 1};
	struct policy *policy;

	for (size_t k = 0; k < RANDOM_RULES; k++)
		snprintf(p.rules[k], sizeof(p.rules[k]), "%s",
			k < ARRAY_LEN(rules) ? rules[k] : "- {host: z.test}");
	policy = random_policy_compile(&p);
	assert_non_null(policy);
	return policy;
}

#define REQUEST .kind = LOG_REPLAY_REQUEST, .proto = "tls", .host = "a.test"
#define PACKET \
	.kind = LOG_REPLAY_PACKET, .host = "", .method = "udp", .path = ""
#define NOTHING \
	.sandbox = "s", .dst = "192.0.2.9", .rule = "", .source = "", \
	.reason = "", .count = 1

static const struct {
	struct log_replay_decision d;
	int outcome; /* 0 the same, 1 allowed now, -1 denied now, 2 unclear */
	const char *why;
} cases[] = {
	{{NOTHING, REQUEST, .method = "GET", .path = "/x", .port = 443,
		 .allowed = true},
		0, "still allowed"},
	{{NOTHING, REQUEST, .method = "PUT", .path = "/x", .port = 443}, 0,
		"still denied"},
	{{NOTHING, REQUEST, .method = "GET", .path = "/x", .port = 443}, 1,
		"was denied"},
	{{NOTHING, REQUEST, .method = "PUT", .path = "/x", .port = 443,
		 .allowed = true},
		-1, "was allowed"},
	{{.sandbox = "s",
		 .dst = "",
		 .source = "",
		 .count = 1,
		 REQUEST,
		 .rule = "s.deny[0]",
		 .reason = "rule_deny",
		 .method = "GET",
		 .path = "/x",
		 .port = 443,
		 .overlay = true},
		0, "an overlay denies it"},
	{{.sandbox = "s",
		 .dst = "",
		 .source = "",
		 .count = 1,
		 REQUEST,
		 .rule = "s.allow[0]",
		 .reason = "method",
		 .method = "GET",
		 .path = "/x",
		 .port = 443,
		 .overlay = true},
		1, "an overlay nearly allowed it"},
	{{NOTHING, REQUEST, .method = "PUT", .path = "/x", .port = 443,
		 .allowed = true, .overlay = true},
		0, "an overlay allows it"},
	{{NOTHING, .kind = LOG_REPLAY_REQUEST, .proto = "tls",
		 .host = "bad.test", .method = "GET", .path = "/", .port = 443,
		 .allowed = true, .overlay = true},
		-1, "deny wins over what an overlay allows"},
	{{NOTHING, REQUEST, .method = "TRACE", .path = "/x", .port = 443}, 0,
		"never allowed"},
	{{NOTHING, REQUEST, .method = "GET", .path = "/x", .port = 443,
		 .cut = true},
		2, "cut in the record"},
	{{NOTHING, REQUEST, .method = "GET", .path = "/x", .port = 0}, 2,
		"no port"},
	{{NOTHING, .kind = LOG_REPLAY_REQUEST, .proto = "tls", .host = "a..b",
		 .method = "GET", .path = "/", .port = 443},
		2, "no name"},
	{{NOTHING, .kind = LOG_REPLAY_NAME, .proto = "udp", .host = "a.test",
		 .method = "", .path = "", .port = 53},
		1, "its name is resolved"},
	{{NOTHING, .kind = LOG_REPLAY_NAME, .proto = "udp", .host = "b.test",
		 .method = "", .path = "", .port = 53, .allowed = true},
		-1, "its name is not"},
	{{NOTHING, .kind = LOG_REPLAY_CONNECT, .proto = "", .host = "",
		 .method = "", .path = "", .port = 22},
		1, "by address"},
	{{NOTHING, .kind = LOG_REPLAY_CONNECT, .proto = "tls", .host = "b.test",
		 .method = "", .path = "", .port = 22},
		1, "TLS with a name, by address where no host rule speaks"},
	{{NOTHING, .kind = LOG_REPLAY_REQUEST, .proto = "http",
		 .host = "b.test", .method = "GET", .path = "/", .port = 22},
		1, "plain HTTP, by address, as the server may speak first"},
	{{NOTHING, .kind = LOG_REPLAY_REQUEST, .proto = "http",
		 .host = "b.test", .method = "GET", .path = "/", .port = 80},
		1, "plain HTTP, by address, whatever its name"},
	{{NOTHING, .kind = LOG_REPLAY_REQUEST, .proto = "tls", .host = "b.test",
		 .method = "GET", .path = "/", .port = 443},
		1, "TLS, by address, as no host rule speaks"},
	{{NOTHING, .kind = LOG_REPLAY_REQUEST, .proto = "tls",
		 .host = "bad.test", .method = "GET", .path = "/", .port = 443},
		0, "TLS, not by address, as a host rule denies"},
	{{NOTHING, .kind = LOG_REPLAY_REQUEST, .proto = "tls", .host = "a.test",
		 .method = "PUT", .path = "/", .port = 443},
		0, "TLS, not by address, as a host rule opens it"},
	{{NOTHING, .kind = LOG_REPLAY_CONNECT, .proto = "tcp",
		 .host = "raw.test", .method = "", .path = "", .port = 5432},
		1, "neither TLS nor HTTP, by name"},
	{{NOTHING, .kind = LOG_REPLAY_CONNECT, .proto = "tcp",
		 .host = "raw.test", .method = "", .path = "", .port = 22,
		 .allowed = true},
		-1, "neither, and not by address, though that is allowed"},
	{{.sandbox = "s",
		 .dst = "198.18.0.9",
		 .rule = "",
		 .source = "",
		 .reason = "",
		 .count = 1,
		 .kind = LOG_REPLAY_CONNECT,
		 .proto = "tcp",
		 .host = "",
		 .method = "",
		 .path = "",
		 .port = 22},
		2, "an address that stands for nobody knows what"},
	{{NOTHING, .kind = LOG_REPLAY_CONNECT, .proto = "tls", .host = "a.test",
		 .method = "", .path = "", .port = 443, .allowed = true},
		0, "asks which HTTP"},
	{{NOTHING, PACKET, .proto = "udp", .port = 123}, 1, "packets"},
	{{NOTHING, PACKET, .proto = "udp", .port = 124, .allowed = true}, -1,
		"to another port"},
	{{NOTHING, PACKET, .proto = "quic", .port = 443, .allowed = true}, -1,
		"packets that are QUIC"},
	{{NOTHING, PACKET, .proto = "icmp"}, 1, "packets that have no port"},
	{{NOTHING, PACKET, .proto = "sctp", .port = 123}, 2, "no rule's"},
};

/* Of a policy whose rules have query and header. */
static const struct {
	const char *method, *host;
	bool unclear;
	const char *why;
} unseen[] = {
	{"GET", "a.test", true, "a query would decide"},
	{"POST", "a.test", false, "whatever its query: no such method"},
	{"GET", "y.test", true, "a field would decide"},
	{"GET", "z.test", false, "another host"},
	{"TRACE", "a.test", false, "refused whatever the rules"},
};

static void
test_judges_nothing_by_what_is_not_on_record(void **state)
{
	struct policy *policy =
		policy_of("- {host: a.test, method: [GET, TRACE], "
			  "query: {q: x}}",
			"- {host: y.test, header: {X-A: b}}");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(unseen); i++) {
		struct log_replay_decision d = {NOTHING, REQUEST, .path = "/",
			.port = 443, .allowed = false};
		struct log_replay *r = log_replay_new();

		d.method = unseen[i].method;
		d.host = unseen[i].host;
		assert_int_equal(
			log_replay_judge(r, policy_find(policy, "p"), &d), 0);
		if (log_replay_totals(r).unclear != unseen[i].unclear)
			fail_msg("%s", unseen[i].why);
		log_replay_free(r);
	}
	policy_unref(policy);
}

static void
test_judges(void **state)
{
	struct policy *policy = policy_of("- {host: a.test, method: GET}",
		"- {address: 192.0.2.0/24, port: [22, 80, 443]}");
	const struct policy_set *set = policy_find(policy, "p");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct log_replay *r = log_replay_new();
		struct log_replay_totals t;
		size_t count;
		int outcome;

		assert_int_equal(log_replay_judge(r, set, &cases[i].d), 0);
		t = log_replay_totals(r);
		outcome = t.same == 1      ? 0
			  : t.allowed == 1 ? 1
			  : t.denied == 1  ? -1
					   : 2;
		(void)log_replay_changes(r, &count);
		if (outcome != cases[i].outcome || t.decisions != 1 ||
			t.same + t.allowed + t.denied + t.unclear != 1 ||
			count != (outcome == 1 || outcome == -1))
			fail_msg("%s: %d", cases[i].why, outcome);
		log_replay_free(r);
	}
	policy_unref(policy);
}

static void
test_groups(void **state)
{
	struct policy *policy =
		policy_of("- {host: a.test, method: GET}", "- {host: y.test}");
	const struct policy_set *set = policy_find(policy, "p");
	struct log_replay *r = log_replay_new();
	struct log_replay_decision d = cases[2].d, e = cases[3].d;
	const struct log_replay_change *c;
	struct log_replay_totals t;
	size_t count;

	(void)state;
	d.count = 7;
	for (int i = 0; i < 3; i++)
		assert_int_equal(log_replay_judge(r, set, &d), 0);
	assert_int_equal(log_replay_judge(r, set, &e), 0);
	assert_int_equal(log_replay_judge(r, NULL, &e), 0);
	log_replay_keep(r, 5);
	t = log_replay_totals(r);
	assert_int_equal(t.decisions, 28);
	assert_int_equal(t.same, 5);
	assert_int_equal(t.allowed, 21);
	assert_int_equal(t.denied, 1);
	assert_int_equal(t.unclear, 1);
	c = log_replay_changes(r, &count);
	assert_int_equal(count, 2);
	assert_false(c[0].allowed); /* denials first */
	assert_int_equal(c[0].count, 1);
	assert_string_equal(c[0].method, "PUT");
	assert_string_equal(c[0].new_reason, "method");
	assert_string_equal(c[0].new_rule, "p.allow[0]");
	assert_int_equal(c[1].count, 21);
	/* It goes on where it was. */
	assert_int_equal(log_replay_judge(r, set, &d), 0);
	c = log_replay_changes(r, &count);
	assert_int_equal(count, 2);
	assert_int_equal(c[1].count, 28);
	log_replay_free(r);
	policy_unref(policy);
}

/* Whoever decided by a policy finds it the same by that policy. */
static void
test_same_policy_same_decisions(void **state)
{
	uint64_t changed = 0, unclear = 0, before = 0;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct random_policy one, two;
		struct policy *old, *new;
		struct log_replay *same = log_replay_new(),
				  *other = log_replay_new();

		random_policy_make(&one);
		random_policy_make(&two);
		one.credentials = two.credentials = false;
		if (i % 2 == 0)
			random_policy_add_values(&one);
		old = random_policy_compile(&one);
		new = random_policy_compile(&two);
		for (int k = 0; k < QUESTIONS; k++) {
			struct random_question q = random_question_make();
			struct judgement_question ask = {
				.set = policy_find(old, "p"),
				.tls = q.tls,
				.query = "a=1",
				.host = q.host,
				.port = q.port,
				.method = q.method,
				.path = q.path,
			};
			struct log_replay_decision d = {NOTHING,
				.proto = q.tls ? "tls" : "http", .host = q.host,
				.method = q.method, .path = q.path,
				.port = q.port};

			if (q.host == NULL)
				continue;
			d.dst = "";
			d.allowed = judge_request(&ask).allowed;
			assert_int_equal(log_replay_judge(same,
						 policy_find(old, "p"), &d),
				0);
			assert_int_equal(log_replay_judge(other,
						 policy_find(new, "p"), &d),
				0);
			ask.set = policy_find(new, "p");
			changed += judge_request(&ask).allowed != d.allowed;
		}
		assert_int_equal(log_replay_totals(same).decisions,
			log_replay_totals(same).same +
				log_replay_totals(same).unclear);
		unclear += log_replay_totals(same).unclear;
		assert_true(i % 2 == 0 || unclear == before);
		before = unclear;
		changed -= log_replay_totals(other).allowed +
			   log_replay_totals(other).denied;
		assert_int_equal(changed, 0);
		log_replay_free(same);
		log_replay_free(other);
		policy_unref(old);
		policy_unref(new);
	}
	assert_true(unclear > 100);
}

static void
test_has_a_bound(void **state)
{
	struct policy *policy =
		policy_of("- {host: a.test, method: GET}", "- {host: y.test}");
	struct log_replay *r = log_replay_new();
	struct log_replay_decision d = cases[2].d;
	char path[32];
	size_t count;

	(void)state;
	d.path = path;
	for (int i = 0; i < LOG_REPLAY_MAX + 10; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		assert_int_equal(
			log_replay_judge(r, policy_find(policy, "p"), &d), 0);
	}
	(void)log_replay_changes(r, &count);
	assert_int_equal(count, LOG_REPLAY_MAX);
	assert_int_equal(log_replay_totals(r).unlisted, 10);
	assert_int_equal(log_replay_totals(r).allowed, LOG_REPLAY_MAX + 10);
	log_replay_free(r);
	policy_unref(policy);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judges),
		cmocka_unit_test(test_judges_nothing_by_what_is_not_on_record),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_same_policy_same_decisions),
		cmocka_unit_test(test_has_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
