/* Which records may be asked for, which names are written out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "compiled.h"
#include "policy_name.h"

enum { TXT = 16, MX = 15, SRV = 33 };

static const char text[] =
	"version: 1\n"
	"policies:\n"
	"  p:\n"
	"    allow:\n"
	"      - {host: a.example.org}\n"
	"      - {host: [a.example.org, \"*.b.example.org\"], dns: [TXT, MX]}\n"
	"      - {host: closed.example.org, dns: TXT}\n"
	"      - {host: half.example.org, port: [80, 443], dns: TXT}\n"
	"      - {host: seen.example.org, dns: TXT}\n"
	"      - {host: .apex.example.org, dns: SRV}\n"
	"    deny:\n"
	"      - {host: closed.example.org}\n"
	"      - {host: half.example.org, port: 443}\n"
	"      - {host: seen.example.org, audit: true}\n"
	"      - {host: denied.example.org}\n";

static const struct {
	const char *host;
	uint16_t type;
	const char *rule; /* NULL: none lists it */
	const char *why;
} records[] = {
	{"a.example.org", TXT, "p.allow[1]", "the second rule lists it"},
	{"a.example.org", SRV, NULL, "no rule lists it"},
	{"x.b.example.org", MX, "p.allow[1]", "a pattern"},
	{"b.example.org", MX, NULL, "not in the pattern"},
	{"closed.example.org", TXT, NULL, "denied"},
	{"half.example.org", TXT, "p.allow[3]", "a port is left open"},
	{"seen.example.org", TXT, "p.allow[4]", "a rule that only looks on"},
	{"apex.example.org", SRV, "p.allow[5]", "the apex"},
	{"c.example.org", TXT, NULL, "no rule about it"},
	{"a.example.org", 255, NULL, "ANY is in no list"},
};

static const struct policy_set *
set_of(struct policy *p)
{
	const struct policy_set *set = policy_find(p, "p");

	assert_non_null(set);
	return set;
}

static void
test_records(void **state)
{
	struct policy *p = compiled(text);
	struct policy_verdict v;

	(void)state;
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		v = policy_name_records(
			set_of(p), records[i].host, records[i].type);
		if (v.allowed != (records[i].rule != NULL))
			fail_msg("%s: %s", records[i].host, records[i].why);
		if (v.allowed)
			assert_string_equal(v.rule, records[i].rule);
	}
	policy_unref(p);
}

static const struct {
	const char *host;
	bool written;
	const char *why;
} names[] = {
	{"a.example.org", true, "as it is"},
	{"apex.example.org", true, "the apex of a pattern"},
	{"x.apex.example.org", false, "below it"},
	{"x.b.example.org", false, "by a star"},
	{"denied.example.org", false, "only denied"},
	{"other.example.org", false, "nowhere"},
};

static void
test_written(void **state)
{
	struct policy *p = compiled(text);

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (policy_name_is_written(set_of(p), names[i].host) !=
			names[i].written)
			fail_msg("%s: %s", names[i].host, names[i].why);
	}
	policy_unref(p);
}

static void
test_registered(void **state)
{
	(void)state;
	assert_string_equal(
		policy_name_registered("a.b.example.org"), "example.org");
	assert_string_equal(
		policy_name_registered("x.example.co.uk"), "example.co.uk");
	assert_string_equal(
		policy_name_registered("example.org"), "example.org");
	assert_string_equal(policy_name_registered("org"), "org");
	assert_string_equal(
		policy_name_registered("a.user.github.io"), "user.github.io");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_registered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
