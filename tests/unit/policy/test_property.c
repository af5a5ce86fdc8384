/*
 * test_property.c - decisions against a slow and obvious second opinion
 *
 * Random policies are written as YAML and, beside it, kept as the strings they
 * were made of.  The second opinion reads those strings label by label and
 * segment by segment, without the code under test.  Both must say the same of
 * every question, and so must the policy that policy_print() gives back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fnmatch.h>

#include "compiled.h"

enum { RULES = 12, ROUNDS = 300, QUESTIONS = 150, TEXT = 16384 };

/* A fixed sequence: a failure today is a failure tomorrow. */
static uint32_t seed = 20240229;

static unsigned
pick(unsigned below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

#define PICK(list) (list)[pick(sizeof(list) / sizeof((list)[0]))]

static const char *const hosts[] = {"a.test", "b.test", "x.a.test", "y.a.test",
	"p.x.a.test", "q.p.x.a.test", "x-api.a.test", "other.test", "xa.test",
	"test"};
static const char *const patterns[] = {"a.test", "b.test", "x.a.test",
	"*.a.test", "**.a.test", ".a.test", ".x.a.test", "**.x.a.test",
	"*-api.a.test", "x*.a.test", "*", "*.test", "xa.test"};
static const char *const paths[] = {
	"/", "/a", "/a/b", "/a/b/c", "/b", "/a/", "/aa", "/a/../b", "/a//b"};
static const char *const globs[] = {
	"/a", "/a/*", "/a/**", "/**", "/**/b", "/*/b", "/a*", "/"};
static const char *const methods[] = {"GET", "POST", "PUT"};
static const uint16_t ports[] = {80, 443, 8080, 22};

struct rule {
	bool deny, passthrough;
	const char *pattern, *pattern2; /* pattern2 may be NULL */
	const char *method, *path;      /* NULL: any */
	int port;                       /* 0: not given */
	char name[32];
};

struct document {
	bool allow;
	struct rule rules[RULES]; /* in order of evaluation */
	char text[TEXT];
};

/* ---- making ------------------------------------------------------------- */

static void
make_rule(struct rule *r, bool deny, int index)
{
	*r = (struct rule){.deny = deny, .pattern = PICK(patterns)};
	if (pick(3) == 0)
		r->pattern2 = PICK(patterns);
	if (pick(3) == 0)
		r->port = PICK(ports);
	if (pick(3) == 0)
		r->method = PICK(methods);
	if (pick(3) == 0)
		r->path = PICK(globs);
	r->passthrough =
		!deny && r->method == NULL && r->path == NULL && pick(4) == 0;
	snprintf(r->name, sizeof(r->name), "p.%s[%d]", deny ? "deny" : "allow",
		index);
}

static void
write_rule(FILE *out, const struct rule *r)
{
	fprintf(out, "      - {host: [\"%s\"", r->pattern);
	if (r->pattern2 != NULL)
		fprintf(out, ", \"%s\"", r->pattern2);
	fputs("], broad: true", out);
	if (r->port != 0)
		fprintf(out, ", port: %d", r->port);
	if (r->method != NULL)
		fprintf(out, ", method: %s", r->method);
	if (r->path != NULL)
		fprintf(out, ", path: \"%s\"", r->path);
	fprintf(out, "%s}\n", r->passthrough ? ", tls: passthrough" : "");
}

static void
make_document(struct document *d)
{
	int denied = (int)pick(RULES / 2);
	FILE *out = fmemopen(d->text, sizeof(d->text), "w");

	d->allow = pick(3) == 0;
	fprintf(out, "version: 1\npolicies:\n  p:\n    default: %s\n",
		d->allow ? "allow" : "deny");
	if (denied > 0)
		fputs("    deny:\n", out);
	for (int i = 0; i < RULES; i++) {
		if (i == denied)
			fputs("    allow:\n", out);
		make_rule(
			&d->rules[i], i < denied, i < denied ? i : i - denied);
		write_rule(out, &d->rules[i]);
	}
	assert_int_equal(fclose(out), 0);
}

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

static struct opinion
flow_opinion(const struct document *d, const char *host, int port)
{
	const struct rule *near = NULL, *guard = NULL;

	for (int i = 0; i < RULES; i++) {
		const struct rule *r = &d->rules[i];
		bool flat = r->method == NULL && r->path == NULL;

		if (!names_host(r, host))
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
		if (r->passthrough && guard != NULL)
			return (struct opinion){
				false, guard->name, POLICY_RULE_DENY};
		return (struct opinion){true, r->name, POLICY_RULE_ALLOW};
	}
	return fallback(d, near, POLICY_PORT);
}

static struct opinion
request_opinion(const struct document *d, const char *host, int port,
	const char *method, const char *path)
{
	static const enum policy_reason missing[] = {
		POLICY_PORT, POLICY_METHOD, POLICY_PATH};
	const struct rule *near = NULL;
	int near_score = -1;

	for (int i = 0; i < RULES; i++) {
		const struct rule *r = &d->rules[i];
		int score = 0;

		if (!names_host(r, host))
			continue;
		if (has_port(r, port))
			score = 1;
		if (score == 1 &&
			(r->method == NULL || strcmp(r->method, method) == 0))
			score = 2;
		if (score == 2 && r->path != NULL && is_odd(path))
			return (struct opinion){
				false, r->name, POLICY_PATH_AMBIGUOUS};
		if (score == 2 && (r->path == NULL || path_fits(r->path, path)))
			return (struct opinion){!r->deny, r->name,
				r->deny ? POLICY_RULE_DENY : POLICY_RULE_ALLOW};
		if (!r->deny && score > near_score) {
			near = r;
			near_score = score;
		}
	}
	return fallback(d, near, near != NULL ? missing[near_score] : 0);
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

			if (n->deny && n->method == NULL && n->path == NULL &&
				names_host(n, host) && covers)
				closed = true;
		}
		if (!closed)
			return true;
	}
	return false;
}

/* ---- comparing ---------------------------------------------------------- */

static void
compare(const struct document *d, struct policy_verdict got,
	struct opinion want, const char *question)
{
	if (got.allowed != want.allowed || got.reason != want.reason ||
		strcmp(got.rule, want.rule) != 0)
		fail_msg("%s: %s by %s, not %s by %s, in\n%s", question,
			policy_reason_name(got.reason), got.rule,
			policy_reason_name(want.reason), want.rule, d->text);
}

static void
ask(const struct document *d, const struct policy *policy)
{
	const struct policy_set *set = policy_find(policy, "p");
	const char *host = PICK(hosts), *path = PICK(paths);
	const char *method = PICK(methods);
	uint16_t port = PICK(ports);
	char question[128];

	snprintf(question, sizeof(question), "%s %s:%u%s", method, host, port,
		path);
	compare(d, policy_decide_flow(set, host, port),
		flow_opinion(d, host, port), question);
	compare(d, policy_decide_request(set, host, port, method, path),
		request_opinion(d, host, port, method, path), question);
	if (policy_decide_name(set, host).allowed != name_opinion(d, host))
		fail_msg("name %s in\n%s", host, d->text);
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

		make_document(d);
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
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agrees_with_the_second_opinion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
