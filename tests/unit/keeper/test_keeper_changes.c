/* The keeper while it runs: sandboxes come and go, the world changes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <ev.h>
#include <jansson.h>

#include "keeper.h"
#include "keeper_lab.h"
#include "keeper_scene.h"

/* ---- sandboxes at run time -------------------------------------------- */

static void
test_a_sandbox_comes_and_goes(void **state)
{
	unsigned mine = scene_worker_of("10.77.1.4");
	struct lab l;
	size_t mark;

	(void)state;
	assert_int_not_equal(mine, scene_worker_of("10.77.1.2"));
	scene_open(&l, SCENE_ONE);
	mark = l.said_len;
	keeper_add_sandbox(l.keeper, "box",
		"{interface: sbx-t3, address: 10.77.1.4, policy: agent, "
		"labels: {team: a}}",
		lab_done, &l);
	assert_null(keeper_sandbox_ca(l.keeper, "box"));
	lab_wait_done(&l, 1);
	if (l.status != 0)
		fail_msg("%d: %s", l.status, l.text);
	assert_true(scene_has("10.77.1.4"));
	assert_non_null(keeper_sandbox_ca(l.keeper, "box"));
	assert_string_equal(keeper_sandbox_policy(l.keeper, "box"), "agent");
	lab_wait_said(&l, mark, "commit 2\n", 2);
	/* The worker that serves it had no credential until now. */
	assert_int_equal(lab_count_said(&l, mark,
				 scene_line(mine, "secret github s3cret")),
		1);
	assert_int_equal(lab_count_said(&l, mark, "document"), 0);

	mark = l.said_len;
	keeper_reload(l.keeper, lab_done, &l);
	lab_wait_done(&l, 2);
	if (l.status != 0)
		fail_msg("%d: %s", l.status, l.text);
	assert_non_null(keeper_sandbox_ca(l.keeper, "box"));

	keeper_remove_sandbox(l.keeper, "box", lab_done, &l);
	/* The kernel forgets it before anybody else is told. */
	assert_false(scene_has("10.77.1.4"));
	lab_wait_done(&l, 3);
	if (l.status != 0)
		fail_msg("%d: %s", l.status, l.text);
	assert_null(keeper_sandbox_ca(l.keeper, "box"));
	lab_wait_said(&l, mark, "gone box\n", 2);
	lab_wait_said(&l, mark,
		scene_line(mine, "secret github no policy of this worker"), 1);
	lab_close(&l);
}

static void
test_bad_sandboxes_are_refused(void **state)
{
	static const struct {
		const char *name, *entry;
		int status;
		const char *text;
	} cases[] = {
		{"one",
			"{interface: sbx-t3, address: 10.77.1.4, policy: "
			"plain}",
			-EEXIST, "it is declared in a file"},
		{"Box", "{}", -EINVAL, "a name is 1 to 63 of"},
		{"x\": y", "{}", -EINVAL, "a name is 1 to 63 of"},
		{"box", "{interface: sbx-t3, address: 10.77.1.4, policy: nix}",
			-ENOENT, "there is no policy \"nix\""},
		{"box", "{address: 10.77.1.4, policy: plain}", -EINVAL,
			"interface"},
		{"box", "interface: [", -EINVAL, "sandbox box:"},
		{"box",
			"interface: sbx-t3\naddress: 10.77.1.4\npolicy: plain\n"
			"wrong: 1\n",
			-EINVAL, "sandbox box:7:5: unknown key \"wrong\""},
		{"box",
			"{interface: sbx-t1, address: 10.77.1.2, policy: "
			"plain}",
			-EINVAL, "10.77.1.2"},
	};
	struct lab l;

	(void)state;
	scene_open(&l, SCENE_ONE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		keeper_add_sandbox(
			l.keeper, cases[i].name, cases[i].entry, lab_done, &l);
		lab_wait_done(&l, (int)i + 1);
		if (l.status != cases[i].status ||
			strstr(l.text, cases[i].text) == NULL)
			fail_msg("%s: %d %s", cases[i].entry, l.status, l.text);
	}
	keeper_remove_sandbox(l.keeper, "none", lab_done, &l);
	assert_int_equal(l.status, -ENOENT);
	keeper_remove_sandbox(l.keeper, "one", lab_done, &l);
	assert_int_equal(l.status, -EBUSY);
	assert_int_equal(keeper_generation(l.keeper), 1);
	lab_close(&l);
}

static void
test_a_thousand_sandboxes(void **state)
{
	enum { MANY = 1000 };
	char name[32], entry[128];
	double start;
	struct lab l;

	(void)state;
	scene_open(&l, SCENE_ONE);
	start = ev_time();
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "box-%d", i);
		snprintf(entry, sizeof(entry),
			"{interface: sbx-m%d, address: 10.78.%d.%d, "
			"policy: agent}",
			i, i / 250, i % 250 + 2);
		keeper_add_sandbox(l.keeper, name, entry, lab_done, &l);
	}
	lab_wait_done(&l, MANY);
	if (l.status != 0)
		fail_msg("%d: %s", l.status, l.text);
	assert_true(scene_has("10.78.3.251"));
	print_message(
		"%d sandboxes registered in %.2f s\n", MANY, ev_time() - start);
	lab_close(&l);
}

/* ---- the world changes ------------------------------------------------ */

static void
test_a_new_value_goes_to_who_needs_it(void **state)
{
	unsigned mine = scene_worker_of("10.77.1.2");
	struct lab l;
	size_t mark;

	(void)state;
	scene_open(&l, SCENE_ONE);
	mark = l.said_len;
	lab_write(&l, "token", "r0tated\n");
	lab_wait_said(&l, mark, scene_line(mine, "secret github r0tated\n"), 1);
	lab_wait_said(&l, mark, "commit 2\n", 2);
	assert_int_equal(
		lab_count_said(&l, mark, scene_line(1 - mine, "secret")), 0);
	assert_int_equal(lab_count_said(&l, mark, "document"), 0);
	assert_int_equal(lab_count_said(&l, mark, "sandbox "), 0);
	lab_close(&l);
}

/* A command ends when the workers are told all for the first time, or later. */
static void
test_a_value_that_comes_during_the_start_is_told(void **state)
{
	unsigned mine = scene_worker_of("10.77.1.2");
	struct lab l;

	(void)state;
	lab_open(&l);
	scene_write_source(&l, "command: [/bin/echo, c0mmand]", SCENE_ONE);
	lab_start(&l);
	lab_wait_said(&l, 0, scene_line(mine, "secret github c0mmand\n"), 1);
	lab_close(&l);
}

static void
test_an_interface_and_its_address_are_followed(void **state)
{
	struct lab l;
	size_t mark;

	(void)state;
	scene_open(&l, SCENE_ONE);
	mark = l.said_len;
	lab_run("ip link add sbx-t1 type veth peer name sbx-t1p");
	lab_wait_said(&l, mark, "sandbox one agent ifindex 1", 2);
	mark = l.said_len;
	lab_run("ip addr add 10.77.1.1/24 dev sbx-t1");
	lab_wait_said(&l, mark, "self 1\n", 2);
	mark = l.said_len;
	lab_run("ip link set sbx-t1 name sbx-t1b");
	lab_wait_said(&l, mark, "sandbox one agent ifindex 0", 2);
	mark = l.said_len;
	lab_run("ip link set sbx-t1b name sbx-t1");
	lab_wait_said(&l, mark, "sandbox one agent ifindex 1", 2);
	mark = l.said_len;
	lab_run("ip link del sbx-t1");
	lab_wait_said(&l, mark, "sandbox one agent ifindex 0", 2);
	lab_wait_said(&l, mark, "self 0\n", 2);
	lab_close(&l);
}

static void
test_the_table_is_put_back(void **state)
{
	struct lab l;
	char *log;

	(void)state;
	scene_open(&l, SCENE_ONE);
	lab_run("nft flush ruleset");
	lab_wait_said(&l, 0, "kernel side: all there again", 1);
	assert_true(scene_has("10.77.1.2"));
	assert_true(scene_set_has("resolver4", "192.0.2.53 . 53"));
	log = lab_read(&l, "run/decisions.log");
	assert_non_null(strstr(log, "\"kind\":\"control\""));
	free(log);
	lab_close(&l);
}

static void
test_workers_may_dial_what_the_settings_say(void **state)
{
	struct lab l;

	(void)state;
	scene_open(&l, "upstream: {allow_addresses: [10.9.0.0/16, "
		       "\"fd09::/16\"]}\n");
	assert_true(scene_set_has("resolver4", "192.0.2.53 . 53"));
	assert_true(scene_set_has("exempt4", "10.9.0.0/16"));
	assert_true(scene_set_has("exempt6", "fd09::/16"));
	lab_close(&l);
}

static void
test_the_log_is_opened_again(void **state)
{
	struct lab l;
	size_t mark;
	char path[128];

	(void)state;
	scene_open(&l, SCENE_ONE);
	mark = l.said_len;
	snprintf(path, sizeof(path), "%s/decisions.log", l.runtime);
	assert_int_equal(unlink(path), 0);
	keeper_reopen_log(l.keeper);
	lab_wait_said(&l, mark, ": log\n", 2);
	assert_int_equal(access(path, F_OK), 0);
	lab_close(&l);
}

static void
test_a_worker_that_does_not_stop_is_killed(void **state)
{
	struct lab l;

	(void)state;
	scene_open(&l, "# deaf\n");
	keeper_stop(l.keeper);
	lab_wait_said(&l, 0, ": stop\n", 2);
	lab_wait_said(&l, 0, "does not stop: killed", 2);
	lab_close(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_sandbox_comes_and_goes),
		cmocka_unit_test(test_bad_sandboxes_are_refused),
		cmocka_unit_test(test_a_thousand_sandboxes),
		cmocka_unit_test(test_a_new_value_goes_to_who_needs_it),
		cmocka_unit_test(
			test_a_value_that_comes_during_the_start_is_told),
		cmocka_unit_test(
			test_an_interface_and_its_address_are_followed),
		cmocka_unit_test(test_the_table_is_put_back),
		cmocka_unit_test(test_workers_may_dial_what_the_settings_say),
		cmocka_unit_test(test_the_log_is_opened_again),
		cmocka_unit_test(test_a_worker_that_does_not_stop_is_killed),
	};

	lab_enter_namespace();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
