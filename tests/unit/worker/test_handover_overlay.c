/*
 * Overlays come, change and go at a sandbox that goes on: its decisions follow,
 * and of its connections those end that are forbidden now.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "array.h"
#include "handover_scene.h"
#include "loop_until.h"
#include "sandbox.h"

static const char policy[] =
	"version: 1\n"
	"policies:\n"
	"  p: {allow: [{host: a.test}], deny: [{host: d.test}]}\n"
	"  q: {default: allow}\n";
static const char other_policy[] = "version: 1\n"
				   "policies:\n"
				   "  p: {allow: [{host: c.test}]}\n";

static const char *const hosts[] = {"a.test", "b.test", "c.test", "d.test"};

/* A letter for each host that may be reached. */
static const char *
reach(struct scene *s)
{
	static char ret[ARRAY_LEN(hosts) + 1];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		if (scene_may_reach(s, "box", hosts[i]))
			ret[n++] = hosts[i][0];
	}
	ret[n] = '\0';
	return ret;
}

static void
test_overlays_come_change_and_go(void **state)
{
	static const struct {
		const char *overlay, *document, *policy, *reach;
	} steps[] = {
		{"", NULL, "p", "a"},
		{"allow: [{host: [b.test, d.test]}]\n", NULL, "p", "ab"},
		{"deny: [{host: a.test}]\n", NULL, "p", ""},
		{"mode: open\n", NULL, "p", "abc"},
		{"mode: lockdown\n", NULL, "p", ""},
		{"allow: [{host: b.test}]\n", NULL, "p", "ab"},
		{"allow: [{host: b.test}]\n", other_policy, "p", "bc"},
		{"deny: [{host: b.test}]\n", policy, "q", "acd"},
		{"", NULL, "p", "a"},
	};
	struct place place = box;
	struct sandbox *before;
	struct scene s;

	(void)state;
	scene_open(&s, policy);
	before = scene_find(&s, "box");
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		place.policy = steps[i].policy;
		s.overlay = steps[i].overlay;
		if (steps[i].document != NULL)
			scene_add_document(&s, steps[i].document);
		scene_add_sandbox(&s, &place);
		if (scene_commit(&s) != 0)
			fail_msg("step %zu: %s", i, s.why);
		assert_ptr_equal(scene_find(&s, "box"), before);
		if (strcmp(reach(&s), steps[i].reach) != 0)
			fail_msg("step %zu: reaches \"%s\", not \"%s\"", i,
				reach(&s), steps[i].reach);
	}
	scene_close(&s);
}

/* New documents alone leave it in force. */
static void
test_an_overlay_outlives_its_policy(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, policy);
	s.overlay = "allow: [{host: b.test}]\n";
	scene_add_sandbox(&s, &box);
	assert_int_equal(scene_commit(&s), 0);
	scene_add_document(&s, other_policy);
	assert_int_equal(scene_commit(&s), 0);
	assert_string_equal(reach(&s), "bc");
	scene_close(&s);
}

static void
test_a_bad_overlay_changes_nothing(void **state)
{
	struct place place = box;
	struct scene s;

	(void)state;
	scene_open(&s, policy);
	place.policy = "q";
	s.overlay = "mode: odd\n";
	scene_add_sandbox(&s, &place);
	assert_int_equal(scene_commit(&s), -EINVAL);
	assert_non_null(strstr(s.why, "overlay of box:1:7: "));
	assert_string_equal(reach(&s), "a");
	scene_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_overlays_come_change_and_go),
		cmocka_unit_test(test_an_overlay_outlives_its_policy),
		cmocka_unit_test(test_a_bad_overlay_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
