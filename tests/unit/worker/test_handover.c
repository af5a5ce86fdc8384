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
#include "handover_scene.h"
#include "keyring.h"
#include "link_message.h"
#include "loop_until.h"
#include "name_link.h"
#include "policy.h"
#include "sandbox.h"
#include "secret.h"

static const char policy[] = "version: 1\n"
			     "policies:\n"
			     "  p: {default: deny, allow: [{host: a.test}]}\n"
			     "  q: {default: deny, allow: [{host: b.test}]}\n";

static const char other_policy[] = "version: 1\n"
				   "policies:\n"
				   "  p: {default: deny, allow: [{host: "
				   "c.test}]}\n";

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

		scene_open(&s, policy);
		old = s.lab.policy;
		before = scene_find(&s, "box");
		client = session_lab_dial(&s.lab, 443);
		scene_add_secret(&s, "key", "old");
		assert_int_equal(scene_commit(&s), 0);
		assert_int_equal(s.lab.services.generation, 7);

		scene_add_document(&s, policy);
		if (cases[i].document != NULL)
			scene_add_document(&s, cases[i].document);
		scene_add_sandbox(&s, &fresh);
		assert_int_equal(handover_add_gone(s.batch, "box"), 0);
		scene_add_secret(&s, "key", "new");
		if (scene_commit(&s) >= 0)
			fail_msg("%s: it was applied", cases[i].reason);
		if (s.why[0] == '\0' || strstr(s.why, cases[i].why) == NULL)
			fail_msg("%s: %s", cases[i].reason, s.why);

		assert_int_equal(s.lab.services.generation, 7);
		assert_ptr_equal(s.lab.policy, old);
		assert_ptr_equal(scene_find(&s, "box"), before);
		assert_ptr_equal(before->policy, old);
		assert_null(scene_find(&s, "new"));
		assert_false(scene_is_self(&s, "10.77.0.9"));
		scene_assert_value(&s, "key", "old");
		loop_once(s.lab.loop);
		assert_true(is_open(client));
		close(client);
		scene_close(&s);
	}
}

/* A sandbox cannot be held to documents that are not there. */
static void
test_sandboxes_before_any_document(void **state)
{
	struct place fresh = {"new", "p", "10.77.0.9", 6, true, {NULL, 0}};
	struct scene s;

	(void)state;
	scene_open(&s, NULL);
	scene_add_secret(&s, "key", "v");
	scene_add_sandbox(&s, &fresh);
	assert_int_equal(scene_commit(&s), -EPROTO);
	assert_string_equal(s.why, "sandboxes came before any document");
	assert_null(scene_find(&s, "new"));
	scene_assert_value(&s, "key", NULL);
	assert_int_equal(s.lab.services.generation, 1);
	/* Both in one batch are what a keeper sends first. */
	scene_add_document(&s, policy);
	scene_add_sandbox(&s, &fresh);
	assert_int_equal(scene_commit(&s), 0);
	assert_true(scene_may_reach(&s, "new", "a.test"));
	scene_close(&s);
}

/* ---- all ----------------------------------------------------------------- */

static void
test_documents_replace_documents(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, policy);
	assert_true(scene_may_reach(&s, "box", "a.test"));
	scene_add_document(&s, other_policy);
	assert_int_equal(scene_commit(&s), 0);
	assert_int_equal(s.lab.services.generation, 7);
	assert_false(scene_may_reach(&s, "box", "a.test"));
	assert_true(scene_may_reach(&s, "box", "c.test"));
	/* A batch without documents keeps them. */
	scene_add_secret(&s, "key", "v");
	assert_int_equal(scene_commit(&s), 0);
	assert_int_equal(s.lab.services.generation, 8);
	assert_true(scene_may_reach(&s, "box", "c.test"));
	scene_close(&s);
}

static void
test_a_policy_that_goes_takes_all_rights_with_it(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, policy);
	scene_add_document(&s, "version: 1\npolicies: {q: {default: deny}}\n");
	assert_int_equal(scene_commit(&s), 0);
	assert_null(scene_find(&s, "box")->set);
	scene_close(&s);
}

static void
test_sandboxes_come_and_go(void **state)
{
	struct place served = {"b", "q", "10.77.0.3", 6, true, {NULL, 0}};
	struct place elsewhere = {"c", "p", "10.77.0.4", 7, false, {NULL, 0}};
	struct scene s;

	(void)state;
	scene_open(&s, policy);
	scene_add_sandbox(&s, &served);
	scene_add_sandbox(&s, &elsewhere);
	assert_string_equal(scene_who(&s, 6, "10.77.0.3"), "nobody");
	assert_int_equal(scene_commit(&s), 0);
	assert_string_equal(scene_who(&s, 6, "10.77.0.3"), "b");
	assert_string_equal(scene_find(&s, "b")->labels, "{\"new\":1}");
	assert_true(scene_may_reach(&s, "b", "b.test"));
	assert_non_null(scene_find(&s, "b")->pool);
	/* Another worker's: known, but its authority is not here. */
	assert_null(scene_find(&s, "c")->authority.bytes);
	assert_null(scene_find(&s, "c")->pool);
	/* Nobody may dial a sandbox, wherever it is served. */
	assert_true(scene_is_self(&s, "10.77.0.3"));
	assert_true(scene_is_self(&s, "10.77.0.4"));

	assert_int_equal(handover_add_gone(s.batch, "b"), 0);
	assert_int_equal(handover_add_gone(s.batch, "never"), 0);
	assert_int_equal(scene_commit(&s), 0);
	assert_null(scene_find(&s, "b"));
	assert_string_equal(scene_who(&s, 6, "10.77.0.3"), "nobody");
	assert_false(scene_is_self(&s, "10.77.0.3"));
	assert_true(scene_is_self(&s, "10.77.0.4"));
	scene_close(&s);
}

/* One leaves, another takes its place: all in one batch. */
static void
test_a_place_changes_hands(void **state)
{
	struct place next = box;
	struct scene s;

	(void)state;
	scene_open(&s, policy);
	next.name = "next";
	scene_add_sandbox(&s, &next);
	assert_int_equal(handover_add_gone(s.batch, "box"), 0);
	assert_int_equal(scene_commit(&s), 0);
	assert_null(scene_find(&s, "box"));
	assert_string_equal(scene_who(&s, LAB_IFINDEX, "10.77.0.2"), "next");
	assert_true(scene_is_self(&s, "10.77.0.2"));
	scene_close(&s);
}

/* ---- synthetic addresses ------------------------------------------------- */

struct waiter {
	struct name_wait wait;
	bool heard;
};

static void
note(struct name_wait *w)
{
	container_of(w, struct waiter, wait)->heard = true;
}

static void
test_an_answer_about_a_name(void **state)
{
	static const struct link_name none = {"box", "", 3},
				      gone = {"gone", "db.test", 3},
				      full = {"box", "c.test", LINK_NO_NUMBER},
				      told = {"box", "db.test", 3};
	struct waiter w = {.wait = {.number = 3, .heard = note}};
	struct names *names;
	uint32_t number;
	struct scene s;

	(void)state;
	scene_open(&s, policy);
	name_link_heard(&s.lab.services, &told); /* nobody ever asked */
	names = sandbox_names(scene_find(&s, "box"), &s.lab.services.names);
	names_wait(names, &w.wait);
	name_link_heard(&s.lab.services, &gone);
	name_link_heard(&s.lab.services, &full);
	assert_false(w.heard);
	name_link_heard(&s.lab.services, &none);
	assert_true(w.heard);
	assert_null(names_host(names, 3));
	name_link_heard(&s.lab.services, &told);
	assert_string_equal(names_host(names, 3), "db.test");
	assert_true(names_number(names, "db.test", &number));
	assert_false(names_number(names, "c.test", &number));
	scene_close(&s);
}

/* The keeper has nothing to say about it any more. */
static void
test_nobody_waits_for_a_name_of_one_who_left(void **state)
{
	struct waiter w = {.wait = {.host = "db.test", .heard = note}};
	struct scene s;

	(void)state;
	scene_open(&s, policy);
	names_wait(sandbox_names(scene_find(&s, "box"), &s.lab.services.names),
		&w.wait);
	assert_int_equal(handover_add_gone(s.batch, "box"), 0);
	assert_int_equal(scene_commit(&s), 0);
	assert_true(w.heard);
	scene_close(&s);
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

		scene_open(&s, policy);
		if (cases[i].other_authority) {
			assert_int_equal(ca_new("box", time(NULL), &other,
						 s.why, sizeof(s.why)),
				0);
			assert_int_equal(ca_export(other, &bytes, &len), 0);
			place.authority = (struct span){(char *)bytes, len};
		}
		before = sandbox_ref(scene_find(&s, "box"));
		client = session_lab_dial(&s.lab, 443);
		scene_add_sandbox(&s, &place);
		assert_int_equal(scene_commit(&s), 0);
		loop_once(s.lab.loop);
		if ((scene_find(&s, "box") == before) != cases[i].stays ||
			is_open(client) != cases[i].stays ||
			before->connections != cases[i].stays)
			fail_msg("%s", cases[i].reason);
		/* What it is told is so in each case. */
		assert_string_equal(
			scene_find(&s, "box")->policy_name, place.policy);
		assert_string_equal(
			scene_find(&s, "box")->labels, "{\"new\":1}");
		assert_int_equal(scene_may_reach(&s, "box", "b.test"),
			strcmp(place.policy, "q") == 0);
		assert_string_equal(
			scene_who(&s, place.ifindex, place.address), "box");
		sandbox_unref(before);
		ca_free(other);
		free(bytes);
		close(client);
		scene_close(&s);
	}
}

/* ---- secrets ------------------------------------------------------------- */

static void
test_secrets_come_change_and_go(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, policy);
	scene_add_secret(&s, "a", "1");
	scene_add_secret(&s, "b", "2");
	scene_assert_value(&s, "a", NULL); /* not before the end of the batch */
	assert_int_equal(scene_commit(&s), 0);
	scene_assert_value(&s, "a", "1");
	scene_assert_value(&s, "b", "2");
	scene_add_secret(&s, "a", "3");
	scene_add_secret(&s, "b", NULL);
	assert_int_equal(scene_commit(&s), 0);
	scene_assert_value(&s, "a", "3");
	scene_assert_value(&s, "b", NULL);
	scene_close(&s);
}

/* It comes, changes and goes with what else is said of the sandbox. */
static void
test_a_limit_of_its_own(void **state)
{
	struct place place = box;
	struct sandbox *s;
	struct scene scene;

	(void)state;
	scene_open(&scene, policy);
	s = scene_find(&scene, "box");
	assert_null(own_limit_get(&s->limit));
	scene.limit_source = "s.yaml:3";
	scene_add_sandbox(&scene, &place);
	assert_int_equal(scene_commit(&scene), 0);
	assert_ptr_equal(scene_find(&scene, "box"), s);
	assert_non_null(own_limit_get(&s->limit));
	assert_int_equal(
		own_limit_get(&s->limit)->amounts[POLICY_REQUESTS].amount,
		1000);
	assert_string_equal(s->limit.source, "s.yaml:3");
	assert_string_equal(s->limit.rule, "box.limit");
	scene.limit_source = NULL;
	scene_add_sandbox(&scene, &place);
	assert_int_equal(scene_commit(&scene), 0);
	assert_null(own_limit_get(&s->limit));
	scene_close(&scene);
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
		cmocka_unit_test(test_an_answer_about_a_name),
		cmocka_unit_test(test_nobody_waits_for_a_name_of_one_who_left),
		cmocka_unit_test(test_told_anew),
		cmocka_unit_test(test_a_limit_of_its_own),
		cmocka_unit_test(test_secrets_come_change_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
