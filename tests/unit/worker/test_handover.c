/*
 * What happens at COMMIT: all of a batch or nothing.  The services are real;
 * "box" is there before each batch.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <ev.h>

#include "array.h"
#include "ca.h"
#include "guard.h"
#include "handover.h"
#include "keyring.h"
#include "link_message.h"
#include "loop_until.h"
#include "policy.h"
#include "sandbox.h"
#include "secret.h"
#include "session_lab.h"

static const struct resolver_row rows[] = {
	{.host = "a.test", AF_INET, {"127.0.0.1"}},
	{.host = "a.test", AF_INET6, {NULL}},
	{.host = NULL},
};

static const char policy[] = "version: 1\n"
			     "policies:\n"
			     "  p: {default: deny, allow: [{host: a.test}]}\n"
			     "  q: {default: deny, allow: [{host: b.test}]}\n";

static const char other_policy[] = "version: 1\n"
				   "policies:\n"
				   "  p: {default: deny, allow: [{host: "
				   "c.test}]}\n";

struct scene {
	struct session_lab lab;
	struct handover *batch;
	uint8_t *authority;
	size_t authority_len;
	char why[1024];
};

static void
open_scene(struct scene *s, const char *text)
{
	memset(s, 0, sizeof(*s));
	session_lab_open(&s->lab, rows, text);
	assert_int_equal(
		ca_export(s->lab.ca, &s->authority, &s->authority_len), 0);
	s->batch = handover_new(7);
	assert_non_null(s->batch);
	assert_int_equal(handover_generation(s->batch), 7);
}

static int
commit(struct scene *s)
{
	int r;

	s->why[0] = '\0';
	r = handover_apply(s->batch, &s->lab.services, &s->lab.policy, s->why,
		sizeof(s->why));
	handover_free(s->batch);
	s->batch = handover_new(8);
	assert_non_null(s->batch);
	return r;
}

static void
close_scene(struct scene *s)
{
	handover_free(s->batch);
	free(s->authority);
	session_lab_close(&s->lab);
}

static void
add_document(struct scene *s, const char *text)
{
	char *copy = strdup(text); /* what is added is copied */
	struct link_document d = {.name = "p.yaml", .text = span_of(copy)};

	assert_int_equal(handover_add_document(s->batch, &d), 0);
	memset(copy, 'x', strlen(copy));
	free(copy);
}

struct place {
	const char *name, *policy, *address;
	uint32_t ifindex;
	bool served;
	struct span authority; /* none: the lab's */
};

static void
add_sandbox(struct scene *s, const struct place *p)
{
	char *name = strdup(p->name);
	struct link_sandbox b = {
		.name = name,
		.interface = "veth0",
		.policy = p->policy,
		.labels = "{\"new\":1}",
		.source = "s.yaml:1",
		.ifindex = p->ifindex,
		.address_count = 1,
		.addresses = {{.family = AF_INET}},
		.served = p->served,
		.authority = {(const char *)s->authority, s->authority_len},
	};

	if (p->authority.ptr != NULL)
		b.authority = p->authority;
	assert_int_equal(
		inet_pton(AF_INET, p->address, b.addresses[0].bytes), 1);
	assert_int_equal(handover_add_sandbox(s->batch, &b), 0);
	memset(name, 'x', strlen(name));
	free(name);
}

static void
add_secret(struct scene *s, const char *name, const char *value)
{
	struct link_secret secret = {.name = name,
		.present = value != NULL,
		.value = span_of(value)};

	assert_int_equal(handover_add_secret(s->batch, &secret), 0);
}

static const struct place box = {
	"box", "p", "10.77.0.2", LAB_IFINDEX, true, {NULL, 0}};

static struct sandbox *
find(struct scene *s, const char *name)
{
	return sandboxes_find(s->lab.services.sandboxes, name);
}

static const char *
who(struct scene *s, uint32_t ifindex, const char *address)
{
	struct sockaddr_in from = {.sin_family = AF_INET};
	const struct sandbox *found;

	assert_int_equal(inet_pton(AF_INET, address, &from.sin_addr), 1);
	found = sandboxes_identify(
		s->lab.services.sandboxes, ifindex, (struct sockaddr *)&from);
	return found != NULL ? found->name : "nobody";
}

static bool
is_self(struct scene *s, const char *address)
{
	struct sockaddr_in to = {.sin_family = AF_INET};

	assert_int_equal(inet_pton(AF_INET, address, &to.sin_addr), 1);
	return guard_is_self(s->lab.services.guard, (struct sockaddr *)&to);
}

static bool
may_reach(struct scene *s, const char *name, const char *host)
{
	struct sandbox *b = find(s, name);

	assert_non_null(b);
	assert_non_null(b->set);
	return policy_decide_flow(b->set, host, 443).allowed;
}

static void
assert_value(struct scene *s, const char *name, const char *want)
{
	const struct secret *v = keyring_get(s->lab.services.keyring, name);

	if (want == NULL) {
		assert_null(v);
		return;
	}
	assert_non_null(v);
	assert_true(span_equals(secret_bytes(v), span_of(want)));
}

static bool
is_open(int client)
{
	char byte;

	return recv(client, &byte, 1, 0) < 0 && errno == EAGAIN;
}

/* ---- nothing ------------------------------------------------------------- */

static void
test_one_bad_part_and_nothing_changes(void **state)
{
	static const char no_policy[] =
		"version: 1\npolicies: {p: {default: perhaps}}\n";
	static const struct {
		const char *document; /* besides a good one */
		struct span authority;
		const char *why, *reason;
	} cases[] = {
		{"policies: [", {NULL, 0}, "p.yaml:", "no YAML"},
		{no_policy, {NULL, 0}, "perhaps", "no policy"},
		{policy, {NULL, 0}, "q", "the same name twice"},
		{NULL, {"no authority", 12}, "", "no authority"},
		{NULL, {"", 0}, "", "an empty one"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct place fresh = {
			"new", "p", "10.77.0.9", 6, true, cases[i].authority};
		struct sandbox *before;
		struct policy *old;
		struct scene s;
		int client;

		open_scene(&s, policy);
		old = s.lab.policy;
		before = find(&s, "box");
		client = session_lab_dial(&s.lab, 443);
		add_secret(&s, "key", "old");
		assert_int_equal(commit(&s), 0);
		assert_int_equal(s.lab.services.generation, 7);

		add_document(&s, policy);
		if (cases[i].document != NULL)
			add_document(&s, cases[i].document);
		add_sandbox(&s, &fresh);
		assert_int_equal(handover_add_gone(s.batch, "box"), 0);
		add_secret(&s, "key", "new");
		if (commit(&s) >= 0)
			fail_msg("%s: it was applied", cases[i].reason);
		if (s.why[0] == '\0' || strstr(s.why, cases[i].why) == NULL)
			fail_msg("%s: %s", cases[i].reason, s.why);

		assert_int_equal(s.lab.services.generation, 7);
		assert_ptr_equal(s.lab.policy, old);
		assert_ptr_equal(find(&s, "box"), before);
		assert_ptr_equal(before->policy, old);
		assert_null(find(&s, "new"));
		assert_false(is_self(&s, "10.77.0.9"));
		assert_value(&s, "key", "old");
		loop_once(s.lab.loop);
		assert_true(is_open(client));
		close(client);
		close_scene(&s);
	}
}

/* A sandbox cannot be held to documents that are not there. */
static void
test_sandboxes_before_any_document(void **state)
{
	struct place fresh = {"new", "p", "10.77.0.9", 6, true, {NULL, 0}};
	struct scene s;

	(void)state;
	open_scene(&s, NULL);
	add_secret(&s, "key", "v");
	add_sandbox(&s, &fresh);
	assert_int_equal(commit(&s), -EPROTO);
	assert_string_equal(s.why, "sandboxes came before any document");
	assert_null(find(&s, "new"));
	assert_value(&s, "key", NULL);
	assert_int_equal(s.lab.services.generation, 1);
	/* Both in one batch are what a keeper sends first. */
	add_document(&s, policy);
	add_sandbox(&s, &fresh);
	assert_int_equal(commit(&s), 0);
	assert_true(may_reach(&s, "new", "a.test"));
	close_scene(&s);
}

/* ---- all ----------------------------------------------------------------- */

static void
test_documents_replace_documents(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, policy);
	assert_true(may_reach(&s, "box", "a.test"));
	add_document(&s, other_policy);
	assert_int_equal(commit(&s), 0);
	assert_int_equal(s.lab.services.generation, 7);
	assert_false(may_reach(&s, "box", "a.test"));
	assert_true(may_reach(&s, "box", "c.test"));
	/* A batch without documents keeps them. */
	add_secret(&s, "key", "v");
	assert_int_equal(commit(&s), 0);
	assert_int_equal(s.lab.services.generation, 8);
	assert_true(may_reach(&s, "box", "c.test"));
	close_scene(&s);
}

static void
test_a_policy_that_goes_takes_all_rights_with_it(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, policy);
	add_document(&s, "version: 1\npolicies: {q: {default: deny}}\n");
	assert_int_equal(commit(&s), 0);
	assert_null(find(&s, "box")->set);
	close_scene(&s);
}

static void
test_sandboxes_come_and_go(void **state)
{
	struct place served = {"b", "q", "10.77.0.3", 6, true, {NULL, 0}};
	struct place elsewhere = {"c", "p", "10.77.0.4", 7, false, {NULL, 0}};
	struct scene s;

	(void)state;
	open_scene(&s, policy);
	add_sandbox(&s, &served);
	add_sandbox(&s, &elsewhere);
	assert_string_equal(who(&s, 6, "10.77.0.3"), "nobody");
	assert_int_equal(commit(&s), 0);
	assert_string_equal(who(&s, 6, "10.77.0.3"), "b");
	assert_string_equal(find(&s, "b")->labels, "{\"new\":1}");
	assert_true(may_reach(&s, "b", "b.test"));
	assert_non_null(find(&s, "b")->ca);
	/* Another worker's: known, but its authority is not here. */
	assert_null(find(&s, "c")->ca);
	assert_null(find(&s, "c")->pool);
	/* Nobody may dial a sandbox, wherever it is served. */
	assert_true(is_self(&s, "10.77.0.3"));
	assert_true(is_self(&s, "10.77.0.4"));

	assert_int_equal(handover_add_gone(s.batch, "b"), 0);
	assert_int_equal(handover_add_gone(s.batch, "never"), 0);
	assert_int_equal(commit(&s), 0);
	assert_null(find(&s, "b"));
	assert_string_equal(who(&s, 6, "10.77.0.3"), "nobody");
	assert_false(is_self(&s, "10.77.0.3"));
	assert_true(is_self(&s, "10.77.0.4"));
	close_scene(&s);
}

/* One leaves, another takes its place: all in one batch. */
static void
test_a_place_changes_hands(void **state)
{
	struct place next = box;
	struct scene s;

	(void)state;
	open_scene(&s, policy);
	next.name = "next";
	add_sandbox(&s, &next);
	assert_int_equal(handover_add_gone(s.batch, "box"), 0);
	assert_int_equal(commit(&s), 0);
	assert_null(find(&s, "box"));
	assert_string_equal(who(&s, LAB_IFINDEX, "10.77.0.2"), "next");
	assert_true(is_self(&s, "10.77.0.2"));
	close_scene(&s);
}

static void
test_told_anew(void **state)
{
	static const struct {
		struct place place;
		bool other_authority;
		bool stays;
		const char *reason;
	} cases[] = {
		{{"box", "p", "10.77.0.2", LAB_IFINDEX, true, {NULL, 0}}, false,
			true, "the same"},
		{{"box", "q", "10.77.0.2", LAB_IFINDEX, true, {NULL, 0}}, false,
			true, "another policy"},
		{{"box", "p", "10.77.0.3", LAB_IFINDEX, true, {NULL, 0}}, false,
			false, "another address"},
		{{"box", "p", "10.77.0.2", 6, true, {NULL, 0}}, false, false,
			"another interface"},
		{{"box", "p", "10.77.0.2", LAB_IFINDEX, false, {NULL, 0}},
			false, false, "served elsewhere now"},
		{{"box", "p", "10.77.0.2", LAB_IFINDEX, true, {NULL, 0}}, true,
			false, "another authority"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct place place = cases[i].place;
		struct ca *other = NULL;
		uint8_t *bytes = NULL;
		struct sandbox *before;
		struct scene s;
		int client;
		size_t len;

		open_scene(&s, policy);
		if (cases[i].other_authority) {
			assert_int_equal(ca_new("box", time(NULL), &other,
						 s.why, sizeof(s.why)),
				0);
			assert_int_equal(ca_export(other, &bytes, &len), 0);
			place.authority = (struct span){(char *)bytes, len};
		}
		before = sandbox_ref(find(&s, "box"));
		client = session_lab_dial(&s.lab, 443);
		add_sandbox(&s, &place);
		assert_int_equal(commit(&s), 0);
		loop_once(s.lab.loop);
		if ((find(&s, "box") == before) != cases[i].stays ||
			is_open(client) != cases[i].stays ||
			before->connections != cases[i].stays)
			fail_msg("%s", cases[i].reason);
		/* What it is told is so in each case. */
		assert_string_equal(find(&s, "box")->policy_name, place.policy);
		assert_string_equal(find(&s, "box")->labels, "{\"new\":1}");
		assert_int_equal(may_reach(&s, "box", "b.test"),
			strcmp(place.policy, "q") == 0);
		assert_string_equal(
			who(&s, place.ifindex, place.address), "box");
		sandbox_unref(before);
		ca_free(other);
		free(bytes);
		close(client);
		close_scene(&s);
	}
}

/* ---- secrets ------------------------------------------------------------- */

static void
test_secrets_come_change_and_go(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, policy);
	add_secret(&s, "a", "1");
	add_secret(&s, "b", "2");
	assert_value(&s, "a", NULL); /* not before the end of the batch */
	assert_int_equal(commit(&s), 0);
	assert_value(&s, "a", "1");
	assert_value(&s, "b", "2");
	add_secret(&s, "a", "3");
	add_secret(&s, "b", NULL);
	assert_int_equal(commit(&s), 0);
	assert_value(&s, "a", "3");
	assert_value(&s, "b", NULL);
	close_scene(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_bad_part_and_nothing_changes),
		cmocka_unit_test(test_sandboxes_before_any_document),
		cmocka_unit_test(test_documents_replace_documents),
		cmocka_unit_test(
			test_a_policy_that_goes_takes_all_rights_with_it),
		cmocka_unit_test(test_sandboxes_come_and_go),
		cmocka_unit_test(test_a_place_changes_hands),
		cmocka_unit_test(test_told_anew),
		cmocka_unit_test(test_secrets_come_change_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
