#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "imported.h"

enum { TEXT_BYTES = 1 << 20, INJECTIONS = 8 };

static void
test_names(void **state)
{
	static const char *const names[] = {
		"docker-kit", "docker-proxy-config", "cloudflare"};
	enum import_dialect d;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(import_dialect_name(i), names[i]);
		assert_true(import_dialect_find(names[i], &d));
		assert_int_equal(d, i);
	}
	assert_null(import_dialect_name(3));
	assert_false(import_dialect_find("docker", &d));
	assert_false(import_dialect_find("", &d));
}

static void
expect_names(const char *const *got, size_t count, const char *want)
{
	char all[256] = "";

	for (size_t i = 0; i < count; i++) {
		strcat(all, i > 0 ? " " : "");
		strcat(all, got[i]);
	}
	assert_string_equal(all, want);
}

static void
test_variables(void **state)
{
	static const struct {
		const char *text, *secrets, *stand_ins, *why;
	} cases[] = {
		{"{schemaVersion: '1', name: k, credentials: {sources: {a: "
		 "{env: [A, B]}, b: {env: [B]}}}, environment: {proxyManaged: "
		 "[A, C, A, PATH, SBX_X]}}",
			"A B", "A C", "v1: whether carried over or not"},
		{"{schemaVersion: '2', name: k, credentials: [{service: a, "
		 "apiKey: {name: A, proxyManaged: true}}, {service: b, apiKey: "
		 "{name: B}}]}",
			"A B", "A", "v2: only what says proxyManaged"},
		{"{schemaVersion: '1', name: k}", "", "", "none"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct import *import =
			imported(IMPORT_DOCKER_KIT, cases[i].text);
		const char *const *names;
		size_t count = import_secrets(import, &names);

		expect_names(names, count, cases[i].secrets);
		count = import_stand_ins(import, &names);
		expect_names(names, count, cases[i].stand_ins);
		import_free(import);
	}
}

/* ---- credentials, as the compiled document puts them in ----------------- */

static const struct {
	const char *text; /* a list of credentials, everything allowed */
	const char *host;
	const char *expect; /* "variable header, ..." */
	const char *why;
} order_cases[] = {
	{"[{d: a.example.com, v: A, h: X-Key}]", "a.example.com", "a X-Key",
		"one"},
	{"[{d: a.example.com, v: A, h: X-Key}]", "b.example.com", "",
		"another host"},
	{"[{d: '*.example.com', v: A, h: X-Key}]", "x.b.example.com", "a X-Key",
		"a wildcard is any depth"},
	{"[{d: a.example.com, v: A, h: X-Key}, "
	 "{d: '*.example.com', v: B, h: X-Key}]",
		"a.example.com", "a X-Key, b X-Key",
		"for one header the first that has a value is used"},
	{"[{d: '*.example.com', v: B, h: X-Key}, "
	 "{d: a.example.com, v: A, h: X-Key}]",
		"a.example.com", "b X-Key, a X-Key",
		"the first, though it is the wider"},
	{"[{d: a.example.com, v: A, h: X-Key}, "
	 "{d: a.example.com, v: B, h: X-Other}]",
		"a.example.com", "a X-Key",
		"the second would be used only without the first"},
	{"[{d: a.example.com, v: A, h: X-Key}, "
	 "{d: b.example.com, v: A, h: X-Key}, "
	 "{d: '*.example.com', v: B, h: X-Key}, "
	 "{d: c.example.com, v: A, h: X-Key}]",
		"c.example.com", "b X-Key, a-2 X-Key",
		"neighbours share a credential, others do not"},
};

static char *
proxy_config(const char *list)
{
	char *text = malloc(TEXT_BYTES), *to = text;

	/* d, v, h and the format that all have, written out. */
	to += sprintf(to, "{policy: {default: allow}, credentials: ");
	for (; *list != '\0'; list++) {
		if (strncmp(list, "d: ", 3) == 0)
			to += sprintf(to, "format: '${value}', domain");
		else if (strncmp(list, "v: ", 3) == 0)
			to += sprintf(to, "envVar");
		else if (strncmp(list, "h: ", 3) == 0)
			to += sprintf(to, "header");
		else
			*to++ = *list;
	}
	strcpy(to, "}");
	return text;
}

static void
test_first_match_wins(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(order_cases) / sizeof(order_cases[0]);
		i++) {
		const struct policy_injection *got[INJECTIONS];
		char *text = proxy_config(order_cases[i].text);
		struct import *import =
			imported(IMPORT_DOCKER_PROXY_CONFIG, text);
		struct policy *policy = import_loaded(import);
		size_t count =
			policy_injections(policy_find(policy, "proxy-config"),
				order_cases[i].host, 443, got, INJECTIONS);
		char all[256] = "";

		for (size_t k = 0; k < count; k++)
			sprintf(all + strlen(all), "%s%s %s", k > 0 ? ", " : "",
				got[k]->credential, got[k]->header);
		if (strcmp(all, order_cases[i].expect) != 0)
			fail_msg("%s: \"%s\", not \"%s\"\n%s",
				order_cases[i].why, all, order_cases[i].expect,
				import_document(import));
		policy_unref(policy);
		import_free(import);
		free(text);
	}
}

static void
test_variables_of_one_place_become_one_source(void **state)
{
	const struct policy_credential *credentials;
	char *text = proxy_config("[{d: a.example.com, v: ONE, h: X-Key}, "
				  "{d: a.example.com, v: TWO, h: x-key}]");
	struct import *import = imported(IMPORT_DOCKER_PROXY_CONFIG, text);
	struct policy *policy = import_loaded(import);

	(void)state;
	assert_int_equal(policy_credentials(policy, &credentials), 1);
	assert_int_equal(credentials[0].source_count, 1);
	expect_names(credentials[0].sources[0].words,
		credentials[0].sources[0].word_count, "ONE TWO");
	policy_unref(policy);
	import_free(import);
	free(text);
}

/* ---- bounds ------------------------------------------------------------- */

/* before, item count times with its number for each #, after; malloc'd */
static char *
repeat(const char *before, const char *item, unsigned count, const char *after)
{
	char *text = malloc(TEXT_BYTES), *to = text;

	to += sprintf(to, "%s", before);
	for (unsigned i = 0; i < count; i++) {
		for (const char *s = item; *s != '\0'; s++)
			to += *s == '#' ? sprintf(to, "%u", i)
					: sprintf(to, "%c", *s);
	}
	strcpy(to, after);
	return text;
}

static void
test_bounds(void **state)
{
	static const struct {
		enum import_dialect dialect;
		const char *before, *item, *after;
		unsigned most;
		const char *words;
	} cases[] = {
		{IMPORT_CLOUDFLARE, "{allowedHosts: [", "h#.example.com, ",
			"]}", 4096, "more than 4096 hosts"},
		{IMPORT_DOCKER_PROXY_CONFIG,
			"{policy: {default: allow}, credentials: [",
			"{domain: h#.example.com, envVar: A, header: X-Key, "
			"format: '${value}'}, ",
			"]}", 512, "more than 512 places for credentials"},
		{IMPORT_DOCKER_PROXY_CONFIG,
			"{policy: {default: allow}, credentials: [",
			"{domain: h#.example.com, envVar: A#, header: X-Key, "
			"format: '${value}'}, ",
			"]}", 64, "at most 64 credentials"},
		{IMPORT_DOCKER_KIT,
			"{schemaVersion: '1', name: k, environment: "
			"{proxyManaged: [",
			"A#, ", "]}}", 512, "more than 512 variables"},
		{IMPORT_DOCKER_KIT,
			"{schemaVersion: '1', name: k, network: "
			"{serviceDomains: {",
			"h#.example.com: s, ", "}}}", 512,
			"at most 512 entries"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = repeat(cases[i].before, cases[i].item,
			cases[i].most, cases[i].after);
		char *report;

		import_free(imported(cases[i].dialect, text));
		free(text);
		text = repeat(cases[i].before, cases[i].item, cases[i].most + 1,
			cases[i].after);
		report = import_refusal(cases[i].dialect, text);
		if (strstr(report, cases[i].words) == NULL)
			fail_msg("%s: %s", cases[i].words, report);
		free(report);
		free(text);
	}
}

/* One more than a source may have: it is left out, and the others stay. */
static void
test_a_source_has_at_most_64_variables(void **state)
{
	const struct policy_credential *credentials;
	char *text = repeat("{policy: {default: allow}, credentials: [",
		"{domain: a.example.com, envVar: A#, header: X-Key, format: "
		"'${value}'}, ",
		65, "]}");
	struct import *import = imported(IMPORT_DOCKER_PROXY_CONFIG, text);
	struct policy *policy = import_loaded(import);

	(void)state;
	assert_int_equal(policy_credentials(policy, &credentials), 1);
	assert_int_equal(credentials[0].sources[0].word_count, 64);
	policy_unref(policy);
	import_free(import);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_first_match_wins),
		cmocka_unit_test(test_variables_of_one_place_become_one_source),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_a_source_has_at_most_64_variables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
