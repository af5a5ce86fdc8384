/*
 * test_explain_agrees.c - explain says what a session would decide
 *
 * Policies and requests at random.  One answer is that of /v1/explain, from the
 * URL on.  The other asks the functions that opening.c, tunnel.c and decide.c
 * ask, in their order, and lets inject.c choose the credentials.  They have to
 * agree in verdict, reason, rule, way and credentials.
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
#include <jansson.h>

#include "asking.h"
#include "control_reply.h"
#include "control_routes.h"
#include "fake_keeper.h"
#include "inject.h"
#include "keyring.h"
#include "message.h"
#include "policy.h"
#include "random_policy.h"
#include "record.h"
#include "rules.h"
#include "secret.h"
#include "would_inject.h"

enum { ROUNDS = 300, QUESTIONS = 40 };

_Static_assert((int)WOULD_INJECT_GO == (int)INJECT_MAX, "as many as there");

struct decision {
	bool allowed, audited;
	enum record_reason reason;
	enum policy_via via;
	const char *rule;
	char injected[INJECT_NAMES], skipped[INJECT_NAMES];
};

/* ---- as a session does it ------------------------------------------------ */

static struct decision
decision_of(const struct policy_verdict *v)
{
	return (struct decision){.allowed = v->allowed,
		.audited = v->audited,
		.reason = (enum record_reason)v->reason,
		.via = v->via,
		.rule = v->rule};
}

/* decide.c, for a request on an opened connection or one without TLS. */
static struct decision
exchange_says(const struct policy_set *set, const struct random_question *q,
	const struct keyring *keyring)
{
	const struct inject_target target = {
		.set = set, .host = q->host, .port = q->port, .secure = q->tls};
	struct inject_plan plan = {.count = 0};
	struct http_head head;
	const struct policy_request request = {.host = q->host,
		.port = q->port,
		.method = q->method,
		.path = q->path,
		.query = q->query,
		.find_field = asking_find_field,
		.head = &head};
	struct policy_verdict v;
	struct decision d;
	int status = 0;

	http_head_init(&head);
	assert_int_equal(http_head_set_method(&head, span_of(q->method)), 0);
	assert_int_equal(http_head_set_target(&head, span_of(q->path)), 0);
	assert_int_equal(http_head_add(&head, span_of(q->field),
				 span_of(q->value), false),
		0);
	v = policy_decide_request(set, &request);
	d = decision_of(&v);
	if (http_rules_refuse(&head, &status) != NULL) {
		d.allowed = d.audited = v.entitled = false;
		d.reason = RECORD_METHOD_REFUSED;
	}
	if (v.entitled)
		inject_plan(&target, keyring, &head, &plan);
	memcpy(d.injected, plan.injected, sizeof(d.injected));
	memcpy(d.skipped, plan.skipped, sizeof(d.skipped));
	http_head_done(&head);
	return d;
}

static struct decision
session_says(const struct policy_set *set, const struct random_question *q,
	const struct keyring *keyring)
{
	struct sockaddr_in dst = {
		.sin_family = AF_INET, .sin_port = htons(q->port)};
	struct policy_verdict v;

	if (q->host == NULL) {
		inet_pton(AF_INET, q->address, &dst.sin_addr);
		v = policy_decide_address(set, (struct sockaddr *)&dst);
		return decision_of(&v);
	}
	if (q->tls) {
		v = policy_decide_flow(set, q->host, q->port);
		if (v.allowed && v.via != POLICY_VIA_INSPECT)
			return decision_of(&v);
	}
	return exchange_says(set, q, keyring);
}

/* ---- as explain does it -------------------------------------------------- */

static size_t
escape(const char *text, char *ret, size_t size)
{
	size_t len = 0;

	for (; *text != '\0'; text++)
		len += (size_t)snprintf(
			ret + len, size - len, "%%%02X", *text & 0xff);
	return len;
}

static json_t *
explain_says(struct keeper *keeper, const struct random_question *q)
{
	struct control_request request = {.keeper = keeper};
	struct control_reply reply = {0};
	char query[1024];
	json_t *answer;
	size_t len;

	len = (size_t)snprintf(query, sizeof(query),
		"policy=p&header=%s:%s&method=%s&url=%s://%s:%u", q->field,
		q->value, q->method, q->tls ? "https" : "http",
		q->host != NULL ? q->host : q->address, q->port);
	len += escape(q->path, query + len, sizeof(query) - len);
	len += escape("?", query + len, sizeof(query) - len);
	(void)escape(q->query, query + len, sizeof(query) - len);
	request.query = span_of(query);
	control_explain(&request, &reply);
	assert_int_equal(reply.status, 200);
	answer = json_loads(reply.body, 0, NULL);
	assert_non_null(answer);
	control_reply_done(&reply);
	return answer;
}

static const char *
text_of(const json_t *answer, const char *key)
{
	const char *text = json_string_value(json_object_get(answer, key));

	return text != NULL ? text : "";
}

static void
join(const json_t *answer, char ret[INJECT_NAMES])
{
	const json_t *name;
	size_t i;

	ret[0] = '\0';
	json_array_foreach(json_object_get(answer, "credentials"), i, name)
	{
		strcat(ret, i > 0 ? "," : "");
		strcat(ret, json_string_value(name));
	}
}

static void
compare(const struct random_question *q, const struct decision *d,
	const json_t *answer)
{
	static const char *const ways[] = {
		[POLICY_VIA_INSPECT] = "inspect",
		[POLICY_VIA_PASSTHROUGH] = "passthrough",
		[POLICY_VIA_ADDRESS] = "address",
		[POLICY_VIA_RAW] = "raw",
	};
	char names[INJECT_NAMES];
	const json_t *skipped = json_object_get(answer, "skipped");
	bool same = true;

	join(answer, names);
	same &= strcmp(text_of(answer, "verdict"), d->audited ? "audited"
						   : d->allowed
							   ? "allowed"
							   : "denied") == 0;
	same &= strcmp(text_of(answer, "reason"),
			record_reason_name(d->reason)) == 0;
	same &= strcmp(text_of(answer, "rule"), d->rule) == 0;
	same &= !d->allowed ||
		strcmp(text_of(answer, "via"), ways[d->via]) == 0;
	same &= strcmp(names, d->injected) == 0;
	/* Explain also names those that another one leaves no room for. */
	same &= d->skipped[0] == '\0' || json_object_size(skipped) > 0;
	same &= (json_object_get(answer, "remedy") == NULL) == d->allowed;
	if (!same)
		fail_msg("%s %s %s:%u%s: session %d %s %s [%s|%s], explain %s",
			q->tls ? "tls" : "plain", q->method,
			q->host != NULL ? q->host : q->address, q->port,
			q->path, d->allowed, record_reason_name(d->reason),
			d->rule, d->injected, d->skipped,
			json_dumps(answer, 0));
}

static void
fill(struct keyring *keyring, bool no_value)
{
	static const char *const names[] = {"one", "two", "api"};

	for (size_t i = 0; i < 3; i++)
		assert_int_equal(
			keyring_set(keyring, names[i],
				i == 2 && no_value ? NULL : secret_new("v", 1)),
			0);
}

static void
test_agrees(void **state)
{
	struct keyring *keyring = keyring_new();
	unsigned allowed = 0, denied = 0, injected = 0, skipped = 0;
	unsigned values = 0, audited = 0;
	struct keeper keeper;

	(void)state;
	fake_keeper_init(&keeper);
	for (int i = 0; i < ROUNDS; i++) {
		struct random_policy p;
		struct policy *policy;

		random_policy_make(&p);
		if (i % 2 == 0)
			random_policy_add_values(&p);
		p.audit = i % 5 == 0;
		policy = random_policy_compile(&p);
		p.credentials = p.credentials && policy != NULL;
		if (policy == NULL) /* a binding that could never fire */
			policy = random_policy_compile(&p);
		assert_non_null(policy);
		policy_unref(keeper.policy);
		keeper.policy = policy;
		keeper.no_value = random_below(4) == 0;
		fill(keyring, keeper.no_value);
		for (int k = 0; k < QUESTIONS; k++) {
			struct random_question q = random_question_make();
			struct decision d;
			json_t *answer;

			random_question_add_values(&q);
			d = session_says(policy_find(policy, "p"), &q, keyring);
			answer = explain_says(&keeper, &q);
			compare(&q, &d, answer);
			json_decref(answer);
			allowed += d.allowed;
			denied += !d.allowed;
			injected += d.injected[0] != '\0';
			skipped += d.skipped[0] != '\0';
			audited += d.audited;
			values += d.reason == RECORD_QUERY ||
				  d.reason == RECORD_QUERY_AMBIGUOUS ||
				  d.reason == RECORD_HEADER;
		}
	}
	assert_true(allowed > 2000 && denied > 2000);
	assert_true(injected > 100 && skipped > 10);
	assert_true(values > 100 && audited > 100);
	keyring_free(keyring);
	fake_keeper_done(&keeper);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_agrees)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
