/* Whose stand-ins would be swapped, said before there is a request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "compiled.h"
#include "would_swap.h"

static const char text[] =
	"version: 1\n"
	"credentials:\n"
	"  a: {source: {env: A}, swap: {host: \"*.h.test\", in: [body, "
	"header]}}\n"
	"  b: {source: {env: B}, swap: {host: b.h.test, plaintext: true}}\n"
	"  c: {source: {env: C}, swap: {host: b.h.test, in: [path, query]}}\n"
	"policies:\n"
	"  p: {default: allow, credentials: [c, b, a]}\n";

static const char *
c_is_missing(void *arg, const char *name)
{
	(void)arg;
	return strcmp(name, "c") == 0 ? "not set" : NULL;
}

static const struct {
	const char *host;
	uint16_t port;
	bool tls, missing;
	const char *said;
} cases[] = {
	{"a.h.test", 443, true, false, "a in header, body\n"},
	{"b.h.test", 443, true, false,
		"c in query, path\nb in header\na in header, body\n"},
	{"b.h.test", 443, true, true,
		"c: it has no value: not set\nb in header\na in header, "
		"body\n"},
	{"b.h.test", 443, false, false,
		"c: its stand-in is not swapped over plain HTTP (p.yaml:5)\n"
		"b in header\n"
		"a: its stand-in is not swapped over plain HTTP (p.yaml:3)\n"},
	{"b.h.test", 80, false, false, "b in header\n"},
	{"h.test", 443, true, false, ""},
};

static void
test_rows(void **state)
{
	static struct would_swap rows[WOULD_INJECT_MAX];
	struct policy *p = compiled(text);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct would_inject_question q = {
			.set = policy_find(p, "p"),
			.host = cases[i].host,
			.port = cases[i].port,
			.tls = cases[i].tls,
			.missing = cases[i].missing ? c_is_missing : NULL,
		};
		char said[512] = "", places[WOULD_SWAP_PLACES];
		size_t count = would_swap(&q, rows), len = 0;

		for (size_t k = 0; k < count; k++)
			len += (size_t)snprintf(said + len, sizeof(said) - len,
				"%s%s%s\n", rows[k].name,
				rows[k].places != 0 ? " in " : ": ",
				rows[k].places != 0
					? would_swap_places(
						  rows[k].places, places)
					: rows[k].why);
		assert_string_equal(said, cases[i].said);
	}
	policy_unref(p);
}

static void
test_all_places_fit(void **state)
{
	char places[WOULD_SWAP_PLACES];

	(void)state;
	assert_string_equal(
		would_swap_places(15, places), "header, query, path, body");
	assert_string_equal(would_swap_places(0, places), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_all_places_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
