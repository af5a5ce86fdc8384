#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "random_document.h"

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

static const struct pair pairs[] = {
	{"a=1", "a", "1", NULL, false},
	{"a=12", "a", "12", NULL, false},
	{"%61=1", "a", "1", NULL, false},
	{"a=x=y", "a", "x=y", NULL, false},
	{"a", "a", "", NULL, false},
	{"a=", "a", "", NULL, false},
	{"a=x+%2By", "a", "x +y", NULL, false},
	{"a=%26b%3D1", "a", "&b=1", NULL, false},
	{"a=%2561", "a", "%61", NULL, false},
	{"a=%C3%A9", "a", "\303\251", NULL, false},
	{"A=1", "A", "1", "a", false},
	{"+a=1", " a", "1", "a", false},
	{"a[]=1", "a[]", "1", "a", false},
	{"aa=1", "aa", "1", NULL, false},
	{"b.c=1", "b.c", "1", NULL, false},
	{"b_c=1", "b_c", "1", "b.c", false},
	{"b%5Bc=1", "b[c", "1", "b.c", false},
	{"b.c=xyx", "b.c", "xyx", NULL, false},
	{"=1", "", "1", NULL, false},
	{"", NULL, "", NULL, false},
	{"c=%zz", "c", "", NULL, true},
	{"c=%4", "c", "", NULL, true},
	{"c=1;a=2", "c", "", NULL, true},
	{"c=%00", "c", "", NULL, true},
	{"c=%e9", "c", "", NULL, true},
	{"c=%C0%A1", "c", "", NULL, true},
};
static const char *const pair_names[] = {"a", "b.c", "c"};
static const char *const values[] = {"*", "1", "1*", "*y", "x*y*", "", "*+*",
	"%61", "\303\251", "&b=1", "**2", "*x*x"};

static const struct field fields[] = {
	{"X-One", "1", "x-one", false},
	{"x-one", "12", "x-one", false},
	{"X-ONE", "", "x-one", false},
	{"X_One", "1", "x-one", true},
	{"X_One", "x, y", "x-one", true},
	{"X-One", "x, y", "x-one", false},
	{"X-Two", "x y", "x-two", false},
	{"X-Two", "%61", "x-two", false},
	{"X-On", "1", "x-on", false},
};
static const char *const field_names[] = {"X-One", "x-two"};

/* ---- making ------------------------------------------------------------- */

bool
random_rule_is_flat(const struct rule *r)
{
	return r->method == NULL && r->path == NULL && r->query.name == NULL &&
	       r->header.name == NULL;
}

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
	if (pick(4) == 0)
		r->query = (struct match){
			PICK(pair_names), PICK(values), PICK(values)};
	if (r->query.name != NULL && strcmp(r->query.name, "c") != 0 &&
		pick(4) == 0)
		r->query2 = (struct match){"c", PICK(values), NULL};
	if (pick(4) == 0)
		r->header = (struct match){
			PICK(field_names), PICK(values), PICK(values)};
	r->audit = deny && pick(4) == 0;
	r->passthrough = !deny && random_rule_is_flat(r) && pick(4) == 0;
	r->raw = !deny && !r->passthrough && r->port != 0 &&
		 random_rule_is_flat(r) && pick(3) == 0;
	r->limited = !deny && !r->passthrough && !r->raw && pick(6) == 0;
	snprintf(r->name, sizeof(r->name), "p.%s[%d]", deny ? "deny" : "allow",
		index);
}

static void
write_match(FILE *out, const struct match *m)
{
	if (m->name == NULL)
		return;
	fprintf(out, "%s: [\"%s\"", m->name, m->pattern);
	if (m->pattern2 != NULL)
		fprintf(out, ", \"%s\"", m->pattern2);
	fputs("], ", out);
}

static void
write_matches(FILE *out, const char *key, const struct match *one,
	const struct match *two)
{
	if (one->name == NULL)
		return;
	fprintf(out, ", %s: {", key);
	write_match(out, one);
	if (two != NULL)
		write_match(out, two);
	fputc('}', out);
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
	write_matches(out, "query", &r->query, &r->query2);
	write_matches(out, "header", &r->header, NULL);
	fputs(r->audit ? ", audit: true" : "", out);
	fputs(r->raw ? ", protocol: tcp" : "", out);
	fputs(r->limited ? ", limit: {requests: 9/d}" : "", out);
	fprintf(out, "%s}\n", r->passthrough ? ", tls: passthrough" : "");
}

void
random_document(struct document *d)
{
	int denied = (int)pick(RULES / 2);
	FILE *out = fmemopen(d->text, sizeof(d->text), "w");

	d->allow = pick(3) == 0;
	fprintf(out, "version: 1\npolicies:\n  p:\n    default: %s\n",
		d->allow ? "allow" : "deny");
	d->audit = pick(6) == 0;
	fputs(d->audit ? "    audit: true\n" : "", out);
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

void
random_question(struct question *q)
{
	*q = (struct question){.host = PICK(hosts),
		.method = PICK(methods),
		.path = PICK(paths),
		.port = PICK(ports),
		.pair_count = (int)pick(PIECES + 1),
		.field_count = (int)pick(PIECES + 1)};
	for (int i = 0; i < q->pair_count; i++) {
		q->pairs[i] = &PICK(pairs);
		if (i > 0)
			strcat(q->query, "&");
		strcat(q->query, q->pairs[i]->raw);
	}
	for (int i = 0; i < q->field_count; i++)
		q->fields[i] = &PICK(fields);
}
