/* A sandbox's overlay as the keeper has it: told to all, taken back, kept. */
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

#include "keeper.h"
#include "keeper_lab.h"

static const char base[] =
	"version: 1\n"
	"workers: 2\n"
	"resolver: 192.0.2.53\n"
	"policies:\n"
	"  agent: {allow: [{host: api.example.org}]}\n"
	"sandboxes:\n"
	"  one: {interface: sbx-t1, address: 10.77.1.2, policy: agent}\n";

static const char locked[] = "mode: lockdown\n";

static void
open_base(struct lab *l)
{
	lab_open(l);
	lab_write(l, "sbx-netd.yaml", base);
	lab_start(l);
}

/* How it ended. */
static int
set(struct lab *l, const struct keeper_overlay *o)
{
	int count = l->done + 1;

	keeper_set_overlay(l->keeper, "one", o, lab_done, l);
	lab_wait_done(l, count);
	return l->status;
}

static void
assert_overlay(struct lab *l, const char *want)
{
	char tag[KEEPER_TAG], *text = NULL;

	assert_int_equal(keeper_overlay_of(l->keeper, "one", &text, tag), 0);
	assert_string_equal(text, want);
	assert_int_equal(strlen(tag), KEEPER_TAG - 1);
	free(text);
}

static bool
is_kept(struct lab *l)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/overlays.d/one.yaml", l->runtime);
	return access(path, F_OK) == 0;
}

static void
test_all_are_told_before_it_is_done(void **state)
{
	struct keeper_overlay o = {.document = "{mode: lockdown}"};
	struct lab l;
	size_t mark;

	(void)state;
	open_base(&l);
	assert_overlay(&l, "");
	mark = l.said_len;
	assert_int_equal(set(&l, &o), 0);
	assert_int_equal(lab_count_said(&l, mark, "overlay of 15 bytes"), 2);
	assert_int_equal(lab_count_said(&l, mark, "document"), 0);
	assert_overlay(&l, locked);
	assert_true(is_kept(&l));
	assert_int_equal(
		json_integer_value(json_object_get(l.receipt, "generation")),
		2);

	mark = l.said_len;
	assert_int_equal(set(&l, &(struct keeper_overlay){0}), 0);
	assert_int_equal(lab_count_said(&l, mark, "sandbox one agent"), 2);
	assert_int_equal(lab_count_said(&l, mark, "overlay of"), 0);
	assert_overlay(&l, "");
	assert_false(is_kept(&l));
	lab_close(&l);
}

static void
test_one_that_a_worker_refuses_is_taken_back(void **state)
{
	struct keeper_overlay good = {.document = locked};
	struct keeper_overlay bad = {
		.document = "allow: [{host: refuse-1.test}]"};
	struct lab l;
	size_t mark;

	(void)state;
	open_base(&l);
	assert_int_equal(set(&l, &good), 0);
	mark = l.said_len;
	assert_int_equal(set(&l, &bad), -EINVAL);
	assert_string_equal(l.text, "worker 1 refuses: as it was told");
	assert_overlay(&l, locked);
	/* Whoever had taken it hears what holds. */
	lab_wait_said(&l, mark, "commit 4\n", 2);
	assert_int_equal(lab_count_said(&l, mark, "overlay of 15 bytes"), 2);
	lab_close(&l);
}

/* What cannot be kept is not in force either. */
static void
test_one_that_cannot_be_kept_is_taken_back(void **state)
{
	struct keeper_overlay o = {.document = locked};
	struct lab l;
	char path[160];

	(void)state;
	open_base(&l);
	snprintf(path, sizeof(path), "%s/overlays.d", l.runtime);
	lab_write(&l, "run/overlays.d", "a file in the folder's place");
	assert_true(set(&l, &o) < 0);
	assert_non_null(strstr(l.text, path));
	assert_overlay(&l, "");
	o.ephemeral = true;
	assert_int_equal(set(&l, &o), 0);
	assert_overlay(&l, locked);
	lab_close(&l);
}

static void
test_a_tag_that_is_no_more(void **state)
{
	struct keeper_overlay o = {.document = locked};
	char tag[KEEPER_TAG], *text;
	struct lab l;

	(void)state;
	open_base(&l);
	assert_int_equal(keeper_overlay_of(l.keeper, "one", &text, tag), 0);
	free(text);
	o.match = tag;
	assert_int_equal(set(&l, &o), 0);
	o.document = "mode: open";
	assert_int_equal(set(&l, &o), -ESTALE);
	assert_overlay(&l, locked);
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
		cmocka_unit_test(test_a_tag_that_is_no_more),
	};

	return cmocka_run_group_tests(tests, enter, NULL);
}
