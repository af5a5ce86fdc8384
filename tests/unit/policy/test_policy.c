#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "compiled.h"
#include "report.h"
#include "tree.h"

static const char document[] =
	"version: 1\n"
	"credentials:\n"
	"  first:\n"
	"    source:\n"
	"      - {env: [A_TOKEN, B_TOKEN]}\n"
	"      - {file: /etc/key}\n"
	"      - {command: [/bin/key, arg], ttl: 1m, timeout: 5s}\n"
	"      - {systemd: key}\n"
	"    inject:\n"
	"      - {host: api.a.test, header: X-First, format: \"T ${value}\"}\n"
	"      - {host: \"*.a.test\", header: X-Any, port: [443, 8443]}\n"
	"  second:\n"
	"    source: {command: /bin/key}\n"
	"    inject:\n"
	"      - host: api.a.test\n"
	"        header: X-Second\n"
	"        plaintext: true\n"
	"        mode: if-placeholder\n"
	"        placeholder: sbx__x\n"
	"  unused:\n"
	"    source: {env: U_TOKEN}\n"
	"    inject: [{host: nowhere.a.test, header: X-Unused}]\n"
	"policies:\n"
	"  zeta: {default: allow, credentials: [second, first]}\n"
	"  alpha: {}\n"
	"sandboxes:\n"
	"  one:\n"
	"    interface: veth-1\n"
	"    address: [10.0.0.1, \"fd00::1\"]\n"
	"    policy: zeta\n"
	"    labels: {team: search, run: \"5\"}\n"
	"  two: {interface: veth-2, address: 10.0.0.1, policy: alpha}\n";

static struct policy *policy;

static int
set_up(void **state)
{
	(void)state;
	policy = compiled(document);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	policy_unref(policy);
	policy_unref(NULL);
	return 0;
}

static void
test_find(void **state)
{
	(void)state;
	assert_string_equal(policy_name(policy_find(policy, "zeta")), "zeta");
	assert_string_equal(policy_name(policy_find(policy, "alpha")), "alpha");
	assert_null(policy_find(policy, "alph"));
	assert_null(policy_find(policy, ""));
}

static void
test_references(void **state)
{
	(void)state;
	assert_ptr_equal(policy_ref(policy), policy);
	policy_unref(policy);
	assert_non_null(policy_find(policy, "zeta"));
}

static void
test_sandboxes(void **state)
{
	const struct policy_sandbox *s;

	(void)state;
	assert_int_equal(policy_sandboxes(policy, &s), 2);
	assert_string_equal(s[0].name, "one");
	assert_string_equal(s[0].interface, "veth-1");
	assert_int_equal(s[0].address_count, 2);
	assert_int_equal(s[0].addresses[0].family, AF_INET);
	assert_memory_equal(s[0].addresses[0].bytes, "\x0a\0\0\x01", 4);
	assert_int_equal(s[0].addresses[1].family, AF_INET6);
	assert_int_equal(s[0].addresses[1].bytes[0], 0xfd);
	assert_int_equal(s[0].addresses[1].bytes[15], 1);
	assert_ptr_equal(s[0].set, policy_find(policy, "zeta"));
	assert_int_equal(s[0].label_count, 2);
	assert_string_equal(s[0].labels[1].key, "run");
	assert_string_equal(s[0].labels[1].value, "5");
	assert_string_equal(s[0].source, "p.yaml:27");
	assert_string_equal(s[1].name, "two");
	assert_int_equal(s[1].label_count, 0);
}

static void
test_credentials(void **state)
{
	const struct policy_credential *c;
	const char *const *names;

	(void)state;
	assert_int_equal(policy_credentials(policy, &c), 3);
	assert_string_equal(c[0].name, "first");
	assert_string_equal(c[0].source, "p.yaml:3");
	assert_int_equal(c[0].source_count, 4);
	assert_int_equal(c[0].sources[0].kind, POLICY_SOURCE_ENV);
	assert_int_equal(c[0].sources[0].word_count, 2);
	assert_string_equal(c[0].sources[0].words[1], "B_TOKEN");
	assert_int_equal(c[0].sources[1].kind, POLICY_SOURCE_FILE);
	assert_string_equal(c[0].sources[1].words[0], "/etc/key");
	assert_int_equal(c[0].sources[2].kind, POLICY_SOURCE_COMMAND);
	assert_int_equal(c[0].sources[2].ttl_seconds, 60);
	assert_int_equal(c[0].sources[2].timeout_seconds, 5);
	assert_int_equal(c[0].sources[3].kind, POLICY_SOURCE_SYSTEMD);
	assert_int_equal(c[1].sources[0].ttl_seconds, 300);
	assert_int_equal(c[1].sources[0].timeout_seconds, 10);
	assert_int_equal(c[1].sources[0].word_count, 1);

	assert_int_equal(
		policy_credential_names(policy_find(policy, "zeta"), &names),
		2);
	assert_string_equal(names[0], "second");
	assert_string_equal(names[1], "first");
	assert_int_equal(
		policy_credential_names(policy_find(policy, "alpha"), &names),
		0);
}

static const struct {
	const char *set, *host;
	uint16_t port;
	const char *headers; /* in order, with a space behind each */
	const char *reason;
} injected[] = {
	{"zeta", "api.a.test", 443, "X-Second X-First ",
		"the policy's order, each credential's first match"},
	{"zeta", "api.a.test", 80, "X-Second ", "plain HTTP where it says so"},
	{"zeta", "api.a.test", 8443, "X-Any ", "the first match by port"},
	{"zeta", "other.a.test", 443, "X-Any ", "by pattern"},
	{"zeta", "x.y.a.test", 443, "", "no pattern"},
	{"zeta", "nowhere.a.test", 443, "X-Any ",
		"what the policy does not list is not given"},
	{"alpha", "api.a.test", 443, "", "nor to a policy that lists none"},
};

static void
test_injections(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(injected) / sizeof(injected[0]); i++) {
		const struct policy_injection *list[4];
		char headers[256] = "";
		int len = 0;
		size_t n;

		n = policy_injections(policy_find(policy, injected[i].set),
			injected[i].host, injected[i].port, list, 4);
		for (size_t k = 0; k < n; k++)
			len += snprintf(headers + len,
				sizeof(headers) - (size_t)len, "%s ",
				list[k]->header);
		if (strcmp(headers, injected[i].headers) != 0)
			fail_msg("%s: %s", injected[i].reason, headers);
	}
}

static void
test_injection_fields(void **state)
{
	const struct policy_injection *list[2] = {NULL, NULL};
	const struct policy_set *set = policy_find(policy, "zeta");

	(void)state;
	/* At most max are written, all are counted. */
	assert_int_equal(policy_injections(set, "api.a.test", 443, list, 1), 2);
	assert_null(list[1]);
	assert_string_equal(list[0]->credential, "second");
	assert_int_equal(list[0]->mode, POLICY_INJECT_IF_PLACEHOLDER);
	assert_string_equal(list[0]->placeholder, "sbx__x");
	assert_string_equal(list[0]->format, "${value}");
	assert_true(list[0]->plaintext);
	assert_string_equal(list[0]->source, "p.yaml:15");
	assert_int_equal(policy_injections(set, "api.a.test", 443, list, 2), 2);
	assert_int_equal(list[1]->mode, POLICY_INJECT_ALWAYS);
	assert_string_equal(list[1]->format, "T ${value}");
	assert_null(list[1]->placeholder);
	assert_false(list[1]->plaintext);
}

/* What only overlaps with one before it has hosts or ports of its own. */
static void
test_bindings_may_overlap(void **state)
{
	struct policy *p = compiled(
		"version: 1\n"
		"credentials:\n"
		"  c:\n"
		"    source: {env: X}\n"
		"    inject:\n"
		"      - {host: api.a.test, header: X-Api}\n"
		"      - {host: \"**.a.test\", header: X-Wide}\n"
		"      - {host: .a.test, header: X-Apex}\n"
		"      - {host: api.a.test, header: X-Port, port: 8443}\n"
		"policies: {p: {default: allow, credentials: c}}\n");
	static const struct {
		const char *host, *header;
		uint16_t port;
	} wanted[] = {{"api.a.test", "X-Api", 443}, {"a.test", "X-Apex", 443},
		{"b.a.test", "X-Wide", 443}, {"api.a.test", "X-Port", 8443}};
	const struct policy_injection *one;

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		assert_int_equal(
			policy_injections(policy_find(p, "p"), wanted[i].host,
				wanted[i].port, &one, 1),
			1);
		assert_string_equal(one->header, wanted[i].header);
	}
	policy_unref(p);
}

/* ---- many documents ----------------------------------------------------- */

struct document {
	const char *name, *text;
};

static struct policy *
compile_all(const struct document *docs, size_t count,
	const char *const *other_keys, char **ret_report)
{
	struct report *report = report_new();
	struct policy *p = NULL;
	struct tree *trees[4];

	for (size_t i = 0; i < count; i++)
		assert_int_equal(
			tree_parse(docs[i].name, docs[i].text,
				strlen(docs[i].text), &trees[i], report),
			0);
	(void)policy_compile((const struct tree *const *)trees, count,
		other_keys, &p, report);
	for (size_t i = 0; i < count; i++)
		tree_free(trees[i]);
	*ret_report = report_text(report);
	report_free(report);
	return p;
}

static void
test_documents_refer_to_each_other(void **state)
{
	/* In an order in which nothing is defined before it is used. */
	static const struct document docs[] = {
		{"s.yaml", "version: 1\nsandboxes:\n"
			   "  s: {interface: i, address: 10.0.0.1, policy: p}"},
		{"p.yaml", "version: 1\npolicies:\n"
			   "  p: {default: allow, credentials: [c]}"},
		{"c.yaml", "version: 1\ncredentials:\n"
			   "  c: {source: {env: X}, inject:\n"
			   "   [{host: a.test, header: X-A}]}"},
	};
	const struct policy_injection *injection;
	const struct policy_sandbox *s;
	struct policy *p;
	char *report;

	(void)state;
	p = compile_all(docs, 3, NULL, &report);
	assert_string_equal(report, "");
	assert_int_equal(policy_sandboxes(p, &s), 1);
	assert_string_equal(s->source, "s.yaml:3");
	assert_int_equal(
		policy_injections(s->set, "a.test", 443, &injection, 1), 1);
	assert_string_equal(injection->source, "c.yaml:4");
	free(report);
	policy_unref(p);
}

static void
test_a_name_in_two_documents(void **state)
{
	static const struct document docs[] = {
		{"a.yaml", "version: 1\npolicies: {p: {}}\ncredentials:\n"
			   "  c: {source: {env: X}, inject: [{host: a.test, "
			   "header: X-A}]}\n"
			   "sandboxes:\n"
			   "  s: {interface: i, address: 10.0.0.1, policy: p}"},
		{"b.yaml", "version: 1\npolicies: {p: {}}\ncredentials:\n"
			   "  c: {source: {env: X}, inject: [{host: a.test, "
			   "header: X-A}]}\n"
			   "sandboxes:\n"
			   "  s: {interface: j, address: 10.0.0.1, policy: p}\n"
			   "  t: {interface: i, address: 10.0.0.1, policy: p}"},
	};
	char *report;

	(void)state;
	assert_null(compile_all(docs, 2, NULL, &report));
	assert_string_equal(report,
		"b.yaml:2:12: policy \"p\" is already defined at a.yaml:2\n"
		"b.yaml:4:3: credential \"c\" is already defined at a.yaml:4\n"
		"b.yaml:6:3: sandbox \"s\" is already defined at a.yaml:6\n"
		"b.yaml:7:3: interface and address \"i 10.0.0.1\" is already "
		"defined at a.yaml:6\n");
	free(report);
}

/* A deny rule against a kit's credential narrows the kit, and is no mistake. */
static void
test_a_host_of_its_kit_can_be_denied(void **state)
{
	static const char part[] =
		"{kit_of: p, credentials: {p.c: {source: {env: X}, "
		"inject: [{host: a.test, header: X-A}]}}}";
	static const char rules[] = "{kit_of: p, allow: [{host: a.test}]}";
	const struct document docs[] = {
		{"p.yaml", "version: 1\npolicies:\n"
			   "  p: {kit: ./k, deny: [{host: a.test}]}"},
		{"k.yaml", rules},
		{"k.yaml", part},
	};
	/* One that the policy lists itself is its own mistake. */
	const struct document other = {"q.yaml",
		"version: 1\npolicies:\n"
		"  q: {deny: [{host: a.test}], credentials: p.c}"};
	const struct document listed[] = {docs[0], docs[1], docs[2], other};
	struct policy *p;
	char *report;

	(void)state;
	p = compile_all(docs, 3, NULL, &report);
	assert_string_equal(report, "");
	free(report);
	for (unsigned port = 1; port <= UINT16_MAX; port++) {
		struct policy_verdict v = policy_decide_flow(
			policy_find(p, "p"), "a.test", (uint16_t)port);

		assert_false(v.allowed);
		assert_string_equal(v.rule, "p.deny[0]");
	}
	policy_unref(p);

	p = compile_all(listed, 4, NULL, &report);
	assert_null(p);
	assert_non_null(strstr(report, "can never fire in policy \"q\""));
	assert_null(strstr(report, "policy \"p\""));
	free(report);
}

static void
test_keys_of_somebody_else(void **state)
{
	static const struct document doc = {
		"d.yaml", "version: 1\nworkers: 4\nlimits: {x: 1}\n"};
	static const char *const keys[] = {"workers", "limits", NULL};
	static const char *const some[] = {"worker", NULL};
	struct policy *p;
	char *report;

	(void)state;
	p = compile_all(&doc, 1, keys, &report);
	assert_string_equal(report, "");
	assert_non_null(p);
	free(report);
	policy_unref(p);
	assert_null(compile_all(&doc, 1, some, &report));
	assert_string_equal(report,
		"d.yaml:2:1: unknown key \"workers\" in a document (did you "
		"mean \"worker\"?)\n"
		"d.yaml:3:1: unknown key \"limits\" in a document\n");
	free(report);
}

static void
test_no_document_is_an_empty_policy(void **state)
{
	const struct policy_sandbox *s;
	struct policy *p;
	char *report, *print;

	(void)state;
	p = compile_all(NULL, 0, NULL, &report);
	assert_non_null(p);
	assert_int_equal(policy_sandboxes(p, &s), 0);
	assert_null(policy_find(p, "p"));
	print = policy_print(p);
	assert_string_equal(print, "version: 1\n");
	free(print);
	free(report);
	policy_unref(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_sandboxes),
		cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_injections),
		cmocka_unit_test(test_injection_fields),
		cmocka_unit_test(test_bindings_may_overlap),
		cmocka_unit_test(test_documents_refer_to_each_other),
		cmocka_unit_test(test_a_name_in_two_documents),
		cmocka_unit_test(test_a_host_of_its_kit_can_be_denied),
		cmocka_unit_test(test_keys_of_somebody_else),
		cmocka_unit_test(test_no_document_is_an_empty_policy),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
