/*
 * Which stand-ins a head holds, what becomes of each, and the head that goes
 * out.  AAAA…, BBBB… and so on are the stand-ins of a, b, …
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
#include "policy.h"
#include "secret.h"
#include "stand_ins.h"
#include "swap_plan.h"

#define A "AAAAAAAAAAAAAAAA"
#define B "BBBBBBBBBBBBBBBB"
#define C "CCCCCCCCCCCCCCCC"
#define D "DDDDDDDDDDDDDDDD"
#define E "EEEEEEEEEEEEEEEE"

/* e is in no policy any more, and f has no stand-in. */
static const char given[] = "{\"a\":\"" A "\",\"b\":\"" B "\",\"c\":\"" C
			    "\",\"d\":\"" D "\",\"e\":\"" E "\"}";

static const char document[] =
	"version: 1\n"
	"credentials:\n"
	"  a: {source: {env: X}, swap: {host: api.s.test, in: [header, query, "
	"path]}}\n"
	"  b: {source: {file: \"/k/${sandbox}\"}, swap: {host: api.s.test}}\n"
	"  c: {source: {env: X}, swap: {host: other.s.test}}\n"
	"  d: {source: {env: X}, environment: D, inject: {host: api.s.test, "
	"header: X-D, mode: if-placeholder, placeholder: DDDD}}\n"
	"  f: {source: {env: X}, swap: {host: api.s.test, plaintext: true}}\n"
	"policies:\n"
	"  p:\n"
	"    allow: [{host: \"*.s.test\"}]\n"
	"    credentials: [a, b, c, d, f]\n";

struct field {
	/* NULL ends a list; a star before a name: it came never-indexed. */
	const char *name, *value;
};

static const struct {
	const char *target;
	struct field fields[4];
	const char *values;
	enum { SECURE, PLAIN, AUDITED } how;
	const char *wrong, *injected, *skipped;
	const char *out; /* the head that goes; "": not looked at */
	const char *reason;
} cases[] = {
	{"/", {{"X", A}}, "a=one", SECURE, "", "a", "", "/ *X: one\n",
		"a field"},
	{"/", {{"X", "x" A "y" A}, {"Y", "no"}}, "a=one", SECURE, "", "a", "",
		"/ *X: xoneyone\nY: no\n", "twice in it"},
	{"/", {{"X", A}, {"X", B}}, "a=one b/box=two", SECURE, "", "a,b", "",
		"/ *X: one\n*X: two\n", "two credentials"},
	{"/", {{"X", B}}, "b=two", SECURE, "", "", "b", "/ X: " B "\n",
		"a value that is not this sandbox's own"},
	{"/" A "/x?k=" A, {{0}}, "a=o/n?e", SECURE, "", "a", "",
		"*/o%2Fn%3Fe/x?k=o%2Fn%3Fe ", "path and query"},
	{"/x?" B, {{"X", B}}, "b/box=two", SECURE, "", "b", "b",
		"/x?" B " *X: two\n", "one place chosen, one not"},
	{"/", {{"Authorization", "Basic dTpBQUFBQUFBQUFBQUFBQUFB"}}, "a=one",
		SECURE, "", "a", "", "/ *Authorization: Basic dTpvbmU=\n",
		"inside of Basic"},
	{"/", {{"X-Other", "Basic dTpBQUFBQUFBQUFBQUFBQUFB"}}, "a=one", SECURE,
		"", "", "", "/ X-Other: Basic dTpBQUFBQUFBQUFBQUFBQUFB\n",
		"Basic is in Authorization alone"},
	{"/", {{"X", A}}, "", SECURE, "", "", "a", "/ X: " A "\n", "no value"},
	{"/", {{"X", A}}, "a=one", PLAIN, "", "", "a", "/ X: " A "\n",
		"not over plain HTTP"},
	{"/", {{"X", A}}, "a=one", AUDITED, "", "", "a", "/ X: " A "\n",
		"what only passes"},
	{"/", {{"X", C}}, "c=no", SECURE, "c", "", "", "", "another host's"},
	{"/" C, {{0}}, "c=no", SECURE, "c", "", "", "", "… in the path"},
	{"/?" C, {{0}}, "c=no", SECURE, "c", "", "", "", "… in the query"},
	{"/", {{"X-Forwarded-For", C}}, "c=no", SECURE, "c", "", "", "",
		"… where it would not go out"},
	{"/", {{"Authorization", "Basic dTpDQ0NDQ0NDQ0NDQ0NDQ0ND"}}, "c=no",
		SECURE, "c", "", "", "", "… inside of Basic"},
	{"/", {{"Proxy-Authorization", "Basic dTpDQ0NDQ0NDQ0NDQ0NDQ0ND"}},
		"c=no", SECURE, "c", "", "", "", "… of a proxy"},
	{"/", {{"X", C}}, "c=no", AUDITED, "c", "", "", "", "audit or not"},
	{"/", {{"X", E}}, "e=no", SECURE, "e", "", "", "",
		"of a credential that is not listed any more"},
	{"/", {{"X", A C}}, "a=one c=no", SECURE, "c", "", "", "",
		"beside one that may"},
	{"/", {{"X-D", D}}, "d=four", SECURE, "", "d", "", "/ *X-D: four\n",
		"where inject puts the value"},
	{"/", {{"X-D", A D}}, "a=one d=four", SECURE, "", "d", "",
		"/ *X-D: four\n", "… which takes others' out"},
	{"/", {{"X", A}, {"X-D", A D}}, "a=one d=" A, SECURE, "", "d,a", "",
		"/ *X: one\n*X-D: " A "\n", "… and is not searched itself"},
	{"/", {{"X", D}}, "d=four", SECURE, "", "", "d", "/ X: " D "\n",
		"… and elsewhere it stays"},
	{"/", {{"X-Forwarded-For", A}}, "a=one", SECURE, "", "", "", "",
		"what does not go out is on no list"},
	{"/", {{"*X", A}, {"*Y", "no"}}, "a=one", SECURE, "", "a", "",
		"/ *X: one\n*Y: no\n", "in one that came never-indexed"},
	{"/", {{"X", "AAAAAAAAAAAAAAA"}}, "a=one", SECURE, "", "", "",
		"/ X: AAAAAAAAAAAAAAA\n", "nearly one"},
};

struct scene {
	struct policy *policy;
	struct keyring *keyring;
	struct stand_ins *stand_ins;
	struct inject_target target;
	struct http_head head;
	struct inject_plan inject;
	struct swap_plan swap;
};

/* values: "name=value name=value". */
static void
give(struct scene *s, const char *values)
{
	char copy[256], *at = copy, *word;

	snprintf(copy, sizeof(copy), "%s", values);
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
open_scene(struct scene *s, size_t i)
{
	memset(s, 0, sizeof(*s));
	s->policy = compiled(document);
	s->keyring = keyring_new();
	assert_non_null(s->keyring);
	assert_int_equal(stand_ins_new(given, &s->stand_ins), 0);
	give(s, cases[i].values);
	s->target = (struct inject_target){
		.set = policy_find(s->policy, "p"),
		.sandbox = "box",
		.host = "api.s.test",
		.port = 443,
		.secure = cases[i].how != PLAIN,
		.entitled = cases[i].how != AUDITED,
	};
	http_head_init(&s->head);
	assert_int_equal(
		http_head_set_target(&s->head, span_of(cases[i].target)), 0);
	for (const struct field *f = cases[i].fields; f->name != NULL; f++) {
		bool secret = f->name[0] == '*';

		assert_int_equal(
			http_head_add(&s->head, span_of(f->name + secret),
				span_of(f->value), secret),
			0);
	}
	if (s->target.entitled)
		inject_plan(&s->target, s->keyring, &s->head, &s->inject);
	swap_plan(&s->swap, s->stand_ins, &s->target, s->keyring);
	swap_plan_head(&s->swap, &s->head, &s->inject);
}

static void
close_scene(struct scene *s)
{
	swap_plan_done(&s->swap);
	http_head_done(&s->head);
	stand_ins_unref(s->stand_ins);
	keyring_free(s->keyring);
	policy_unref(s->policy);
}

/* "target Name: value\n…", a star before what is secret. */
static const char *
print(const struct http_head *h)
{
	static char text[4096];
	struct span target = http_head_target(h);
	size_t len;

	len = (size_t)snprintf(text, sizeof(text), "%s%.*s ",
		h->secret_target ? "*" : "", (int)target.len, target.ptr);
	for (uint16_t i = 0; i < h->field_count; i++) {
		struct span name = http_head_name(h, &h->fields[i]);
		struct span value = http_head_value(h, &h->fields[i]);

		len += (size_t)snprintf(text + len, sizeof(text) - len,
			"%s%.*s: %.*s\n", h->fields[i].secret ? "*" : "",
			(int)name.len, name.ptr, (int)value.len, value.ptr);
	}
	return text;
}

static void
test_threat_32_heads(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct scene s;
		const char *wrong;

		open_scene(&s, i);
		wrong = swap_plan_wrong(&s.swap);
		if (strcmp(wrong != NULL ? wrong : "", cases[i].wrong) != 0)
			fail_msg("%s: wrong is %s", cases[i].reason, wrong);
		if (wrong == NULL &&
			strcmp(s.inject.injected, cases[i].injected) != 0)
			fail_msg("%s: injected is %s", cases[i].reason,
				s.inject.injected);
		if (wrong == NULL &&
			strcmp(s.inject.skipped, cases[i].skipped) != 0)
			fail_msg("%s: skipped is %s", cases[i].reason,
				s.inject.skipped);
		assert_int_equal(
			swap_plan_apply(&s.swap, s.keyring, &s.head), 0);
		assert_int_equal(
			inject_apply(&s.inject, s.keyring, &s.head), 0);
		if (cases[i].out[0] != '\0' &&
			strcmp(print(&s.head), cases[i].out) != 0)
			fail_msg("%s: %s", cases[i].reason, print(&s.head));
		close_scene(&s);
	}
}

static void
test_threat_32_what_goes_out_can_be_asked(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, 2);
	assert_true(swap_plan_is_secret(&s.swap));
	assert_true(swap_plan_has(&s.swap, "a"));
	assert_true(swap_plan_has(&s.swap, "b"));
	assert_false(swap_plan_has(&s.swap, "c"));
	/* Withdrawn between the decision and the head. */
	assert_int_equal(keyring_set(s.keyring, "b/box", NULL), 0);
	assert_int_equal(swap_plan_apply(&s.swap, s.keyring, &s.head), -ENOKEY);
	close_scene(&s);

	open_scene(&s, 8);
	assert_false(swap_plan_is_secret(&s.swap));
	assert_false(swap_plan_has(&s.swap, "a"));
	close_scene(&s);
}

static void
test_trailers(void **state)
{
	struct http_head trailers;
	struct scene s;

	(void)state;
	open_scene(&s, 0);
	http_head_init(&trailers);
	assert_int_equal(http_head_add(&trailers, SPAN_LITERAL("X"),
				 SPAN_LITERAL(A), false),
		0);
	assert_null(swap_plan_wrong_in(&s.swap, &trailers));
	assert_int_equal(http_head_add(&trailers, SPAN_LITERAL("Y"),
				 SPAN_LITERAL("y" C), false),
		0);
	assert_string_equal(swap_plan_wrong_in(&s.swap, &trailers), "c");
	close_scene(&s);
	/* Of a sandbox without stand-ins nothing is looked at. */
	assert_null(swap_plan_wrong_in(&s.swap, &trailers));
	http_head_done(&trailers);
}

static void
test_a_head_that_grows_too_large(void **state)
{
	static char value[HTTP_HEAD_MAX / 4], text[HTTP_HEAD_MAX / 2];
	struct scene s;

	(void)state;
	open_scene(&s, 0);
	memset(value, 'v', sizeof(value));
	assert_int_equal(
		keyring_set(s.keyring, "a", secret_new(value, sizeof(value))),
		0);
	snprintf(text, sizeof(text), "%s", A A A A A A A A);
	assert_int_equal(http_head_add(&s.head, SPAN_LITERAL("Y"),
				 (struct span){text, strlen(text)}, false),
		0);
	assert_int_equal(swap_plan_apply(&s.swap, s.keyring, &s.head), -E2BIG);
	close_scene(&s);
}

static void
test_what_a_worker_is_told(void **state)
{
	static const struct {
		const char *json;
		int r;
		bool any;
	} texts[] = {
		{"{}", 0, false},
		{"", -EINVAL, false},
		{"[]", -EINVAL, false},
		{"{\"a\": 1}", -EINVAL, false},
		{"{\"a\": \"short\"}", -EINVAL, false},
		{"{\"a\": \"" A "\", \"a\": \"" B "\"}", -EINVAL, false},
		{"{\"a\": \"" A "\", \"b\": \"" A "\"}", -EEXIST, false},
		{"{\"a\": \"" A "\"}", 0, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct stand_ins *s = NULL;

		assert_int_equal(stand_ins_new(texts[i].json, &s), texts[i].r);
		assert_int_equal(s != NULL, texts[i].any);
		if (s == NULL)
			continue;
		stand_ins_unref(stand_ins_ref(s));
		assert_string_equal(s->credentials[0], "a");
		stand_ins_unref(s);
	}
}

static void
test_more_than_there_may_be(void **state)
{
	char json[1024] = "{";
	struct stand_ins *s = NULL;
	size_t len = 1;

	(void)state;
	for (int i = 0; i <= SWAP_MAX; i++)
		len += (size_t)snprintf(json + len, sizeof(json) - len,
			"%s\"c%d\": \"abcdefghijklmn%02d\"", i > 0 ? "," : "",
			i, i);
	snprintf(json + len, sizeof(json) - len, "}");
	assert_int_equal(stand_ins_new(json, &s), -EINVAL);
	assert_null(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threat_32_heads),
		cmocka_unit_test(test_threat_32_what_goes_out_can_be_asked),
		cmocka_unit_test(test_trailers),
		cmocka_unit_test(test_a_head_that_grows_too_large),
		cmocka_unit_test(test_what_a_worker_is_told),
		cmocka_unit_test(test_more_than_there_may_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
