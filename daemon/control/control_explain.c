/*
 * control_explain.c - what would be decided about a URL, and why
 *
 * Asks the code that enforces, in the order in which a connection would
 * (advice/judgement.h), then which credentials would go with it, what the
 * address guard would say and, for a denial, what would lift it.  What a
 * connection learns only later (the origin's certificate) is no part of the
 * answer.
 *
 * No name is resolved here: the keeper parses nothing of strangers, and a
 * question of an operator is no reason to send one.  Who wants to know asks the
 * resolvers himself and gives the addresses that he got (addresses=A,B); the
 * guard judges those.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "asking.h"
#include "control_routes.h"
#include "judgement.h"
#include "keeper.h"
#include "limit_text.h"
#include "message.h"
#include "overlay.h"
#include "policy.h"
#include "policy_swap.h"
#include "record.h"
#include "remedy.h"
#include "url_target.h"
#include "would_inject.h"
#include "would_swap.h"

struct question {
	char sandbox[CONTROL_NAME_MAX], policy[CONTROL_NAME_MAX];
	char name[CONTROL_NAME_MAX]; /* of a sandbox or else a policy */
	char method[64];
	char url[CONTROL_VALUE_MAX];
	char addresses[CONTROL_VALUE_MAX];
	struct url_target target;
	struct http_head head; /* the fields that it would have */
	const struct policy_set *set;
	struct overlay *overlay; /* a reference, or NULL */
	json_t *values;          /* keeper_status()'s credentials; owned */
};

/* "Name: value", as often as there is one. */
static const char *
read_fields(struct span query, struct question *q)
{
	char line[CONTROL_VALUE_MAX], *colon;
	int r;

	while ((r = control_query_next(&query, "header", line, sizeof(line))) >
		0) {
		colon = strchr(line, ':');
		if (colon == NULL)
			return "a header is written as Name: value";
		r = http_head_add(&q->head,
			(struct span){line, (size_t)(colon - line)},
			span_of(colon + 1 + strspn(colon + 1, " ")), false);
		if (r < 0)
			return "a header is none that a request may have";
	}
	return r < 0 ? "the query cannot be decoded" : NULL;
}

static const char *
read_question(const struct control_request *request, struct question *q)
{
	const struct {
		const char *key;
		char *to;
		size_t size;
	} values[] = {
		{"sandbox", q->sandbox, sizeof(q->sandbox)},
		{"policy", q->policy, sizeof(q->policy)},
		{"name", q->name, sizeof(q->name)},
		{"method", q->method, sizeof(q->method)},
		{"url", q->url, sizeof(q->url)},
		{"addresses", q->addresses, sizeof(q->addresses)},
	};
	const char *wrong;
	int subjects;

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		if (control_query_get(request->query, values[i].key,
			    values[i].to, values[i].size) < 0)
			return "the query cannot be decoded";
	}
	if (q->method[0] == '\0')
		snprintf(q->method, sizeof(q->method), "GET");
	subjects = (q->sandbox[0] != '\0') + (q->policy[0] != '\0') +
		   (q->name[0] != '\0');
	if (subjects != 1)
		return "say either sandbox= or policy= (or name= for either)";
	wrong = url_target_method_error(q->method);
	if (wrong == NULL)
		wrong = read_fields(request->query, q);
	return wrong != NULL ? wrong : url_target_read(q->url, &q->target);
}

/* Whose policy it is; false: there is no such thing, and *ret says what. */
static bool
find_policy(struct keeper *keeper, struct question *q, const char **ret)
{
	const char *policy = q->policy;

	*ret = "there is no such policy";
	if (q->name[0] != '\0') {
		*ret = "there is no sandbox and no policy of that name";
		if (keeper_sandbox_policy(keeper, q->name) != NULL)
			memcpy(q->sandbox, q->name, sizeof(q->name));
		policy = q->name;
	} else if (q->sandbox[0] != '\0') {
		*ret = "there is no such sandbox";
	}
	if (q->sandbox[0] != '\0')
		policy = keeper_sandbox_policy(keeper, q->sandbox);
	q->set = policy == NULL ? NULL
				: policy_find(keeper_policy(keeper), policy);
	if (q->set != NULL && q->sandbox[0] != '\0')
		q->overlay = keeper_overlay_rules(keeper, q->sandbox);
	if (q->overlay != NULL)
		q->set = overlay_over(q->overlay, q->set);
	return q->set != NULL;
}

/* ---- parts of the answer ------------------------------------------------ */

/* Whether key is that credential, or the value of it that is the sandbox's
 * own: "credential/sandbox". */
static bool
is_value_of(const char *key, const char *credential, const char *sandbox)
{
	size_t len = strcspn(key, "/");

	return strncmp(key, credential, len) == 0 && credential[len] == '\0' &&
	       (key[len] == '\0' || strcmp(key + len + 1, sandbox) == 0);
}

static const char *
why_missing(void *arg, const char *name)
{
	const struct question *q = arg;
	const json_t *c;
	size_t i;

	json_array_foreach(q->values, i, c)
	{
		if (is_value_of(json_string_value(json_object_get(c, "name")),
			    name, q->sandbox) &&
			!json_is_true(json_object_get(c, "available")))
			return json_string_value(json_object_get(c, "why"));
	}
	return NULL;
}

struct credentials {                  /* parts of the answer */
	json_t *go;                   /* names of those that go */
	json_t *conditions, *skipped; /* words for each */
	json_t *swaps;                /* places for each */
};

static void
add_injections(struct credentials *c, const struct would_inject_question *ask)
{
	static struct would_inject rows[WOULD_INJECT_MAX];
	size_t count = would_inject(ask, rows);

	for (size_t i = 0; i < count; i++) {
		json_t *why = control_reply_string(rows[i].why);

		if (rows[i].goes)
			json_array_append_new(c->go, json_string(rows[i].name));
		if (rows[i].why[0] == '\0')
			json_decref(why);
		else
			json_object_set_new(
				rows[i].goes ? c->conditions : c->skipped,
				rows[i].name, why);
	}
}

static bool
is_listed(const json_t *names, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach(names, i, one)
	{
		if (strcmp(json_string_value(one), name) == 0)
			return true;
	}
	return false;
}

static json_t *
list_places(unsigned places)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < POLICY_PLACES; i++)
		if ((places >> i & 1) != 0)
			json_array_append_new(
				list, json_string(policy_place_name(i)));
	return list;
}

static void
add_swaps(struct credentials *c, const struct would_inject_question *ask)
{
	static struct would_swap rows[WOULD_INJECT_MAX];
	size_t count = would_swap(ask, rows);

	for (size_t i = 0; i < count; i++) {
		if (rows[i].places == 0) {
			json_object_set_new(c->skipped, rows[i].name,
				control_reply_string(rows[i].why));
			continue;
		}
		json_object_set_new(
			c->swaps, rows[i].name, list_places(rows[i].places));
		if (is_listed(c->go, rows[i].name))
			continue;
		json_array_append_new(c->go, json_string(rows[i].name));
		json_object_set_new(c->conditions, rows[i].name,
			json_string("if the request holds its stand-in"));
	}
}

static void
add_credentials(json_t *body, struct question *q, const struct judgement *j)
{
	const struct would_inject_question ask = {
		.set = q->set,
		.host = q->target.name,
		.port = q->target.port,
		.tls = q->target.tls,
		.missing = why_missing,
		.arg = q,
	};
	struct credentials c = {
		json_array(), json_object(), json_object(), json_object()};

	if (j->entitled && j->via == POLICY_VIA_INSPECT &&
		q->target.name[0] != '\0') {
		add_injections(&c, &ask);
		add_swaps(&c, &ask);
	}
	json_object_set_new(body, "credentials", c.go);
	json_object_set_new(body, "conditions", c.conditions);
	json_object_set_new(body, "skipped", c.skipped);
	json_object_set_new(body, "swaps", c.swaps);
}

/* "remedy": {"lines": […], "add": "- {…}", "before": RULE} for what is denied;
 * without "before" it is for the end of the list. */
static void
add_remedy(json_t *body, const struct judgement_question *q,
	const struct judgement *j)
{
	struct remedy remedy;
	json_t *object, *lines;

	if (j->allowed || remedy_find(q, j, &remedy) < 0)
		return;
	lines = json_array();
	for (size_t i = 0; i < remedy.count; i++)
		json_array_append_new(
			lines, control_reply_string(remedy.lines[i]));
	object = json_pack("{s:o}", "lines", lines);
	if (remedy.rule != NULL)
		json_object_set_new(
			object, "add", control_reply_string(remedy.rule));
	if (remedy.before != NULL)
		json_object_set_new(
			object, "before", control_reply_string(remedy.before));
	json_object_set_new(body, "remedy", object);
	remedy_done(&remedy);
}

/* "guard"; what it refuses, no rule allows, and the remedy says so. */
static void
add_guard(json_t *body, json_t *guard)
{
	const json_t *one, *remedy = json_object_get(body, "remedy");
	json_t *lines = json_object_get(remedy, "lines");
	size_t i;

	json_array_foreach(json_object_get(guard, "addresses"), i, one)
	{
		if (json_is_string(json_object_get(one, "refused")))
			json_array_append_new(lines,
				json_sprintf(
					"no rule opens %s (%s): only its "
					"range in upstream.allow_addresses "
					"can",
					json_string_value(json_object_get(
						one, "address")),
					json_string_value(json_object_get(
						one, "refused"))));
	}
	json_object_set_new(body, "guard", guard);
}

/* "limits": [{"by", "source", "text", and the amounts as documents have them}]
 * of what is allowed: all of these count; of packets none does. */
static void
add_limit(json_t *limits, const char *by, const char *source,
	const struct policy_limit *limit)
{
	char words[LIMIT_WORDS], amount[LIMIT_AMOUNT];
	json_t *object;

	if (limit == NULL)
		return;
	object = json_pack("{s:s, s:s, s:s}", "by", by, "source", source,
		"text", limit_words(limit, words));
	for (int i = 0; i < POLICY_BUDGETS; i++) {
		enum policy_budget b = (enum policy_budget)i;

		if (limit->amounts[i].amount > 0)
			json_object_set_new(object, limit_key(b),
				json_string(limit_amount(
					b, &limit->amounts[i], amount)));
	}
	json_array_append_new(limits, object);
}

static void
add_limits(json_t *body, struct keeper *keeper, const struct question *q,
	const struct judgement *j)
{
	bool counted = j->allowed && q->target.protocol == POLICY_TCP;
	json_t *limits = json_array();
	const struct policy_limit *own = NULL;
	char by[CONTROL_NAME_MAX + 8];
	const char *source;

	if (counted && q->sandbox[0] != '\0')
		own = keeper_sandbox_limit(keeper, q->sandbox, &source);
	if (counted)
		add_limit(limits, j->rule, j->source, j->limit);
	if (own != NULL) {
		snprintf(by, sizeof(by), "%s.limit", q->sandbox);
		add_limit(limits, by, source, own);
	}
	json_object_set_new(body, "limits", limits);
}

static const char *
via_name(enum policy_via via)
{
	switch (via) {
	case POLICY_VIA_INSPECT:
		return "inspect";
	case POLICY_VIA_PASSTHROUGH:
		return "passthrough";
	case POLICY_VIA_RAW:
		return "raw";
	case POLICY_VIA_ADDRESS:
		break;
	}
	return "address";
}

static enum record_verdict
verdict_of(const struct judgement *j)
{
	if (j->audited)
		return RECORD_AUDITED;
	return j->allowed ? RECORD_ALLOWED : RECORD_DENIED;
}

static void
answer(struct keeper *keeper, struct question *q, struct control_reply *reply)
{
	const struct url_target *t = &q->target;
	struct judgement_question ask =
		judgement_question(q->set, q->method, t);
	struct judgement j;
	json_t *body;

	ask.find_field = asking_find_field;
	ask.head = &q->head;
	j = judge_request(&ask);
	body = json_pack("{s:s, s:s, s:i, s:s, s:o, s:s, s:s, s:s, s:s, s:s}",
		"policy", policy_name(q->set), "host", t->shown, "port",
		(int)t->port, "method", q->method, "path",
		control_reply_string(t->path), "verdict",
		record_verdict_name(verdict_of(&j)), "reason",
		record_reason_name(j.reason), "rule", j.rule, "source",
		j.source, "explanation", record_reason_text(j.reason));

	if (q->sandbox[0] != '\0')
		json_object_set_new(body, "sandbox", json_string(q->sandbox));
	if (t->name[0] != '\0')
		json_object_set_new(body, "name", json_string(t->name));
	if (j.allowed)
		json_object_set_new(body, "via", json_string(via_name(j.via)));
	add_limits(body, keeper, q, &j);
	add_credentials(body, q, &j);
	add_remedy(body, &ask, &j);
	add_guard(body, keeper_guard(keeper,
				t->name[0] == '\0' ? t->shown : q->addresses));
	control_reply_json(reply, 200, body);
}

void
control_explain(
	const struct control_request *request, struct control_reply *reply)
{
	struct question *q = calloc(1, sizeof(*q));
	const char *wrong;
	json_t *status;

	if (q == NULL) {
		control_reply_failure(reply, -ENOMEM, NULL);
		return;
	}
	http_head_init(&q->head);
	wrong = read_question(request, q);
	if (wrong != NULL) {
		control_reply_error(reply, 400, "bad_request", wrong, NULL);
	} else if (!find_policy(request->keeper, q, &wrong)) {
		control_reply_error(reply, 404, "not_found", wrong, NULL);
	} else {
		status = keeper_status(request->keeper);
		q->values = json_incref(json_object_get(status, "credentials"));
		json_decref(status);
		answer(request->keeper, q, reply);
		json_decref(q->values);
	}
	overlay_unref(q->overlay);
	http_head_done(&q->head);
	free(q);
}
