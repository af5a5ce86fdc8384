/* The keeper and credentials: those that must be there, those that go. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "keeper.h"
#include "keeper_lab.h"
#include "steer.h"

/* One worker, one sandbox that may use the credential; its body, more. */
static void
write_documents(struct lab *l, const char *credential)
{
	char text[4096];

	snprintf(text, sizeof(text),
		"version: 1\n"
		"workers: 1\n"
		"resolver: 192.0.2.53\n"
		"credentials:\n"
		"  key:\n"
		"    inject: [{host: api.example.org, header: X-Key}]\n"
		"    %s\n"
		"policies:\n"
		"  agent: {allow: [{host: api.example.org}], credentials: "
		"[key]}\n"
		"sandboxes:\n"
		"  one: {interface: sbx-t1, address: 10.77.1.2, policy: "
		"agent}\n",
		credential);
	lab_write(l, "sbx-netd.yaml", text);
}

/* The credential comes from the file "token" first, then from `more`. */
static void
write_file_first(struct lab *l, const char *more)
{
	char text[1024];

	snprintf(text, sizeof(text),
		"required: true\n    source: [{file: %s/token}%s]", l->dir,
		more);
	write_documents(l, text);
}

/* … from a command that says what comes out of the FIFO "fifo". */
static void
write_slow(struct lab *l)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s/fifo", l->dir);
	assert_int_equal(mkfifo(text, 0600), 0);
	snprintf(text, sizeof(text),
		"required: true\n    source: {command: [/bin/cat, %s/fifo], "
		"timeout: 60s}",
		l->dir);
	write_documents(l, text);
}

static void
write_fifo(struct lab *l, const char *value)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/fifo", l->dir);
	fd = open(path, O_WRONLY | O_CLOEXEC); /* when cat is there */
	assert_true(fd >= 0);
	assert_int_equal(write(fd, value, strlen(value)), strlen(value));
	close(fd);
}

static void
reload(struct lab *l, int count, int status, const char *text)
{
	keeper_reload(l->keeper, lab_done, l);
	lab_wait_done(l, count);
	if (l->status != status || strstr(l->text, text) == NULL)
		fail_msg("%d: %s", l->status, l->text);
}

static void
test_a_start_without_what_is_required_fails(void **state)
{
	struct lab l;

	(void)state;
	lab_open(&l);
	write_file_first(&l, ", {env: SBX_TEST_NONE}");
	lab_start_badly(&l);
	assert_non_null(
		strstr(l.failed, "sbx-netd.yaml:5: credential \"key\" "
				 "is required and has no value: file "));
	assert_non_null(strstr(l.failed, "/token: No such file or directory; "
					 "env SBX_TEST_NONE is not set"));
	lab_close(&l);
}

static void
test_a_reload_without_it_keeps_the_old_generation(void **state)
{
	struct lab l;
	size_t mark;

	(void)state;
	lab_open(&l);
	lab_write(&l, "token", "s3cret\n");
	write_file_first(&l, "");
	lab_start(&l);
	lab_wait_said(&l, 0, "double 0: secret key s3cret\n", 1);
	mark = l.said_len;
	write_documents(&l, "required: true\n    source: {env: SBX_TEST_NONE}");
	reload(&l, 1, -EINVAL, "env SBX_TEST_NONE is not set");
	write_documents(&l, "required: true\n    source: {command: "
			    "[/bin/sh, -c, exit 3]}");
	reload(&l, 2, -EINVAL, "command /bin/sh: exit status 3");
	assert_int_equal(keeper_generation(l.keeper), 1);
	assert_int_equal(lab_count_said(&l, mark, "begin"), 0);
	/* The old source is still watched, and the next reload is as good. */
	lab_write(&l, "token", "r0tated\n");
	lab_wait_said(&l, mark, "double 0: secret key r0tated\n", 1);
	write_documents(&l, "source: {env: SBX_TEST_NONE}");
	reload(&l, 3, 0, "");
	lab_close(&l);
}

/* What is there, and listed, and yields nothing, is no better than new. */
static void
test_what_is_required_is_asked_again(void **state)
{
	struct lab l;
	char text[256];

	(void)state;
	lab_open(&l);
	snprintf(text, sizeof(text), "source: {command: [/bin/cat, %s/token]}",
		l.dir);
	write_documents(&l, text);
	lab_start(&l);
	lab_wait_said(&l, 0, "credential key: command /bin/cat: exit", 1);
	snprintf(text, sizeof(text),
		"required: true\n    source: {command: [/bin/cat, %s/token]}",
		l.dir);
	write_documents(&l, text);
	reload(&l, 1, -EINVAL, "is required and has no value: command");
	lab_write(&l, "token", "s3cret\n");
	reload(&l, 2, 0, "");
	lab_wait_said(&l, 0, "double 0: secret key s3cret\n", 1);
	lab_close(&l);
}

static void
test_a_load_waits_for_a_command(void **state)
{
	struct lab l;
	size_t mark;

	(void)state;
	lab_open(&l);
	write_documents(&l, "source: {env: SBX_TEST_NONE}");
	lab_start(&l);
	mark = l.said_len;
	write_slow(&l);
	keeper_reload(l.keeper, lab_done, &l);
	/* It waits behind that. */
	keeper_add_sandbox(l.keeper, "two",
		"{interface: sbx-t2, address: 10.77.2.2, policy: agent}",
		lab_done, &l);
	assert_int_equal(l.done, 0);
	assert_int_equal(lab_count_said(&l, mark, "begin"), 0);
	write_fifo(&l, "s3cret");
	lab_wait_done(&l, 1);
	assert_int_equal(l.status, 0);
	lab_expect_order(&l, mark,
		(const char *const[]){"double 0: begin 2\n",
			"double 0: secret key s3cret\n", "double 0: commit 2\n",
			NULL});
	lab_wait_done(&l, 2);
	assert_int_equal(l.status, 0);
	lab_close(&l);
}

static void
test_a_start_waits_for_a_command(void **state)
{
	struct lab l;

	(void)state;
	lab_open(&l);
	write_documents(&l, "required: true\n    source: {command: [/bin/echo, "
			    "c0mmand]}");
	lab_start(&l);
	lab_wait_said(&l, 0, "double 0: secret key c0mmand\n", 1);
	assert_int_equal(keeper_generation(l.keeper), 1);
	assert_int_equal(lab_count_said(&l, 0, "secret key"), 1);
	lab_close(&l);
}

static void
test_what_is_asked_while_the_start_waits(void **state)
{
	json_t *guard;
	struct lab l;

	(void)state;
	lab_open(&l);
	write_slow(&l);
	lab_begin(&l);
	guard = keeper_guard(l.keeper, "127.0.0.1");
	assert_int_equal(
		json_array_size(json_object_get(guard, "addresses")), 1);
	json_decref(guard);
	assert_false(l.ready);
	write_fifo(&l, "s3cret");
	lab_wait_ready(&l);
	lab_close(&l);
}

static void
test_a_start_by_a_command_that_fails(void **state)
{
	struct lab l;

	(void)state;
	lab_open(&l);
	write_documents(&l, "required: true\n    source: {command: [/bin/sh, "
			    "-c, exit 3]}");
	lab_start_badly(&l);
	assert_non_null(strstr(l.failed, "command /bin/sh: exit status 3"));
	lab_close(&l);
}

/* Somebody ends us while a command is waited for. */
static void
test_the_end_of_a_load_that_waits(void **state)
{
	struct lab l;

	(void)state;
	lab_open(&l);
	write_documents(&l, "source: {env: SBX_TEST_NONE}");
	lab_start(&l);
	write_slow(&l);
	keeper_reload(l.keeper, lab_done, &l);
	assert_int_equal(l.done, 0);
	lab_close(&l);
	assert_int_equal(l.done, 1);
	assert_int_equal(l.status, -ECANCELED);
}

static void
test_a_value_that_goes_is_on_record(void **state)
{
	struct lab l;
	char path[128], *log;

	(void)state;
	lab_open(&l);
	lab_write(&l, "token", "s3cret\n");
	write_file_first(&l, "");
	lab_start(&l);
	lab_wait_said(&l, 0, "double 0: secret key s3cret\n", 1);
	snprintf(path, sizeof(path), "%s/token", l.dir);
	assert_int_equal(unlink(path), 0);
	lab_wait_said(&l, 0, "double 0: secret key file ", 1);
	log = lab_read(&l, "run/decisions.log");
	assert_non_null(strstr(log, "\"reason\":\"credential_revoked\""));
	assert_non_null(strstr(log, "credential key has no value any more: "));
	assert_null(strstr(log, "s3cret"));
	free(log);
	lab_close(&l);
}

static void
refresh(struct lab *l, const char *name, int status, const char *text)
{
	int count = l->done + 1;

	keeper_refresh_credentials(l->keeper, name, lab_done, l);
	lab_wait_done(l, count);
	if (l->status != status || strcmp(l->text, text) != 0)
		fail_msg("%d: %s", l->status, l->text);
}

static void
expect_state(
	struct lab *l, const char *name, const char *state, const char *from)
{
	json_t *c = keeper_credential(l->keeper, name);
	const char *is = json_string_value(json_object_get(c, "state"));
	const char *of = json_string_value(json_object_get(c, "from"));

	if (is == NULL || strcmp(is, state) != 0 || strcmp(of, from) != 0)
		fail_msg("%s from \"%s\", not %s", is, of, state);
	json_decref(c);
}

/* When it is done the workers have it. */
static void
test_asked_again_by_hand(void **state)
{
	struct lab l;
	char text[256];

	(void)state;
	lab_open(&l);
	lab_write(&l, "token", "one\n");
	snprintf(text, sizeof(text),
		"source: {command: [/bin/cat, %s/token], failure_ttl: 1d}",
		l.dir);
	write_documents(&l, text);
	lab_start(&l);
	refresh(&l, NULL, 0, "");
	expect_state(&l, "key", "available", "command");
	lab_write(&l, "token", "two\n");
	refresh(&l, "key", 0, "");
	assert_int_equal(
		lab_count_said(&l, 0, "double 0: secret key two\n"), 1);
	lab_write(&l, "token", "");
	refresh(&l, "key", 0, "");
	expect_state(&l, "key", "failing", "command");
	refresh(&l, "none", -ENOENT, "no policy lists such a credential");
	assert_null(keeper_credential(l.keeper, "none"));
	lab_close(&l);
}

static void
test_asked_again_in_vain(void **state)
{
	struct lab l;

	(void)state;
	lab_open(&l);
	write_documents(&l, "source: {command: [/bin/sh, -c, exit 3]}");
	lab_start(&l);
	refresh(&l, NULL, -EINVAL,
		"credential key: command /bin/sh: exit status 3");
	expect_state(&l, "key", "none", "");
	lab_close(&l);
}

/* Each value to the worker of its sandbox, and to no other. */
static void
test_own_values_go_to_who_serves_the_sandbox(void **state)
{
	unsigned worker[2];
	char text[4096];
	struct lab l;
	size_t mark;

	(void)state;
	for (int i = 0; i < 2; i++)
		worker[i] = steer_index(
			2, (uint8_t[]){10, 77, 1, (uint8_t)(2 + 2 * i)}, 2);
	assert_int_not_equal(worker[0], worker[1]);
	lab_open(&l);
	lab_write(&l, "red", "s3cret-red\n");
	lab_write(&l, "blue", "s3cret-blue\n");
	snprintf(text, sizeof(text),
		"version: 1\n"
		"workers: 2\n"
		"resolver: 192.0.2.53\n"
		"credentials:\n"
		"  key:\n"
		"    inject: [{host: api.example.org, header: X-Key}]\n"
		"    source: {file: \"%s/${label.team}\"}\n"
		"policies:\n"
		"  agent: {allow: [{host: api.example.org}], credentials: "
		"[key]}\n"
		"  plain: {allow: [{host: api.example.org}]}\n"
		"sandboxes:\n"
		"  one: {interface: sbx-t1, address: 10.77.1.2, policy: "
		"agent, labels: {team: red}}\n"
		"  two: {interface: sbx-t2, address: 10.77.1.4, policy: "
		"agent, labels: {team: blue}}\n"
		"  bare: {interface: sbx-t3, address: 10.77.1.6, policy: "
		"plain, labels: {team: red}}\n",
		l.dir);
	lab_write(&l, "sbx-netd.yaml", text);
	lab_start(&l);
	snprintf(text, sizeof(text), "double %u: secret key/one s3cret-red\n",
		worker[0]);
	lab_wait_said(&l, 0, text, 1);
	snprintf(text, sizeof(text), "double %u: secret key/two s3cret-blue\n",
		worker[1]);
	lab_wait_said(&l, 0, text, 1);
	assert_int_equal(lab_count_said(&l, 0, ": secret "), 2);
	/* One that comes, and goes. */
	mark = l.said_len;
	keeper_add_sandbox(l.keeper, "late",
		"{interface: sbx-t4, address: 10.77.1.8, policy: agent, "
		"labels: {team: red}}",
		lab_done, &l);
	lab_wait_done(&l, 1);
	assert_int_equal(l.status, 0);
	lab_wait_said(&l, mark, ": secret key/late s3cret-red\n", 1);
	mark = l.said_len;
	keeper_remove_sandbox(l.keeper, "late", lab_done, &l);
	lab_wait_done(&l, 2);
	lab_wait_said(
		&l, mark, ": secret key/late no policy of this worker", 1);
	assert_int_equal(lab_count_said(&l, mark, ": secret "), 1);
	/* … and comes back. */
	mark = l.said_len;
	keeper_add_sandbox(l.keeper, "late",
		"{interface: sbx-t4, address: 10.77.1.8, policy: agent, "
		"labels: {team: red}}",
		lab_done, &l);
	lab_wait_done(&l, 3);
	lab_wait_said(&l, mark, ": secret key/late s3cret-red\n", 1);
	lab_close(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_start_without_what_is_required_fails),
		cmocka_unit_test(
			test_a_reload_without_it_keeps_the_old_generation),
		cmocka_unit_test(test_what_is_required_is_asked_again),
		cmocka_unit_test(test_a_load_waits_for_a_command),
		cmocka_unit_test(test_a_start_waits_for_a_command),
		cmocka_unit_test(test_what_is_asked_while_the_start_waits),
		cmocka_unit_test(test_a_start_by_a_command_that_fails),
		cmocka_unit_test(test_the_end_of_a_load_that_waits),
		cmocka_unit_test(test_a_value_that_goes_is_on_record),
		cmocka_unit_test(test_own_values_go_to_who_serves_the_sandbox),
		cmocka_unit_test(test_asked_again_by_hand),
		cmocka_unit_test(test_asked_again_in_vain),
	};

	lab_enter_namespace();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
