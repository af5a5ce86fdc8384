/*
 * Which credentials go with a request, and what becomes of its head.  Policies
 * are compiled from text; a keyring holds a value for each name that is given
 * one here.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "compiled.h"
#include "inject.h"
#include "keyring.h"
#include "message.h"
#include "secret.h"

struct field {
	const char *name, *value; /* NULL ends a list */
};

struct scene {
	struct policy *policy;
	struct keyring *keyring;
	struct inject_target target;
	struct http_head head;
};

#define BINDING(name, host, header, more) \
	"  " name ": {source: {env: X}, inject: [{host: \"" host \
	"\", header: " header ", " more "}]}\n"
#define CREDENTIAL(name, header, more) BINDING(name, "api.s.test", header, more)
/* For more hosts: two may meet in one field only then. */
#define WIDER(name, header, more) BINDING(name, "*.s.test", header, more)

static void
open_scene(struct scene *s, const char *credentials, const char *listed)
{
	char text[32 * 1024];

	snprintf(text, sizeof(text),
		"version: 1\ncredentials:\n%spolicies:\n"
		"  p:\n    default: deny\n    allow: [{host: \"*.s.test\"}]\n"
		"    credentials: [%s]\n",
		credentials, listed);
	memset(s, 0, sizeof(*s));
	s->policy = compiled(text);
	s->keyring = keyring_new();
	assert_non_null(s->keyring);
	s->target = (struct inject_target){.set = policy_find(s->policy, "p"),
		.host = "api.s.test",
		.port = 443,
		.secure = true};
	assert_non_null(s->target.set);
	http_head_init(&s->head);
}

static void
close_scene(struct scene *s)
{
	http_head_done(&s->head);
	keyring_free(s->keyring);
	policy_unref(s->policy);
}

/* values: "name=value name=value". */
static void
give(struct scene *s, const char *values)
{
	char copy[256], *at = copy, *word;

	assert_true(strlen(values) < sizeof(copy));
	memcpy(copy, values, strlen(values) + 1);
	while ((word = strsep(&at, " ")) != NULL) {
		char *equals = strchr(word, '=');

		if (equals == NULL)
			continue;
		*equals = '\0';
		assert_int_equal(
			keyring_set(s->keyring, word,
				secret_new(equals + 1, strlen(equals + 1))),
			0);
	}
}

static void
add_fields(struct http_head *h, const struct field *fields)
{
	http_head_clear(h);
	for (; fields->name != NULL; fields++)
		assert_int_equal(http_head_add(h, span_of(fields->name),
					 span_of(fields->value), false),
			0);
}

/* The head as "Name: value\n" lines, a star before what is secret. */
static const char *
print(const struct http_head *h)
{
	static char text[4096];
	size_t len = 0;

	text[0] = '\0';
	for (uint16_t i = 0; i < h->field_count; i++) {
		struct span name = http_head_name(h, &h->fields[i]);
		struct span value = http_head_value(h, &h->fields[i]);

		len += (size_t)snprintf(text + len, sizeof(text) - len,
			"%s%.*s: %.*s\n", h->fields[i].secret ? "*" : "",
			(int)name.len, name.ptr, (int)value.len, value.ptr);
		assert_true(len < sizeof(text));
	}
	return text;
}

static const struct {
	const char *credentials, *listed, *values;
	struct field request[5];
	bool plain; /* no TLS */
	const char *injected, *skipped, *head;
	const char *reason;
} cases[] = {
	{CREDENTIAL("a", "Authorization", "format: \"Bearer ${value}\""), "a",
		"a=tok", {{"Accept", "*/*"}}, false, "a", "",
		"Accept: */*\n*Authorization: Bearer tok\n",
		"always, where there was none"},
	{CREDENTIAL("a", "Authorization", "format: \"Bearer ${value}\""), "a",
		"a=tok", {{"authorization", "Basic mine"}, {"Accept", "*/*"}},
		false, "a", "", "Accept: */*\n*Authorization: Bearer tok\n",
		"always, in place of the sandbox's"},
	{CREDENTIAL("a", "X-Api-Key", "format: \"${value}\""), "a", "a=k",
		{{"X-Api-Key", "1"}, {"x_api_key", "2"}, {"X-API_KEY", "3"},
			{"X-Api-Keys", "4"}},
		false, "a", "", "X-Api-Keys: 4\n*X-Api-Key: k\n",
		"every look-alike goes, and nothing else"},
	{CREDENTIAL("a", "Cookie", "format: \"s=${value}; t=1\""), "a", "a=k",
		{{NULL, NULL}}, false, "a", "", "*Cookie: s=k; t=1\n",
		"text on both sides of the value"},
	{CREDENTIAL("a", "X-K", "mode: if-absent"), "a", "a=k", {{NULL, NULL}},
		false, "a", "", "*X-K: k\n", "if-absent, absent"},
	{CREDENTIAL("a", "X-K", "mode: if-absent"), "a", "a=k",
		{{"x-k", "mine"}}, false, "", "", "x-k: mine\n",
		"if-absent, present"},
	{CREDENTIAL("a", "X-K", "mode: if-absent"), "a", "a=k", {{"x-k", ""}},
		false, "", "", "x-k: \n", "if-absent, present and empty"},
	{CREDENTIAL("a", "X-K", "mode: if-placeholder, placeholder: PH__0"),
		"a", "a=k", {{"X-K", "Bearer PH__0 x"}}, false, "a", "",
		"*X-K: k\n", "if-placeholder, there"},
	{CREDENTIAL("a", "X-K", "mode: if-placeholder, placeholder: PH__0"),
		"a", "a=k", {{"X-K", "Bearer other"}}, false, "", "",
		"X-K: Bearer other\n", "if-placeholder, another value"},
	{CREDENTIAL("a", "X-K", "mode: if-placeholder, placeholder: PH__0"),
		"a", "a=k", {{"Accept", "PH__0"}}, false, "", "",
		"Accept: PH__0\n", "if-placeholder, in another field"},
	{CREDENTIAL("a", "X-K", "mode: if-placeholder, placeholder: PH__0"),
		"a", "", {{"X-K", "PH__0"}}, false, "", "a", "X-K: PH__0\n",
		"if-placeholder, but there is no value"},
	{CREDENTIAL("a", "X-A", "mode: always")
			CREDENTIAL("b", "X-B", "mode: always"),
		"b, a", "a=1 b=2", {{NULL, NULL}}, false, "b,a", "",
		"*X-B: 2\n*X-A: 1\n", "several, in the policy's order"},
	{CREDENTIAL("a", "X-K", "mode: always")
			WIDER("b", "x-k", "mode: always"),
		"a, b", "a=1 b=2", {{NULL, NULL}}, false, "a", "", "*X-K: 1\n",
		"the same field twice: the first wins"},
	{CREDENTIAL("a", "X-K", "mode: always")
			WIDER("b", "X-K", "mode: always"),
		"a, b", "b=2", {{NULL, NULL}}, false, "b", "a", "*X-K: 2\n",
		"… that has a value"},
	{CREDENTIAL("a", "X-K", "mode: always")
			WIDER("b", "X_K", "mode: always"),
		"a, b", "a=1 b=2", {{NULL, NULL}}, false, "a", "", "*X-K: 1\n",
		"a look-alike is the same field"},
	{CREDENTIAL("a", "X-A", "mode: always")
			CREDENTIAL("b", "X-B", "mode: always"),
		"a, b", "b=2", {{"X-A", "mine"}}, false, "b", "a",
		"X-A: mine\n*X-B: 2\n", "an unset one is skipped and said"},
	{CREDENTIAL("a", "X-A", "mode: always")
			CREDENTIAL("b", "X-B", "mode: always"),
		"b", "a=1 b=2", {{NULL, NULL}}, false, "b", "", "*X-B: 2\n",
		"one that the policy does not list"},
	{CREDENTIAL("a", "X-A", "mode: always")
			CREDENTIAL("b", "X-B", "plaintext: true"),
		"a, b", "a=1 b=2", {{NULL, NULL}}, true, "b", "a", "*X-B: 2\n",
		"over plain HTTP only what may"},
};

static void
test_plan_and_apply(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct inject_plan plan;
		struct scene s;
		int r;

		open_scene(&s, cases[i].credentials, cases[i].listed);
		give(&s, cases[i].values);
		s.target.secure = !cases[i].plain;
		add_fields(&s.head, cases[i].request);
		inject_plan(&s.target, s.keyring, &s.head, &plan);
		r = inject_apply(&plan, s.keyring, &s.head);
		if (r != 0 || strcmp(plan.injected, cases[i].injected) != 0 ||
			strcmp(plan.skipped, cases[i].skipped) != 0 ||
			strcmp(print(&s.head), cases[i].head) != 0)
			fail_msg("%s: %d, injected \"%s\", skipped \"%s\":\n%s",
				cases[i].reason, r, plan.injected, plan.skipped,
				print(&s.head));
		close_scene(&s);
	}
}

/* Chosen by name and port of the target, whatever the head says. */
static void
test_only_the_host_and_port_it_is_bound_to(void **state)
{
	static const struct {
		const char *host;
		uint16_t port;
		const char *injected, *reason;
	} targets[] = {
		{"api.s.test", 443, "a", "its own"},
		{"other.s.test", 443, "", "another host"},
		{"sub.api.s.test", 443, "", "below it"},
		{"api.s.test", 8443, "", "another port"},
	};
	static const struct field request[] = {
		{"Host", "api.s.test"}, {NULL, NULL}};
	struct inject_plan plan;
	struct scene s;

	(void)state;
	open_scene(&s, CREDENTIAL("a", "X-A", "mode: always"), "a");
	give(&s, "a=1");
	add_fields(&s.head, request);
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		s.target.host = targets[i].host;
		s.target.port = targets[i].port;
		inject_plan(&s.target, s.keyring, &s.head, &plan);
		if (strcmp(plan.injected, targets[i].injected) != 0)
			fail_msg("%s: %s", targets[i].reason, plan.injected);
	}
	close_scene(&s);
}

static void
test_a_value_that_went_meanwhile(void **state)
{
	struct inject_plan plan;
	struct scene s;

	(void)state;
	open_scene(&s, CREDENTIAL("a", "X-A", "mode: always"), "a");
	give(&s, "a=1");
	inject_plan(&s.target, s.keyring, &s.head, &plan);
	assert_string_equal(plan.injected, "a");
	/* Rotated: the new value goes. */
	give(&s, "a=2");
	assert_int_equal(inject_apply(&plan, s.keyring, &s.head), 0);
	assert_string_equal(print(&s.head), "*X-A: 2\n");
	http_head_clear(&s.head);
	assert_int_equal(keyring_set(s.keyring, "a", NULL), 0);
	assert_int_equal(inject_apply(&plan, s.keyring, &s.head), -ENOKEY);
	assert_string_equal(print(&s.head), "");
	close_scene(&s);
}

static void
test_sizes(void **state)
{
	static const struct {
		size_t len;
		int want;
		const char *reason;
	} sizes[] = {
		{1, 0, "short"},
		{16 * 1024 - 7, 0, "as long as a field may be"},
		{16 * 1024 - 6, -E2BIG, "with its format too long"},
		{SECRET_MAX, -E2BIG, "too long by itself"},
	};
	static char value[SECRET_MAX];
	struct inject_plan plan;
	struct scene s;

	(void)state;
	open_scene(
		&s, CREDENTIAL("a", "X-A", "format: \"Bearer ${value}\""), "a");
	memset(value, 'v', sizeof(value));
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		int r;

		assert_int_equal(keyring_set(s.keyring, "a",
					 secret_new(value, sizes[i].len)),
			0);
		http_head_clear(&s.head);
		inject_plan(&s.target, s.keyring, &s.head, &plan);
		r = inject_apply(&plan, s.keyring, &s.head);
		if (r != sizes[i].want)
			fail_msg("%s: %d", sizes[i].reason, r);
		assert_int_equal(s.head.field_count, r == 0);
	}
	close_scene(&s);
}

enum { NAME = 63 };

/* 63 letters, different ones for different n. */
static void
long_name(int n, char ret[NAME + 1])
{
	memset(ret, 'x', NAME);
	ret[NAME] = '\0';
	ret[NAME - 2] = (char)('a' + n / 26);
	ret[NAME - 1] = (char)('a' + n % 26);
}

static void
open_with_many(struct scene *s, int count)
{
	static char credentials[32 * 1024], listed[8 * 1024];
	size_t at = 0, len = 0;
	char name[NAME + 1];

	for (int i = 0; i < count; i++) {
		long_name(i, name);
		at += (size_t)snprintf(credentials + at,
			sizeof(credentials) - at,
			"  %s: {source: {env: X}, inject: [{host: api.s.test, "
			"header: X-%d}]}\n",
			name, i);
		len += (size_t)snprintf(listed + len, sizeof(listed) - len,
			"%s%s", i > 0 ? ", " : "", name);
	}
	assert_true(at < sizeof(credentials) && len < sizeof(listed));
	open_scene(s, credentials, listed);
}

static void
give_value(struct scene *s, int n)
{
	char name[NAME + 1];

	long_name(n, name);
	assert_int_equal(keyring_set(s->keyring, name, secret_new("v", 1)), 0);
}

static size_t
count_names(const char *list)
{
	size_t n = list[0] != '\0';

	for (; *list != '\0'; list++)
		n += *list == ',';
	return n;
}

/* The list of names is part of what tells connections apart: it must hold each
 * of them to the last letter. */
static void
test_as_many_as_there_can_be_are_all_named(void **state)
{
	struct inject_plan plan;
	struct span fields[INJECT_MAX];
	char name[NAME + 1];
	struct scene s;

	(void)state;
	open_with_many(&s, INJECT_MAX);
	for (int i = 0; i < INJECT_MAX; i++)
		give_value(&s, i);
	inject_plan(&s.target, s.keyring, &s.head, &plan);
	assert_int_equal(plan.count, INJECT_MAX);
	assert_int_equal(count_names(plan.injected), INJECT_MAX);
	long_name(INJECT_MAX - 1, name);
	assert_string_equal(plan.injected + strlen(plan.injected) - NAME, name);
	assert_int_equal(inject_fields(&plan, fields), INJECT_MAX);
	assert_true(span_equals(fields[7], span_of("X-7")));
	assert_int_equal(inject_apply(&plan, s.keyring, &s.head), 0);
	assert_int_equal(s.head.field_count, INJECT_MAX);
	close_scene(&s);
}

static void
test_one_more_is_skipped_and_said(void **state)
{
	struct inject_plan plan;
	char name[NAME + 1];
	struct scene s;

	(void)state;
	open_with_many(&s, INJECT_MAX + 1);
	for (int i = 0; i <= INJECT_MAX; i++)
		give_value(&s, i);
	inject_plan(&s.target, s.keyring, &s.head, &plan);
	assert_int_equal(plan.count, INJECT_MAX);
	long_name(INJECT_MAX, name);
	assert_string_equal(plan.skipped, name);
	close_scene(&s);
}

/* Of as many as a policy may list, only the last has a value. */
static void
test_the_last_of_many_is_found(void **state)
{
	enum { MANY = 64 };
	struct inject_plan plan;
	char name[NAME + 1];
	struct scene s;

	(void)state;
	open_with_many(&s, MANY);
	give_value(&s, MANY - 1);
	inject_plan(&s.target, s.keyring, &s.head, &plan);
	long_name(MANY - 1, name);
	assert_string_equal(plan.injected, name);
	/* As many as there is room for, and each of them whole. */
	assert_int_equal(count_names(plan.skipped), INJECT_MAX);
	assert_int_equal(strlen(plan.skipped), INJECT_MAX * (NAME + 1) - 1);
	close_scene(&s);
}

/* The value of that sandbox, and of no other that has one. */
static void
test_a_sandbox_has_its_own(void **state)
{
	static const struct {
		const char *sandbox, *expect; /* NULL: none */
	} own[] = {{"one", "red"}, {"two", "blue"}, {"on", NULL},
		{"one/two", NULL}, {"", NULL}};
	struct inject_plan plan;
	struct scene s;

	(void)state;
	open_scene(&s,
		"  own: {source: {file: \"/k/${sandbox}\"}, inject: [{host: "
		"api.s.test, header: X-Own}]}\n",
		"own");
	give(&s, "own/one=red own/two=blue own=all");
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		const struct http_field *f;

		s.target.sandbox = own[i].sandbox;
		inject_plan(&s.target, s.keyring, &s.head, &plan);
		assert_int_equal(plan.count, own[i].expect != NULL);
		if (own[i].expect == NULL)
			continue;
		assert_int_equal(inject_apply(&plan, s.keyring, &s.head), 0);
		f = http_head_find_name(&s.head, span_of("X-Own"));
		assert_true(span_equals(
			http_head_value(&s.head, f), span_of(own[i].expect)));
	}
	close_scene(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan_and_apply),
		cmocka_unit_test(test_only_the_host_and_port_it_is_bound_to),
		cmocka_unit_test(test_a_value_that_went_meanwhile),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_as_many_as_there_can_be_are_all_named),
		cmocka_unit_test(test_one_more_is_skipped_and_said),
		cmocka_unit_test(test_the_last_of_many_is_found),
		cmocka_unit_test(test_a_sandbox_has_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
