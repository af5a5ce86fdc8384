/* Whatever way the documents change, it is told, and nothing else is. */
#include <ev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "document_watch.h"
#include "loop_until.h"

struct scene {
	char root[32], config[64], runtime_dir[64], text[256];
	struct ev_loop *loop;
	struct document_watch *watch;
	bool changed;
};

static void
run(struct scene *s, const char *commands)
{
	char command[1024];

	snprintf(command, sizeof(command), "cd %s && %s", s->root, commands);
	assert_int_equal(system(command), 0);
}

static void
on_changed(void *arg)
{
	struct scene *s = arg;

	s->changed = true;
}

static void
scene_open(struct scene *s)
{
	*s = (struct scene){.root = "/tmp/sbx-watch-XXXXXX"};
	assert_non_null(mkdtemp(s->root));
	snprintf(s->config, sizeof(s->config), "%s/etc/main.yaml", s->root);
	snprintf(s->runtime_dir, sizeof(s->runtime_dir), "%s/run", s->root);
	run(s, "mkdir -p etc/policies.d run far kube/..1 && "
	       "echo 1 >etc/main.yaml && echo 1 >etc/policies.d/a.yaml && "
	       "echo 1 >far/far.yaml && echo 1 >kube/..1/k.yaml && "
	       "ln -s ..1 kube/..data && ln -s ..data/k.yaml kube/k.yaml && "
	       "ln -s ../../far/far.yaml ../../kube/k.yaml etc/policies.d");
	s->loop = ev_loop_new(0);
	assert_non_null(s->loop);
}

static void
scene_watch(struct scene *s, uint64_t state)
{
	const struct document_watch_options o = {
		.config = s->config,
		.runtime_dir = s->runtime_dir,
		.state = state,
		.changed = on_changed,
		.arg = s,
	};

	assert_int_equal(document_watch_new(s->loop, &o, &s->watch, s->text,
				 sizeof(s->text)),
		0);
}

static void
scene_close(struct scene *s)
{
	document_watch_free(s->watch);
	ev_loop_destroy(s->loop);
	run(s, "rm -rf /tmp/$(basename $PWD)");
}

static uint64_t
state_of(const struct scene *s)
{
	return document_watch_state(s->config, s->runtime_dir);
}

/* In this order, each with the watches that the one before left. */
static const struct {
	const char *commands, *why;
} changes[] = {
	{"echo 2 >>etc/policies.d/a.yaml", "written in place"},
	{"echo 3 >etc/policies.d/.a.tmp && "
	 "mv etc/policies.d/.a.tmp etc/policies.d/a.yaml",
		"replaced by a rename"},
	{"echo 4 >etc/policies.d/b.yaml", "a file more"},
	{"rm etc/policies.d/b.yaml", "a file less"},
	{"chmod o+w etc/policies.d/a.yaml", "what makes it refused"},
	{"echo 5 >etc/main.yaml", "the main file"},
	{"mv etc/main.yaml etc/old && cp etc/old etc/main.yaml",
		"moved away, and made anew"},
	{"mkdir etc/sandboxes.d", "a folder that was not there"},
	{"echo 6 >etc/sandboxes.d/s.yaml", "and a file in it"},
	{"mkdir run/sandboxes.d && echo 7 >run/sandboxes.d/s.yaml",
		"the other one"},
	{"echo 8 >run/sandboxes.d/s.yaml", "and its file"},
	{"mv etc/policies.d etc/aside && mkdir etc/policies.d && "
	 "cp -P etc/aside/* etc/policies.d && echo 9 >etc/policies.d/a.yaml",
		"a folder in the place of another"},
	{"echo 10 >etc/policies.d/a.yaml", "and its file"},
	{"echo 11 >far/far.yaml", "what a link leads to"},
	{"echo 12 >far/new && mv far/new far/far.yaml", "replaced there"},
	{"mkdir kube/..2 && echo 13 >kube/..2/k.yaml && ln -s ..2 kube/tmp && "
	 "mv -T kube/tmp kube/..data",
		"a link on the way is turned"},
	{"rm -r kube/..1", NULL},
	{"echo 14 >kube/..2/k.yaml", "what it leads to now"},
	{"rm -r etc/sandboxes.d run/sandboxes.d", "folders go"},
	{"mkdir run/sandboxes.d && echo 15 >run/sandboxes.d/s.yaml",
		"and come"},
	{"rm -r etc/policies.d", "with all that is in it"},
};

static void
test_every_change_is_told(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s);
	scene_watch(&s, state_of(&s));
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		uint64_t before = state_of(&s);

		s.changed = false;
		run(&s, changes[i].commands);
		if (changes[i].why == NULL) {
			assert_true(state_of(&s) == before);
			continue;
		}
		loop_until_set(s.loop, &s.changed, changes[i].why);
	}
	scene_close(&s);
}

/* What others do beside them is no change. */
static void
test_what_is_not_read_is_none(void **state)
{
	static const char *const none[] = {
		"echo 1 >etc/policies.d/.a.yaml.swp",
		"echo 1 >etc/policies.d/notes.txt",
		"echo 1 >run/decisions.log",
		"mkdir run/overlays.d",
		"echo 1 >kube/..1/other.yaml",
		"cat etc/main.yaml etc/policies.d/a.yaml >/dev/null",
	};
	struct scene s;

	(void)state;
	scene_open(&s);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		uint64_t before = state_of(&s);

		run(&s, none[i]);
		if (state_of(&s) != before)
			fail_msg("%s", none[i]);
	}
	scene_close(&s);
}

static void
test_what_changed_before_the_watch(void **state)
{
	struct scene s;
	uint64_t before;

	(void)state;
	scene_open(&s);
	before = state_of(&s);
	run(&s, "echo 2 >>etc/main.yaml");
	scene_watch(&s, before);
	loop_until_set(s.loop, &s.changed, "the change before it");
	scene_close(&s);
}

/* More events than the kernel keeps: the last one is among the lost. */
static void
test_an_overflow_is_a_sign_too(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s);
	scene_watch(&s, state_of(&s));
	run(&s, "n=$(cat /proc/sys/fs/inotify/max_queued_events) && "
		"cd etc/policies.d && "
		"awk -v n=$n 'BEGIN { for (i = 0; i <= n; i++) { "
		"f = \"x\" i % 2; print i >f; close(f) } }' && echo 2 >z.yaml");
	loop_until_set(s.loop, &s.changed, "the change that was lost");
	scene_close(&s);
}

static void
test_descriptors(void **state)
{
	int before = open_descriptors();
	struct scene s;

	(void)state;
	scene_open(&s);
	for (int i = 0; i < 3; i++) {
		char commands[64];

		if (s.watch == NULL)
			scene_watch(&s, state_of(&s));
		s.changed = false;
		snprintf(commands, sizeof(commands), "echo %d >>etc/main.yaml",
			i);
		run(&s, commands);
		loop_until_set(s.loop, &s.changed, "a change");
	}
	scene_close(&s);
	assert_int_equal(open_descriptors(), before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_change_is_told),
		cmocka_unit_test(test_what_is_not_read_is_none),
		cmocka_unit_test(test_what_changed_before_the_watch),
		cmocka_unit_test(test_an_overflow_is_a_sign_too),
		cmocka_unit_test(test_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
