/* The keeper with two workers that only talk: who is told what, and when. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
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
#include "policy.h"

/* ---- start ------------------------------------------------------------ */

static void
test_each_worker_is_told_in_order(void **state)
{
	unsigned mine = scene_worker_of("10.77.1.2"), other = 1 - mine;
	struct lab l;

	(void)state;
	scene_open(&l, SCENE_ONE);
	{
		const char *const served[] = {
			scene_line(mine,
				"setup of 2 tcp4 1 log 1 trust 1 resolver "
				"192.0.2.53\n"),
			scene_line(mine, "self 1\n"),
			scene_line(mine, "begin 1\n"),
			scene_line(mine, "document sbx-netd.yaml\n"),
			scene_line(mine, "sandbox one agent ifindex 0 served 1 "
					 "authority 1\n"),
			scene_line(mine, "secret github s3cret\n"),
			scene_line(mine, "commit 1\n"),
			NULL,
		};
		const char *const unserved[] = {
			scene_line(other, "setup of 2"),
			scene_line(other, "begin 1\n"),
			scene_line(other, "document sbx-netd.yaml\n"),
			scene_line(other,
				"sandbox one agent ifindex 0 served 0 "
				"authority 0\n"),
			scene_line(other, "commit 1\n"),
			NULL,
		};

		lab_expect_order(&l, 0, served);
		lab_expect_order(&l, 0, unserved);
	}
	assert_int_equal(lab_count_said(&l, 0, scene_line(other, "secret")), 0);
	assert_int_equal(keeper_generation(l.keeper), 1);
	assert_true(scene_has("10.77.1.2"));
	lab_close(&l);
}

static void
test_workers_have_no_privileges(void **state)
{
	struct lab l;

	(void)state;
	setenv("GH_TOKEN", "s3cret", 1);
	scene_open(&l, SCENE_ONE);
	assert_int_equal(lab_count_said(&l, 0,
				 "privileges caps 0000000000000000 newprivs 1 "
				 "environment empty fds 4\n"),
		2);
	unsetenv("GH_TOKEN");
	lab_close(&l);
}

static void
test_by_flow_all_serve_all(void **state)
{
	struct lab l;

	(void)state;
	lab_open(&l);
	lab_write(&l, "token", "s3cret\n");
	scene_write(&l,
		"affinity: flow\n"
		"sandboxes:\n"
		"  one: {interface: sbx-t1, address: 10.77.1.2, policy: "
		"agent}\n");
	lab_start(&l);
	lab_wait_said(
		&l, 0, "sandbox one agent ifindex 0 served 1 authority 1\n", 2);
	lab_wait_said(&l, 0, "secret github s3cret\n", 2);
	lab_close(&l);
}

static void
test_a_start_that_crashes_workers_fails(void **state)
{
	struct lab l;

	(void)state;
	lab_open(&l);
	lab_write(&l, "token", "s3cret\n");
	scene_write(&l, "# crash 0\n");
	lab_start_badly(&l);
	assert_non_null(strstr(l.failed, "worker 0 dies of it: killed by SIG"));
	lab_close(&l);
}

static void
test_one_keeper_a_directory(void **state)
{
	struct keeper_options options;
	struct keeper *second;
	struct lab l;
	char *text;

	(void)state;
	scene_open(&l, SCENE_ONE);
	options = (struct keeper_options){
		.config = l.config, .runtime_dir = l.runtime};
	assert_int_equal(
		keeper_new(l.loop, &options, NULL, NULL, &second, &text),
		-EBUSY);
	assert_non_null(strstr(text, "another sbx-netd is running there"));
	free(text);
	lab_close(&l);
}

/* ---- crashes ---------------------------------------------------------- */

static void
test_a_crashed_worker_is_told_everything_again(void **state)
{
	unsigned mine = scene_worker_of("10.77.1.2");
	struct lab l;
	size_t mark;
	char *log;

	(void)state;
	scene_open(&l, SCENE_ONE);
	mark = l.said_len;
	assert_int_equal(kill(scene_pid_of(&l, mine), SIGABRT), 0);
	lab_wait_said(&l, mark, scene_line(mine, "commit 1\n"), 1);
	{
		const char *const again[] = {
			"killed by SIGABRT",
			scene_line(mine, "setup of 2"),
			scene_line(mine, "begin 1\n"),
			scene_line(mine, "document sbx-netd.yaml\n"),
			scene_line(mine, "sandbox one agent ifindex 0 served 1 "
					 "authority 1\n"),
			scene_line(mine, "secret github s3cret\n"),
			scene_line(mine, "commit 1\n"),
			NULL,
		};

		lab_expect_order(&l, mark, again);
	}
	log = lab_read(&l, "run/decisions.log");
	assert_non_null(strstr(log, "\"kind\":\"control\""));
	assert_non_null(strstr(log, "\"sandbox\":\"one\""));
	assert_non_null(strstr(log, "\"reason\":\"worker_crashed\""));
	assert_non_null(strstr(log, "killed by SIGABRT"));
	assert_null(strstr(log, "s3cret"));
	free(log);
	lab_close(&l);
}

static void
test_a_lying_worker_is_killed_alone(void **state)
{
	struct lab l;
	size_t mark;

	(void)state;
	scene_open(&l, SCENE_ONE);
	mark = l.said_len;
	scene_write(&l, "# lie 1\n");
	keeper_reload(l.keeper, lab_done, &l);
	lab_wait_said(&l, mark, "worker 1: it spoke out of turn", 1);
	assert_int_equal(lab_count_said(&l, mark, "double 0: setup"), 0);
	lab_close(&l);
}

/* ---- reload ----------------------------------------------------------- */

static void
test_a_reload_replaces_documents_and_sandboxes(void **state)
{
	struct lab l;
	size_t mark;

	(void)state;
	scene_open(&l, SCENE_ONE);
	mark = l.said_len;
	scene_write(&l, "  new: {allow: [{host: a.example.org}]}\n"
			"sandboxes:\n"
			"  two: {interface: sbx-t2, address: 10.77.2.2, "
			"policy: new}\n");
	keeper_reload(l.keeper, lab_done, &l);
	lab_wait_done(&l, 1);
	if (l.status != 0)
		fail_msg("%d: %s", l.status, l.text);
	lab_wait_said(&l, mark, "commit 2\n", 2);
	for (unsigned i = 0; i < 2; i++) {
		const char *const told[] = {
			scene_line(i, "begin 2\n"),
			scene_line(i, "document sbx-netd.yaml\n"),
			scene_line(i, "gone one\n"),
			scene_line(i, "sandbox two new"),
			scene_line(i, "commit 2\n"),
			NULL,
		};

		lab_expect_order(&l, mark, told);
	}
	/* Nobody's policy lists it now. */
	assert_int_equal(lab_count_said(&l, mark,
				 "secret github no policy of this worker"),
		1);
	assert_false(scene_has("10.77.1.2"));
	assert_true(scene_has("10.77.2.2"));
	assert_non_null(policy_find(keeper_policy(l.keeper), "new"));
	lab_close(&l);
}

static void
test_a_bad_file_keeps_the_old_generation(void **state)
{
	struct lab l;
	size_t mark;

	(void)state;
	scene_open(&l, SCENE_ONE);
	mark = l.said_len;
	scene_write(&l, "sandboxes: {one: {policy: none}}\n");
	keeper_reload(l.keeper, lab_done, &l);
	lab_wait_done(&l, 1);
	assert_int_equal(l.status, -EINVAL);
	assert_non_null(strstr(l.text, "sbx-netd.yaml:11:"));
	assert_int_equal(keeper_generation(l.keeper), 1);
	assert_int_equal(lab_count_said(&l, mark, "begin"), 0);
	assert_non_null(keeper_sandbox_ca(l.keeper, "one"));
	lab_close(&l);
}

static void
test_a_refused_commit_keeps_the_old_generation(void **state)
{
	char *ca;
	struct lab l;
	size_t mark;

	(void)state;
	scene_open(&l, SCENE_ONE);
	ca = strdup(keeper_sandbox_ca(l.keeper, "one"));
	mark = l.said_len;
	scene_write(&l, "  new: {allow: [{host: a.example.org}]}\n"
			"sandboxes:\n"
			"  two: {interface: sbx-t2, address: 10.77.2.2, "
			"policy: new} # refuse 1\n");
	keeper_reload(l.keeper, lab_done, &l);
	lab_wait_done(&l, 1);
	assert_int_equal(l.status, -EINVAL);
	assert_string_equal(l.text, "worker 1 refuses: as it was told");
	lab_wait_said(&l, mark, "commit 3\n", 2);
	for (unsigned i = 0; i < 2; i++) {
		const char *const back[] = {
			scene_line(i, "begin 3\n"),
			scene_line(i, "document sbx-netd.yaml\n"),
			scene_line(i, "sandbox one agent"),
			scene_line(i, "gone two\n"),
			scene_line(i, "commit 3\n"),
			NULL,
		};

		lab_expect_order(&l, mark, back);
	}
	assert_null(policy_find(keeper_policy(l.keeper), "new"));
	assert_null(keeper_sandbox_policy(l.keeper, "two"));
	/* The same sandbox as before, not another of its name. */
	assert_string_equal(keeper_sandbox_ca(l.keeper, "one"), ca);
	assert_true(scene_has("10.77.1.2"));
	assert_false(scene_has("10.77.2.2"));
	free(ca);
	lab_close(&l);
}

static void
test_changed_settings_are_named(void **state)
{
	struct lab l;

	(void)state;
	scene_open(&l, SCENE_ONE);
	scene_write(&l, "limits: {idle: 1m}\n");
	keeper_reload(l.keeper, lab_done, &l);
	lab_wait_done(&l, 1);
	if (l.status != 0)
		fail_msg("%d: %s", l.status, l.text);
	assert_non_null(strstr(l.text, "\"limits\" has changed"));
	lab_close(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_worker_is_told_in_order),
		cmocka_unit_test(test_workers_have_no_privileges),
		cmocka_unit_test(test_by_flow_all_serve_all),
		cmocka_unit_test(test_a_start_that_crashes_workers_fails),
		cmocka_unit_test(test_one_keeper_a_directory),
		cmocka_unit_test(
			test_a_crashed_worker_is_told_everything_again),
		cmocka_unit_test(test_a_lying_worker_is_killed_alone),
		cmocka_unit_test(
			test_a_reload_replaces_documents_and_sandboxes),
		cmocka_unit_test(test_a_bad_file_keeps_the_old_generation),
		cmocka_unit_test(
			test_a_refused_commit_keeps_the_old_generation),
		cmocka_unit_test(test_changed_settings_are_named),
	};

	lab_enter_namespace();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
