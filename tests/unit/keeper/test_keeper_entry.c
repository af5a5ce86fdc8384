/* Policies and credentials over the control socket, as the keeper has them. */
#include <errno.h>
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

#include "keeper_entry.h"
#include "keeper_lab.h"
#include "policy.h"

static const char base[] =
	"version: 1\n"
	"workers: 2\n"
	"resolver: 192.0.2.53\n"
	"policies:\n"
	"  filed: {allow: [{host: api.example.org}]}\n"
	"sandboxes:\n"
	"  one: {interface: sbx-t1, address: 10.77.1.2, policy: filed}\n";

static const char open_to_b[] =
	"version: 1\npolicies:\n  agent:\n    default: deny\n    allow:\n"
	"      - host: [b.test]\n        port: [80, 443]\n";

static void
open_base(struct lab *l)
{
	lab_open(l);
	lab_write(l, "sbx-netd.yaml", base);
	lab_start(l);
}

/* How it ended. */
static int
set(struct lab *l, const struct keeper_entry *e)
{
	int count = l->done + 1;

	keeper_set_entry(l->keeper, e, lab_done, l);
	lab_wait_done(l, count);
	return l->status;
}

static int
set_policy(struct lab *l, const char *name, const char *document)
{
	return set(l, &(struct keeper_entry){.kind = POLICY_ENTRY_POLICY,
			      .name = name,
			      .document = document});
}

static void
assert_policy(struct lab *l, const char *name, const char *want)
{
	char tag[KEEPER_TAG], *text = NULL;
	int r = keeper_entry_of(
		l->keeper, POLICY_ENTRY_POLICY, name, &text, tag);

	if (want == NULL) {
		assert_int_equal(r, -ENOENT);
		return;
	}
	assert_int_equal(r, 0);
	assert_string_equal(text, want);
	assert_int_equal(strlen(tag), KEEPER_TAG - 1);
	free(text);
}

static bool
is_kept(struct lab *l, const char *file)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/socket.d/%s", l->runtime, file);
	return access(path, F_OK) == 0;
}

static void
test_all_are_told_before_it_is_done(void **state)
{
	struct lab l;
	size_t mark;

	(void)state;
	open_base(&l);
	mark = l.said_len;
	assert_int_equal(
		set_policy(&l, "agent", "{allow: [{host: b.test}]}"), 0);
	assert_int_equal(lab_count_said(&l, mark, "document agent"), 2);
	assert_int_equal(lab_count_said(&l, mark, "document sbx-netd.yaml"), 2);
	/* Nobody's sandbox is another for it. */
	assert_int_equal(lab_count_said(&l, mark, "sandbox one"), 0);
	assert_policy(&l, "agent", open_to_b);
	assert_true(is_kept(&l, "policies-agent.yaml"));
	assert_int_equal(
		json_integer_value(json_object_get(l.receipt, "generation")),
		2);

	mark = l.said_len;
	assert_int_equal(set_policy(&l, "agent", NULL), 0);
	assert_int_equal(lab_count_said(&l, mark, "document agent"), 0);
	assert_int_equal(lab_count_said(&l, mark, "document sbx-netd.yaml"), 2);
	assert_policy(&l, "agent", NULL);
	assert_false(is_kept(&l, "policies-agent.yaml"));
	lab_close(&l);
}

static void
test_one_that_a_worker_refuses_is_taken_back(void **state)
{
	struct lab l;
	size_t mark;

	(void)state;
	open_base(&l);
	assert_int_equal(
		set_policy(&l, "agent", "{allow: [{host: b.test}]}"), 0);
	mark = l.said_len;
	assert_int_equal(set_policy(&l, "agent",
				 "{allow: [{host: b.test, header: {X-A: "
				 "refuse 1}}]}"),
		-EINVAL);
	assert_string_equal(l.text, "worker 1 refuses: as it was told");
	assert_policy(&l, "agent", open_to_b);
	/* Whoever had taken it hears what holds. */
	lab_wait_said(&l, mark, "commit 4\n", 2);
	lab_close(&l);
}

/* What cannot be kept is not in force either. */
static void
test_one_that_cannot_be_kept_is_taken_back(void **state)
{
	struct keeper_entry e = {.kind = POLICY_ENTRY_POLICY,
		.name = "agent",
		.document = "{allow: [{host: b.test}]}"};
	struct lab l;
	char path[160];

	(void)state;
	open_base(&l);
	snprintf(path, sizeof(path), "%s/socket.d", l.runtime);
	lab_write(&l, "run/socket.d", "a file in the folder's place");
	assert_true(set(&l, &e) < 0);
	assert_non_null(strstr(l.text, path));
	assert_policy(&l, "agent", NULL);
	e.ephemeral = true;
	assert_int_equal(set(&l, &e), 0);
	assert_policy(&l, "agent", open_to_b);
	lab_close(&l);
}

static void
write_fifo(struct lab *l, const char *value)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/fifo", l->dir);
	f = fopen(path, "we"); /* when cat is there */
	assert_non_null(f);
	fputs(value, f);
	fclose(f);
}

/* … as at a reload: and all other changes wait for it. */
static void
test_one_waits_for_what_it_requires(void **state)
{
	struct keeper_entry key = {
		.kind = POLICY_ENTRY_CREDENTIAL, .name = "key"};
	char path[128], text[512];
	struct lab l;
	size_t mark;

	(void)state;
	open_base(&l);
	snprintf(path, sizeof(path), "%s/fifo", l.dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(text, sizeof(text),
		"{required: true, source: {command: [/bin/cat, %s], timeout: "
		"60s}, inject: [{host: b.test, header: X-Key}]}",
		path);
	key.document = text;
	assert_int_equal(set(&l, &key), 0);
	mark = l.said_len;
	keeper_set_entry(l.keeper,
		&(struct keeper_entry){.kind = POLICY_ENTRY_POLICY,
			.name = "agent",
			.document = "{allow: [{host: b.test}], credentials: "
				    "[key]}"},
		lab_done, &l);
	keeper_set_entry(l.keeper,
		&(struct keeper_entry){.kind = POLICY_ENTRY_POLICY,
			.name = "later",
			.document = "{}"},
		lab_done, &l);
	assert_int_equal(l.done, 1);
	assert_int_equal(lab_count_said(&l, mark, "begin"), 0);
	write_fifo(&l, "s3cret\n");
	lab_wait_done(&l, 3);
	assert_int_equal(l.status, 0);
	lab_expect_order(&l, mark,
		(const char *const[]){
			"document agent", "document later", NULL});
	lab_close(&l);
}

static void
test_where_each_is_from(void **state)
{
	struct keeper_entry e = {.kind = POLICY_ENTRY_POLICY,
		.name = "agent",
		.document = "{}",
		.ephemeral = true};
	json_t *place;
	struct lab l;

	(void)state;
	open_base(&l);
	assert_int_equal(set(&l, &e), 0);
	place = keeper_entry_place(l.keeper, POLICY_ENTRY_POLICY, "agent");
	assert_string_equal(
		json_string_value(json_object_get(place, "source")), "socket");
	assert_true(json_is_true(json_object_get(place, "ephemeral")));
	json_decref(place);
	place = keeper_entry_place(l.keeper, POLICY_ENTRY_POLICY, "filed");
	assert_non_null(
		strstr(json_string_value(json_object_get(place, "source")),
			"/sbx-netd.yaml:5"));
	assert_false(json_is_true(json_object_get(place, "ephemeral")));
	json_decref(place);
	assert_null(keeper_entry_place(l.keeper, POLICY_ENTRY_POLICY, "none"));
	lab_close(&l);
}

static int
enter(void **state)
{
	(void)state;
	lab_enter_namespace();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_are_told_before_it_is_done),
		cmocka_unit_test(test_one_that_a_worker_refuses_is_taken_back),
		cmocka_unit_test(test_one_that_cannot_be_kept_is_taken_back),
		cmocka_unit_test(test_one_waits_for_what_it_requires),
		cmocka_unit_test(test_where_each_is_from),
	};

	return cmocka_run_group_tests(tests, enter, NULL);
}
