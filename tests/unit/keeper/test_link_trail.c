#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "link_trail.h"

static char root[] = "/tmp/sbx-trail-XXXXXX";

static int
setup(void **state)
{
	char command[512];

	(void)state;
	assert_non_null(mkdtemp(root));
	snprintf(command, sizeof(command),
		"cd %s && mkdir -p a/b real/deep && : >a/file && : "
		">real/deep/x && "
		"ln -s ../real/deep/x a/far && ln -s ../real a/folder && "
		"ln -s loop2 loop1 && ln -s loop1 loop2 && ln -s %s/a here && "
		"ln -s missing dangling && mkdir kube && mkdir kube/..1 && "
		": >kube/..1/p && ln -s ..1 kube/..data && ln -s ..data/p "
		"kube/p",
		root, root);
	return system(command);
}

static int
teardown(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

/* The folder, below root. */
static void
note(void *arg, const char *folder)
{
	char *text = arg;
	size_t len = strlen(text);

	assert_true(strncmp(folder, root, strlen(root)) == 0);
	folder += strlen(root);
	snprintf(text + len, 256 - len, "%s%s", len > 0 ? " " : "",
		folder[0] != '\0' ? folder + 1 : ".");
}

static void
test_trails(void **state)
{
	static const struct {
		const char *path, *want, *why;
	} cases[] = {
		{"a/file", "a", "a file: its folder"},
		{"a/b", "a/b", "a folder: itself"},
		{"a/none", "a", "nothing there: where it would be"},
		{"none/x/y", ".", "nor its folder"},
		{"a/file/x", "a", "a file is no folder"},
		{"a//./b/../file", "a", "dots"},
		{"a/far", "a real/deep", "a link, and what it is to"},
		{"a/folder/deep", "a real/deep", "a link on the way"},
		{"a/folder", "a real", "a link to a folder"},
		{"here/file", ". a", "an absolute link"},
		{"dangling", ". .", "a link to nothing"},
		{"kube/p", "kube kube kube/..1", "a link through a link"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char path[PATH_MAX], got[256] = "";

		snprintf(path, sizeof(path), "%s/%s", root, cases[i].path);
		link_trail_walk(path, note, got);
		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%s (%s): %s", cases[i].path, cases[i].why,
				got);
		/* The same from here. */
		got[0] = '\0';
		assert_int_equal(chdir(root), 0);
		link_trail_walk(cases[i].path, note, got);
		assert_string_equal(got, cases[i].want);
	}
}

static void
count(void *arg, const char *folder)
{
	(void)folder;
	++*(int *)arg;
}

static void
test_it_ends(void **state)
{
	char path[2 * PATH_MAX];
	int visits = 0;

	(void)state;
	snprintf(path, sizeof(path), "%s/loop1", root);
	link_trail_walk(path, count, &visits);
	assert_in_range(visits, 2, 41);
	visits = 0;
	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	link_trail_walk(path, count, &visits);
	assert_int_equal(visits, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trails),
		cmocka_unit_test(test_it_ends),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
