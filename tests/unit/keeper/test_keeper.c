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
#include "policy.h"
#include "steer.h"

/* The source of the credential, and more documents. */
static const char base[] =
	"version: 1\n"
	"workers: 2\n"
	"resolver: 192.0.2.53\n"
	"credentials:\n"
	"  github:\n"
	"    source: {%s}\n"
	"    inject: [{host: api.example.org, header: Authorization, "
	"format: \"Bearer ${value}\"}]\n"
	"policies:\n"
	"  agent: {allow: [{host: api.example.org}], credentials: [github]}\n"
	"  plain: {allow: [{host: www.example.org}]}\n"
	"%s";

/* 10.77.1.2 and 10.77.1.4 go to different ones of two workers: asserted. */
static const char one[] =
	"sandboxes:\n"
	"  one: {interface: sbx-t1, address: 10.77.1.2, policy: agent}\n";

static unsigned
worker_of(const char *text)
{
	uint8_t address[4] = {10, 77, 1, (uint8_t)atoi(strrchr(text, '.') + 1)};

	return steer_index(2, address, 2);
}

/* The credential is in a file: written by lab_write() as "token". */
static void
write_base(struct lab *l, const char *more)
{
	char text[4096], file[128];

	snprintf(file, sizeof(file), "file: %s/token", l->dir);
	snprintf(text, sizeof(text), base, file, more);
	lab_write(l, "sbx-netd.yaml", text);
}

static void
open_base(struct lab *l, const char *more)
{
	lab_open(l);
	lab_write(l, "token", "s3cret\n");
	write_base(l, more);
	lab_start(l);
}

/* "double 1: what", for the worker that serves 10.77.1.2, or the other. */
static const char *
line(unsigned worker, const char *what)
{
	static char lines[16][128];
	static unsigned next;
	char *ret = lines[next++ % 16];

	snprintf(ret, sizeof(lines[0]), "double %u: %s", worker, what);
	return ret;
}

static pid_t
pid_of(struct lab *l, unsigned worker)
{
	json_t *status = keeper_status(l->keeper);
	pid_t pid = (pid_t)json_integer_value(json_object_get(
		json_array_get(json_object_get(status, "workers"), worker),
		"pid"));

	json_decref(status);
	return pid;
}

static bool
kernel_set_has(const char *set, const char *element)
{
	char command[256];

	snprintf(command, sizeof(command),
		"nft list set inet sbx_net %s | grep -qF '%s'", set, element);
	return system(command) == 0;
}

static bool
kernel_has(const char *address)
{
	return kernel_set_has("source4", address);
}

/* ---- start ------------------------------------------------------------ */

static void
test_each_worker_is_told_in_order(void **state)
{
	unsigned mine = worker_of("10.77.1.2"), other = 1 - mine;
	struct lab l;

	(void)state;
	open_base(&l, one);
	{
		const char *const served[] = {
			line(mine, "setup of 2 tcp4 1 log 1 trust 1 resolver "
				   "192.0.2.53\n"),
			line(mine, "self 1\n"),
			line(mine, "begin 1\n"),
			line(mine, "document sbx-netd.yaml\n"),
			line(mine, "sandbox one agent ifindex 0 served 1 "
				   "authority 1\n"),
			line(mine, "secret github s3cret\n"),
			line(mine, "commit 1\n"),
			NULL,
		};
		const char *const unserved[] = {
			line(other, "setup of 2"),
			line(other, "begin 1\n"),
			line(other, "document sbx-netd.yaml\n"),
			line(other, "sandbox one agent ifindex 0 served 0 "
				    "authority 0\n"),
			line(other, "commit 1\n"),
			NULL,
		};

		lab_expect_order(&l, 0, served);
		lab_expect_order(&l, 0, unserved);
	}
	assert_int_equal(lab_count_said(&l, 0, line(other, "secret")), 0);
	assert_int_equal(keeper_generation(l.keeper), 1);
	assert_true(kernel_has("10.77.1.2"));
	lab_close(&l);
}

static void
test_workers_have_no_privileges(void **state)
{
	struct lab l;

	(void)state;
	setenv("GH_TOKEN", "s3cret", 1);
	open_base(&l, one);
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
	write_base(&l, "affinity: flow\n"
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
	write_base(&l, "# crash 0\n");
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
	open_base(&l, one);
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
	unsigned mine = worker_of("10.77.1.2");
	struct lab l;
	size_t mark;
	char *log;

	(void)state;
	open_base(&l, one);
	mark = l.said_len;
	assert_int_equal(kill(pid_of(&l, mine), SIGABRT), 0);
	lab_wait_said(&l, mark, line(mine, "commit 1\n"), 1);
	{
		const char *const again[] = {
			"killed by SIGABRT",
			line(mine, "setup of 2"),
			line(mine, "begin 1\n"),
			line(mine, "document sbx-netd.yaml\n"),
			line(mine, "sandbox one agent ifindex 0 served 1 "
				   "authority 1\n"),
			line(mine, "secret github s3cret\n"),
			line(mine, "commit 1\n"),
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
	open_base(&l, one);
	mark = l.said_len;
	write_base(&l, "# lie 1\n");
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
	open_base(&l, one);
	mark = l.said_len;
	write_base(&l, "  new: {allow: [{host: a.example.org}]}\n"
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
			line(i, "begin 2\n"),
			line(i, "document sbx-netd.yaml\n"),
			line(i, "gone one\n"),
			line(i, "sandbox two new"),
			line(i, "commit 2\n"),
			NULL,
		};

		lab_expect_order(&l, mark, told);
	}
	/* Nobody's policy lists it now. */
	assert_int_equal(lab_count_said(&l, mark,
				 "secret github no policy of this worker"),
		1);
	assert_false(kernel_has("10.77.1.2"));
	assert_true(kernel_has("10.77.2.2"));
	assert_non_null(policy_find(keeper_policy(l.keeper), "new"));
	lab_close(&l);
}

static void
test_a_bad_file_keeps_the_old_generation(void **state)
{
	struct lab l;
	size_t mark;

	(void)state;
	open_base(&l, one);
	mark = l.said_len;
	write_base(&l, "sandboxes: {one: {policy: none}}\n");
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
	open_base(&l, one);
	ca = strdup(keeper_sandbox_ca(l.keeper, "one"));
	mark = l.said_len;
	write_base(&l, "  new: {allow: [{host: a.example.org}]}\n"
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
			line(i, "begin 3\n"),
			line(i, "document sbx-netd.yaml\n"),
			line(i, "sandbox one agent"),
			line(i, "gone two\n"),
			line(i, "commit 3\n"),
			NULL,
		};

		lab_expect_order(&l, mark, back);
	}
	assert_null(policy_find(keeper_policy(l.keeper), "new"));
	assert_null(keeper_sandbox_policy(l.keeper, "two"));
	/* The same sandbox as before, not another of its name. */
	assert_string_equal(keeper_sandbox_ca(l.keeper, "one"), ca);
	assert_true(kernel_has("10.77.1.2"));
	assert_false(kernel_has("10.77.2.2"));
	free(ca);
	lab_close(&l);
}

static void
test_changed_settings_are_named(void **state)
{
	struct lab l;

	(void)state;
	open_base(&l, one);
	write_base(&l, "limits: {idle: 1m}\n");
	keeper_reload(l.keeper, lab_done, &l);
	lab_wait_done(&l, 1);
	if (l.status != 0)
		fail_msg("%d: %s", l.status, l.text);
	assert_non_null(strstr(l.text, "\"limits\" has changed"));
	lab_close(&l);
}

/* ---- sandboxes at run time -------------------------------------------- */

static void
test_a_sandbox_comes_and_goes(void **state)
{
	unsigned mine = worker_of("10.77.1.4");
	struct lab l;
	size_t mark;

	(void)state;
	assert_int_not_equal(mine, worker_of("10.77.1.2"));
	open_base(&l, one);
	mark = l.said_len;
	keeper_add_sandbox(l.keeper, "box",
		"{interface: sbx-t3, address: 10.77.1.4, policy: agent, "
		"labels: {team: a}}",
		lab_done, &l);
	assert_null(keeper_sandbox_ca(l.keeper, "box"));
	lab_wait_done(&l, 1);
	if (l.status != 0)
		fail_msg("%d: %s", l.status, l.text);
	assert_true(kernel_has("10.77.1.4"));
	assert_non_null(keeper_sandbox_ca(l.keeper, "box"));
	assert_string_equal(keeper_sandbox_policy(l.keeper, "box"), "agent");
	lab_wait_said(&l, mark, "commit 2\n", 2);
	/* The worker that serves it had no credential until now. */
	assert_int_equal(
		lab_count_said(&l, mark, line(mine, "secret github s3cret")),
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
	assert_false(kernel_has("10.77.1.4"));
	lab_wait_done(&l, 3);
	if (l.status != 0)
		fail_msg("%d: %s", l.status, l.text);
	assert_null(keeper_sandbox_ca(l.keeper, "box"));
	lab_wait_said(&l, mark, "gone box\n", 2);
	lab_wait_said(&l, mark,
		line(mine, "secret github no policy of this worker"), 1);
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
	open_base(&l, one);
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
	open_base(&l, one);
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
	assert_true(kernel_has("10.78.3.251"));
	print_message(
		"%d sandboxes registered in %.2f s\n", MANY, ev_time() - start);
	lab_close(&l);
}

/* ---- the world changes ------------------------------------------------ */

static void
test_a_new_value_goes_to_who_needs_it(void **state)
{
	unsigned mine = worker_of("10.77.1.2");
	struct lab l;
	size_t mark;

	(void)state;
	open_base(&l, one);
	mark = l.said_len;
	lab_write(&l, "token", "r0tated\n");
	lab_wait_said(&l, mark, line(mine, "secret github r0tated\n"), 1);
	lab_wait_said(&l, mark, "commit 2\n", 2);
	assert_int_equal(lab_count_said(&l, mark, line(1 - mine, "secret")), 0);
	assert_int_equal(lab_count_said(&l, mark, "document"), 0);
	assert_int_equal(lab_count_said(&l, mark, "sandbox "), 0);
	lab_close(&l);
}

/* A command ends when the workers are told all for the first time, or later. */
static void
test_a_value_that_comes_during_the_start_is_told(void **state)
{
	unsigned mine = worker_of("10.77.1.2");
	struct lab l;
	char text[4096];

	(void)state;
	lab_open(&l);
	snprintf(
		text, sizeof(text), base, "command: [/bin/echo, c0mmand]", one);
	lab_write(&l, "sbx-netd.yaml", text);
	lab_start(&l);
	lab_wait_said(&l, 0, line(mine, "secret github c0mmand\n"), 1);
	lab_close(&l);
}

static void
test_an_interface_and_its_address_are_followed(void **state)
{
	struct lab l;
	size_t mark;

	(void)state;
	open_base(&l, one);
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
	open_base(&l, one);
	lab_run("nft flush ruleset");
	lab_wait_said(&l, 0, "kernel side: all there again", 1);
	assert_true(kernel_has("10.77.1.2"));
	assert_true(kernel_set_has("resolver4", "192.0.2.53 . 53"));
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
	open_base(&l, "upstream: {allow_addresses: [10.9.0.0/16, "
		      "\"fd09::/16\"]}\n");
	assert_true(kernel_set_has("resolver4", "192.0.2.53 . 53"));
	assert_true(kernel_set_has("exempt4", "10.9.0.0/16"));
	assert_true(kernel_set_has("exempt6", "fd09::/16"));
	lab_close(&l);
}

static void
test_the_log_is_opened_again(void **state)
{
	struct lab l;
	size_t mark;
	char path[128];

	(void)state;
	open_base(&l, one);
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
	open_base(&l, "# deaf\n");
	keeper_stop(l.keeper);
	lab_wait_said(&l, 0, ": stop\n", 2);
	lab_wait_said(&l, 0, "does not stop: killed", 2);
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
