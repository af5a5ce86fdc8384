/* Stand-ins as the keeper has them: drawn, told, kept, and when they go. */
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

#include "keeper.h"
#include "keeper_lab.h"

static const char value[] = "ghp_valuevaluevalue0123456789";

/* more: of the document's end; listed: by the policy "agent". */
static void
write_documents(struct lab *l, const char *listed, const char *more)
{
	char text[4096];

	snprintf(text, sizeof(text),
		"version: 1\n"
		"workers: 1\n"
		"resolver: 192.0.2.53\n"
		"credentials:\n"
		"  key:\n"
		"    source: {file: %s/token}\n"
		"    environment: [GH_TOKEN, GITHUB_TOKEN]\n"
		"    swap: {host: api.example.org}\n"
		"  none:\n"
		"    source: {env: SBX_TEST_NONE}\n"
		"    swap: {host: api.example.org}\n"
		"  plain:\n"
		"    source: {env: SBX_TEST_NONE}\n"
		"    inject: {host: api.example.org, header: X-Plain}\n"
		"policies:\n"
		"  agent:\n"
		"    allow: [{host: api.example.org}]\n"
		"    credentials: [%s]\n"
		"sandboxes:\n"
		"  one: {interface: sbx-t1, address: 10.77.1.2, policy: "
		"agent}\n%s",
		l->dir, listed, more);
	lab_write(l, "sbx-netd.yaml", text);
}

static void
open_base(struct lab *l, const char *listed)
{
	lab_open(l);
	lab_write(l, "token", value);
	write_documents(l, listed, "");
	lab_start(l);
}

static void
start_again(struct lab *l)
{
	keeper_stop(l->keeper);
	while (!l->stopped)
		lab_turn(l, "the keeper to stop");
	keeper_free(l->keeper);
	l->keeper = NULL;
	l->ready = l->stopped = false;
	lab_start(l);
}

static void
reload(struct lab *l, int count, int status)
{
	keeper_reload(l->keeper, lab_done, l);
	lab_wait_done(l, count);
	if (l->status != status)
		fail_msg("%d: %s", l->status, l->text);
}

/* The one of that credential; "": none.  Valid for three calls more. */
static const char *
stand_in(struct lab *l, const char *sandbox, const char *credential)
{
	static char ret[4][128];
	static unsigned next;
	json_t *all = keeper_environment(l->keeper, sandbox);
	const char *text = json_string_value(
		json_object_get(json_object_get(all, "stand_ins"), credential));

	next = (next + 1) % 4;
	snprintf(ret[next], sizeof(ret[next]), "%s", text != NULL ? text : "");
	json_decref(all);
	return ret[next];
}

static size_t
count(struct lab *l, const char *sandbox, const char *what)
{
	json_t *all = keeper_environment(l->keeper, sandbox);
	size_t n = json_object_size(json_object_get(all, what));

	json_decref(all);
	return n;
}

static mode_t
kept_mode(struct lab *l, const char *sandbox)
{
	struct stat st;
	char path[160];

	snprintf(path, sizeof(path), "%s/stand-ins.d/%s.yaml", l->runtime,
		sandbox);
	return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void
test_they_look_like_their_values(void **state)
{
	struct lab l;
	json_t *all;
	char line[160];
	const char *text;

	(void)state;
	open_base(&l, "key, none, plain");
	text = stand_in(&l, "one", "key");
	assert_int_equal(strlen(text), strlen(value));
	assert_memory_equal(text, "ghp_", 4);
	assert_string_not_equal(text, value);
	assert_int_equal(strlen(stand_in(&l, "one", "none")), 40);
	assert_int_equal(count(&l, "one", "stand_ins"), 2);
	assert_int_equal(count(&l, "one", "environment"), 2);
	all = keeper_environment(l.keeper, "one");
	assert_string_equal(
		json_string_value(json_object_get(
			json_object_get(all, "environment"), "GITHUB_TOKEN")),
		text);
	json_decref(all);
	assert_null(keeper_environment(l.keeper, "two"));
	assert_int_equal(kept_mode(&l, "one"), 0600);
	snprintf(line, sizeof(line),
		"stand-ins of one: {\"key\":\"%s\",\"none\":\"%s\"}", text,
		stand_in(&l, "one", "none"));
	lab_wait_said(&l, 0, line, 1);
	lab_close(&l);
}

static void
test_one_stays_whatever_happens(void **state)
{
	char first[128];
	struct lab l;
	size_t mark;

	(void)state;
	open_base(&l, "key");
	snprintf(first, sizeof(first), "%s", stand_in(&l, "one", "key"));

	/* A rotation, to a value of another shape. */
	lab_write(&l, "token", "otherotherotherother");
	lab_wait_said(&l, 0, "secret key otherotherotherother", 1);
	assert_string_equal(stand_in(&l, "one", "key"), first);

	/* The policy lists it no more, and then again. */
	mark = l.said_len;
	write_documents(&l, "none", "");
	reload(&l, 1, 0);
	assert_string_equal(stand_in(&l, "one", "key"), "");
	/* The worker still has to know what it may not let out. */
	assert_int_equal(lab_count_said(&l, mark, first), 1);
	write_documents(&l, "none, key", "");
	reload(&l, 2, 0);
	assert_string_equal(stand_in(&l, "one", "key"), first);

	start_again(&l);
	assert_string_equal(stand_in(&l, "one", "key"), first);
	lab_close(&l);
}

static void
test_each_sandbox_has_its_own(void **state)
{
	char first[128];
	struct lab l;

	(void)state;
	open_base(&l, "key");
	snprintf(first, sizeof(first), "%s", stand_in(&l, "one", "key"));
	keeper_add_sandbox(l.keeper, "box",
		"{interface: sbx-t3, address: 10.77.1.4, policy: agent}",
		lab_done, &l);
	assert_null(keeper_environment(l.keeper, "box"));
	lab_wait_done(&l, 1);
	assert_int_equal(l.status, 0);
	assert_int_equal(strlen(stand_in(&l, "box", "key")), strlen(value));
	assert_string_not_equal(stand_in(&l, "box", "key"), first);
	assert_int_equal(kept_mode(&l, "box"), 0600);

	snprintf(first, sizeof(first), "%s", stand_in(&l, "box", "key"));
	keeper_remove_sandbox(l.keeper, "box", lab_done, &l);
	lab_wait_done(&l, 2);
	assert_int_equal(kept_mode(&l, "box"), 0);
	assert_int_equal(kept_mode(&l, "one"), 0600);
	keeper_add_sandbox(l.keeper, "box",
		"{interface: sbx-t3, address: 10.77.1.4, policy: agent}",
		lab_done, &l);
	lab_wait_done(&l, 3);
	assert_string_not_equal(stand_in(&l, "box", "key"), first);
	lab_close(&l);
}

static void
test_a_sandbox_that_is_taken_back_leaves_none(void **state)
{
	struct lab l;

	(void)state;
	open_base(&l, "key");
	write_documents(&l, "key",
		"  gone: {interface: sbx-t3, address: 10.77.1.4, policy: "
		"agent}\n# refuse 0\n");
	reload(&l, 1, -EINVAL);
	lab_wait_said(&l, 0, "commit 3\n", 1);
	lab_write(&l, "token", "otherotherotherother");
	lab_wait_said(&l, 0, "commit 4\n", 1);
	assert_int_equal(kept_mode(&l, "gone"), 0);
	assert_int_equal(kept_mode(&l, "one"), 0600);
	lab_close(&l);
}

static void
test_what_is_kept_and_bad_is_replaced(void **state)
{
	static const char *const texts[] = {"{", "[]", "{\"key\": 1}",
		"{\"key\": \"short\"}",
		"{\"key\": \"abcdefghijkl/abcdefghijkl\"}"};
	struct lab l;

	(void)state;
	open_base(&l, "key");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		lab_write(&l, "run/stand-ins.d/one.yaml", texts[i]);
		start_again(&l);
		lab_wait_said(&l, 0,
			"one.yaml, which was kept for it, holds "
			"no stand-ins: it gets new ones",
			(int)i + 1);
		assert_int_equal(
			strlen(stand_in(&l, "one", "key")), strlen(value));
	}
	lab_close(&l);
}

/* 16 at a time, and then 16 others: no more than that are kept. */
static void
test_there_is_a_bound(void **state)
{
	char text[8192];
	struct lab l;
	size_t len;

	(void)state;
	lab_open(&l);
	for (int turn = 0; turn < 2; turn++) {
		len = (size_t)snprintf(text, sizeof(text),
			"version: 1\nworkers: 1\nresolver: 192.0.2.53\n"
			"credentials:\n");
		for (int i = 0; i < 32; i++)
			len += (size_t)snprintf(text + len, sizeof(text) - len,
				"  c%d: {source: {env: SBX_TEST_NONE}, swap: "
				"{host: api.example.org}}\n",
				i);
		len += (size_t)snprintf(text + len, sizeof(text) - len,
			"sandboxes:\n  one: {interface: sbx-t1, address: "
			"10.77.1.2, policy: agent}\n"
			"policies:\n  agent:\n    default: allow\n"
			"    credentials: [");
		for (int i = turn; i < turn + 16; i++)
			len += (size_t)snprintf(text + len, sizeof(text) - len,
				"%sc%d", i > turn ? ", " : "", i);
		snprintf(text + len, sizeof(text) - len, "]\n");
		lab_write(&l, "sbx-netd.yaml", text);
		if (turn == 0)
			lab_start(&l);
		else
			reload(&l, 1, 0);
		assert_int_equal(count(&l, "one", "stand_ins"), 16);
	}
	/* c0 had to go; c16 has come. */
	assert_string_equal(stand_in(&l, "one", "c0"), "");
	assert_int_equal(strlen(stand_in(&l, "one", "c16")), 40);
	{
		char *kept = lab_read(&l, "run/stand-ins.d/one.yaml");

		assert_null(strstr(kept, "\"c0\""));
		assert_non_null(strstr(kept, "\"c1\""));
		assert_non_null(strstr(kept, "\"c16\""));
		free(kept);
	}
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
		cmocka_unit_test(test_they_look_like_their_values),
		cmocka_unit_test(test_one_stays_whatever_happens),
		cmocka_unit_test(test_each_sandbox_has_its_own),
		cmocka_unit_test(test_a_sandbox_that_is_taken_back_leaves_none),
		cmocka_unit_test(test_what_is_kept_and_bad_is_replaced),
		cmocka_unit_test(test_there_is_a_bound),
	};

	return cmocka_run_group_tests(tests, enter, NULL);
}
