/*
 * test_overlay.c - two layers decide as one policy with both their rules would
 *
 * Random rules are dealt to an overlay and to its base, and all of them to a
 * third document, in which the overlay's stand first.  Every question is put to
 * both; only the names of the rules may differ, and those by a known rule.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiled.h"
#include "overlay.h"
#include "report.h"
#include "tree.h"

enum { ROUNDS = 400, QUESTIONS = 120, TEXT = 8192, LISTS_MAX = 5 };

static uint32_t seed = 20261121;

static unsigned
pick(unsigned below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

#define PICK(list) (list)[pick(sizeof(list) / sizeof((list)[0]))]

static const char *const hosts[] = {"a.test", "b.test", "x.a.test",
	"y.x.a.test", "x-api.a.test", "other.test"};
static const char *const matches[] = {
	"host: a.test",
	"host: \"*.a.test\"",
	"host: \"**.a.test\"",
	"host: .a.test",
	"host: [b.test, x.a.test]",
	"host: \"*-api.a.test\"",
	"host: \"*\", broad: true",
	"host: a.test, port: 8080",
	"host: b.test, port: [443, \"8000-9000\"]",
	"host: a.test, method: GET",
	"host: .a.test, path: \"/a/**\"",
	"host: b.test, method: [GET, PUT], path: /b",
	"address: 192.0.2.0/24, port: 22",
	"address: [\"2001:db8::/32\", 192.0.2.7], port: [22, 8080]",
};
static const char *const addresses[] = {
	"192.0.2.7", "192.0.2.200", "198.51.100.1", "2001:db8::7"};
static const char *const methods[] = {"GET", "POST", "PUT"};
static const char *const paths[] = {"/", "/a/b", "/b", "/a//b"};
static const uint16_t ports[] = {22, 80, 443, 8080};

struct dealt { /* what the lists of one layer hold: rows of matches */
	unsigned allow[LISTS_MAX], deny[LISTS_MAX];
	unsigned allowed, denied;
};

struct world {
	struct dealt upper, lower;
	bool allow; /* the default */
	const char *mode;
	struct policy *base, *merged;
	struct overlay *overlay;
	const struct policy_set *layers, *one;
	char text[TEXT]; /* of the merged one, for failures */
};

static void
deal(struct dealt *d)
{
	d->allowed = pick(LISTS_MAX + 1);
	d->denied = pick(3);
	for (unsigned i = 0; i < d->allowed; i++)
		d->allow[i] = pick(sizeof(matches) / sizeof(matches[0]));
	for (unsigned i = 0; i < d->denied; i++)
		d->deny[i] = pick(sizeof(matches) / sizeof(matches[0]));
}

static void
put_list(FILE *out, const char *indent, const char *key,
	const struct dealt *const *layers, unsigned count, bool deny)
{
	unsigned n = 0;

	for (unsigned k = 0; k < count; k++)
		n += deny ? layers[k]->denied : layers[k]->allowed;
	if (n == 0)
		return;
	fprintf(out, "%s%s:\n", indent, key);
	for (unsigned k = 0; k < count; k++) {
		const struct dealt *d = layers[k];

		for (unsigned i = 0; i < (deny ? d->denied : d->allowed); i++)
			fprintf(out, "%s  - {%s}\n", indent,
				matches[deny ? d->deny[i] : d->allow[i]]);
	}
}

static struct policy *
make_policy(char *text, const struct dealt *const *layers, unsigned count,
	bool allow)
{
	FILE *out = fmemopen(text, TEXT, "w");

	fprintf(out, "version: 1\npolicies:\n  p:\n    default: %s\n",
		allow ? "allow" : "deny");
	put_list(out, "    ", "allow", layers, count, false);
	put_list(out, "    ", "deny", layers, count, true);
	assert_int_equal(fclose(out), 0);
	return compiled(text);
}

static int
compile_overlay(const char *text, struct overlay **ret, char **ret_report)
{
	struct report *report = report_new();
	struct tree *tree;
	int r;

	r = tree_parse("overlay of s", text, strlen(text), &tree, report);
	assert_int_equal(r, 0);
	r = overlay_compile(tree, "s", ret, report);
	assert_true((r == 0) == (report_count(report) == 0));
	tree_free(tree);
	*ret_report = report_text(report);
	report_free(report);
	return r;
}

static struct overlay *
overlay_of(const char *text)
{
	struct overlay *o = NULL;
	char *report;

	if (compile_overlay(text, &o, &report) < 0)
		fail_msg("%s in\n%s", report, text);
	free(report);
	return o;
}

static struct overlay *
make_overlay(const struct dealt *d, const char *mode)
{
	char text[TEXT];
	FILE *out = fmemopen(text, sizeof(text), "w");

	fprintf(out, "mode: %s\n", mode);
	put_list(out, "", "allow", &d, 1, false);
	put_list(out, "", "deny", &d, 1, true);
	assert_int_equal(fclose(out), 0);
	return overlay_of(text);
}

static void
open_world(struct world *w)
{
	const struct dealt *both[] = {&w->upper, &w->lower};
	char text[TEXT];

	deal(&w->upper);
	deal(&w->lower);
	w->allow = pick(4) == 0;
	w->mode = pick(4) == 0 ? "open" : "policy";
	w->base = make_policy(text, &both[1], 1, w->allow);
	w->overlay = make_overlay(&w->upper, w->mode);
	w->merged = make_policy(
		w->text, both, 2, w->allow || strcmp(w->mode, "open") == 0);
	w->layers = overlay_over(w->overlay, policy_find(w->base, "p"));
	w->one = policy_find(w->merged, "p");
}

static void
close_world(struct world *w)
{
	overlay_unref(w->overlay);
	policy_unref(w->base);
	policy_unref(w->merged);
}

/* The name that a rule of the merged document has in its layer. */
static void
layered_name(const struct world *w, const char *merged, char ret[64])
{
	unsigned i, own;

	if (sscanf(merged, "p.allow[%u]", &i) == 1) {
		own = w->upper.allowed;
		snprintf(ret, 64, "%s.allow[%u]", i < own ? "s" : "p",
			i < own ? i : i - own);
	} else if (sscanf(merged, "p.deny[%u]", &i) == 1) {
		own = w->upper.denied;
		snprintf(ret, 64, "%s.deny[%u]", i < own ? "s" : "p",
			i < own ? i : i - own);
	} else {
		snprintf(ret, 64, "%s",
			strcmp(w->mode, "open") == 0 ? "s.open" : "p.default");
	}
}

static void
compare(const struct world *w, struct policy_verdict got,
	struct policy_verdict want, const char *question)
{
	char rule[64];

	layered_name(w, want.rule, rule);
	if (got.allowed != want.allowed || got.reason != want.reason ||
		(got.allowed && got.via != want.via) ||
		strcmp(got.rule, rule) != 0)
		fail_msg("%s, %s: %s by %s, not %s by %s, in\n%s", question,
			w->mode, policy_reason_name(got.reason), got.rule,
			policy_reason_name(want.reason), rule, w->text);
}

static struct sockaddr_storage
pick_address(uint16_t port)
{
	struct sockaddr_storage ret = {0};
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ret;
	struct sockaddr_in *in = (struct sockaddr_in *)&ret;
	const char *text = PICK(addresses);

	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
	} else {
		inet_pton(AF_INET6, text, &in6->sin6_addr);
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
	}
	return ret;
}

static void
ask(const struct world *w)
{
	const char *host = PICK(hosts), *method = PICK(methods);
	const char *path = PICK(paths);
	uint16_t port = PICK(ports);
	const struct policy_request request = {
		.host = host, .port = port, .method = method, .path = path};
	struct sockaddr_storage to = pick_address(port);
	const struct sockaddr *dst = (const struct sockaddr *)&to;

	compare(w, policy_decide_flow(w->layers, host, port),
		policy_decide_flow(w->one, host, port), host);
	compare(w, policy_decide_request(w->layers, &request),
		policy_decide_request(w->one, &request), path);
	compare(w, policy_decide_name(w->layers, host),
		policy_decide_name(w->one, host), host);
	compare(w, policy_decide_address(w->layers, dst),
		policy_decide_address(w->one, dst), "address");
	assert_int_equal(policy_decides_early(w->layers, dst),
		policy_decides_early(w->one, dst));
}

static void
test_two_layers_decide_as_one(void **state)
{
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct world w;

		open_world(&w);
		for (int i = 0; i < QUESTIONS; i++)
			ask(&w);
		close_world(&w);
	}
}

static const char two_policies[] =
	"version: 1\n"
	"credentials:\n"
	"  key: {source: {env: K}, inject: {host: a.test, header: X-Key}}\n"
	"policies:\n"
	"  p: {allow: [{host: a.test}], credentials: [key]}\n"
	"  q: {default: allow, deny: [{host: b.test}]}\n";

static void
test_lockdown_denies_everything(void **state)
{
	struct policy *base = compiled(two_policies);
	struct overlay *o =
		overlay_of("mode: lockdown\nallow: [{host: b.test}]\n");
	const struct policy_set *set = overlay_over(o, policy_find(base, "q"));
	struct sockaddr_storage to = pick_address(443);
	const struct sockaddr *dst = (const struct sockaddr *)&to;
	struct policy_verdict all[] = {
		policy_decide_flow(set, "b.test", 443),
		policy_decide_request(
			set, &(const struct policy_request){.host = "b.test",
				     .port = 443,
				     .method = "GET",
				     .path = "/"}),
		policy_decide_name(set, "b.test"),
		policy_decide_address(set, dst),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		assert_false(all[i].allowed);
		assert_int_equal(all[i].reason, POLICY_LOCKDOWN);
		assert_string_equal(all[i].rule, "s.lockdown");
		assert_string_equal(all[i].source, "overlay of s:1");
	}
	assert_false(policy_decides_early(set, dst));
	overlay_unref(o);
	policy_unref(base);
}

/* All but rules and default is the base's, and another base's at once. */
static struct policy_verdict
ask_slash(const struct policy_set *set, const char *host)
{
	return policy_decide_request(
		set, &(const struct policy_request){.host = host,
			     .port = 443,
			     .method = "GET",
			     .path = "/"});
}

/* Its policy only looks on, but who put the overlay there means it. */
static void
test_audit_of_the_policy_is_not_the_overlays(void **state)
{
	struct policy *base =
		compiled("version: 1\n"
			 "policies:\n"
			 "  p: {audit: true, deny: [{host: d.test}]}\n");
	struct overlay *o = overlay_of("deny: [{host: b.test}, "
				       "{host: c.test, audit: true}]\n"
				       "allow: [{host: c.test}]\n");
	struct overlay *locked = overlay_of("mode: lockdown\n");
	const struct policy_set *set = overlay_over(o, policy_find(base, "p"));
	struct policy_verdict v = ask_slash(set, "b.test");

	(void)state;
	assert_false(v.allowed || v.audited || v.entitled);
	assert_false(policy_decide_flow(set, "b.test", 443).allowed);
	assert_false(policy_decide_name(set, "b.test").allowed);
	v = ask_slash(set, "c.test");
	assert_true(v.allowed && v.audited && v.entitled);
	assert_string_equal(v.rule, "s.deny[1]");
	v = ask_slash(set, "d.test");
	assert_true(v.allowed && v.audited && !v.entitled);
	v = ask_slash(set, "nothing.test");
	assert_true(v.allowed && v.audited && !v.entitled);
	set = overlay_over(locked, policy_find(base, "p"));
	assert_false(ask_slash(set, "nothing.test").allowed);
	assert_false(policy_decide_flow(set, "d.test", 443).allowed);
	assert_false(policy_decide_name(set, "d.test").allowed);
	overlay_unref(o);
	overlay_unref(locked);
	policy_unref(base);
}

static void
test_stands_over_one_base_after_another(void **state)
{
	struct policy *base = compiled(two_policies);
	struct overlay *o = overlay_of("deny: [{host: other.test}]\n");
	const struct policy_injection *found[1];
	const struct policy_set *set;
	const char *const *names;

	(void)state;
	set = overlay_over(o, policy_find(base, "p"));
	assert_string_equal(policy_name(set), "p");
	assert_int_equal(policy_credential_names(set, &names), 1);
	assert_string_equal(names[0], "key");
	assert_int_equal(policy_injections(set, "a.test", 443, found, 1), 1);
	assert_false(policy_decide_flow(set, "c.test", 443).allowed);

	set = overlay_over(o, policy_find(base, "q"));
	assert_string_equal(policy_name(set), "q");
	assert_int_equal(policy_credential_names(set, &names), 0);
	assert_int_equal(policy_injections(set, "a.test", 443, found, 1), 0);
	assert_true(policy_decide_flow(set, "c.test", 443).allowed);
	assert_false(policy_decide_flow(set, "other.test", 443).allowed);
	overlay_unref(o);
	policy_unref(base);
}

static void
test_prints_what_compiles_to_itself(void **state)
{
	static const char text[] = "mode: policy\n"
				   "allow:\n"
				   "  - host: [\"*.a.test\"]\n"
				   "    port: [443, 8000-9000]\n"
				   "    method: [GET]\n"
				   "    path: [\"/a/**\"]\n"
				   "  - address: [192.0.2.0/24]\n"
				   "    port: [22]\n"
				   "deny:\n"
				   "  - host: [\"*\"]\n"
				   "    broad: true\n";
	struct overlay *o = overlay_of(text);
	char *print = overlay_print(o);

	(void)state;
	assert_string_equal(print, text);
	free(print);
	overlay_unref(o);
}

static void
test_says_what_is_wrong(void **state)
{
	static const struct {
		const char *text, *report;
	} cases[] = {
		{"mode: closed\n",
			"overlay of s:1:7: \"mode\" expects one of policy, "
			"lockdown, open, not \"closed\"\n"},
		{"alow: []\n",
			"overlay of s:1:1: unknown key \"alow\" in an overlay "
			"(did you mean \"allow\"?)\n"},
		{"allow: [{host: \"*.com\"}]\n",
			"overlay of s:1:16: host \"*.com\" takes in "
			"everybody's names under the public suffix \"com\": "
			"write \"broad: true\" beside it if that is meant\n"},
		{"credentials: [key]\n",
			"overlay of s:1:1: unknown key \"credentials\" in an "
			"overlay\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct overlay *o = NULL;
		char *report;

		assert_int_equal(
			compile_overlay(cases[i].text, &o, &report), -EINVAL);
		assert_null(o);
		assert_string_equal(report, cases[i].report);
		free(report);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_layers_decide_as_one),
		cmocka_unit_test(test_lockdown_denies_everything),
		cmocka_unit_test(test_audit_of_the_policy_is_not_the_overlays),
		cmocka_unit_test(test_stands_over_one_base_after_another),
		cmocka_unit_test(test_prints_what_compiles_to_itself),
		cmocka_unit_test(test_says_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
