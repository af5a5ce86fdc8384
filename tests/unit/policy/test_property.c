/*
 * test_property.c - decisions against a slow and obvious second opinion
 *
 * Random policies (random_document.h) are asked random questions.  The second
 * opinion reads those strings label by label and segment by segment, without
 * the code under test.  Both must say the same of every question, and so must
 * the policy that policy_print() gives back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>
#include <fnmatch.h>

#include "compiled.h"
#include "policy_raw.h"
#include "random_document.h"

enum { ROUNDS = 400, QUESTIONS = 200 };

/* ---- the second opinion ------------------------------------------------- */

static bool
label_fits(const char *pattern, const char *host)
{
	size_t p = strcspn(pattern, "."), h = strcspn(host, ".");
	char a[64], b[64];

	snprintf(a, sizeof(a), "%.*s", (int)p, pattern);
	snprintf(b, sizeof(b), "%.*s", (int)h, host);
	return fnmatch(a, b, 0) == 0 && strcmp(pattern + p, host + h) == 0;
}

static bool
host_fits(const char *pattern, const char *host)
{
	if (strcmp(pattern, "*") == 0)
		return true;
	if (pattern[0] == '.' && strcmp(pattern + 1, host) == 0)
		return true;
	if (pattern[0] == '.' || strncmp(pattern, "**.", 3) == 0) {
		const char *base = strchr(pattern, '.') + 1;

		/* Take labels off, one or more, until the base is left. */
		for (const char *s = strchr(host, '.'); s != NULL;
			s = strchr(s + 1, '.')) {
			if (strcmp(s + 1, base) == 0)
				return true;
		}
		return false;
	}
	if (strncmp(pattern, "*.", 2) == 0)
		return strchr(host, '.') != NULL &&
		       strcmp(strchr(host, '.') + 1, pattern + 2) == 0;
	return label_fits(pattern, host);
}

/* Recursive on purpose: nothing is simpler. */
static bool
path_fits(const char *glob, const char *path)
{
	size_t g = strcspn(glob + (*glob == '/'), "/") + (*glob == '/');
	size_t p = strcspn(path + (*path == '/'), "/") + (*path == '/');
	char a[64], b[64];

	if (*glob == '\0')
		return *path == '\0';
	if (strncmp(glob, "/**", 3) == 0 && g == 3)
		return path_fits(glob + g, path) ||
		       (*path != '\0' && path_fits(glob, path + p));
	if (*path == '\0')
		return false;
	snprintf(a, sizeof(a), "%.*s", (int)g, glob);
	snprintf(b, sizeof(b), "%.*s", (int)p, path);
	if (strcmp(a, "/*") == 0 && strcmp(b, "/") == 0)
		return false;
	return fnmatch(a, b, 0) == 0 && path_fits(glob + g, path + p);
}

static bool
is_odd(const char *path)
{
	return strstr(path, "..") != NULL || strstr(path, "//") != NULL;
}

static bool
names_host(const struct rule *r, const char *host)
{
	return host_fits(r->pattern, host) ||
	       (r->pattern2 != NULL && host_fits(r->pattern2, host));
}

static bool
has_port(const struct rule *r, int port)
{
	if (r->port != 0)
		return r->port == port;
	return r->deny || port == 80 || port == 443;
}

struct opinion {
	bool allowed;
	const char *rule;
	enum policy_reason reason;
};

struct judgement { /* an opinion, and what audit makes of it */
	struct opinion says;
	bool allowed, audited;
};

/*
 * plain: about the document without the rules that only look on; looker: what
 * the first of those would have said, if it would have denied.
 */
static struct judgement
judge(const struct document *d, struct opinion plain,
	const struct opinion *looker)
{
	struct judgement j = {plain, true, true};

	if (plain.allowed && looker != NULL)
		j.says = *looker;
	else if (plain.allowed || !d->audit)
		j = (struct judgement){plain, plain.allowed, false};
	j.says.allowed = plain.allowed; /* without audit, that is */
	return j;
}

static struct opinion
fallback(const struct document *d, const struct rule *near,
	enum policy_reason reason)
{
	if (d->allow)
		return (struct opinion){
			true, "p.default", POLICY_DEFAULT_ALLOW};
	if (near != NULL)
		return (struct opinion){false, near->name, reason};
	return (struct opinion){false, "p.default", POLICY_NO_RULE};
}

/* audit: of deny rules only those that look on, or only the others. */
static struct opinion
plain_flow_opinion(
	const struct document *d, const char *host, int port, bool audit)
{
	const struct rule *near = NULL, *guard = NULL;

	for (int i = 0; i < RULES; i++) {
		const struct rule *r = &d->rules[i];
		bool flat = random_rule_is_flat(r);

		if (!names_host(r, host) || (r->deny && r->audit != audit))
			continue;
		if (!has_port(r, port)) {
			if (!r->deny && near == NULL)
				near = r;
			continue;
		}
		if (r->deny && flat)
			return (struct opinion){
				false, r->name, POLICY_RULE_DENY};
		if (r->deny && guard == NULL)
			guard = r;
		if (r->deny)
			continue;
		if ((r->passthrough || r->raw) && guard != NULL)
			return (struct opinion){
				false, guard->name, POLICY_RULE_DENY};
		return (struct opinion){true, r->name, POLICY_RULE_ALLOW};
	}
	return fallback(d, near, POLICY_PORT);
}

static struct judgement
flow_judgement(const struct document *d, const char *host, int port)
{
	struct opinion looker = plain_flow_opinion(d, host, port, true);

	return judge(d, plain_flow_opinion(d, host, port, false),
		looker.reason == POLICY_RULE_DENY ? &looker : NULL);
}

/* Whatever bytes to that host and port; audit: as above. */
static struct opinion
plain_raw_opinion(
	const struct document *d, const char *host, int port, bool audit)
{
	const struct rule *near = NULL, *far = NULL, *guard = NULL;

	for (int i = 0; i < RULES; i++) {
		const struct rule *r = &d->rules[i];
		bool flat = random_rule_is_flat(r);
		bool fit = r->raw || (flat && !r->limited && r->port != 0 &&
					     port != 80 && port != 443);

		if (!names_host(r, host) || (r->deny && r->audit != audit))
			continue;
		if (!has_port(r, port)) {
			if (!r->deny && far == NULL)
				far = r;
			continue;
		}
		if (r->deny && flat)
			return (struct opinion){
				false, r->name, POLICY_RULE_DENY};
		if (r->deny && guard == NULL)
			guard = r;
		if (r->deny)
			continue;
		if (fit && guard != NULL)
			return (struct opinion){
				false, guard->name, POLICY_RULE_DENY};
		if (fit)
			return (struct opinion){
				true, r->name, POLICY_RULE_ALLOW};
		if (near == NULL)
			near = r;
		if (flat)
			break; /* no request comes to the next */
	}
	if (near != NULL)
		return (struct opinion){false, near->name, POLICY_NOT_RAW};
	if (far != NULL)
		return (struct opinion){false, far->name, POLICY_PORT};
	return (struct opinion){
		false, "p.default", d->allow ? POLICY_NOT_RAW : POLICY_NO_RULE};
}

static struct judgement
raw_judgement(const struct document *d, const char *host, int port)
{
	struct opinion looker = plain_raw_opinion(d, host, port, true);

	return judge(d, plain_raw_opinion(d, host, port, false),
		looker.reason == POLICY_RULE_DENY ? &looker : NULL);
}

static bool
is_one_of(const struct match *m, const char *value)
{
	return fnmatch(m->pattern, value, 0) == 0 ||
	       (m->pattern2 != NULL && fnmatch(m->pattern2, value, 0) == 0);
}

enum say { NO, YES, UNCLEAR };

/* Every value for an allow rule, some value for a deny rule. */
static enum say
query_says(
	const struct rule *r, const struct match *m, const struct question *q)
{
	int good = 0, bad = 0;

	if (m->name == NULL)
		return YES;
	for (int i = 0; i < q->pair_count; i++) {
		if (q->pairs[i]->odd)
			return UNCLEAR;
	}
	for (int i = 0; i < q->pair_count; i++) {
		const struct pair *p = q->pairs[i];

		if (p->like != NULL && strcmp(p->like, m->name) == 0)
			return UNCLEAR;
		if (p->name == NULL || strcmp(p->name, m->name) != 0)
			continue;
		if (is_one_of(m, p->value))
			good++;
		else
			bad++;
	}
	return good > 0 && (r->deny || bad == 0) ? YES : NO;
}

static bool
header_says(const struct rule *r, const struct question *q)
{
	int good = 0, bad = 0, named = 0;

	if (r->header.name == NULL)
		return true;
	for (int i = 0; i < q->field_count; i++) {
		const struct field *f = q->fields[i];

		if (strcasecmp(f->is, r->header.name) != 0)
			continue;
		named += !f->alike;
		if (is_one_of(&r->header, f->value))
			good++;
		else
			bad++;
	}
	if (r->deny)
		return good > 0;
	return good > 0 && bad == 0 && named > 0;
}

static enum say
both_queries(const struct rule *r, const struct question *q)
{
	enum say first = query_says(r, &r->query, q);

	return first == YES ? query_says(r, &r->query2, q) : first;
}

/* How far it goes along, 5: all the way. */
static int
score_of(const struct rule *r, const struct question *q,
	enum policy_reason *ret_unclear)
{
	*ret_unclear = POLICY_RULE_ALLOW;
	if (!has_port(r, q->port))
		return 0;
	if (r->method != NULL && strcmp(r->method, q->method) != 0)
		return 1;
	if (r->path != NULL && is_odd(q->path)) {
		*ret_unclear = POLICY_PATH_AMBIGUOUS;
		return 2;
	}
	if (r->path != NULL && !path_fits(r->path, q->path))
		return 2;
	if (both_queries(r, q) == UNCLEAR)
		*ret_unclear = POLICY_QUERY_AMBIGUOUS;
	if (both_queries(r, q) != YES)
		return 3;
	return header_says(r, q) ? 5 : 4;
}

/* audit: what the rules that look on would have said. */
static struct opinion
plain_request_opinion(
	const struct document *d, const struct question *q, bool audit)
{
	static const enum policy_reason missing[] = {POLICY_PORT, POLICY_METHOD,
		POLICY_PATH, POLICY_QUERY, POLICY_HEADER};
	const struct rule *near = NULL, *guard = NULL;
	enum policy_reason unclear;
	int near_score = -1;

	for (int i = 0; i < RULES; i++) {
		const struct rule *r = &d->rules[i];
		int score;

		if (!names_host(r, q->host) || (r->deny && r->audit != audit))
			continue;
		score = score_of(r, q, &unclear);
		if (unclear != POLICY_RULE_ALLOW && audit && !r->deny)
			break; /* which no rule that looks on has said */
		if (unclear != POLICY_RULE_ALLOW)
			return (struct opinion){false, r->name, unclear};
		if (score == 5 && r->deny)
			return (struct opinion){
				false, r->name, POLICY_RULE_DENY};
		if (score == 5 && (r->passthrough || r->raw) && guard != NULL)
			return (struct opinion){
				false, guard->name, POLICY_RULE_DENY};
		if (score == 5)
			return (struct opinion){
				true, r->name, POLICY_RULE_ALLOW};
		if (r->deny && score > 0 && guard == NULL)
			guard = r;
		if (!r->deny && score > near_score) {
			near = r;
			near_score = score;
		}
	}
	return fallback(d, near, near != NULL ? missing[near_score] : 0);
}

static struct judgement
request_judgement(const struct document *d, const struct question *q)
{
	struct opinion looker = plain_request_opinion(d, q, true);
	bool denies = looker.reason == POLICY_RULE_DENY ||
		      looker.reason == POLICY_PATH_AMBIGUOUS ||
		      looker.reason == POLICY_QUERY_AMBIGUOUS;

	return judge(
		d, plain_request_opinion(d, q, false), denies ? &looker : NULL);
}

/* Some port of this rule that no flat deny rule closes altogether. */
static bool
name_opinion(const struct document *d, const char *host)
{
	for (int i = 0; i <= RULES; i++) {
		const struct rule *r = &d->rules[i];
		bool closed = false;

		if (i < RULES && (r->deny || !names_host(r, host)))
			continue;
		if (i == RULES && !d->allow)
			break;
		for (int k = 0; k < RULES; k++) {
			const struct rule *n = &d->rules[k];
			bool covers = n->port == 0 ||
				      (i < RULES && n->port == r->port);

			if (n->deny && !n->audit && random_rule_is_flat(n) &&
				names_host(n, host) && covers)
				closed = true;
		}
		if (!closed)
			return true;
	}
	return false;
}

/* ---- comparing ---------------------------------------------------------- */

static unsigned seen[POLICY_NOT_RAW + 1]; /* how often a reason was given */
static unsigned audited;
static unsigned raw; /* how often it was allowed */

static void
compare(const struct document *d, struct policy_verdict got,
	struct judgement want, const char *question)
{
	seen[got.reason]++;
	audited += got.audited;
	if (got.allowed != want.allowed || got.audited != want.audited ||
		got.entitled != want.says.allowed ||
		got.reason != want.says.reason ||
		strcmp(got.rule, want.says.rule) != 0)
		fail_msg("%s: %s by %s, not %s by %s, in\n%s", question,
			policy_reason_name(got.reason), got.rule,
			policy_reason_name(want.says.reason), want.says.rule,
			d->text);
}

static bool
find_field(const void *head, const char *name, size_t *next,
	struct policy_field *ret)
{
	const struct question *q = head;

	while (*next < (size_t)q->field_count) {
		const struct field *f = q->fields[(*next)++];

		if (strcasecmp(f->is, name) != 0)
			continue;
		*ret = (struct policy_field){
			f->value, strlen(f->value), f->alike};
		return true;
	}
	return false;
}

static void
ask(const struct document *d, const struct policy *policy)
{
	const struct policy_set *set = policy_find(policy, "p");
	struct policy_verdict v;
	char words[512];
	struct question q;

	random_question(&q);
	snprintf(words, sizeof(words), "%s %s:%u%s?%s %d fields", q.method,
		q.host, q.port, q.path, q.query, q.field_count);
	compare(d, policy_decide_flow(set, q.host, q.port),
		flow_judgement(d, q.host, q.port), words);
	v = policy_decide_raw(set, q.host, q.port);
	compare(d, v, raw_judgement(d, q.host, q.port), words);
	raw += v.entitled;
	if (v.entitled && !policy_name_may_be_raw(set, q.host))
		fail_msg("no address for %s in\n%s", q.host, d->text);
	compare(d,
		policy_decide_request(
			set, &(const struct policy_request){.host = q.host,
				     .port = q.port,
				     .method = q.method,
				     .path = q.path,
				     .query = q.query,
				     .find_field = find_field,
				     .head = &q}),
		request_judgement(d, &q), words);
	if (policy_decide_name(set, q.host).entitled !=
			name_opinion(d, q.host) ||
		policy_decide_name(set, q.host).allowed !=
			(d->audit || name_opinion(d, q.host)))
		fail_msg("name %s in\n%s", q.host, d->text);
}

static void
test_agrees_with_the_second_opinion(void **state)
{
	struct document *d = malloc(sizeof(*d));

	(void)state;
	assert_non_null(d);
	for (int round = 0; round < ROUNDS; round++) {
		struct policy *policy, *again;
		char *print;

		random_document(d);
		policy = compiled(d->text);
		print = policy_print(policy);
		again = compiled(print);
		for (int i = 0; i < QUESTIONS; i++)
			ask(d, i % 2 == 0 ? policy : again);
		free(print);
		policy_unref(policy);
		policy_unref(again);
	}
	free(d);
	/* What was never asked for was not compared. */
	assert_true(audited > 100);
	assert_true(raw > 100);
	assert_true(seen[POLICY_NOT_RAW] > 100);
	for (int i = 0; i < POLICY_NO_NAME; i++) {
		if (seen[i] < 100)
			fail_msg("%s: %u times",
				policy_reason_name((enum policy_reason)i),
				seen[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agrees_with_the_second_opinion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
