#include "random_policy.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "policy.h"
#include "report.h"
#include "tree.h"

/* A failure today is a failure tomorrow. */
static uint32_t seed = 20260229;

unsigned
random_below(unsigned below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

#define PICK(list) (list)[random_below(sizeof(list) / sizeof((list)[0]))]

static const char *const hosts[] = {
	"a.test", "b.test", "x.a.test", "p.x.a.test", "other.test"};
static const char *const patterns[] = {"a.test", "b.test", "x.a.test",
	"*.a.test", "**.a.test", ".a.test", "*", "x*.a.test"};
static const char *const paths[] = {"/", "/a", "/a/b", "/b", "/a/", "/a/../b",
	"/a//b", "/a%2fb", "/caf%C3%A9", "/a*b", "/a%2Ab", "/a'(b)", "/x:y@z"};
static const char *const globs[] = {
	"/a", "/a/*", "/a/**", "/**", "/*", "/a*", "/a%2Ab", "/"};
static const char *const methods[] = {
	"GET", "POST", "PUT", "post", "TRACE", "M-SEARCH"};
static const uint16_t ports[] = {80, 443, 8080, 22};
static const char *const addresses[] = {"192.0.2.1", "198.51.100.7"};
static const char *const ranges[] = {"192.0.2.0/24", "192.0.2.1"};

static void
make_rule(bool deny, char ret[256])
{
	FILE *out = fmemopen(ret, 256, "w");
	bool flat = true;

	assert(out != NULL);
	if (random_below(5) == 0) {
		fprintf(out, "- {address: %s, port: %u}", PICK(ranges),
			PICK(ports));
		fclose(out);
		return;
	}
	fprintf(out, "- {host: \"%s\", broad: true", PICK(patterns));
	if (random_below(3) == 0)
		fprintf(out, ", port: %u", PICK(ports));
	if (random_below(3) == 0) {
		fprintf(out, ", method: %s", PICK(methods));
		flat = false;
	}
	if (random_below(3) == 0) {
		fprintf(out, ", path: \"%s\"", PICK(globs));
		flat = false;
	}
	if (!deny && flat && random_below(3) == 0)
		fputs(", tls: passthrough", out);
	fputc('}', out);
	fclose(out);
}

void
random_policy_make(struct random_policy *p)
{
	*p = (struct random_policy){
		.default_allow = random_below(4) == 0,
		.credentials = random_below(2) == 0,
		.deny_count = random_below(RANDOM_RULES / 2),
	};
	for (size_t i = 0; i < RANDOM_RULES; i++)
		make_rule(i < p->deny_count, p->rules[i]);
}

struct random_question
random_question_make(void)
{
	struct random_question q = {
		.tls = random_below(2) == 0,
		.method = PICK(methods),
		.path = PICK(paths),
		.port = PICK(ports),
	};

	if (random_below(6) == 0)
		q.address = PICK(addresses);
	else
		q.host = PICK(hosts);
	return q;
}

static const char *const value_keys[] = {"query: {a: \"1*\"}",
	"query: {b.c: [x, \"\"]}", "header: {X-Test: \"1*\"}",
	"query: {a: \"*\"}, header: {x_test: [\"12\", \"y\"]}"};
static const char *const queries[] = {"a=1", "a=12&a=2", "%61=1", "b.c=x",
	"b_c=x", "A=1", "a=%zz", "a", "", "b.c&a=1"};
static const char *const fields[] = {"X-Test", "x-test", "X_Test", "X-Other"};
static const char *const values[] = {"1", "12", "y", ""};

void
random_policy_add_values(struct random_policy *p)
{
	for (size_t i = 0; i < RANDOM_RULES; i++) {
		char *rule = p->rules[i], *end = strrchr(rule, '}');

		if (strstr(rule, "address") != NULL ||
			strstr(rule, "passthrough") != NULL ||
			random_below(2) == 0)
			continue;
		snprintf(end, sizeof(p->rules[i]) - (size_t)(end - rule),
			", %s}", PICK(value_keys));
	}
}

void
random_question_add_values(struct random_question *q)
{
	q->query = PICK(queries);
	q->field = PICK(fields);
	q->value = PICK(values);
}

static const char credentials[] =
	"credentials:\n"
	"  one:\n"
	"    source: {env: ONE}\n"
	"    inject: [{host: .a.test, header: X-One, port: \"1-65535\", "
	"plaintext: true}]\n"
	"  two:\n"
	"    source: {env: TWO}\n"
	"    inject: [{host: x.a.test, header: x_one, mode: if-absent}]\n"
	"  api:\n"
	"    source: {env: API}\n"
	"    inject: [{host: [x.a.test, b.test], header: X-Api, "
	"mode: if-absent}]\n";

void
random_policy_write(const struct random_policy *p, char ret[RANDOM_TEXT])
{
	FILE *out = fmemopen(ret, RANDOM_TEXT, "w");
	size_t extra = RANDOM_RULES - p->deny_count;
	bool placed = p->before == NULL ||
		      sscanf(p->before, "p.allow[%zu]", &extra) == 1;

	assert(out != NULL && placed);
	extra += p->deny_count;
	fputs("version: 1\n", out);
	fputs(p->credentials ? credentials : "", out);
	fprintf(out, "policies:\n  p:\n    default: %s\n",
		p->default_allow ? "allow" : "deny");
	fputs(p->audit ? "    audit: true\n" : "", out);
	for (size_t i = 0; i < RANDOM_RULES; i++) {
		if (i == 0 && p->deny_count > 0)
			fputs("    deny:\n", out);
		if (i == p->deny_count)
			fputs("    allow:\n", out);
		if (i == extra && p->extra != NULL)
			fprintf(out, "      %s\n", p->extra);
		/* One that is never asked keeps its place, and its number. */
		fprintf(out, "      %s\n",
			p->dropped[i] ? "- {host: dropped.test}" : p->rules[i]);
	}
	if (extra == RANDOM_RULES && p->extra != NULL)
		fprintf(out, "      %s\n", p->extra);
	if (p->credentials)
		fputs("    credentials: [one, two, api]\n", out);
	fclose(out);
}

struct policy *
random_policy_compile(const struct random_policy *p)
{
	char text[RANDOM_TEXT];
	struct report *report = report_new();
	struct policy *policy = NULL;
	struct tree *tree = NULL;

	random_policy_write(p, text);
	if (tree_parse("p.yaml", text, strlen(text), &tree, report) == 0)
		(void)policy_compile((const struct tree *const *)&tree, 1, NULL,
			&policy, report);
	tree_free(tree);
	report_free(report);
	return policy;
}
