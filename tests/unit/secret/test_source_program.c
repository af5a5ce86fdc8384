#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "array.h"
#include "source_program.h"

/* dir/bin/tool, and dir/link to it. */
struct place {
	char dir[32], bin[48], tool[64], link[48];
};

static void
open_place(struct place *p)
{
	int fd;

	snprintf(p->dir, sizeof(p->dir), "/tmp/sbx-program-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->bin, sizeof(p->bin), "%s/bin", p->dir);
	snprintf(p->tool, sizeof(p->tool), "%s/tool", p->bin);
	snprintf(p->link, sizeof(p->link), "%s/link", p->dir);
	assert_int_equal(mkdir(p->bin, 0755), 0);
	fd = open(p->tool, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(symlink(p->tool, p->link), 0);
}

static void
close_place(const struct place *p)
{
	assert_int_equal(unlink(p->link), 0);
	assert_int_equal(unlink(p->tool), 0);
	assert_int_equal(rmdir(p->bin), 0);
	assert_int_equal(rmdir(p->dir), 0);
}

static void
test_who_can_write_decides(void **state)
{
	static const struct {
		mode_t dir, bin, tool;
		const char *culprit; /* below the folder; NULL: none */
		const char *why;
	} cases[] = {
		{0755, 0755, 0755, NULL, "as everything in /usr is"},
		{0700, 0700, 0700, NULL, "ours alone"},
		{0755, 0755, 0775, "/bin/tool", "the group writes to it"},
		{0755, 0755, 0757, "/bin/tool", "anybody writes to it"},
		{0755, 0775, 0755, "/bin", "the group puts another there"},
		{0755, 0757, 0755, "/bin", "anybody puts another there"},
		{0777, 0755, 0755, "", "or another folder"},
		{01777, 0755, 0755, NULL, "sticky: nobody else's is replaced"},
		{0755, 0755, 01777, "/bin/tool",
			"sticky says nothing of files"},
	};
	struct place p;

	(void)state;
	open_place(&p);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *const paths[] = {p.tool, p.link};
		int want = cases[i].culprit == NULL ? 0 : -EACCES;

		assert_int_equal(chmod(p.tool, cases[i].tool), 0);
		assert_int_equal(chmod(p.bin, cases[i].bin), 0);
		assert_int_equal(chmod(p.dir, cases[i].dir), 0);
		for (size_t j = 0; j < ARRAY_LEN(paths); j++) {
			char text[256] = "", line[256] = "";
			int r = source_program_check(
				paths[j], text, sizeof(text));

			if (r != want)
				fail_msg("%s: %d, %s", cases[i].why, r, text);
			if (want != 0 && j == 0)
				snprintf(line, sizeof(line),
					"%s%s is writable by group or others "
					"(chmod go-w)",
					p.dir, cases[i].culprit);
			if (j == 0)
				assert_string_equal(text, line);
		}
	}
	close_place(&p);
}

static void
test_whose_it_is_decides(void **state)
{
	const uid_t somebody = 61999;
	char text[256], line[256];
	struct place p;

	(void)state;
	open_place(&p);
	if (geteuid() == 0) {
		snprintf(line, sizeof(line),
			"%s belongs to somebody else than root", p.bin);
		assert_int_equal(chown(p.bin, somebody, (gid_t)-1), 0);
		assert_int_equal(
			source_program_check(p.tool, text, sizeof(text)),
			-EACCES);
		assert_string_equal(text, line);
		assert_int_equal(
			source_program_check(p.link, text, sizeof(text)),
			-EACCES);
		assert_string_equal(text, line);
		assert_int_equal(chown(p.bin, 0, (gid_t)-1), 0);
	}
	assert_int_equal(
		source_program_check("/bin/sh", text, sizeof(text)), 0);
	close_place(&p);
}

static void
test_what_is_not_there_is_said(void **state)
{
	char text[256], path[PATH_MAX + 2];

	(void)state;
	assert_int_equal(
		source_program_check("/bin/no-such", text, sizeof(text)),
		-ENOENT);
	assert_string_equal(text, "No such file or directory");
	memset(path, '/', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(
		source_program_check(path, text, sizeof(text)), -ENAMETOOLONG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_can_write_decides),
		cmocka_unit_test(test_whose_it_is_decides),
		cmocka_unit_test(test_what_is_not_there_is_said),
	};

	return cmocka_run_group_tests_name("source_program", tests, NULL, NULL);
}
