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

#include "state_folder.h"

static char root[] = "/tmp/sbx-store-XXXXXX", folder[64], why[256];

static int
setup(void **state)
{
	(void)state;
	memcpy(root + strlen(root) - 6, "XXXXXX", 6);
	assert_non_null(mkdtemp(root));
	snprintf(folder, sizeof(folder), "%s/state/overlays.d", root);
	return 0;
}

static int
teardown(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

static void
assert_has(const char *name, const char *want)
{
	char *text;

	assert_int_equal(
		state_folder_get(folder, name, &text, why, sizeof(why)), 0);
	if (want == NULL)
		assert_null(text);
	else
		assert_string_equal(text, want);
	free(text);
}

static void
test_put_get_remove(void **state)
{
	struct stat st;

	(void)state;
	assert_has("a", NULL);
	assert_int_equal(
		state_folder_put(folder, "a", "one\n", why, sizeof(why)), 0);
	assert_int_equal(
		state_folder_put(folder, "a", "two\n", why, sizeof(why)), 0);
	assert_int_equal(
		state_folder_put(folder, "a.b", "", why, sizeof(why)), 0);
	assert_has("a", "two\n");
	assert_has("a.b", "");
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			state_folder_remove(folder, "a", why, sizeof(why)), 0);
	assert_has("a", NULL);
	assert_has("a.b", "");
}

/* A link there could make us read or write elsewhere. */
static void
test_follows_no_link(void **state)
{
	char path[96], *text;

	(void)state;
	assert_int_equal(
		state_folder_put(folder, "b", "x", why, sizeof(why)), 0);
	snprintf(path, sizeof(path), "%s/l.yaml", folder);
	assert_int_equal(symlink("b.yaml", path), 0);
	assert_int_equal(
		state_folder_get(folder, "l", &text, why, sizeof(why)), -ELOOP);
	assert_non_null(strstr(why, path));
	snprintf(path, sizeof(path), "%s/.c.new", folder);
	assert_int_equal(symlink("b.yaml", path), 0);
	assert_int_equal(
		state_folder_put(folder, "c", "y", why, sizeof(why)), -ELOOP);
	assert_has("b", "x");
}

static void
test_says_what_cannot_be(void **state)
{
	static const size_t most = 8 << 20;
	char *longer = malloc(most + 2);

	(void)state;
	assert_non_null(longer);
	memset(longer, 'x', most + 1);
	longer[most + 1] = '\0';
	assert_int_equal(
		state_folder_put(folder, "big", longer, why, sizeof(why)),
		-EFBIG);
	assert_has("big", NULL);
	longer[most] = '\0';
	assert_int_equal(
		state_folder_put(folder, "big", longer, why, sizeof(why)), 0);
	assert_has("big", longer);
	free(longer);
	assert_int_equal(
		state_folder_put("/dev/null/x", "a", "b", why, sizeof(why)),
		-ENOTDIR);
	assert_non_null(strstr(why, "/dev/null/x"));
}

/* One that somebody else made, who has no such bound. */
static void
test_reads_no_more_than_it_writes(void **state)
{
	char path[96], *text;
	FILE *f;

	(void)state;
	assert_int_equal(
		state_folder_put(folder, "big", "x", why, sizeof(why)), 0);
	snprintf(path, sizeof(path), "%s/big.yaml", folder);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(ftruncate(fileno(f), (8 << 20) + 1), 0);
	fclose(f);
	assert_int_equal(
		state_folder_get(folder, "big", &text, why, sizeof(why)),
		-EFBIG);
	assert_null(text);
}

struct visits {
	char seen[256];
	int end; /* what the second returns */
	int count;
};

static int
visit(void *arg, const char *name, const char *text)
{
	struct visits *v = arg;
	size_t len = strlen(v->seen);

	snprintf(v->seen + len, sizeof(v->seen) - len, "%s=%s;", name, text);
	return ++v->count == 2 ? v->end : 0;
}

static void
test_each_in_order(void **state)
{
	struct visits all = {.end = 0}, some = {.end = -EINVAL};
	char path[96];
	FILE *f;

	(void)state;
	assert_int_equal(
		state_folder_each(folder, visit, &all, why, sizeof(why)), 0);
	assert_string_equal(all.seen, "");
	for (const char *name = "cab"; *name != '\0'; name++)
		assert_int_equal(state_folder_put(folder, (char[]){*name, '\0'},
					 "x", why, sizeof(why)),
			0);
	/* What a keeper leaves that was killed while it wrote. */
	snprintf(path, sizeof(path), "%s/.d.new", folder);
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(
		state_folder_each(folder, visit, &all, why, sizeof(why)), 0);
	assert_string_equal(all.seen, "a=x;b=x;c=x;");
	assert_int_equal(
		state_folder_each(folder, visit, &some, why, sizeof(why)),
		-EINVAL);
	assert_string_equal(some.seen, "a=x;b=x;");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_put_get_remove, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_follows_no_link, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_says_what_cannot_be, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_reads_no_more_than_it_writes, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_each_in_order, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
